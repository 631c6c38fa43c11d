"""Capacity closure is arithmetic that a count pod by pod agrees with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from settings import capacity
from settings.capacity import Line, nodes_needed
from settings.instances import instance_types
from settings.model import PlatformSettings
from settings.rooms import Demand, Room, offered
from settings.rooms import room as node_room
from settings.types import Cpu, Memory
from settings.workload import Amounts, Resources, Workload
from tests.settings.support import QUICK
from tests.support import problems, resolved, stack_settings, tiny

MIB = 1 << 20


def demand(name: str, cpu: int, memory: int, pods: int, *, disk: int = 1, gpus: int = 0) -> Demand:
    """A workload of so many alike pods; memory and disk in MiB."""
    amounts = Amounts(cpu=Cpu(cpu), memory=Memory(memory * MIB), ephemeral_storage=Memory(disk * MIB))
    return Demand(name, ("services", name), "here", "pool", amounts, amounts, pods, gpus)


demands = st.lists(
    st.tuples(st.integers(1, 4000), st.integers(1, 8000), st.integers(0, 12), st.integers(1, 3000), st.integers(0, 2)),
    max_size=5,
).map(lambda rows: [demand(f"w{i}", c, m, p, disk=d, gpus=g) for i, (c, m, p, d, g) in enumerate(rows)])
rooms = st.builds(
    lambda cpu, memory, disk, pods, gpus: Room("t", cpu, memory * MIB, disk * MIB, pods, gpus),
    st.integers(0, 8000),
    st.integers(0, 16000),
    st.integers(0, 6000),
    st.integers(0, 12),
    st.integers(0, 4),
)


def pods_of(all_: list[Demand]) -> Iterator[Demand]:
    for one in all_:
        yield from [one] * one.pods


def first_fit(all_: list[Demand], room: Room) -> int | None:
    """The same packing, one pod after the other."""
    ordered = sorted(all_, key=lambda d: (-d.gpus, -d.requests.cpu.milli, -d.requests.memory.bytes, d.name))
    nodes: list[Room] = []
    for pod in pods_of([d for d in ordered if d.pods]):
        place = next((i for i, node in enumerate(nodes) if node.holds(pod)), None)
        if place is not None:
            nodes[place] = nodes[place].without(pod)
        elif room.holds(pod):
            nodes.append(room.without(pod))
        else:
            return None
    return len(nodes)


def lower_bound(all_: list[Demand], room: Room) -> int:
    """No packing needs fewer nodes than the sum of any one resource."""
    bounds = [0]
    for have, take in (
        (room.cpu, sum(p.requests.cpu.milli for p in pods_of(all_))),
        (room.memory, sum(p.requests.memory.bytes for p in pods_of(all_))),
        (room.ephemeral_storage, sum(p.requests.ephemeral_storage.bytes for p in pods_of(all_))),
        (room.pods, sum(1 for _ in pods_of(all_))),
        (room.gpus, sum(p.gpus for p in pods_of(all_))),
    ):
        bounds.append(-(-take // have) if have else 0)
    return max(bounds)


@hypothesis_settings(QUICK, max_examples=200)
@given(demands, rooms)
def test_the_packing_is_the_one_that_a_scheduler_could_make_pod_by_pod(all_: list[Demand], room: Room) -> None:
    wanted = [d for d in all_ if d.pods]
    needed = nodes_needed(wanted, room)
    assert needed == first_fit(wanted, room)
    if needed is not None:
        assert needed >= lower_bound(wanted, room)
        assert needed <= sum(d.pods for d in wanted)


@QUICK
@given(st.integers(1, 4000), st.integers(1, 8000), st.integers(1, 500), rooms)
def test_pods_of_one_size_are_packed_exactly(cpu: int, memory: int, pods: int, room: Room) -> None:
    one = demand("w", cpu, memory, pods)
    each = min(room.cpu // cpu, room.memory // (memory * MIB), room.ephemeral_storage // MIB, room.pods)
    assert nodes_needed([one], room) == (-(-pods // each) if each > 0 else None)


def test_a_pod_that_fits_no_empty_node_has_no_number_of_nodes() -> None:
    room = Room("t", 1000, 100 * MIB, 100 * MIB, 5, 0)
    assert nodes_needed([demand("w", 1001, 1, 1)], room) is None
    assert nodes_needed([demand("w", 1, 101, 1)], room) is None
    assert nodes_needed([demand("w", 1, 1, 1, disk=101)], room) is None
    assert nodes_needed([demand("w", 1, 1, 1, gpus=1)], room) is None
    assert nodes_needed([demand("w", 1, 1, 1)], Room("t", 1000, 100 * MIB, 100 * MIB, 0, 0)) is None
    assert nodes_needed([demand("w", 1000, 100, 3)], room) == 3
    assert nodes_needed([], room) == 0


def test_a_hundred_thousand_pods_are_counted_at_once() -> None:
    room = Room("t", 3920, 14162 * MIB, 17 << 30, 58, 0)
    many = [demand(f"w{n}", 100 + n, 128 + n, 20_000) for n in range(5)]
    needed = nodes_needed(many, room)
    assert needed is not None
    assert lower_bound([many[0]], room) < needed < 100_000


@QUICK
@given(st.lists(rooms, min_size=1, max_size=4), st.integers(1, 4), st.integers(1, 4000), st.integers(1, 8000))
def test_what_rooms_offer_together_fits_each_of_them(some: list[Room], types: int, cpu: int, memory: int) -> None:
    types = min(types, len(some))
    common = offered(some, types)
    one = demand("w", cpu, memory, 1)
    if common.holds(one):
        assert sum(1 for room in some if room.holds(one)) >= types


def one_by_one(settings: PlatformSettings) -> Iterator[tuple[str, Resources | None, int]]:
    """Namespace, resources and GPUs of every pod that there can be at once."""
    for service in settings.services.values():
        for _ in range(most(service)):
            yield service.namespace, service.resources, 0
    for model in settings.models.values():
        for _ in range(most(model)):
            yield model.namespace, model.resources, model.gpus
    for name, cache in settings.caches.items():
        users = [model for model in settings.models.values() if model.cache == name]
        files = [fetched for model in users for fetched in (model.source, *model.adapters.values())]
        for _ in {(fetched.hub, fetched.revision, fetched.skip) for fetched in files}:
            yield cache.namespace, cache.resources, 0


def most(workload: Workload) -> int:
    """The most pods that a workload has, in a rollout at its ceiling."""
    scaling: Any = workload.scaling
    return (scaling.replicas if scaling.kind == "fixed" else scaling.max) + workload.rollout.max_surge


def brute_force(settings: PlatformSettings, namespace: str) -> dict[str, int]:
    """What every pod of a namespace asks for, added up one by one."""
    counted = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "requests.nvidia.com/gpu", "pods")
    out = dict.fromkeys(counted, 0)
    for home, resources, gpus in one_by_one(settings):
        if home == namespace:
            assert resources is not None
            out["requests.cpu"] += resources.requests.cpu.milli
            out["requests.memory"] += resources.requests.memory.bytes
            out["limits.cpu"] += resources.limits.cpu.milli
            out["limits.memory"] += resources.limits.memory.bytes
            out["requests.nvidia.com/gpu"] += gpus
            out["pods"] += 1
    return out


SHAPES = st.fixed_dictionaries(
    {
        "replicas": st.integers(1, 30),
        "low": st.integers(1, 10),
        "high": st.integers(11, 20),
        "surge": st.integers(0, 5),
        "cpu": st.integers(50, 900),
        "memory": st.integers(64, 900),
        "home": st.sampled_from(["front", "back"]),
        "servers": st.integers(1, 9),
        "second": st.sampled_from(["tiny/blue", "tiny/green"]),
    }
)


@hypothesis_settings(QUICK, max_examples=25)
@given(SHAPES)
def test_quota_lines_are_the_sum_over_every_pod(shape: dict[str, Any]) -> None:
    big = {"cpu": "900", "memory": "900Gi"}
    cpu, memory = shape["cpu"], shape["memory"]
    overlay = tiny(
        services__door__replicas=shape["replicas"],
        services__door__rollout={"max_surge": shape["surge"], "max_unavailable": 1},
        services__door__resources__requests={"cpu": f"{cpu}m", "memory": f"{memory}Mi"},
        services__door__resources__limits={"cpu": f"{cpu + 7}m", "memory": f"{memory + 9}Mi"},
        services__door__namespace=shape["home"],
        services__worker__scaling={"min": shape["low"], "max": shape["high"]},
        models__mind__replicas=shape["servers"],
        models__mind__adapters__green__hub=shape["second"],
        tiers__small__quota={
            "requests": {**big, "gpu": 900},
            "limits": big,
            "pods": 900,
            "services": 9,
            "configmaps": 9,
        },
        node_pools__general__max=900,
        node_pools__gpu__max=900,
    )
    settings = resolved(overlay).settings
    for namespace in settings.namespaces:
        lines = {line.what: line for line in capacity.quota_lines(settings, namespace)}
        assert {what: lines[what].needed for what in brute_force(settings, namespace)} == brute_force(
            settings, namespace
        )


def test_objects_are_counted_with_the_config_map_that_kubernetes_makes() -> None:
    room = {"limits": {"cpu": "10"}, "pods": 13}
    settings = resolved(tiny(services__door__namespace="back", tiers__small__quota=room)).settings
    lines = {line.what: (line.needed, line.sum) for line in capacity.quota_lines(settings, "back")}
    assert lines["services"] == (3, "3 Services")  # two services and a model
    assert lines["configmaps"] == (4, "4 ConfigMaps and kube-root-ca.crt")  # two services and a cache
    assert lines["secrets"] == (2, "2 Secrets")  # worker's, and the hub's token
    empty = {line.what: line.needed for line in capacity.quota_lines(settings, "front")}
    assert (empty["pods"], empty["configmaps"], empty["limits.cpu"]) == (0, 1, 0)


def test_what_a_quota_does_not_name_is_not_limited() -> None:
    overlay = tiny(tiers__small__quota={"requests": {"cpu": None}, "pods": None})
    lines = {line.what for line in capacity.quota_lines(resolved(overlay).settings, "back")}
    assert "requests.cpu" not in lines
    assert "pods" not in lines
    assert "requests.memory" in lines


@pytest.mark.parametrize(
    ("line", "text", "fits"),
    [
        (Line("limits.cpu", 11000, 12000, "m", ""), "limits.cpu 11 of 12", True),
        (Line("limits.cpu", 12001, 12000, "m", ""), "limits.cpu 12001m of 12", False),
        (Line("requests.memory", 0, 1 << 30, "bytes", ""), "requests.memory 0 of 1Gi", True),
        (Line("pods", 3, 0, "", ""), "pods 3 of 0", False),
    ],
)
def test_a_line_reads_as_users_write_quantities(line: Line, text: str, fits: bool) -> None:
    assert str(line) == text
    assert line.fits is fits


def test_a_nodes_room_is_its_allocatable_less_the_daemonsets_of_its_pool() -> None:
    settings = resolved(tiny(daemonsets__gpu={"cpu": "1", "memory": "1Gi", "pools": ["cheap"]})).settings
    kind = instance_types()["m6i.xlarge"]
    general, cheap = (node_room(settings, pool, kind) for pool in ("general", "cheap"))
    assert (general.cpu, general.memory, general.pods) == (3920 - 100, (14162 - 128) * MIB, 57)
    assert (cheap.cpu, cheap.memory, cheap.pods) == (2820, (14162 - 128 - 1024) * MIB, 56)


def test_daemonsets_larger_than_a_node_leave_less_than_nothing_and_hold_no_pod() -> None:
    settings = resolved(tiny()).settings
    kind = instance_types()["c6i.large"]
    huge = settings.model_copy(
        update={"daemonsets": {"x": settings.daemonsets["agent"].model_copy(update={"cpu": Cpu(9000)})}}
    )
    room = node_room(huge, "general", kind)
    assert room.cpu < 0
    assert not room.holds(demand("w", 1, 1, 1))
    assert room.times(demand("w", 1, 1, 1)) == 0


@pytest.fixture
def _types_may_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another rule wants types of one size in a pool; these count what each of them takes nevertheless."""
    monkeypatch.setattr("settings.rules.nodes.ALIKE", 1.0)


