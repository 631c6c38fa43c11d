"""Room for everything: on random settings, the rules of capacity, GPUs and storage refuse what a count by hand refuses.

Quota, limit range, instance fit, GPUs, GPU memory and volumes are held in both directions. Pool size is one-sided where
pods are of several sizes: the rule packs by first fit, which may find no way where there is one, never the reverse.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, count, product
from typing import Any

from hypothesis import strategies as st

from settings.gpu_memory import RESERVE
from settings.instances import instance_types
from settings.model import PlatformSettings
from settings.model_server import Model
from settings.problems import Path
from tests.settings.brute_force import (
    BASELINE,
    BY_GPUS,
    QUANTIZED,
    Overlay,
    Pod,
    after,
    both_ways,
    facts,
    fetched,
    found,
    gpu_pool,
    lands_on,
    most,
    nodes,
    not_admitted,
    packable,
    parsed,
    platforms,
    pods,
    sizes,
)
from tests.support import put, tiny

GIB = 1 << 30
TAKES = {
    ("requests", "cpu"): lambda pod: pod.requests[0],
    ("requests", "memory"): lambda pod: pod.requests[1],
    ("limits", "cpu"): lambda pod: pod.limits[0],
    ("limits", "memory"): lambda pod: pod.limits[1],
    ("requests", "gpu"): lambda pod: pod.needs[4],
    ("pods",): lambda _: 1,
}
"""Key of a quota -> what one pod takes of it."""


def written(key: str, amount: int) -> Any:
    """An amount as settings write it."""
    match key:
        case "cpu":
            return f"{amount}m"
        case "memory" | "ephemeral_storage":
            return f"{amount // 1024}Ki"
        case _:
            return amount


@both_ways(platforms(), st.lists(st.sampled_from([-1, 0, 1]), min_size=12, max_size=12))
def test_a_quota_is_refused_exactly_where_the_pods_of_a_namespace_take_more(
    overlay: Overlay, deltas: list[int]
) -> Iterator[bool]:
    every, expected = pods(parsed(overlay)), {}
    for (home, (key, takes)), delta in zip(product(("front", "back"), TAKES.items()), deltas, strict=True):
        total = sum(takes(pod) for pod in every if pod.namespace == home)
        room = total + delta * (1024 if key[-1] == "memory" else 1)
        if total:
            put(overlay, ("namespaces", home, "quota", *key), written(key[-1], room))
            expected[home, *key] = room < total
    refused = {(str(p.path[1]), *p.path[3:]) for p in found(parsed(overlay), "quota")}
    assert {key: key in refused for key in expected} == expected
    yield from expected.values()


bounds = st.builds(
    lambda low, high: {
        "min": {"cpu": f"{low[0]}m", "memory": f"{low[1]}Mi"},
        "max": {"cpu": f"{high[0]}m", "memory": f"{high[1]}Mi"},
    },
    st.tuples(st.integers(1, 600), st.integers(1, 900)),
    st.tuples(st.integers(1500, 9000), st.integers(3000, 20000)),
)


@both_ways(platforms(), bounds, bounds)
def test_a_limit_range_is_named_exactly_where_it_does_not_admit_a_pod(
    overlay: Overlay, front: Overlay, back: Overlay
) -> Iterator[bool]:
    overlay["namespaces"] = {"front": {"limit_range": front}, "back": {"limit_range": back}}
    settings = parsed(overlay)
    every = pods(settings)
    refused = {p.path[:2] for p in found(settings, "limit-range") if p.path[0] != "namespaces"}
    faults = {pod: not_admitted(settings.namespaces[pod.namespace], pod) for pod in every}
    for pod in every:
        if pod.owner[0] == "node_pools":  # a placeholder as large as a model: one message says it for both
            for other in every:
                if (other.namespace, other.pool, other.owner[0]) == (pod.namespace, pod.pool, "models"):
                    faults[pod] -= faults[other]
    assert refused == {pod.owner for pod, found_here in faults.items() if found_here}
    yield from (owner in refused for owner in {pod.owner for pod in every})


def fits(settings: PlatformSettings, pod: Pod) -> bool:
    """True if enough instance types of one of its pools hold the pod."""
    for pool in lands_on(settings, pod.pool):
        holding = [free for free in nodes(settings, pool).values() if after(free, pod) is not None]
        if len(holding) >= max(1, settings.node_pools[pool].min_fitting_types):
            return True
    return False


def lacks_gpus(settings: PlatformSettings, pod: Pod) -> bool:
    """True if no node of its pools has the GPUs of one pod."""
    return all(
        free[4] < pod.needs[4] for pool in lands_on(settings, pod.pool) for free in nodes(settings, pool).values()
    )


def dealt_alike(heads: int, gpus: int) -> bool:
    """True if dealing attention heads out one by one leaves each GPU with as many as the others."""
    dealt = [0] * gpus
    for head in range(heads):
        dealt[head % gpus] += 1
    return len(set(dealt)) == 1


EDGED: tuple[Path, ...] = (("services", "door"), ("services", "worker"), ("models", "mind"), ("caches", "store"))
edges = st.tuples(
    st.sampled_from(["cpu", "memory", "memory", "ephemeral_storage"]), st.sampled_from([-1, 0, 1, 1]), st.integers(0, 7)
)
"""Of what a request comes to the edge of a node, how far beyond it, and of which node."""


@both_ways(platforms(), sizes(), st.sampled_from([None, "general", "cheap"]), st.tuples(*[edges] * 4))
def test_a_pod_is_refused_exactly_where_too_few_instance_types_hold_it(
    overlay: Overlay, size: Overlay, home: str | None, met: tuple[tuple[str, int, int], ...]
) -> Iterator[bool]:
    """Pods of each kind are made as large as a node of their pools, or a little larger."""
    overlay["node_pools"]["cheap"] = {
        "taints": [{"key": "a", "effect": "PreferNoSchedule"}],
        "instance_types": ["m6i.xlarge", "r6i.xlarge"],
        "min_fitting_types": 1 + met[0][2] % 2,
    }
    for who in EDGED:
        put(overlay, (*who, "resources"), copy.deepcopy(size))
    for name in ("door", "worker"):
        overlay["services"][name]["pool"] = home
    settings = parsed(overlay)
    for who, (what, delta, node) in zip(EDGED, met, strict=True):
        pool = next(pod.pool for pod in pods(settings) if pod.owner == who)
        empty = [free for name in lands_on(settings, pool) for free in nodes(settings, name).values()]
        edge = empty[node % len(empty)][["cpu", "memory", "ephemeral_storage"].index(what)]
        put(
            overlay, (*who, "resources", "requests", what), written(what, edge + delta * (1 if what == "cpu" else 1024))
        )
    settings = parsed(overlay)
    every = [pod for pod in pods(settings) if pod.owner[0] != "node_pools"]  # placeholders are as their models
    tight = {pod.owner for pod in every if not fits(settings, pod) and not lacks_gpus(settings, pod)}
    short = {pod.owner for pod in every if lacks_gpus(settings, pod)}
    short |= {
        ("models", n) for n, m in settings.models.items() if not dealt_alike(facts()[m.source.hub]["heads"], m.gpus)
    }
    assert {p.path[:2] for p in found(settings, "instance-fit")} == tight
    assert {p.path[:2] for p in found(settings, "gpus")} == short
    yield from (owner in tight for owner in {pod.owner for pod in every})


@both_ways(platforms())
def test_a_pool_is_taken_only_where_its_pods_can_be_packed_and_refused_only_where_they_hardly_can(
    overlay: Overlay,
) -> Iterator[bool]:
    """On whichever instance type that holds all of them. With pods of one size, the fewest nodes are taken, too."""
    settings, fewest, alike = parsed(overlay), {}, set()
    for name in settings.node_pools:
        here = [pod for pod in pods(settings) if pod.pool == name]
        empty = [free for free in nodes(settings, name).values() if all(after(free, pod) for pod in here)]
        if here and empty:
            fewest[name] = next(n for n in count(1) if all(packable(here, free, n) for free in empty))
            alike |= {name} if len({pod.needs for pod in here}) == 1 else set()
    for fewer in (1, 0):
        for name, number in fewest.items():
            put(overlay, ("node_pools", name, "max"), max(1, number - fewer))
        refused = {p.path[1] for p in found(parsed(overlay), "pool-size")}
        assert refused <= fewest.keys()
        if fewer:
            assert refused >= {name for name, number in fewest.items() if number > 1}
        else:
            assert not refused & alike
        yield from (name in refused for name in fewest)


SOURCES = (
    {"hub": BASELINE},
    {"hub": BASELINE, "max_len": 10**6},
    {"hub": QUANTIZED, "max_len": 10**6},
    {"hub": BASELINE, "size": "14Gi", "kv_per_token": "256Ki", "max_len": 10**6},
    {"hub": QUANTIZED, "max_len": 2048},
    {"hub": "tiny/own", "size": "6Gi", "kv_per_token": "96Ki", "max_len": 10**6},
    {"hub": "tiny/own", "size": "20Gi"},
    {"hub": "tiny/own"},
)
"""Weights of which something is known by the table, by what is said, or nothing."""


@st.composite
def served(draw: Any) -> Overlay:
    """A model on two pools of GPUs, with the parts that take GPU memory."""
    (there, gpus), source = draw(st.sampled_from([(1, 1), (4, 1), (4, 2), (4, 4)])), draw(st.sampled_from(SOURCES))
    some = st.lists(st.sampled_from(BY_GPUS[there]), min_size=1, max_size=2, unique=True)
    kind = draw(st.sampled_from(["vllm", "max-serve"]))
    rank = st.sampled_from([8, 9, 65, 200] if kind == "vllm" else [8, 16, 128])  # vLLM rounds some of them up
    adapters = {name: {"rank": draw(rank)} for name in ("blue", "green")}
    overlay = tiny(
        node_pools__gpu=gpu_pool("spot", there, draw(some)),
        node_pools__steady=gpu_pool("on-demand", there, draw(some)),
        models__mind={"source": dict(source), "gpus": gpus},
    )
    mind = overlay["models"]["mind"]
    mind["adapters"] = adapters if draw(st.sampled_from([True, True, False])) else dict.fromkeys(adapters)
    mind |= {"floor": {"pool": "steady"}} if draw(st.booleans()) else {}
    mind["engine"] = {"kind": kind, "gpu_memory": f"{draw(st.integers(50, 99))}%"}
    mind["engine"] |= {"max_model_len": None} if kind == "vllm" else {}
    return overlay


def left_on_a_gpu(model: Model, memory: int) -> Fraction | None:
    """Bytes of one GPU for the KV cache, part by part; None where the size of the weights is not known."""
    row = facts().get(model.source.hub)
    if model.source.size is None and row is None:
        return None
    size = model.source.size.bytes if model.source.size else int(str(row["size"]).removesuffix("Mi")) << 20
    left = Fraction(memory * model.engine.gpu_memory.value, 100) - Fraction(size, model.gpus) - RESERVE.bytes
    ranks = [adapter.rank for adapter in model.adapters.values()]
    slot = min((r for r in (1, 8, 16, 32, 64, 128, 256, 320, 512) if r >= max(ranks, default=0)), default=0)
    for _ in ranks if row else ():  # every slot is as large as the largest; two matrices beside each linear layer
        heads, kv = row["heads"] * row["head_dim"], row["kv_heads"] * row["head_dim"]
        hidden, inner = row["hidden"], row["intermediate"]
        layers = [(hidden, heads), (hidden, kv), (hidden, kv), (heads, hidden)]
        layers += [(hidden, inner), (hidden, inner), (inner, hidden)]
        left -= Fraction(sum(2 * slot * (wide + high) for wide, high in layers) * row["layers"], model.gpus)
    return left


def of_a_token(model: Model) -> Fraction | None:
    """Bytes of one token's keys and values, in 16 bits, on one GPU; None where they are not known."""
    row, stated = facts().get(model.source.hub), model.source.kv_per_token
    if stated is None and row is None:
        return None
    size = stated.bytes if stated else sum(2 * row["head_dim"] * 2 for _ in range(row["layers"] * row["kv_heads"]))
    return Fraction(size, model.gpus)


