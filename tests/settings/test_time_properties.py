"""Starting and leaving: on random settings, second by second, as the kubelet, spot nodes and load balancers do it.

The rules of start-up, outage and drain are held in both directions against how that ends; what they derive from the
settings (probes, deadlines, grace) is played through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from settings import drain, start_up
from settings.model import PlatformSettings
from settings.model_server import Model
from settings.problems import Path
from settings.serving import serve
from settings.types import Duration
from settings.workload import StartupProbe
from tests.settings.brute_force import Overlay, both_ways, fixed, found, gpu_pool, hpa, lands_on, least, parsed
from tests.settings.support import QUICK
from tests.support import put, tiny

SPOT, ON_DEMAND = 110, 900
"""Seconds of grace that a spot node and another one give."""


def read_in(size: int, rate: int) -> int:
    """Seconds that reading takes, one after the other."""
    seconds = 0
    while size > 0:
        size -= rate << 20
        seconds += 1
    return seconds


@st.composite
def starts(draw: Any) -> Overlay:
    """A model with every part of a start, on two pools."""

    def span(high: int) -> str:
        return f"{draw(st.integers(0 if high < 100 else 1, high))}s"

    size = draw(st.integers(1, 900))
    overlay = tiny(
        models__mind__source={"hub": "tiny/own", "size": f"{size}Gi"},
        models__mind__floor={"pool": "steady"},
        node_pools__gpu__node_start_up=span(600),
        node_pools__steady=gpu_pool("on-demand", 1, ["g6.xlarge"], node_start_up=span(600)),
    )
    least_time = read_in(size << 30, 1500)
    weights = draw(st.sampled_from([None, 0, least_time - 1, least_time, 5 * least_time, 7000, 7100]))
    warm_up = draw(st.sampled_from(["100s", span(99), span(600), "7000s"]))
    parts = {"image": draw(st.sampled_from(["0s", "60s", span(600)])), "warm_up": warm_up}
    overlay["models"]["mind"]["start_up"] = {**parts, "weights": None if weights is None else f"{weights}s"}
    return overlay


def parts_of(settings: PlatformSettings, pool: str) -> tuple[int, int, int, int]:
    """Seconds of node, image, weights and warm-up."""
    model = settings.models["mind"]
    start, size = model.start_up, model.source.size
    weights = start.weights.seconds if start.weights else read_in(size.bytes if size else 0, 100)
    return settings.node_pools[pool].node_start_up.seconds, start.image.seconds, weights, start.warm_up.seconds


@both_ways(starts(), st.sampled_from([None, -1, 0, 100]), examples=80)
def test_a_start_up_budget_is_refused_exactly_where_a_part_or_the_whole_cannot_be_kept(
    overlay: Overlay, spare: int | None
) -> Iterator[bool]:
    settings = parsed(overlay)
    pools = ["gpu", *(["steady"] if settings.models["mind"].floor else [])]
    start, parts = settings.models["mind"].start_up, max(parts_of(settings, pool) for pool in pools)
    size = settings.models["mind"].source.size
    if spare is not None:
        overlay["models"]["mind"]["start_up"]["within"] = f"{sum(parts) + spare}s"
    stated = {"image": start.image, "weights": start.weights, "warm_up": start.warm_up}
    wrong = {key for key, time in stated.items() if time == Duration(0)}
    wrong |= (
        {"weights"} if start.weights and start.weights.seconds < read_in(size.bytes if size else 0, 1500) else set()
    )
    wrong |= {"start_up"} if sum(parts[2:]) > 7200 else set()
    wrong |= {"within"} if spare == -1 else set()
    assert {p.path[-1] for p in found(parsed(overlay), "start-up")} == wrong
    yield bool(wrong)


def answers(probe: StartupProbe, ready: int | None, offset: int) -> int | None:
    """When the kubelet finds a container started that is ready after so many seconds; None if it kills it before."""
    failed, second = 0, probe.initial_delay.seconds + offset
    while failed < probe.failures:
        if (second - offset - probe.initial_delay.seconds) % probe.period.seconds == 0:
            if ready is not None and second >= ready:
                return second
            failed += 1
        second += 1
    return None


@both_ways(starts(), st.integers(0, 9), examples=80)
def test_a_server_that_keeps_its_budget_is_never_killed_and_its_rollout_never_given_up(
    overlay: Overlay, offset: int
) -> Iterator[bool]:
    settings = parsed(overlay)
    if found(settings, "start-up"):
        return
    probe = start_up.probes(settings, "mind").startup
    for pool in ("gpu", "steady"):
        node, image, weights, warm_up = parts_of(settings, pool)
        for first in {0, offset}:
            started = answers(probe, weights + warm_up, first)
            assert started is not None
            assert start_up.deadline(settings, "mind", pool).seconds >= node + image + started
            yield True
    assert answers(probe, None, 0) is None
    late = answers(probe, weights + warm_up + 2 * probe.period.seconds, 0)
    assert late is None, "a server that hangs is left alone for long"
    yield False


@QUICK
@given(starts(), st.lists(st.integers(0, 400), min_size=5, max_size=5), st.booleans())
def test_whatever_takes_longer_never_gets_less_time(overlay: Overlay, more: list[int], stated: bool) -> None:
    """A larger model, too, where its reading time is left out."""
    mind, given_ = overlay["models"]["mind"], []
    mind["start_up"]["weights"] = "100s" if stated else None
    for size, node, image, weights, warm_up in ([0] * 5, more):
        settings = parsed(overlay)
        source, start = settings.models["mind"].source.size, settings.models["mind"].start_up
        bytes_ = (source.bytes if source else 0) + (size << 30)
        mind["source"]["size"] = f"{bytes_ >> 30}Gi"
        times = [settings.node_pools["gpu"].node_start_up.seconds + node, start.image.seconds + image]
        overlay["node_pools"]["gpu"]["node_start_up"], mind["start_up"]["image"] = (f"{time}s" for time in times)
        mind["start_up"]["warm_up"] = f"{start.warm_up.seconds + warm_up}s"
        if stated:
            mind["start_up"]["weights"] = f"{100 + weights}s"
        settings = parsed(overlay)
        probe, budget = start_up.probes(settings, "mind").startup, start_up.budget(settings, "mind")
        patience = probe.period.seconds * probe.failures
        deadline = start_up.deadline(settings, "mind", "gpu").seconds
        given_.append((patience, deadline, budget.weights, budget.loading, budget.total))
    assert all(before <= after for before, after in zip(*given_, strict=True))


markets = st.fixed_dictionaries(
    {
        "capacity": st.sampled_from(["spot", "spot", "on-demand"]),
        "zones": st.sampled_from([["us-west-2a"], ["us-west-2a", "us-west-2b"]]),
    },
    optional={"headroom": st.just({"namespace": "back", "priority": "serving"})},
)


@both_ways(starts(), markets, fixed | hpa, st.sampled_from([None, None, "gpu", "steady"]), st.booleans(), examples=100)
def test_the_outage_that_is_shown_is_what_a_lost_node_or_zone_of_spot_costs(
    overlay: Overlay, pool: Overlay, scaling: Overlay, floor: str | None, accepted: bool
) -> Iterator[bool]:
    """One replica a node; replicas over two zones are not all in one."""
    overlay["node_pools"]["gpu"] |= pool
    mind = overlay["models"]["mind"]
    mind |= {"scaling": scaling, "floor": {"pool": floor}, **({"accept_outage": "nobody asks it"} if accepted else {})}
    if floor is None:
        del mind["floor"]
    settings = parsed(overlay)
    refused = {p.path[2:] for p in found(settings, "outage")}
    assert (("floor", "pool") in refused) == (floor == "gpu")
    if floor == "gpu":
        return  # a floor on the pool that it is to stand in for
    nodes = ["gpu"] * least(settings.models["mind"]) + ([floor] if floor else [])
    spot, headroom = pool["capacity"] == "spot", "headroom" in pool and len(nodes) == 1
    together = spot and len(pool["zones"]) == 1 and set(nodes) == {"gpu"}
    node, image, weights, warm_up = parts_of(settings, "gpu")
    back = (0 if headroom else node + image) + weights + warm_up
    away = back if together or len(nodes) == 1 else 0
    outage = start_up.outage(settings, "mind")
    assert (outage.time.seconds if outage else 0) == away
    unsaid = {()} if away and not accepted and not headroom else set()
    assert refused == (unsaid if away or not accepted else {("accept_outage",)})
    yield away > 0


EDGES = st.sampled_from([79, 80, 81, 89, 90, 91, 200, 869, 870, 871, 879, 880, 881, 1000]) | st.integers(1, 1000)


def leaves(stop: int, grace: int, settle: int, longest: int, *, finishes: int, closing: int) -> bool:
    """True if a pod that is told to go loses no request that arrives in any second before nobody sends any more.

    Args:
        stop: the second of SIGTERM, after the pre-stop wait.
        grace: the second of SIGKILL.
        settle: the second after which no request arrives.
        longest: seconds of each request.
        finishes: how long the process lets requests run after SIGTERM.
        closing: seconds that it takes to end after its last request.
    """
    for second in range(settle + 1):
        if second > stop or second + longest > stop + finishes or second + longest + closing > grace:
            return False
    return True


def feasible(promise: int, settle: int, longest: int, closing: int, *, finishes: bool) -> bool:
    """True if some pre-stop wait lets it leave within what its node promises."""
    waits = range(promise + 1)
    return any(
        leaves(stop, promise, settle, longest, finishes=promise if finishes else 0, closing=closing) for stop in waits
    )


def promised(settings: PlatformSettings, pools: list[str]) -> int:
    """The grace that the hastiest of the nodes gives."""
    return min(SPOT if settings.node_pools[pool].capacity == "spot" else ON_DEMAND for pool in pools)


@st.composite
def requests(draw: Any) -> Overlay:
    """Requests of all lengths, to services and models on nodes of both kinds."""
    spot = draw(st.sampled_from([True, True, False]))
    pool = st.sampled_from(["general", "cheap", None]) if spot else st.just("general")
    overlay = tiny(
        services__door__routes__work__timeout=f"{draw(EDGES)}s",
        services__door__pool=draw(pool),
        services__worker__pool=draw(pool),
        services__worker__sagemaker__timeout=f"{draw(EDGES)}s",
        node_pools__cheap__taints=draw(st.sampled_from([[], [{"key": "a"}]])),
        node_pools__steady=gpu_pool("on-demand", 1, ["g6.xlarge"]),
        models__mind__pool=draw(st.sampled_from(["gpu", "steady"])) if spot else "steady",
        models__mind__engine=draw(
            st.sampled_from(["0.10.0", "0.17.1", "0.18.0", "0.19.1"]).map(lambda v: {"kind": "vllm", "version": v})
            | st.just({"kind": "max-serve"})
        ),
    )
    for who in (("services", "door"), ("services", "worker"), ("models", "mind")):
        if draw(st.booleans()):
            put(overlay, (*who, "longest_request"), f"{draw(EDGES)}s")
    if spot and draw(st.booleans()):
        overlay["models"]["mind"]["floor"] = {
            "pool": {"gpu": "steady", "steady": "gpu"}[overlay["models"]["mind"]["pool"]]
        }
    if draw(st.booleans()):
        overlay["ingress"] = None
    if draw(st.integers(0, 3)) == 0:
        overlay["services"]["worker"]["calls"] = []
    return overlay


def known(settings: PlatformSettings) -> Iterator[tuple[Path, int, list[tuple[Path, int]]]]:
    """Every workload, after how long nobody sends to it, and how long its requests take, with where that is said."""
    route: Path = ("services", "door", "routes", "work", "timeout")
    forwarded = (route, settings.services["door"].routes["work"].timeout.seconds)
    worker, mind = settings.services["worker"], settings.models["mind"]
    call = (("services", "worker", "sagemaker", "timeout"), worker.sagemaker.timeout.seconds if worker.sagemaker else 0)
    asked = (("services", "worker", "longest_request"), worker.longest_request.seconds if worker.longest_request else 0)
    times = {"door": [forwarded], "worker": [forwarded, call], "mind": [forwarded, asked] if worker.calls else []}
    for path, spec in ((("services", "door"), settings.services["door"]), (("services", "worker"), worker)):
        own = [((*path, "longest_request"), spec.longest_request.seconds)] if spec.longest_request else []
        yield path, 25 if spec.ingress and settings.ingress else 15, times[path[1]] + own
    own = [(("models", "mind", "longest_request"), mind.longest_request.seconds)] if mind.longest_request else []
    yield ("models", "mind"), 15, own or times["mind"]


def aborts(model: Model) -> bool:
    """True of an engine that ends running requests at SIGTERM, whatever it is told: vLLM before 0.18."""
    return model.engine.kind == "vllm" and [int(part) for part in model.engine.version.split(".")] < [0, 18]


def finishing(settings: PlatformSettings, name: str) -> int:
    """How long a server lets requests run after SIGTERM, by what it is told: without it vLLM ends them, MAX in 5 s."""
    model, told = settings.models[name], serve(settings, name)
    if model.engine.kind == "max-serve":
        return int(model.engine.environment(told).get("MAX_SERVE_GRACEFUL_SHUTDOWN_TIMEOUT_S", 5))
    stated = [a.partition("=")[2] for a in model.engine.command_line(told) if a.startswith("--shutdown-timeout=")]
    assert not (stated and aborts(model)), "an argument that it does not know"
    return int(stated[0]) if stated else 0


@both_ways(requests(), examples=80)
def test_a_request_is_refused_exactly_where_its_pod_could_not_finish_it_and_the_fix_is_the_longest_that_can(
    overlay: Overlay,
) -> Iterator[bool]:
    settings, expected = parsed(overlay), set()
    model = settings.models["mind"]
    for path, settle, times in known(settings):
        spec = getattr(settings, str(path[0]))[path[1]]
        pools = lands_on(settings, spec.pool) + ([model.floor.pool] if path[0] == "models" and model.floor else [])
        closing, finishes = (15, not aborts(model)) if path[0] == "models" else (5, True)
        promise = promised(settings, pools)
        for where, longest in times:
            possible = feasible(promise, settle, longest, closing, finishes=finishes)
            expected |= set() if possible else {where}
            yield possible
        longest = max((time for _, time in times), default=30)
        if longest == (spec.longest_request.seconds if spec.longest_request else longest) and feasible(
            promise, settle, longest, closing, finishes=finishes
        ):
            _leaves_as_solved(settings, path, settle, longest, promise)
    refused = found(settings, "drain")
    assert {problem.path for problem in refused} == expected
    for where in expected:
        fixes = [p.fix.removeprefix("at most ").partition(",")[0] for p in refused if p.path == where]
        most = min(Duration.parse(fix).seconds for fix in fixes)
        for time in (most, most + 1):
            put(overlay, tuple(map(str, where)), f"{time}s")
            assert (where in {p.path for p in found(parsed(overlay), "drain")}) == (time > most)


def _leaves_as_solved(settings: PlatformSettings, path: Path, settle: int, longest: int, promise: int) -> None:
    """What is solved lets every request end, within what the nodes promise."""
    name = str(path[1])
    if path[0] == "services":
        solved = drain.solve(settings, name)
        grace, deregistration = solved.grace.seconds, solved.deregistration
        assert leaves(solved.pre_stop.seconds, grace, settle, longest, finishes=grace, closing=5)
        assert (deregistration is not None) == (settle == 25)
        if deregistration is not None:  # it begins when the pod goes, or as late as the load balancer takes
            assert longest <= deregistration.seconds <= grace - settle
    else:
        server = drain.solve_model(settings, name)
        grace = server.grace.seconds
        assert leaves(server.pre_stop.seconds, grace, settle, longest, finishes=finishing(settings, name), closing=15)
    assert grace <= promise
