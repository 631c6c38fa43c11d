"""A stack, or a part of one, live on a cluster of its own: what every scenario starts from and looks at.

Simulated durations are divided (`Clock`); FULL=1 runs them undivided. Waits that real controllers take from an object
itself (windows of an autoscaler, deadlines of a rollout) are divided in the object: `divided`.
"""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from policy.graph import Graph
from settings.model import PlatformSettings
from tests.support import ROOT
from workbench.deploy import apply
from workbench.deploy.likeness import Likeness, likeness
from workbench.deploy.ready import conditions, pending
from workbench.deploy.up import start
from workbench.localcluster.api import LOST_RACE, Api, Manifest, wait
from workbench.localcluster.clock import FACTOR, Clock
from workbench.localcluster.cluster import Cluster
from workbench.localcluster.metrics import MetricsApi
from workbench.localcluster.nodes import Nodes
from workbench.plan.stack import plan_file

T = TypeVar("T")
Change = Callable[[Manifest], Manifest | None]
"""Takes a manifest and gives what is applied instead; None leaves it out."""
SLACK = 20.0
"""Real seconds that the machine may be late, whatever is waited for."""
PROGRESS = 5
"""Real seconds that the machine may add to a divided deadline of a rollout: 14 s of 810 s were left with 2 of them."""


