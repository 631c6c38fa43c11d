"""Random settings with a workload of every kind, and what they ask for: counted by hand, pod by pod."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from settings import shape
from settings.demand import model_resources
from settings.instances import instance_types
from settings.merge import merge
from settings.model import PlatformSettings
from settings.model_server import HubFiles
from settings.problems import Path, Problem
from settings.rules import RULES
from settings.tenancy import Namespace
from settings.versions import REVISIONS
from settings.workload import Resources, Workload
from settings.yaml_reader import Document, read_file
from tests.settings.support import QUICK
from tests.support import DATA, ROOT, tiny

Overlay: TypeAlias = dict[str, Any]
Free: TypeAlias = tuple[int, ...]
"""What a node has left: CPU, memory, local disk, places for pods, GPUs."""
TAINT = {"key": "nvidia.com/gpu", "value": "present"}
BY_GPUS = {
    1: ["g4dn.xlarge", "g5.xlarge", "g6.xlarge", "g6e.xlarge"],
    4: ["g4dn.12xlarge", "g5.12xlarge", "g6.12xlarge", "g6e.12xlarge"],
}
"""GPUs of a node -> instance types of one shape."""
BASELINE, QUANTIZED = "mistralai/Mistral-7B-Instruct-v0.3", "solidrust/Mistral-7B-Instruct-v0.3-AWQ"


@cache
def _base() -> Document:
    return read_file(DATA / "tiny.yaml", "platforms/tiny.yaml")


def parsed(overlay: Overlay) -> PlatformSettings:
    """The settings of an overlay, whether the rules take them or not."""
    merged, faults = merge(_base(), Document("Pulumi.test.yaml", overlay))
    settings, wrong = shape.parse(merged)
    assert settings is not None, wrong
    assert not faults, faults
    return settings


def found(settings: PlatformSettings, rule: str) -> list[Problem]:
    """What one rule finds, as in prod."""
    (check,) = [known.check for known in RULES if known.id == rule]
    return check(settings)


def both_ways(*strategies: st.SearchStrategy[Any], examples: int = 40) -> Callable[..., Callable[[], None]]:
    """Makes a test of a check that returns its verdicts: on random examples, of which some end one way, some the other.

    A property that never sees a refusal, or never sees anything taken, proves nothing.
    """

    def decorate(check: Callable[..., Iterable[bool]]) -> Callable[[], None]:
        def test() -> None:
            seen: Counter[bool] = Counter()

            @hypothesis_settings(QUICK, max_examples=examples)
            @given(st.tuples(*strategies))
            def run(drawn: tuple[Any, ...]) -> None:
                seen.update(check(*drawn))

            run()
            assert min(seen[True], seen[False]) >= 3, f"one verdict hardly occurs: {dict(seen)}"

        test.__name__ = test.__qualname__ = check.__name__
        test.__module__ = check.__module__
        return test

    return decorate


@dataclass(frozen=True)
class Pod:
    """One pod that can exist: one container, as all of ours; init containers are no larger."""

    name: str
    """Of what makes it."""
    namespace: str
    pool: str | None
    needs: Free
    """What it requests: CPU, memory, local disk, one place, GPUs."""
    limits: tuple[int, int]
    """CPU and memory."""
    owner: Path = field(compare=False)
    """What a problem of it names."""

    @property
    def requests(self) -> tuple[int, int]:
        """CPU and memory."""
        return self.needs[0], self.needs[1]


def pods(settings: PlatformSettings) -> list[Pod]:
    """Every pod that can exist at a time: in a rollout at the ceiling, while the caches are filled."""
    placed = [*_of_services(settings), *_of_models(settings)]
    return [*placed, *_of_downloads(settings), *_placeholders(settings, placed)]


def most(workload: Workload) -> int:
    """The most replicas that whoever owns the count asks for."""
    scaling: Any = workload.scaling
    return scaling.replicas if scaling.kind == "fixed" else scaling.max


def least(workload: Workload) -> int:
    """The fewest."""
    scaling: Any = workload.scaling
    return scaling.replicas if scaling.kind == "fixed" else scaling.min


def _pod(name: str, namespace: str, pool: str | None, size: Resources, owner: Path, *, gpus: int = 0) -> Pod:
    ask, top = size.requests, size.limits
    needs = (ask.cpu.milli, ask.memory.bytes, ask.ephemeral_storage.bytes, 1, gpus)
    return Pod(name, namespace, pool, needs, (top.cpu.milli, top.memory.bytes), owner)


def _of_services(settings: PlatformSettings) -> Iterator[Pod]:
    for name, service in settings.services.items():
        for _ in range(most(service) + service.rollout.max_surge):
            yield _pod(name, service.namespace, service.pool, service.resources, ("services", name))


def _of_models(settings: PlatformSettings) -> Iterator[Pod]:
    for name, model in settings.models.items():
        size, surge = model_resources(settings, name), model.rollout.max_surge
        for _ in range(most(model) + surge):
            yield _pod(name, model.namespace, model.pool, size, ("models", name), gpus=model.gpus)
        for _ in range(model.floor.replicas + surge if model.floor else 0):
            pool = model.floor.pool if model.floor else None
            yield _pod(f"{name}-floor", model.namespace, pool, size, ("models", name), gpus=model.gpus)


def fetched(settings: PlatformSettings, cache_name: str) -> dict[tuple[Any, ...], int]:
    """Everything that a cache is filled with, each once -> its bytes; 0 where nobody knows them."""
    sizes = {hub: row["size"] for hub, row in facts().items()}
    out: dict[tuple[Any, ...], int] = {}
    for model in (m for m in settings.models.values() if m.cache == cache_name):
        known = model.source.size.bytes if model.source.size else int(sizes[model.source.hub].removesuffix("Mi")) << 20
        out[_revision(model.source)] = known
        out |= {_revision(adapter): 0 for adapter in model.adapters.values()}
    return out


@cache
def facts() -> dict[str, dict[str, Any]]:
    """What is known of models, by their repository."""
    return read_file(ROOT / "settings" / "data" / "models.yaml").data["models"]


def _revision(files: HubFiles) -> tuple[Any, ...]:
    pinned = REVISIONS[files.hub].value if files.hub in REVISIONS else None
    return (files.hub, files.revision or pinned, frozenset(files.skip))


def _of_downloads(settings: PlatformSettings) -> Iterator[Pod]:
    for name, store in settings.caches.items():
        for _ in fetched(settings, name):
            yield _pod(name, store.namespace, store.pool, store.resources, ("caches", name))


def _placeholders(settings: PlatformSettings, placed: list[Pod]) -> Iterator[Pod]:
    """As large as the largest model of the pool, of each resource by itself."""
    for name, pool in settings.node_pools.items():
        models = [pod for pod in placed if pod.pool == name and pod.owner[0] == "models"]
        if pool.headroom is None or not models:
            continue
        needs = tuple(max(each) for each in zip(*(pod.needs for pod in models), strict=True))
        limits = max(pod.limits[0] for pod in models), max(pod.limits[1] for pod in models)
        for _ in range(pool.headroom.replicas):
            yield Pod(f"{name}-headroom", pool.headroom.namespace, name, needs, limits, ("node_pools", name))


def not_admitted(namespace: Namespace, pod: Pod) -> set[tuple[str, int]]:
    """What of a pod LimitRanger does not admit: a request or limit that is not within the least and the most."""
    bounds = namespace.limit_range
    low, high = ((b.cpu.milli, b.memory.bytes) for b in (bounds.min, bounds.max))
    return {
        (f"{what} {kind}", amount)
        for what, amounts in (("request", pod.requests), ("limit", pod.limits))
        for kind, least, most, amount in zip(("cpu", "memory"), low, high, amounts, strict=True)
        if not least <= amount <= most
    }


def nodes(settings: PlatformSettings, pool: str) -> dict[str, Free]:
    """What an empty node of each instance type of a pool has for workloads."""
    out = {}
    for name in settings.node_pools[pool].instance_types:
        kind = instance_types()[name]
        cpu, memory, places = kind.cpu.milli, kind.memory.bytes, kind.pods
        for daemonset in settings.daemonsets.values():
            if daemonset.pools is None or pool in daemonset.pools:
                cpu -= daemonset.cpu.milli if daemonset.cpu else 0
                memory -= daemonset.memory.bytes if daemonset.memory else 0
                places -= 1
        out[name] = (cpu, memory, settings.node_pools[pool].disk.pods_share.bytes, places, kind.gpus)
    return out


def after(free: Free, pod: Pod) -> Free | None:
    """What a node has left once a pod is on it; None if the scheduler would not put it there."""
    left = tuple(have - take for have, take in zip(free, pod.needs, strict=True))
    return left if min(left) >= 0 else None


def packable(wanted: list[Pod], empty: Free, count: int) -> bool:
    """True if any way of placing the pods fills at most so many nodes: every way is tried, alike ones once."""
    ways: set[tuple[Free, ...]] = {()}
    for pod in sorted(wanted, key=lambda pod: (pod.needs[4], pod.needs), reverse=True):
        grown = set()
        for way in ways:
            for index, free in enumerate((*way, empty) if len(way) < count else way):
                left = after(free, pod)
                if left is not None:
                    grown.add(tuple(sorted([*way[:index], left, *way[index + 1 :]])))
        ways = grown
    return bool(ways)


def lands_on(settings: PlatformSettings, pool: str | None) -> list[str]:
    """The pools whose nodes take a pod: the one that it selects, or every one without a taint that repels."""
    if pool is not None:
        return [pool]
    return [
        name
        for name, spec in settings.node_pools.items()
        if not [taint for taint in spec.taints if taint.effect in ("NoSchedule", "NoExecute")]
    ]


@st.composite
def sizes(draw: Any, *, most_cpu: int = 4000, most_memory: int = 9000) -> Overlay:
    """Requests and limits of a container, limits never below."""
    cpu = draw(st.integers(40, 600) | st.integers(40, most_cpu))
    memory = draw(st.integers(60, 3000) | st.integers(60, most_memory))
    disk = draw(st.integers(64, 3000))
    more = draw(st.sampled_from([0, 1, 300, 1500]))
    return {
        "requests": {"cpu": f"{cpu}m", "memory": f"{memory}Mi", "ephemeral_storage": f"{disk}Mi"},
        "limits": {"cpu": f"{cpu + more}m", "memory": f"{memory + more}Mi", "ephemeral_storage": f"{disk + more}Mi"},
    }


fixed = st.builds(lambda count: {"kind": "fixed", "replicas": count}, st.integers(1, 3))
hpa = st.builds(
    lambda low, more: {"kind": "hpa", "min": low, "max": low + more, "metrics": {"cpu": "70%"}},
    st.integers(1, 3),
    st.integers(1, 2),
)
homes = st.sampled_from(["front", "back"])
rollouts = st.builds(lambda surge, away: {"max_surge": surge, "max_unavailable": away}, st.integers(0, 2), st.just(1))


@st.composite
def _model(draw: Any, hub: str) -> Overlay:
    floor = st.builds(lambda pool, count: {"pool": pool, "replicas": count}, st.just("steady"), st.integers(1, 2))
    out = {
        "namespace": draw(homes),
        "pool": draw(st.sampled_from(["gpu", "gpu", "steady"])),
        "gpus": draw(st.sampled_from([1, 1, 1, 2, 4, 3])),
        "scaling": draw(fixed | hpa),
        "rollout": draw(rollouts),
        "source": {"hub": hub, "skip": draw(st.sampled_from([[], ["*.bin"]]))},
        "start_up": {"image": "60s", "weights": "30s", "warm_up": "30s"},
        "cache": "store",
        "engine": {"kind": "vllm", "max_model_len": 4096},
    }
    if draw(st.sampled_from([True, True, False])):
        out["floor"] = draw(floor)
    if draw(st.booleans()):
        out["resources"] = draw(sizes())
    return out


def gpu_pool(capacity_type: str, gpus: int, types: list[str], **more: Any) -> Overlay:
    """A pool of GPU nodes."""
    given = {"capacity": capacity_type, "gpus": gpus, "instance_types": types, "taints": [TAINT]}
    return {**given, "min": 0, "max": 3, "node_start_up": "180s", **more}


@st.composite
def _pool(draw: Any, capacity_type: str) -> Overlay:
    gpus = draw(st.sampled_from([1, 4]))
    types = draw(st.lists(st.sampled_from(BY_GPUS[gpus]), min_size=1, max_size=2, unique=True))
    out = gpu_pool(capacity_type, gpus, types, max=draw(st.integers(1, 4)))
    out["min_fitting_types"] = draw(st.integers(1, len(types)))
    if draw(st.sampled_from([True, True, False])):
        out["headroom"] = {"namespace": draw(homes), "priority": "idle", "replicas": draw(st.integers(1, 2))}
    return out


@st.composite
def platforms(draw: Any) -> Overlay:
    """An overlay of tests/data/tiny.yaml: services, models with and without a floor, downloads, headroom."""
    mind = draw(_model(BASELINE))
    general = st.sampled_from([["m6i.xlarge", "m7i.xlarge"], ["c6i.xlarge", "r6i.xlarge"]])
    overlay = tiny(
        models__mind={"resources": None, **mind},
        node_pools__gpu=draw(_pool("spot")),
        node_pools__steady=draw(_pool("on-demand")),
        node_pools__general={"instance_types": draw(general), "min": 0, "max": draw(st.integers(1, 3))},
        caches__store={"pool": draw(st.sampled_from(["general", "gpu"])), "resources": draw(sizes(most_cpu=1000))},
        priorities__idle={"value": -10, "preempts": False, "description": "makes way"},
        daemonsets__extra={"cpu": "1", "memory": "1Gi", "pools": draw(st.sampled_from([["gpu"], ["general"]]))},
    )
    if draw(st.booleans()):
        overlay["models"]["mind"]["adapters"] = {"green": {"hub": "tiny/blue"}}  # the same files as adapter blue
    if draw(st.sampled_from([True, True, False])):
        overlay["models"]["judge"] = draw(_model(draw(st.sampled_from([BASELINE, QUANTIZED]))))
    overlay["services"] = {
        name: {
            "namespace": draw(homes),
            "scaling": draw(fixed | hpa),
            "rollout": draw(rollouts),
            "resources": draw(sizes()),
            "pool": draw(st.sampled_from(["general", "general", "cheap"])),
        }
        for name in ("door", "worker")
    }
    return overlay