@pytest.mark.usefixtures("_types_may_differ")
def test_a_pool_needs_the_nodes_of_the_type_that_takes_most_of_them() -> None:
    overlay = tiny(
        node_pools__general={"instance_types": ["m6i.xlarge", "c6i.xlarge"], "max": 9},
        services__door__resources__requests={"cpu": "100m", "memory": "3Gi"},
        services__door__resources__limits={"cpu": "500m", "memory": "3Gi"},
        tiers__small__quota={"requests": {"memory": "99Gi"}, "limits": {"memory": "99Gi"}},
        services__door__replicas=5,
    )
    settings = resolved(overlay).settings
    need = capacity.pool_need(settings, "general")
    assert need == capacity.PoolNeed(4, "c6i.xlarge")  # by twos with a worker each, and two workers on a fourth
    assert capacity.pool_need(settings, "cheap") is None


@pytest.mark.usefixtures("_types_may_differ")
def test_a_pool_counts_only_types_that_hold_its_pods() -> None:
    overlay = tiny(
        node_pools__general={"instance_types": ["m6i.xlarge", "c6i.xlarge"], "max": 2},
        services__door__resources__requests={"cpu": "100m", "memory": "7Gi"},
        services__door__resources__limits={"cpu": "500m", "memory": "7Gi"},
        tiers__small__quota={"requests": {"memory": "99Gi"}, "limits": {"memory": "99Gi"}},
        tiers__small__limit_range__max__memory="8Gi",
    )
    (problem,) = problems(overlay)
    assert problem.rule == "pool-size"
    assert "need 3 nodes of m6i.xlarge, the pool ends at 2" in problem.reason


@pytest.mark.requirement("S003-31")
def test_the_seeds_platform_quota_holds_the_seeds_gateway_only_up_to_8() -> None:
    """At its ceiling of 10, plus one in a rollout, the gateway limits 11 CPUs; the seed's quota is 8."""
    settings = stack_settings("prod").settings
    lines = {line.what: line for line in capacity.quota_lines(settings, "platform")}
    assert (lines["limits.cpu"].needed, lines["limits.cpu"].available) == (11_000, 12_000)
    assert (lines["requests.cpu"].available, lines["requests.memory"].available) == (4000, 8 << 30)
    assert lines["limits.memory"].available == 16 << 30
    assert lines["limits.cpu"].needed > 8000


def test_the_seeds_team_quota_ends_at_8_pods_of_quant_api() -> None:
    settings = stack_settings("prod").settings
    quota, limits = settings.namespaces["quant"].quota, settings.services["quant-api"].resources.limits
    assert quota.limits.cpu is not None
    assert quota.limits.memory is not None
    assert quota.limits.cpu.milli // limits.cpu.milli == 8
    assert quota.limits.memory.bytes // limits.memory.bytes == 8
