"""Scenario 3: a rolling update takes requests to a new pod when it is ready, and from an old one only then.

Real: Deployment, ReplicaSets and EndpointSlices, looked at in every version that the API server had of them.
Simulated: how long a container takes to start, and, for a version with NEVER_READY in its tag, that its readiness probe
never succeeds. A rollout's deadline is divided as simulated time is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.live.history import History, first_leaving, first_ready, serving
from tests.live.live import Change, Live, divided, given_up, is_ready, names, restart, rolled_out, within
from workbench.deploy.ready import conditions
from workbench.localcluster.api import Manifest
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.pod_stages import NEVER_READY

pytestmark = pytest.mark.live
DEADLINE = 600
"""Seconds without progress after which a rollout has failed: progressDeadlineSeconds."""
ALL_AT_ONCE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "100%"}}


def quant_api(live: Live, *changes: Callable[[Manifest], Any]) -> Change:
    """Deadlines divided, and the Deployment as each of these changes it."""
    shorter = divided(live.clock)

    def change(manifest: Manifest) -> Manifest | None:
        if manifest["kind"] == "Deployment":
            for each in changes:
                each(manifest["spec"])
        return shorter(manifest)

    return change


def bad_version(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"][0]["image"] += f"-{NEVER_READY}"


def all_at_once(spec: Manifest) -> None:
    spec["strategy"] = ALL_AT_ONCE


def slow_start(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"][0]["startupProbe"]["initialDelaySeconds"] = 60


def ungated(spec: Manifest) -> None:
    del spec["template"]["spec"]["containers"][0]["readinessProbe"]


def served(live: Live) -> set[str]:
    """The pods that take requests now."""
    return {endpoint["targetRef"]["name"] for endpoint in live.endpoints("quant", "quant-api")}


@pytest.mark.requirement("S003-48", "S003-49")
def test_a_restart_never_has_fewer_than_two_pods_serving(live: Callable[..., Live]) -> None:
    here = live("local")
    here.up(only=within("quant"), change=quant_api(here))
    strategy = here.deployment("quant-api", "quant")["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 1, "maxUnavailable": 0}
    old = names(here, "quant", "quant-api")
    with History(here, "Pod", "quant") as pods, History(here, "EndpointSlice", "quant") as slices:
        restart(here, "quant-api", "quant")
        here.until("a rolled out version", lambda: rolled_out(here, "quant-api", "quant", old), simulated=DEADLINE)
        here.until("only new ones serving", lambda: served(here) == names(here, "quant", "quant-api"))
    ready, leaving, new = first_ready(pods), first_leaving(pods), names(here, "quant", "quant-api")
    assert len(old) == len(new) == 2
    assert not old & new
    assert set(leaving) == old
    for count, (gone, came) in enumerate(zip(sorted(leaving.values()), sorted(ready[n] for n in new), strict=True), 1):
        assert came < gone, f"old pod {count} left before new pod {count} was ready"

    assert serving(slices.versions[0]) == old
    assert serving(slices.versions[-1]) == new
    for version in slices.versions:
        who = serving(version)
        assert len(who) >= 2, who
        assert all(ready[name] < version.revision for name in who & new), "a pod served before it was ready"
    started = [v for v in pods.versions if v.name in new and v.object["status"].get("phase") == "Running"]
    assert any(not is_ready(v.object) for v in started), "there was something to wait for"


def test_a_restart_of_all_pods_at_once_leaves_nobody_serving(live: Callable[..., Live]) -> None:
    """The red twin: with maxUnavailable 100 % there is a time, that of a start, without any endpoint."""
    here = live("local")
    here.up(only=within("quant"), change=quant_api(here, all_at_once, slow_start))
    old = names(here, "quant", "quant-api")
    with History(here, "EndpointSlice", "quant") as slices:
        restart(here, "quant-api", "quant")
        here.until("a rolled out version", lambda: rolled_out(here, "quant-api", "quant", old), simulated=DEADLINE)
    assert min(len(serving(version)) for version in slices.versions) == 0


@pytest.mark.requirement("S003-42", "S003-48", "S003-49")
def test_a_version_that_never_gets_ready_never_serves_and_is_given_up(live: Callable[..., Live]) -> None:
    here = live("local")
    here.up(only=within("quant"), change=quant_api(here))
    old = {pod["metadata"]["uid"]: pod for pod in here.ready_pods("quant", "quant-api")}
    before = names(here, "quant", "quant-api")
    with History(here, "Pod", "quant") as pods, History(here, "EndpointSlice", "quant") as slices:
        with pytest.raises(ClusterError, match=r"quant-api.* has timed out progressing"):
            here.up(only=within("quant"), change=quant_api(here, bad_version))
        assert given_up(here, "quant-api", "quant")
        (bad,) = names(here, "quant", "quant-api") - before
        assert here.api.get("Pod", bad, "quant")["status"]["containerStatuses"][0]["started"], "its start-up passed"
        assert conditions(here.deployment("quant-api", "quant"))["Available"]["status"] == "True"
        here.up(only=within("quant"), change=quant_api(here))
        here.until("no bad pod", lambda: names(here, "quant", "quant-api") == before, simulated=120)
    assert bad not in first_ready(pods)
    assert all(serving(version) == before for version in slices.versions), "the old ones, and nobody else"
    now = {pod["metadata"]["uid"]: pod for pod in here.ready_pods("quant", "quant-api")}
    assert now.keys() == old.keys()
    assert set(first_leaving(pods)) == {bad}


def test_the_same_version_put_in_place_of_all_pods_at_once_leaves_nobody_serving(live: Callable[..., Live]) -> None:
    """The red twin of keeping the old pods: with maxUnavailable 100 % the service is down, and stays down."""
    here = live("local")
    here.up(only=within("quant"), change=quant_api(here, all_at_once))
    with pytest.raises(ClusterError, match=r"quant-api.* has timed out progressing"):
        here.up(only=within("quant"), change=quant_api(here, all_at_once, bad_version))
    assert here.endpoints("quant", "quant-api") == []
    down = here.deployment("quant-api", "quant")
    assert down["status"].get("availableReplicas", 0) == 0
    assert conditions(down)["Available"]["status"] == "True", "all may be away, so it does not even say so"


def test_the_same_version_without_a_readiness_probe_takes_all_requests(live: Callable[..., Live]) -> None:
    """The red twin of the gate: nobody asks, so the rollout succeeds, and only the broken version serves."""
    here = live("local")
    here.up(only=within("quant"), change=quant_api(here))
    old = names(here, "quant", "quant-api")
    here.up(only=within("quant"), change=quant_api(here, ungated, bad_version))
    here.until("a rolled out version", lambda: rolled_out(here, "quant-api", "quant", old), simulated=DEADLINE)
    here.until("all requests", lambda: served(here) == names(here, "quant", "quant-api"))
    images = {p["spec"]["containers"][0]["image"] for p in here.pods("quant", "quant-api")}
    assert all(image.endswith(NEVER_READY) for image in images)
