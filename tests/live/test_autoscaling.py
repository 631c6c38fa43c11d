"""Scenario 7: the autoscaler of prod's gateway, with driven CPU and memory: each count that it sets, and when.

Time is divided by 15 here, not by 60: the autoscaler then looks each second, the least that its flag takes, and its
windows (60 s, 300 s) and periods (15 s, 60 s) stay the multiples of a look that they are in earnest.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.live.history import History
from tests.live.live import Live, divided, within
from workbench.deploy import apply
from workbench.deploy.ready import conditions
from workbench.localcluster.api import Manifest
from workbench.localcluster.metrics import Metrics

pytestmark = pytest.mark.live
NAME, HPA, SPACE = "gateway", "gateway-hpa", "platform"
SYNC = 15
"""Seconds between two looks of the autoscaler, and the time that a look takes."""
EXACT = 2 * SYNC
"""Seconds to which the end of a window is known: it counts from a look, and ends at one."""
UP_WINDOW, DOWN_WINDOW, DOWN_PERIOD = 60, 300, 60
PEAK = 20
"""Seconds of load that are over before the window is."""
CPU_TARGET, MEMORY_TARGET = 70, 80
CPU, MEMORY = 200, 256 << 20
"""What a pod requests: thousandths of a CPU, bytes."""


def use(here: Live, *, cpu: int | None, memory: int | None) -> None:
    """Each pod uses so many percent of its requests from now on; None: nobody knows."""
    here.metrics.usage(
        SPACE,
        NAME,
        cpu=None if cpu is None else f"{CPU * cpu // 100}m",
        memory=None if memory is None else str(-(-MEMORY * memory // 100)),
    )


def on_target(here: Live) -> None:
    """As many are wanted as there are; by memory only the floor, also where those on their way out still count."""
    use(here, cpu=CPU_TARGET, memory=20)


def replicas(here: Live) -> int:
    return int(here.deployment(NAME, SPACE)["spec"]["replicas"])


class Counts(History):
    """`with Counts(here) as counts`: the replicas that the gateway was to have, however briefly."""

    def __init__(self, here: Live) -> None:
        super().__init__(here, "Deployment", SPACE)

    @property
    def changes(self) -> list[tuple[float, int]]:
        """Simulated seconds since the beginning, and the count from then on."""
        out: list[tuple[float, int]] = []
        for version in self.of(NAME):
            count = int(version.object["spec"]["replicas"])
            if not out or out[-1][1] != count:
                out.append((version.seconds, count))
        return out

    @property
    def values(self) -> list[int]:
        """One count after the other."""
        return [count for _, count in self.changes]


def hpa(here: Live) -> Manifest:
    return here.api.get("HorizontalPodAutoscaler", HPA, SPACE)


def active(here: Live) -> tuple[str, str]:
    """Whether the autoscaler can compute a count, and why (not)."""
    condition = conditions(hpa(here)).get("ScalingActive", {})
    return condition.get("status", ""), condition.get("reason", "")


def start(live: Callable[..., Live], count: int = 3) -> Live:
    """The gateway with so many replicas, all used as much as the autoscaler wants; its windows know nothing else."""
    here = live("prod", factor=15)
    on_target(here)
    here.up(only=within(SPACE), change=divided(here.clock))
    hold_at(here, count)
    return here


def hold_at(here: Live, count: int) -> None:
    """Brings it to so many replicas, and waits until the autoscaler has wanted just that for a window."""
    on_target(here)
    here.until("the floor", lambda: replicas(here) >= 3, simulated=10 * SYNC)
    here.scale(NAME, SPACE, count)

    def settled() -> bool:
        status = hpa(here)["status"]
        assert status.get("currentReplicas") == status["desiredReplicas"] == count, status
        assert active(here) == ("True", "ValidMetricFound"), active(here)
        return len(here.ready_pods(SPACE, NAME)) == count

    here.until(f"{count} replicas", settled, simulated=600)
    here.holds("it stays so for a window", settled, simulated=UP_WINDOW + SYNC)


def change(here: Live, spec: dict[str, Any]) -> None:
    """Breaks the autoscaler: its spec is this from now on, as a merge patch."""
    here.api.merge("HorizontalPodAutoscaler", HPA, SPACE, {"spec": spec})


def rules(direction: str, **rules: Any) -> dict[str, Any]:
    return {"behavior": {direction: rules}}


def percent(value: int, period: int) -> list[dict[str, Any]]:
    return [{"type": "Percent", "value": value, "periodSeconds": period}]


def surge(here: Live, count: int) -> list[tuple[float, int]]:
    """From three replicas, all of them overrun, until there are so many."""
    with Counts(here) as counts:
        use(here, cpu=500, memory=40)
        here.until(f"{count} replicas", lambda: replicas(here) >= count, simulated=UP_WINDOW + 5 * SYNC)
        here.holds("no more than the ceiling", lambda: replicas(here) == count, simulated=4 * SYNC)
    return counts.changes


@pytest.mark.requirement("S003-103", "S003-106", "S002-39", "S002-40")
def test_under_high_load_the_gateway_doubles_each_period_up_to_its_ceiling(live: Callable[..., Live]) -> None:
    here = start(live)
    (planned,) = (s.manifest["spec"] for s in here.steps(only=lambda m: m["metadata"]["name"] == HPA))
    assert (planned["minReplicas"], planned["maxReplicas"]) == (3, 10)
    assert planned["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == UP_WINDOW
    assert planned["behavior"]["scaleUp"]["policies"] == percent(100, 15)

    changes = surge(here, 10)
    assert [count for _, count in changes] == [3, 6, 10]
    assert changes[1][0] >= UP_WINDOW - EXACT, "not before the window is over"
    why = "cpu resource utilization (percentage of request) above target"
    assert {f"New size: {count}; reason: {why}" for count in (6, 10)} <= set(here.events(SPACE, "SuccessfulRescale"))
    here.until("ten in its Service", lambda: len(here.endpoints(SPACE, NAME)) == 10, simulated=120)
    assert here.refused(SPACE) == [], "the quota holds the ceiling (S003-31 did not)"


def test_without_the_rate_it_leaps_and_without_the_ceiling_it_goes_on(live: Callable[..., Live]) -> None:
    """The red twins of the counts."""
    here = start(live)
    change(here, rules("scaleUp", policies=percent(900, 1)))
    assert [count for _, count in surge(here, 10)] == [3, 10]

    hold_at(here, 3)
    change(here, {**rules("scaleUp", policies=percent(100, 1)), "maxReplicas": 20})
    assert [count for _, count in surge(here, 20)] == [3, 6, 12, 20]
    refused = here.until("refused pods", lambda: here.refused(SPACE), simulated=60)
    assert "exceeded quota" in refused[0]


@pytest.mark.requirement("S003-106")
def test_a_peak_shorter_than_the_window_adds_nothing_and_without_the_window_it_does(live: Callable[..., Live]) -> None:
    here = start(live)

    def peak() -> tuple[float, list[int]]:
        """How long it lasted, and the counts."""
        with Counts(here) as counts:
            begin = counts.now
            use(here, cpu=500, memory=40)
            here.holds("the peak lasts", lambda: True, simulated=PEAK, least=0)
            on_target(here)
            lasted = counts.now - begin
            here.holds("and is over", lambda: True, simulated=UP_WINDOW + 2 * SYNC, least=0)
        return lasted, counts.values

    for _ in range(5):
        lasted, values = peak()
        if lasted <= UP_WINDOW - EXACT:
            break
        hold_at(here, 3)  # the machine was late, and it was no short peak
    assert lasted <= UP_WINDOW - EXACT
    assert values == [3]

    change(here, rules("scaleUp", stabilizationWindowSeconds=0))
    with Counts(here) as counts:
        use(here, cpu=500, memory=40)
        here.until("more replicas", lambda: replicas(here) > 3, simulated=UP_WINDOW)
    assert counts.values[:2] == [3, 6]
    assert counts.changes[1][0] < UP_WINDOW - SYNC, "in a time in which ours did not"


@pytest.mark.requirement("S003-104", "S002-40")
def test_each_count_is_that_of_the_formula_and_either_metric_may_decide(live: Callable[..., Live]) -> None:
    here = start(live)
    (planned,) = (s.manifest["spec"] for s in here.steps(only=lambda m: m["metadata"]["name"] == HPA))
    assert {m["resource"]["name"]: m["resource"]["target"]["averageUtilization"] for m in planned["metrics"]} == {
        "cpu": CPU_TARGET,
        "memory": MEMORY_TARGET,
    }

    def step(cpu: int, memory: int) -> int:
        """What it goes to under this use; the use falls to the target as soon as there are more pods for it."""
        before = replicas(here)
        with Counts(here) as counts:
            use(here, cpu=cpu, memory=memory)
            here.until("another count", lambda: replicas(here) != before, simulated=UP_WINDOW + 3 * SYNC)
            on_target(here)
            here.holds("one step", lambda: True, simulated=UP_WINDOW + SYNC)
        assert len(counts.values) == 2, counts.values
        return counts.values[1]

    assert step(cpu=110, memory=40) == 5 == -(-3 * 110 // CPU_TARGET)
    assert step(cpu=10, memory=100) == 7 == -(-5 * 100 // MEMORY_TARGET), "memory alone"
    why = "memory resource utilization (percentage of request) above target"
    assert f"New size: 7; reason: {why}" in here.events(SPACE, "SuccessfulRescale")
    assert step(cpu=80, memory=104) == 10 == -(-7 * 104 // MEMORY_TARGET), "the larger of 8 and 10"

    hold_at(here, 3)
    change(here, {"metrics": [m for m in hpa(here)["spec"]["metrics"] if m["resource"]["name"] == "cpu"]})
    use(here, cpu=10, memory=100)
    here.holds("of memory alone it knows nothing", lambda: replicas(here) == 3, simulated=UP_WINDOW + 3 * SYNC)


@pytest.mark.requirement("S003-104")
def test_nothing_moves_within_a_tenth_of_the_target_and_beyond_it_does(live: Callable[..., Live]) -> None:
    here = start(live)
    use(here, cpu=77, memory=88)
    here.holds("a tenth over both", lambda: replicas(here) == 3, simulated=UP_WINDOW + 3 * SYNC)
    assert active(here) == ("True", "ValidMetricFound")
    with Counts(here) as counts:
        use(here, cpu=79, memory=88)
        here.until("a fourth replica", lambda: replicas(here) != 3, simulated=UP_WINDOW + 3 * SYNC)
    assert counts.values == [3, 4]

    hold_at(here, 10)
    change(here, rules("scaleDown", stabilizationWindowSeconds=0))
    use(here, cpu=64, memory=10)
    here.holds("a tenth under", lambda: replicas(here) == 10, simulated=4 * SYNC)
    use(here, cpu=62, memory=10)
    here.until("nine replicas", lambda: replicas(here) == 9, simulated=3 * SYNC)


@pytest.mark.requirement("S003-105")
def test_it_goes_down_after_the_window_and_one_by_one(live: Callable[..., Live]) -> None:
    here = start(live, 10)
    (planned,) = (s.manifest["spec"] for s in here.steps(only=lambda m: m["metadata"]["name"] == HPA))
    assert planned["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == DOWN_WINDOW
    assert planned["behavior"]["scaleDown"]["policies"] == percent(10, DOWN_PERIOD)
    with Counts(here) as counts:
        use(here, cpu=10, memory=10)
        here.until("the floor", lambda: replicas(here) == 3, simulated=DOWN_WINDOW + 8 * (DOWN_PERIOD + SYNC))
        here.holds("never below it", lambda: replicas(here) == 3, simulated=DOWN_PERIOD + 2 * SYNC)
    assert counts.values == [10, 9, 8, 7, 6, 5, 4, 3]
    times = [when for when, _ in counts.changes]
    assert times[1] >= DOWN_WINDOW - EXACT
    gaps = [round(after - before) for before, after in pairwise(times[1:])]
    assert min(gaps) >= DOWN_PERIOD - SYNC, gaps
    why = "All metrics below target"
    assert {f"New size: {n}; reason: {why}" for n in range(3, 10)} <= set(here.events(SPACE, "SuccessfulRescale"))


@pytest.mark.requirement("S003-105")
def test_a_lull_shorter_than_the_window_takes_nobody_and_without_the_window_it_does(live: Callable[..., Live]) -> None:
    """With the window's red twin, and that of the rate."""
    here = start(live, 10)
    lull = DOWN_WINDOW - 4 * SYNC
    use(here, cpu=10, memory=10)
    here.holds("inside the window nobody goes", lambda: replicas(here) == 10, simulated=lull)
    on_target(here)
    here.holds("and later neither", lambda: replicas(here) == 10, simulated=4 * SYNC)

    change(here, rules("scaleDown", stabilizationWindowSeconds=0))
    with Counts(here) as counts:
        use(here, cpu=10, memory=10)
        here.until("it goes down at once", lambda: replicas(here) < 10, simulated=3 * SYNC)
    assert counts.values == [10, 9]
    assert counts.changes[1][0] < lull, "in a time in which ours did not"

    with Counts(here) as counts:
        change(here, rules("scaleDown", policies=percent(100, 1)))
        here.until("the floor", lambda: replicas(here) == 3, simulated=DOWN_PERIOD + 3 * SYNC)
    assert counts.values == [9, 3], "without the rate: all at once"


