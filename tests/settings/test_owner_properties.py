"""Who counts pods, and who may take them: on random settings, and on the plans that are made of them.

The plan also vouches for the other properties: what they count by hand, and play through, is what it deploys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pulumi
from hypothesis import strategies as st

from components.llm_platform import LlmPlatform, LlmPlatformArgs
from policy.graph import Graph, KubernetesObject
from settings import drain, start_up
from settings.model import PlatformSettings
from settings.problems import Path
from settings.types import Cpu, Memory
from tests.policy.support import added, edited, said
from tests.settings.brute_force import (
    Overlay,
    Pod,
    both_ways,
    fixed,
    found,
    gpu_pool,
    hpa,
    least,
    parsed,
    platforms,
    pods,
)
from tests.support import REMOVE, TINY_SECRETS, World, problems, put, tiny


def planned(settings: PlatformSettings) -> Graph:
    """What the program registers for these settings."""

    def program() -> None:
        secrets = {key: pulumi.Output.secret("masked") for key in TINY_SECRETS}
        args = LlmPlatformArgs(settings=settings, secrets=secrets, kubeconfig=pulumi.Output.secret("masked"))
        LlmPlatform("tiny", args)

    return World().deploy(program)


def counts(graph: Graph, deployment: KubernetesObject) -> tuple[int, int]:
    """The fewest and the most replicas that anybody asks of a Deployment."""
    for scaler in graph.of_kind("HorizontalPodAutoscaler"):
        if (scaler.namespace, scaler.spec["scaleTargetRef"]["name"]) == (deployment.namespace, deployment.name):
            return scaler.spec["minReplicas"], scaler.spec["maxReplicas"]
    return deployment.spec["replicas"], deployment.spec["replicas"]


def pods_of(graph: Graph) -> Iterator[Pod]:
    """Every pod that a plan can have at a time; a pod takes the larger of its container and its init container."""
    for thing in graph.of_kind("Deployment", "Job"):
        number, name = 1, thing.pod_labels["app"]
        if thing.kind == "Deployment":
            surge = thing.spec["strategy"]["rollingUpdate"]["maxSurge"]
            number, name = counts(graph, thing)[1] + surge, thing.name
        both = [c["resources"] for c in (*thing.containers, *thing.init_containers)]
        ask, top = ([of[kind] for of in both] for kind in ("requests", "limits"))
        cpu, memory = (max(Cpu.parse(r["cpu"]).milli for r in of) for of in (ask, top)), "memory"
        sizes = [max(Memory.parse(r[key]).bytes for r in of) for of, key in ((ask, memory), (ask, "ephemeral-storage"))]
        gpus = sum(int(r.get("nvidia.com/gpu", 0)) for r in ask)
        low, high = cpu
        limits = (high, max(Memory.parse(r["memory"]).bytes for r in top))
        pool = thing.pod.get("nodeSelector", {}).get("llmplatform.dev/pool")
        yield from [Pod(name, str(thing.namespace), pool, (low, *sizes, 1, gpus), limits, ())] * number


@both_ways(platforms(), st.lists(st.sampled_from([-1, 0, 1]), min_size=6, max_size=6), examples=4)
def test_what_is_counted_by_hand_is_what_the_plan_has_and_quotas_of_objects_hold_it(
    overlay: Overlay, deltas: list[int]
) -> Iterator[bool]:
    settings = parsed(overlay)
    graph = planned(settings)
    assert Counter(pods(settings)) == Counter(pods_of(graph))
    kinds = {"services": ("Service",), "configmaps": ("ConfigMap",), "secrets": ("Secret", "ExternalSecret")}
    rows, expected = [(home, key) for home in ("front", "back") for key in kinds], {}
    for (home, key), delta in zip(rows, deltas, strict=True):
        there = sum(thing.namespace == home for thing in graph.of_kind(*kinds[key]))
        there += key == "configmaps"  # kube-root-ca.crt, which Kubernetes makes
        put(overlay, ("namespaces", home, "quota", key), max(0, there + delta))
        expected[home, key] = there + delta < there and there > 0
    refused = {(p.path[1], p.path[3]) for p in found(parsed(overlay), "quota")}
    assert {row: row in refused for row in expected} == expected
    yield from expected.values()


def plays(graph: Graph, settings: PlatformSettings) -> None:
    """What the plan deploys is what this file plays with."""
    for thing in graph.of_kind("Deployment"):
        name = thing.name.removesuffix("-floor")
        if name in settings.models:
            solved, probe = drain.solve_model(settings, name), start_up.probes(settings, name).startup
            model = settings.models[name]
            floor = model.floor.pool if model.floor else ""
            pool = floor if thing.name != name else model.pool
            assert thing.spec["progressDeadlineSeconds"] == start_up.deadline(settings, name, pool).seconds
            seen = thing.containers[0]["startupProbe"]
            assert (seen["periodSeconds"], seen["failureThreshold"]) == (probe.period.seconds, probe.failures)
        elif name in settings.services:
            solved = drain.solve(settings, name)
        else:
            continue
        assert thing.pod["terminationGracePeriodSeconds"] == solved.grace.seconds
        assert thing.containers[0]["lifecycle"]["preStop"]["sleep"]["seconds"] == solved.pre_stop.seconds


@both_ways(platforms(), examples=4)
def test_every_replica_count_of_the_plan_has_one_owner_and_every_drain_of_it_can_begin(
    overlay: Overlay,
) -> Iterator[bool]:
    settings = parsed(overlay)
    graph = planned(settings)
    plays(graph, settings)
    assert said("one-owner", graph) == []
    specs = {**settings.services, **settings.models}
    scaled = {name for name, spec in specs.items() if spec.scaling.kind == "hpa"}
    assert sorted(s.spec["scaleTargetRef"]["name"] for s in graph.of_kind("HorizontalPodAutoscaler")) == sorted(scaled)
    for thing in graph.of_kind("Deployment"):
        owned = thing.name in scaled
        assert (thing.spec.get("replicas") is None) == owned
        wrong = edited(graph, str(thing), "spec replicas", 3 if owned else REMOVE)
        assert [text.partition(":")[0] for text in said("one-owner", wrong)] == [str(thing)]
        second = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "second", "namespace": thing.namespace}}
        second["spec"] = {"scaleTargetRef": {"kind": "Deployment", "name": thing.name}, "maxReplicas": 9}
        assert said("one-owner", added(graph, second, like=str(thing)))
        yield owned
    guarded: Counter[str] = Counter()
    for budget in graph.of_kind("PodDisruptionBudget"):
        labels = budget.spec["selector"]["matchLabels"].items()
        mine = [
            d for d in graph.of_kind("Deployment") if labels <= d.pod_labels.items() and d.namespace == budget.namespace
        ]
        healthy = sum(counts(graph, d)[0] for d in mine)
        assert evictions(healthy, budget.spec.get("minAvailable"), budget.spec.get("maxUnavailable")) >= 1
        guarded.update(d.name for d in mine)
    assert set(guarded.values()) <= {1}
    assert all(d.name in guarded for d in graph.of_kind("Deployment") if counts(graph, d)[0] > 1)


RANGE = {"min", "max", "metrics"}


@both_ways(
    st.sampled_from([("services", "door"), ("models", "mind")]),
    st.sampled_from([None, "fixed", "hpa", "hpa"]),
    st.sets(st.sampled_from(["replicas", *RANGE])) | st.sampled_from([set(), {"replicas"}, RANGE, RANGE]),
    st.booleans(),
    examples=80,
)
def test_settings_name_exactly_one_owner_of_a_count(
    who: Path, kind: str | None, keys: set[str], short: bool
) -> Iterator[bool]:
    """Both have a fixed count in the platform file, which a scaling of another kind replaces."""
    values = {"replicas": 3, "min": 2, "max": 4, "metrics": {"cpu": "70%"}}
    scaling = {**({"kind": kind} if kind else {}), **{key: values[key] for key in keys}}
    overlay = tiny()
    put(overlay, who, {**({"scaling": scaling} if scaling else {}), **({"replicas": 3} if short else {})})
    whole = keys if kind == "hpa" else keys | {"replicas"}
    taken = whole == (RANGE if kind == "hpa" else {"replicas"}) and not (scaling and short)
    refused = [problem for problem in problems(overlay) if problem.rule == "shape"]
    assert bool(refused) != taken
    if taken:
        assert getattr(parsed(overlay), str(who[0]))[who[1]].scaling.kind == (kind or "fixed")
    yield taken


def evictions(healthy: int, stay: int | None, away: int | None) -> int:
    """How many of so many healthy pods the Eviction API gives away in a row, before any is replaced."""
    desired = healthy - away if away is not None else stay
    left = healthy
    while left and left - max(0, desired or 0) >= 1:
        left -= 1
    return healthy - left


some = st.none() | st.integers(1, 5)


@both_ways(
    st.lists(st.tuples(fixed | hpa, some, some), min_size=3, max_size=3), st.none() | st.integers(1, 2), examples=60
)
def test_a_budget_is_refused_exactly_where_a_drain_could_never_take_a_pod_or_take_all_at_once(
    budgets: list[tuple[Overlay, int | None, int | None]], floor: int | None
) -> Iterator[bool]:
    places: list[Path] = [("services", "door"), ("services", "worker"), ("models", "mind")]
    overlay = tiny(node_pools__steady=gpu_pool("on-demand", 1, ["g6.xlarge"]))
    if floor:
        put(overlay, ("models", "mind", "floor"), {"pool": "steady", "replicas": floor})
    for place, (scaling, stay, away) in zip(places, budgets, strict=True):
        given = {"min_available": stay, "max_unavailable": away}
        put(overlay, (*place, "scaling"), scaling)
        put(overlay, (*place, "disruption"), {key: count for key, count in given.items() if count is not None})
    settings = parsed(overlay)
    wrong = found(settings, "budget")
    for place, (_, stay, away) in zip(places, budgets, strict=True):
        healthy = least(getattr(settings, str(place[0]))[place[1]])
        healthy += (floor or 0) if place == ("models", "mind") else 0
        gone = evictions(healthy, stay, away)
        one = (stay is None) != (away is None)
        assert [p.strict for p in wrong if p.path[:2] == place] == (
            [False] if not one or gone == 0 else [True] if gone == healthy > 1 else []
        )
        yield one and gone > 0
