"""Applies a plan to a cluster without an engine: server-side, in the order of dependencies, waiting as the engine does.

What was applied is kept in one file of the state folder, written before anything is made: an `up` that is killed leaves
nothing that the next one does not know.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy.graph import SECRET, Graph, KubernetesObject, undecided
from workbench.deploy.likeness import STAND_IN
from workbench.deploy.ready import ANEW, name_of, pending
from workbench.localcluster.api import POLL, Api, ApiError, Manifest, UnreachableError, wait
from workbench.localcluster.errors import ClusterError

Key = tuple[str, str, str, str]
"""API version, kind, namespace (empty: of the cluster) and name."""
MANAGER = "llmplatform"
"""Field manager of the platform's objects."""
INVENTORY = "applied.json"
AT_ONCE = 48
"""Objects in the air: most of them wait for others, and waiting costs nothing."""
PATIENCE = 600
"""Seconds for an object that states no timeout (the engine's own)."""
OUTAGE = 60
"""Seconds that the API server may be away in the middle of an `up`."""
GONE = 120
"""Seconds until a deleted object is gone."""


@dataclass(frozen=True)
class Step:
    """One object, and those that must be ready before it."""

    manifest: Manifest
    after: tuple[int, ...]
    """Places of those in the list."""
    timeout: float
    """Seconds that it may take."""