@pytest.mark.requirement("S002-45")
def test_a_missing_metric_never_takes_a_replica_and_the_other_may_still_add(live: Callable[..., Live]) -> None:
    here = start(live)
    use(here, cpu=110, memory=None)
    here.until("up by CPU alone", lambda: replicas(here) == 5, simulated=UP_WINDOW + 3 * SYNC)
    assert active(here) == ("True", "ValidMetricFound")

    hold_at(here, 10)
    with Counts(here) as counts:
        use(here, cpu=10, memory=None)
        here.until("it cannot know", lambda: active(here) == ("False", "FailedGetResourceMetric"), simulated=3 * SYNC)
        here.holds("nobody goes", lambda: replicas(here) == 10, simulated=DOWN_WINDOW + 4 * SYNC)
    assert counts.values == [10]
    assert "failed to get memory utilization" in conditions(hpa(here))["ScalingActive"]["message"]

    change(here, {"metrics": [m for m in hpa(here)["spec"]["metrics"] if m["resource"]["name"] == "cpu"]})
    here.until("with CPU alone it goes down", lambda: replicas(here) == 9, simulated=DOWN_WINDOW + 3 * SYNC)


@pytest.mark.requirement("S002-45")
def test_without_any_metric_the_count_stays_and_with_them_it_falls(live: Callable[..., Live]) -> None:
    here = start(live, 10)
    here.metrics.set(Metrics(idle=None))
    here.until("it says so", lambda: active(here) == ("False", "FailedGetResourceMetric"), simulated=3 * SYNC)
    message = conditions(hpa(here))["ScalingActive"]["message"]
    assert "no metrics returned from resource metrics API" in message
    here.holds("the count stays", lambda: replicas(here) == 10, simulated=DOWN_WINDOW + 4 * SYNC)

    here.scale(NAME, SPACE, 1)
    here.until("the floor holds without metrics, too", lambda: replicas(here) == 3, simulated=3 * SYNC)

    here.scale(NAME, SPACE, 10)
    use(here, cpu=10, memory=10)
    here.until("the same time with metrics", lambda: replicas(here) < 10, simulated=DOWN_WINDOW + 4 * SYNC)


@pytest.mark.requirement("S003-98")
def test_an_up_leaves_the_count_alone_and_a_stated_count_fights_the_autoscaler(live: Callable[..., Live]) -> None:
    here = start(live, 10)
    use(here, cpu=500, memory=40)
    (step,) = here.steps(only=lambda m: m["kind"] == "Deployment" and m["metadata"]["name"] == NAME)
    ours = divided(here.clock)(step.manifest)
    assert ours is not None
    assert "replicas" not in ours["spec"]
    with Counts(here) as counts:
        here.api.apply(ours, manager=apply.MANAGER, force=False)
        here.holds("ten", lambda: len(here.endpoints(SPACE, NAME)) == 10, simulated=4 * SYNC)
    assert counts.values == [10]

    seeds = {**ours, "spec": {**ours["spec"], "replicas": 4}}
    with Counts(here) as counts:
        assert here.api.apply(seeds, manager=apply.MANAGER).object["spec"]["replicas"] == 4
        here.until("the autoscaler takes it back", lambda: replicas(here) == 10, simulated=UP_WINDOW + 4 * SYNC)
    assert counts.values[-2:] == [8, 10], "not at once: by its rate, while the load is there"
