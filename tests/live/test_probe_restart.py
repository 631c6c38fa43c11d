"""Scenario 1: a deadlocked pod is restarted by its liveness probe, and gets no requests until it has started again.

Simulated: the kubelet. What the probe answers is a fault by annotation, in place of the route `/debug/deadlock` that no
image of ours has; periods and thresholds are those of the pod's own probes; the restart is the stage's. Real: that the
pod's state takes it out of the EndpointSlices and back, what the Deployment says meanwhile, and that no controller
replaces the pod.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live.history import History, Version, serving
from tests.live.live import Change, Live, is_ready, within
from workbench.localcluster.api import Manifest
from workbench.localcluster.pod_stages import FAULT, LIVENESS, READINESS

pytestmark = pytest.mark.live
DETECTED = 45
"""Seconds: 3 failures in a row of a probe each 15 s (S003-43)."""
LEFT = 15
"""Seconds: 3 failures in a row of a probe each 5 s (S003-41)."""


def fault(live: Live, pod: str, what: str | None) -> None:
    """From now on this is wrong with the pod; None: nothing any more."""
    live.api.merge("Pod", pod, "quant", {"metadata": {"annotations": {FAULT: what}}}, manager="kubectl")


def state(pod: Manifest) -> tuple[int, bool, bool]:
    """Restarts, whether its container has started, whether the pod is ready."""
    (container,) = pod["status"]["containerStatuses"]
    return container["restartCount"], container["started"], is_ready(pod)


def runs(versions: list[Version]) -> list[tuple[tuple[int, bool, bool], float]]:
    """Each state that a pod was in, one after the other, and when it began."""
    out: list[tuple[tuple[int, bool, bool], float]] = []
    for version in versions:
        if not out or out[-1][0] != state(version.object):
            out.append((state(version.object), version.seconds))
    return out


def without(probe: str) -> Change:
    """Takes a probe off all containers."""

    def change(manifest: Manifest) -> Manifest:
        if manifest["kind"] == "Deployment":
            for container in manifest["spec"]["template"]["spec"]["containers"]:
                del container[probe]
        return manifest

    return change


def names(live: Live) -> list[str]:
    """The ready pods of quant-api."""
    return sorted(pod["metadata"]["name"] for pod in live.ready_pods("quant", "quant-api"))


@pytest.mark.requirement("S003-40", "S003-42", "S003-43", "S003-44", "S003-45")
def test_a_deadlocked_pod_restarts_once_after_45_s_and_serves_after_its_start(live: Callable[..., Live]) -> None:
    # 5: its start then lasts two real seconds, in which three controllers must have written that it does not serve.
    here = live("local", factor=5)
    here.up(only=within("quant"))
    bad, other = names(here)
    with (
        History(here, "Pod", "quant") as pods,
        History(here, "EndpointSlice", "quant") as slices,
        History(here, "Deployment", "quant") as deployments,
    ):
        begin = pods.now
        fault(here, bad, LIVENESS)

        def restarted_once() -> bool:
            return state(here.api.get("Pod", bad, "quant")) == (1, True, True)

        here.until("a restarted pod", restarted_once, simulated=DETECTED + 60)
        here.until("both serving", lambda: len(here.endpoints("quant", "quant-api")) == 2)
        here.holds("one restart only", restarted_once, simulated=2 * DETECTED)

    (_, _), (_, restarted), (_, ready) = runs(pods.of(bad))
    assert [what for what, _ in runs(pods.of(bad))] == [
        (0, True, True),  # deadlocked, and nobody knows yet
        (1, False, False),  # restarted: the start-up probe runs again, and the others wait for it
        (1, True, True),
    ]
    assert restarted - begin >= DETECTED, "three probes, not fewer"
    spec = here.api.get("Pod", bad, "quant")["spec"]["containers"][0]
    assert ready - restarted >= spec["startupProbe"]["initialDelaySeconds"] / 2, "told late once, it is shorter by that"

    told = [serving(version) for version in slices.versions]
    assert told[0] == told[-1] == {bad, other}
    assert {other} in told, "no requests while it starts"
    assert all(other in who for who in told), "the other one serves all along"
    counts = [v.object["status"].get("readyReplicas", 0) for v in deployments.versions]
    assert (counts[0], min(counts), counts[-1]) == (2, 1, 2)
    assert names(here) == [bad, other], "nobody was replaced"


def test_without_its_liveness_probe_a_deadlocked_pod_goes_on_for_ever(live: Callable[..., Live]) -> None:
    """The red twin: nothing restarts it, and it keeps half of the requests."""
    here = live("local")
    here.up(only=within("quant"), change=without("livenessProbe"))
    bad, other = names(here)
    with History(here, "Pod", "quant") as pods, History(here, "EndpointSlice", "quant") as slices:
        fault(here, bad, LIVENESS)
        here.holds("no restart", lambda: state(here.api.get("Pod", bad, "quant"))[0] == 0, simulated=4 * DETECTED)
    assert [what for what, _ in runs(pods.of(bad))] == [(0, True, True)]
    assert all(serving(version) == {bad, other} for version in slices.versions)


@pytest.mark.requirement("S003-41", "S003-42")
def test_a_pod_that_is_not_ready_gets_no_requests_and_is_not_restarted(live: Callable[..., Live]) -> None:
    here = live("local")
    here.up(only=within("quant"))
    bad, other = names(here)
    with History(here, "Pod", "quant") as pods, History(here, "EndpointSlice", "quant") as slices:
        begin = pods.now
        fault(here, bad, READINESS)
        here.until("one serving", lambda: len(here.endpoints("quant", "quant-api")) == 1, simulated=LEFT)
        here.holds("one serving", lambda: len(here.endpoints("quant", "quant-api")) == 1, simulated=2 * DETECTED)
        fault(here, bad, None)
        here.until("both serving", lambda: len(here.endpoints("quant", "quant-api")) == 2, simulated=LEFT)
    (_, _), (_, left), (_, _) = runs(pods.of(bad))
    assert [what for what, _ in runs(pods.of(bad))] == [(0, True, True), (0, True, False), (0, True, True)]
    assert left - begin >= LEFT
    assert all(other in serving(version) for version in slices.versions)
    assert names(here) == [bad, other]


def test_without_its_readiness_probe_a_pod_that_cannot_answer_keeps_its_requests(live: Callable[..., Live]) -> None:
    """The red twin."""
    here = live("local")
    here.up(only=within("quant"), change=without("readinessProbe"))
    bad, other = names(here)
    fault(here, bad, READINESS)
    here.holds("both serving", lambda: len(here.endpoints("quant", "quant-api")) == 2, simulated=4 * LEFT)
    assert names(here) == [bad, other]