@dataclass
class Report:
    """What an apply did."""

    done: Counter[str] = field(default_factory=Counter)
    """created, changed, unchanged, replaced, deleted -> how many."""
    warnings: list[str] = field(default_factory=list)
    """What the API server warned of."""
    changed: list[str] = field(default_factory=list)
    """Names of what was not left alone."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, how: str, name: str, warnings: Iterable[str] = ()) -> None:
        """Counts one object. Objects are made at the same time, and a count that two write at once loses one."""
        with self._lock:
            self.done[how] += 1
            if how != "unchanged":
                self.changed.append(name)
            self.warnings += [f"{name}: {warning}" for warning in warnings]

    def __str__(self) -> str:
        order = ("created", "changed", "replaced", "deleted", "unchanged")
        return ", ".join(f"{self.done[key]} {key}" for key in order if self.done[key]) or "nothing to do"


def steps(graph: Graph) -> list[Step]:
    """The objects of a graph in an order in which each comes after what it depends on.

    Raises:
        ClusterError: an object holds a value that only a deployment can know.
    """
    objects = {thing.resource.urn: thing for thing in graph.objects}
    order: dict[str, int] = {}
    out: list[Step] = []

    def visit(urn: str) -> None:
        if urn in order or urn not in objects:
            return
        thing = objects[urn]
        for dependency in thing.resource.dependencies:
            visit(dependency)
        after = tuple(sorted(order[d] for d in thing.resource.dependencies if d in order))
        order[urn] = len(out)
        out.append(Step(_decided(thing), after, _timeout(thing)))

    for urn in objects:
        visit(urn)
    return out


def up(api: Api, todo: Sequence[Step], state: Path, say: Callable[[str], None]) -> Report:
    """Makes the cluster what the steps say, and removes what an earlier `up` made and they no longer have.

    Raises:
        ClusterError: something is refused or does not get ready; all such things are in the message.
    """
    inventory = _Inventory(state)
    before = inventory.read()
    now = [_key(step.manifest) for step in todo]
    inventory.write([*(key for key in before if key not in now), *now])
    report, progress = Report(), _Progress(len(todo), say)
    _run(todo, lambda step, stopped: _make(api, step, report, progress, stopped))
    for key in reversed([key for key in before if key not in now]):
        if _remove(api, key):
            report.add("deleted", _named(key))
    inventory.write(now)
    return report


def destroy(api: Api, todo: Sequence[Step], state: Path) -> Report:
    """Removes everything that the steps say, dependants first, and waits until each is gone."""
    places = range(len(todo))
    dependants = {i: tuple(j for j in places if i in todo[j].after) for i in places}
    backwards = [
        Step(todo[i].manifest, tuple(len(todo) - 1 - j for j in dependants[i]), GONE) for i in reversed(places)
    ]
    report = Report()

    def gone(step: Step, _stopped: threading.Event) -> None:
        if _remove(api, _key(step.manifest)):
            report.add("deleted", name_of(step.manifest))

    _run(backwards, gone)
    _Inventory(state).write([])
    return report


def drift(api: Api, todo: Iterable[Step]) -> list[str]:
    """What somebody else changed of what we own: the object, the path, what it is and what it should be.

    Fields that others own (the replicas of an autoscaled workload) are none of ours, and not looked at.
    """
    out = []
    for step in todo:
        live = find(api, step.manifest)
        if live is None:
            out.append(f"{name_of(step.manifest)}: is gone")
            continue
        wanted = api.apply(step.manifest, manager=MANAGER, dry_run=True).object
        both = _content(live, step.manifest), _content(wanted, step.manifest)
        out += [f"{name_of(live)}: {path}: {was} -> {to}" for path, was, to in _differences(*both)]
    return out


def _decided(thing: KubernetesObject) -> Manifest:
    manifest: Manifest = _stand_in(thing.manifest, thing.kind == "Secret")
    left = undecided(manifest)
    if left:
        raise ClusterError(f"{thing}: {', '.join(left)} is known only after a deployment; only an engine can make it")
    return manifest


def _stand_in(value: Any, secret: bool) -> Any:
    """The manifest with a stand-in where a secret is; the data of a Secret is base64."""
    if isinstance(value, Mapping):
        return {
            key: {k: base64.b64encode(STAND_IN.encode()).decode() if v == SECRET else v for k, v in item.items()}
            if secret and key == "data" and isinstance(item, Mapping)
            else _stand_in(item, secret)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_stand_in(item, secret) for item in value]
    return STAND_IN if value == SECRET else value


def _timeout(thing: KubernetesObject) -> float:
    stated = thing.resource.timeouts.get("create", "")
    units = {"h": 3600, "m": 60, "s": 1}
    seconds = sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([hms])", stated))
    return seconds or PATIENCE


def _run(todo: Sequence[Step], work: Callable[[Step, threading.Event], None]) -> None:
    """Each step once those before it are done. After a failure nothing new is begun."""
    stopped = threading.Event()
    futures: list[Future[None]] = []

    def one(step: Step) -> None:
        for place in step.after:
            futures[place].result()
        if stopped.is_set():
            raise _StoppedError
        try:
            work(step, stopped)
        except BaseException:
            stopped.set()
            raise

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for step in todo:  # in order: a step waits only for those that were submitted before it
            futures.append(pool.submit(one, step))  # noqa: PERF401  # running steps look into the list
        problems = [error for future in futures if (error := future.exception()) is not None]
    finally:
        stopped.set()  # Ctrl-C: those that wait give up at once
        pool.shutdown(cancel_futures=True)
    for error in problems:
        if not isinstance(error, ClusterError):
            raise error
    real = dict.fromkeys(str(error) for error in problems if not isinstance(error, _StoppedError))
    if real:
        raise ClusterError("\n".join(real))


class _StoppedError(ClusterError):
    """Another step failed first."""


class _Progress:
    """Says every few seconds how far it is, and what is waited for."""

    EVERY = 5.0

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._say, self._total, self._ready = say, total, 0
        self._waiting: dict[str, str] = {}
        self._lock, self._said = threading.Lock(), time.monotonic()

    def waits(self, what: str, reason: str) -> None:
        with self._lock:
            self._waiting[what] = reason
            if time.monotonic() - self._said > self.EVERY:
                self._said = time.monotonic()
                some = [f"{name} {why}" for name, why in list(self._waiting.items())[:3]]
                more = f" and {len(self._waiting) - 3} more" if len(self._waiting) > 3 else ""
                self._say(f"  {self._ready} of {self._total} ready; {'; '.join(some)}{more}")

    def ready(self, what: str) -> None:
        with self._lock:
            self._ready += 1
            self._waiting.pop(what, None)


def _content(thing: Manifest, ours: Manifest) -> Manifest:
    """What of an object may change by an apply: not its status, and not what controllers note on it at any time, a
    revision for example, which would make a change of ours out of one of theirs.
    """
    metadata = {
        k: v for k, v in thing["metadata"].items() if k not in ("generation", "managedFields", "resourceVersion")
    }
    annotations = metadata.get("annotations") or {}
    stated = ours["metadata"].get("annotations") or {}
    metadata["annotations"] = {key: value for key, value in annotations.items() if key in stated}
    return {**{k: v for k, v in thing.items() if k != "status"}, "metadata": metadata}


def _make(api: Api, step: Step, report: Report, progress: _Progress, stopped: threading.Event) -> None:
    name = name_of(step.manifest)
    key = _key(step.manifest)
    live = _patiently(lambda: _find(api, key))
    how = "created" if live is None else ""
    try:
        answer = _patiently(lambda: api.apply(step.manifest, manager=MANAGER))
    except ApiError as error:
        if live is None or not _immutable(error):
            raise ClusterError(f"{name}: {error}") from error
        if step.manifest["kind"] == "PersistentVolumeClaim":
            why = "it is never replaced, since its data would go"
            raise ClusterError(f"{name}: {why}: {error}\n  fix: another name; or {ANEW}") from error
        _remove(api, key)
        answer, how = _patiently(lambda: api.apply(step.manifest, manager=MANAGER)), "replaced"
    if live is not None and not how:
        how = "unchanged" if _content(live, step.manifest) == _content(answer.object, step.manifest) else "changed"
    report.add(how, name, answer.warnings)
    _until_ready(api, step, progress, stopped)


def _until_ready(api: Api, step: Step, progress: _Progress, stopped: threading.Event) -> None:
    name = name_of(step.manifest)
    away: list[float] = []

    def look() -> bool:
        if stopped.is_set():
            raise _StoppedError
        try:
            live = find(api, step.manifest)
        except UnreachableError as error:
            away.append(time.monotonic())
            if away[-1] - away[0] > OUTAGE:
                raise ClusterError(f"{error}, for {OUTAGE} s\n  fix: `make up` again, which starts it") from error
            raise
        away.clear()
        assert live is not None, "it is gone"
        why = pending(live)
        if why is not None:
            progress.waits(name, why)
            raise AssertionError(why)
        return True

    wait(f"ready {name}", look, step.timeout, poll=POLL * 2)
    progress.ready(name)


def _patiently(call: Callable[[], Any]) -> Any:
    """An API server that does not answer just now may be back in a moment; what it refuses, it refuses."""
    deadline = time.monotonic() + OUTAGE
    while True:
        try:
            return call()
        except (UnreachableError, ApiError) as error:
            if not error.passing or time.monotonic() > deadline:
                raise
        time.sleep(0.3)


def _immutable(error: ApiError) -> bool:
    return error.status == 422 and any(said in str(error) for said in ("immutable", "may not be changed in an update"))


def _remove(api: Api, key: Key) -> bool:
    """Deletes an object and waits until it is gone; False if it was not there."""
    version, kind, namespace, name = key
    policy = {"propagationPolicy": "Foreground" if kind in ("Deployment", "Job") else "Background"}
    try:
        _patiently(lambda: api.call("DELETE", api.path(kind, name, namespace or None, version), policy))
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    wait(f"end of {_named(key)}", lambda: _find(api, key) is None, GONE, poll=POLL * 2)
    return True


def find(api: Api, manifest: Mapping[str, Any]) -> Manifest | None:
    """The live object of a manifest, or None."""
    return _find(api, _key(manifest))


def _find(api: Api, key: Key) -> Manifest | None:
    version, kind, namespace, name = key
    return api.find(kind, name, namespace or None, version=version)


def _key(manifest: Mapping[str, Any]) -> Key:
    metadata = manifest["metadata"]
    return (manifest["apiVersion"], manifest["kind"], metadata.get("namespace") or "", metadata["name"])


def _named(key: Key) -> str:
    return f"{key[1]} {key[2] + '/' if key[2] else ''}{key[3]}"


class _Inventory:
    """What was applied, in order."""

    def __init__(self, state: Path) -> None:
        self._file = state / INVENTORY

    def read(self) -> list[Key]:
        if not self._file.exists():
            return []
        try:
            return [(row[0], row[1], row[2], row[3]) for row in json.loads(self._file.read_text(encoding="utf-8"))]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ClusterError(f"{self._file} cannot be read: {error}\n  fix: `make down`, then `make up`") from error

    def write(self, keys: Iterable[Key]) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(list(keys), indent=1), encoding="utf-8")
        fresh.replace(self._file)


def _differences(live: Any, wanted: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        out = []
        for key in sorted({*live, *wanted}):
            out += _differences(live.get(key), wanted.get(key), f"{path}.{key}" if path else str(key))
        return out
    if isinstance(live, list) and isinstance(wanted, list) and len(live) == len(wanted):
        return [
            d for i, (a, b) in enumerate(zip(live, wanted, strict=True)) for d in _differences(a, b, f"{path}[{i}]")
        ]
    return [] if live == wanted else [(path, live, wanted)]