@both_ways(served(), examples=60)
def test_a_model_is_refused_exactly_where_some_gpu_does_not_hold_it_with_its_longest_sequence(
    overlay: Overlay,
) -> Iterator[bool]:
    """The longest sequence is the model's own, then as long as it can be, then one token longer."""
    settings = parsed(overlay)
    model, engine = settings.models["mind"], overlay["models"]["mind"]["engine"]
    key = "max_model_len" if engine["kind"] == "vllm" else "max_length"
    pools = [model.pool, *([model.floor.pool] if model.floor else [])]
    cards = [instance_types()[t].gpu_memory.bytes for p in pools for t in settings.node_pools[p].instance_types]
    left = [left_on_a_gpu(model, memory) for memory in cards]
    tightest = None if None in left else min(left)
    token, longest = of_a_token(model), model.source.max_len or facts().get(model.source.hub, {}).get("max_len")
    held = [tokens for tokens in (tightest // token if token and tightest else None, longest) if tokens is not None]
    edge = int(min(held, default=0))
    for context in (None, edge, edge + 1):
        if context is not None and context < 1:
            continue
        engine |= {key: context} if context else {}
        wrong = tightest is None or tightest <= 0 or any((context or longest or 0) > tokens for tokens in held)
        problems = found(parsed(overlay), "gpu-memory")
        assert bool(problems) == wrong
        yield wrong
        named = [int(p.fix.split()[2]) for p in problems if p.path[-1] == key]
        if named and min(named):
            engine[key] = min(named)
            assert not [p for p in found(parsed(overlay), "gpu-memory") if p.path[-1] == key]


ZONES = ["us-west-2a", "us-west-2b"]


@st.composite
def mounted(draw: Any) -> Overlay:
    """Volumes for one node, mostly, on pools that may have one."""
    pool = st.sampled_from(["gpu", "gpu", "gpu", "steady"])
    places = [
        {"max": draw(st.sampled_from([1, 1, 2])), "zones": draw(st.sampled_from([ZONES[:1], ZONES[1:], ZONES]))}
        for _ in range(3)
    ]
    overlay = tiny(
        node_pools__gpu=gpu_pool("spot", 4, ["g6.12xlarge"], **places[0]),
        node_pools__steady=gpu_pool("on-demand", 4, ["g6.12xlarge"], **places[1]),
        node_pools__general={"min": 0, **places[2]},
        aws__zones=draw(st.sampled_from([ZONES, ZONES[:1]])),
        caches__store__access_mode=draw(st.sampled_from(["ReadWriteOnce"] * 3 + ["ReadWriteMany"])),
        caches__spare={"namespace": "back", "size": "40Gi", "access_mode": "ReadWriteOnce", "pool": "gpu"},
        models__mind={"pool": draw(pool), "replicas": draw(st.integers(1, 2))},
    )
    if draw(st.booleans()):
        del overlay["node_pools"]["gpu"]["zones"]
    if draw(st.sampled_from([True, False, False])):
        overlay["models"]["mind"]["floor"] = {"pool": draw(st.sampled_from(["steady", "steady", "gpu"]))}
    if draw(st.booleans()):
        overlay["models"]["judge"] = {
            "namespace": "back",
            "engine": {"kind": "vllm"},
            "source": {"hub": QUANTIZED},
            "pool": draw(pool),
            "cache": draw(st.sampled_from(["store", "spare"])),
            "start_up": {"image": "60s", "warm_up": "30s"},
        }
    return overlay


@both_ways(mounted())
def test_a_volume_for_one_node_is_refused_exactly_where_its_pods_can_end_up_on_two_or_in_another_zone(
    overlay: Overlay,
) -> Iterator[bool]:
    for loads in ("gpu", "steady", None):
        put(overlay, ("caches", "store", "pool"), loads)
        yield from _mounts(parsed(overlay))


def _mounts(settings: PlatformSettings) -> Iterator[bool]:
    """Every placement of every two pods that mount a cache, and every zone that a node may come in again."""
    every = pods(settings)
    refused = {str(p.path[1]) for p in found(settings, "caches") if p.path[-1] == "access_mode"}
    for name, cache in settings.caches.items():
        users = {("caches", name), *(("models", m) for m, spec in settings.models.items() if spec.cache == name)}
        places = [
            [(pool, node) for pool in lands_on(settings, pod.pool) for node in range(settings.node_pools[pool].max)]
            for pod in every
            if pod.owner in users
        ]
        apart = any(one != other for two in combinations(places, 2) for one, other in product(*two))
        zones = [set(settings.node_pools[pool].zones or settings.aws.zones) for all_ in places for pool, _ in all_]
        moves = any(first != later for where in zones for first, later in product(where, repeat=2))
        several = any(most(s) + s.rollout.max_surge > 1 for s in settings.models.values() if s.cache == name)
        # Pods of one model on one node could share it; nothing keeps them there, and the policy over the graph says so.
        assert (name in refused) == (cache.access_mode == "ReadWriteOnce" and (apart or moves or several)), name
        if cache.access_mode == "ReadWriteOnce" and places:
            yield name in refused


@both_ways(platforms(), st.sampled_from([-5, -1, -1, 0, 1, 20]))
def test_a_volume_is_refused_exactly_where_a_new_revision_does_not_fit_beside_everything_in_it(
    overlay: Overlay, beyond: int
) -> Iterator[bool]:
    files = sorted(fetched(parsed(overlay), "store").values())
    size = -(-(sum(files) + files[-1]) // GIB) + beyond
    overlay["caches"]["store"]["size"] = f"{max(1, size)}Gi"
    free = max(1, size) * GIB
    for file in [*files, files[-1]]:
        free -= file
    refused = [p for p in found(parsed(overlay), "caches") if p.path[-1] == "size"]
    assert bool(refused) == (free < 0)
    yield bool(refused)