@dataclass
class Live:
    """One cluster, and the stack that is meant for it."""

    cluster: Cluster
    alike: Likeness
    graph: Graph
    nodes: Nodes
    clock: Clock

    @cached_property
    def api(self) -> Api:
        return self.cluster.api

    @property
    def settings(self) -> PlatformSettings:
        return self.alike.resolved.settings

    @cached_property
    def metrics(self) -> MetricsApi:
        return MetricsApi(self.cluster.state)

    # --- bringing up

    def steps(
        self, *, only: Callable[[Manifest], bool] | None = None, change: Change | None = None
    ) -> list[apply.Step]:
        """The plan's objects: those that `only` takes, as `change` gives them."""
        kept: list[apply.Step] = []
        places: dict[int, int] = {}
        for place, step in enumerate(apply.steps(self.graph)):
            manifest = copy.deepcopy(step.manifest)
            if only is not None and not only(manifest):
                continue
            if change is not None and (manifest := change(manifest)) is None:
                continue
            places[place] = len(kept)
            kept.append(replace(step, manifest=manifest, after=tuple(places[a] for a in step.after if a in places)))
        return kept

    def up(self, *, only: Callable[[Manifest], bool] | None = None, change: Change | None = None) -> apply.Report:
        """Applies the plan, or a part of it, and waits until it is ready and its Services know of it.

        A Deployment says that its pods are ready before the controller of EndpointSlices has looked at them.
        """
        report = apply.up(self.api, self.steps(only=only, change=change), self.cluster.state, lambda _: None)
        self.until("Services that know of their pods", self._services_know)
        return report

    def apply(self, *, only: Callable[[Manifest], bool] | None = None, change: Change | None = None) -> None:
        """Applies without waiting: for what will not get ready."""
        for step in self.steps(only=only, change=change):
            self.api.apply(step.manifest, manager=apply.MANAGER)

    def planned(self, only: Callable[[Manifest], bool] | None = None) -> set[tuple[str, str, str]]:
        """Kind, namespace and name of what the plan has."""
        return {_identity(step.manifest) for step in self.steps(only=only)}

    def ours(self) -> set[tuple[str, str, str]]:
        """Kind, namespace and name of what the platform has made on the cluster, of every kind that the plan has."""
        kinds = sorted({(s.manifest["apiVersion"], s.manifest["kind"]) for s in apply.steps(self.graph)})
        query = {"labelSelector": f"app.kubernetes.io/part-of={self.settings.name}"}
        out = set()
        for version, kind in kinds:
            path = self.api.path(kind, None, None, version)
            for live in self.api.call("GET", path, query=query).object["items"]:
                if not live["metadata"].get("ownerReferences"):
                    out.add(_identity({**live, "kind": kind}))
        return out

    # --- interrupting

    def half_way(self, enough: int = 30) -> None:
        """Waits until an `up` has made so many objects."""
        self.until(f"{enough} objects", lambda: len(self.ours()) >= enough, slack=60)

    def outage(self) -> None:
        """The API server dies, is away for two seconds, and comes back."""
        self.cluster.kill("kube-apiserver")
        time.sleep(2)
        self.cluster.restart("kube-apiserver")

    def kill_up_half_way(self, *flags: str, enough: int = 30) -> None:
        """`up` as a user runs it, and SIGKILL to it and all that it started."""
        command = [sys.executable, "-m", "workbench", "up", "--state", str(self.cluster.state), *flags]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True) as run:
            try:
                self.half_way(enough)
            finally:
                os.killpg(run.pid, signal.SIGKILL)

    # --- looking

    def deployment(self, name: str, namespace: str) -> Manifest:
        return self.api.get("Deployment", name, namespace)

    def pods(self, namespace: str, app: str | None = None) -> list[Manifest]:
        """Pods that are not on their way out."""
        found = self.api.list("Pod", namespace, labels={"app": app} if app else None)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self, namespace: str, app: str) -> list[Manifest]:
        return [pod for pod in self.pods(namespace, app) if is_ready(pod)]

    def endpoints(self, namespace: str, service: str) -> list[Manifest]:
        """The endpoints of a Service that take requests."""
        slices = self.api.list("EndpointSlice", namespace, labels={"kubernetes.io/service-name": service})
        every = [endpoint for piece in slices for endpoint in piece.get("endpoints") or []]
        return [endpoint for endpoint in every if endpoint.get("conditions", {}).get("ready")]

    def events(self, namespace: str, reason: str) -> list[str]:
        """Messages of the events with this reason."""
        found = self.api.list("Event", namespace, fields=f"reason={reason}")
        return [event.get("message") or event.get("note") or "" for event in found]

    def refused(self, namespace: str) -> list[str]:
        """Why the API server refused to create pods, as their controllers tell it.

        That somebody else wrote first is no refusal: the quota's controller counts who is gone while the API server
        counts who comes. The pod is created a moment later.
        """
        return [message for message in self.events(namespace, "FailedCreate") if LOST_RACE not in message]

    def scale(self, name: str, namespace: str, replicas: int) -> None:
        """`kubectl scale`."""
        self.api.merge("Deployment", name, namespace, {"spec": {"replicas": replicas}}, sub="scale", manager="kubectl")

    def _services_know(self) -> bool:
        """A look: the endpoints of each Service of ours that take requests are its ready pods."""
        for namespace in self.settings.namespaces:
            for service in self.api.list("Service", namespace):
                name, app = service["metadata"]["name"], service["spec"]["selector"]["app"]
                serve = {endpoint["targetRef"]["name"] for endpoint in self.endpoints(namespace, name)}
                ready = {pod["metadata"]["name"] for pod in self.ready_pods(namespace, app)}
                assert serve == ready, f"{namespace}/{name}: {serve} of {ready}"
        return True

    # --- waiting

    def until(self, what: str, look: Callable[[], Any], *, simulated: float = 0, slack: float = SLACK) -> Any:
        """Looks until it is so: for so many simulated seconds, and the machine's slack."""
        return wait(what, look, self.clock.seconds(simulated) + slack, poll=0.05)

    def until_ready(self, kind: str, name: str, namespace: str, *, simulated: float = 600) -> None:
        def look() -> bool:
            why = pending(self.api.get(kind, name, namespace))
            assert why is None, why
            return True

        self.until(f"ready {kind} {namespace}/{name}", look, simulated=simulated)

    def seen(self, look: Callable[[], T]) -> Seen[T]:
        """`with live.seen(look) as seen`: everything that it was meanwhile."""
        return Seen(look, self.clock)

    def holds(self, what: str, look: Callable[[], bool], *, simulated: float = 0, least: float = 2.0) -> None:
        """It is so all the time, for so many simulated seconds and at least `least` real ones."""
        deadline = time.monotonic() + max(least, self.clock.seconds(simulated))
        while time.monotonic() < deadline:
            assert look(), what
            time.sleep(0.05)


def _identity(manifest: Manifest) -> tuple[str, str, str]:
    return (manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"])


def begin(stack: str, state: Path, *, platform: str | None = None, nodes: bool = True, factor: int = FACTOR) -> Live:
    """A new cluster for a stack: with its nodes, and nothing on it yet.

    `factor` divides less than usual: for what hangs on differences that the machine must not blur.
    """
    clock = Clock(min(factor, Clock.from_environment().factor))
    alike = likeness(stack, platform)
    cluster = Cluster(state)
    try:
        made = start(cluster, alike, platform, clock, lambda _: None, nodes=nodes)
    except BaseException:
        cluster.down()
        raise
    return Live(cluster, alike, plan_file(stack, alike.file, alike.resolved).graph, made, clock)


class Seen(Generic[T]):
    """Looks all the time while the `with` lasts, in a thread of its own, and keeps each change with its time."""

    def __init__(self, look: Callable[[], T], clock: Clock) -> None:
        self._look, self._clock = look, clock
        self._done = threading.Event()
        self._thread = ThreadPoolExecutor(1)
        self.changes: list[tuple[float, T]] = []
        """Simulated seconds since the beginning, and what it was from then on."""

    @property
    def values(self) -> list[T]:
        """What it was, one after the other."""
        return [value for _, value in self.changes]

    def __enter__(self) -> Seen[T]:
        begin = time.monotonic()
        self.changes.append((0, self._look()))

        def watch() -> None:
            over = False
            while not over:
                over = self._done.wait(0.03)  # and once more at the end: what was waited for is in it
                now, value = time.monotonic() - begin, self._look()
                if value != self.changes[-1][1]:
                    self.changes.append((now * self._clock.factor, value))

        self._end = self._thread.submit(watch)
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.shutdown()
        self._end.result()


def is_ready(pod: Mapping[str, Any]) -> bool:
    return conditions(pod).get("Ready", {}).get("status") == "True"


def of_kinds(*kinds: str) -> Callable[[Manifest], bool]:
    """Takes objects of these kinds."""
    return lambda manifest: manifest["kind"] in kinds


def within(*namespaces: str) -> Callable[[Manifest], bool]:
    """Takes namespaces, what is in them, and what is of the whole cluster (priorities)."""

    def take(manifest: Manifest) -> bool:
        if manifest["kind"] == "Namespace":
            return manifest["metadata"]["name"] in namespaces
        return manifest["metadata"].get("namespace") in (None, *namespaces)

    return take


def divided(clock: Clock) -> Change:
    """Divides the waits that real controllers take from an object itself, so that they fit simulated time.

    An autoscaler's windows and periods and a rollout's deadline become that much shorter, at least one second; a
    budget, a share or a count stays what it is.
    """

    def short(seconds: int) -> int:
        return max(1, round(clock.seconds(seconds)))

    def change(manifest: Manifest) -> Manifest:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "HorizontalPodAutoscaler":
            for rules in spec.get("behavior", {}).values():
                if "stabilizationWindowSeconds" in rules:
                    rules["stabilizationWindowSeconds"] = short(rules["stabilizationWindowSeconds"])
                for policy in rules.get("policies", ()):
                    policy["periodSeconds"] = short(policy["periodSeconds"])
        if manifest["kind"] == "Deployment" and "progressDeadlineSeconds" in spec:
            whole = spec["progressDeadlineSeconds"]
            spec["progressDeadlineSeconds"] = min(whole, short(whole) + PROGRESS)
        return manifest

    return change


def restart(live: Live, name: str, namespace: str) -> None:
    """`kubectl rollout restart`."""
    stamp = {"kubectl.kubernetes.io/restartedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    template = {"metadata": {"annotations": stamp}}
    live.api.merge("Deployment", name, namespace, {"spec": {"template": template}}, manager="kubectl-rollout")


def names(live: Live, namespace: str, app: str) -> set[str]:
    """Of its pods that are not on their way out."""
    return {pod["metadata"]["name"] for pod in live.pods(namespace, app)}


def rolled_out(live: Live, name: str, namespace: str, old: set[str]) -> bool:
    """A look, for `until`: the Deployment is done, and of its old pods none is left, not even on its way out."""
    why = pending(live.deployment(name, namespace))
    assert why is None, why
    left = {pod["metadata"]["name"] for pod in live.api.list("Pod", namespace)} & old
    assert not left, f"{len(left)} old pods"
    return True


def given_up(live: Live, name: str, namespace: str) -> bool:
    """A look: a rollout made no progress within its deadline."""
    progressing = conditions(live.deployment(name, namespace))["Progressing"]
    return (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
