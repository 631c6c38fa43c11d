"""Scenario 5: a rollout where nothing is left to grow into, of a GPU pool and of a quota, completes.

A model's new pod takes the GPU of an old one (maxSurge 0, maxUnavailable 1). A service's new pod comes first (maxSurge
1) and must find room in the quota, in which a pod counts until it is gone. The gateway's autoscaler is left out: it is
held at its ceiling by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import pytest

from tests.live.history import History, serving
from tests.live.live import Change, Live, divided, given_up, names, restart, rolled_out, within
from workbench.deploy.ready import conditions
from workbench.localcluster.api import Manifest

pytestmark = pytest.mark.live
MODEL, MODELS = "mistral-7b", "llm-baseline"
HEADROOM = "gpu-spot-headroom"
PLACE = 90 + 330 + 170
"""Seconds for one model's place: grace of the old pod; image and start of the new one."""
ONE_BY_ONE = 10 * 180
"""Seconds for ten pods of the gateway, if each waited for the 90 s of grace of one, and as long again to be tried."""
SURGE_FIRST = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def on_gpu(live: Live) -> dict[str, list[str]]:
    """Node of the pool -> the apps on it."""
    names = [node["metadata"]["name"] for node in live.nodes.all("gpu-spot")]
    return {name: [pod["metadata"]["labels"]["app"] for pod in live.nodes.pods(name)] for name in names}


def full_of_models(live: Live, *, surge_first: bool = False) -> Change:
    """No headroom, and the judge on its node in a second replica: 8 nodes, 8 models."""
    shorter = divided(live.clock)

    def change(manifest: Manifest) -> Manifest | None:
        if manifest["kind"] == "Deployment":
            if manifest["metadata"]["name"] == HEADROOM:
                return None
            if manifest["metadata"]["name"] == "judge":
                manifest["spec"]["replicas"] = 2
            if manifest["metadata"]["name"] == MODEL and surge_first:
                manifest["spec"]["strategy"] = SURGE_FIRST
        return shorter(manifest)

    return change


def others(live: Live) -> set[str]:
    """Pods of the other models."""
    return {
        pod["metadata"]["uid"]
        for pod in live.pods(MODELS)
        if pod["metadata"]["labels"].get("component") == "model-server" and pod["metadata"]["labels"]["app"] != MODEL
    }


@pytest.mark.requirement("S003-19")
@pytest.mark.parametrize("headroom", [True, False], ids=["with headroom", "full of models"])
def test_a_model_rolls_out_in_a_pool_that_cannot_grow(live: Callable[..., Live], headroom: bool) -> None:
    here = live("prod")
    here.up(only=within(MODELS), change=divided(here.clock) if headroom else full_of_models(here))
    everybody = sorted([MODEL, "mistral-7b-awq", "mistral-7b-lora"] * 2 + ["judge", HEADROOM if headroom else "judge"])
    assert len(here.nodes.all("gpu-spot")) == here.settings.node_pools["gpu-spot"].max == 8
    here.until("8 pods on 8 nodes", lambda: sorted(chain(*on_gpu(here).values())) == everybody, simulated=400)
    old, untouched = names(here, MODELS, MODEL), others(here)

    with History(here, "EndpointSlice", MODELS, labels=f"kubernetes.io/service-name={MODEL}") as slices:
        restart(here, MODEL, MODELS)
        here.until("a rolled out model", lambda: rolled_out(here, MODEL, MODELS, old), simulated=2 * PLACE)
    assert min(len(serving(version)) for version in slices.versions) == 1, "one goes, one serves"
    assert others(here) == untouched
    here.until("all as before", lambda: sorted(chain(*on_gpu(here).values())) == everybody, simulated=400)
    assert len(here.nodes.all("gpu-spot")) == 8
    assert all(len(apps) == 1 for apps in on_gpu(here).values())
    assert here.refused(MODELS) == [], "the quota has room for who is on the way out"


def test_a_model_that_surges_first_never_rolls_out_in_a_full_pool(live: Callable[..., Live]) -> None:
    """The red twin: with maxSurge 1 and maxUnavailable 0 each waits for the other."""
    here = live("prod")
    here.up(only=within(MODELS), change=full_of_models(here, surge_first=True))
    old = names(here, MODELS, MODEL)
    restart(here, MODEL, MODELS)
    here.until("a rollout that is given up", lambda: given_up(here, MODEL, MODELS), simulated=810)
    status = here.deployment(MODEL, MODELS)["status"]
    assert (status["updatedReplicas"], status["availableReplicas"], status["replicas"]) == (1, 2, 3)
    (new,) = [pod for pod in here.pods(MODELS, MODEL) if pod["metadata"]["name"] not in old]
    scheduled = conditions(new)["PodScheduled"]
    assert (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")
    assert "Insufficient nvidia.com/gpu" in scheduled["message"]
    assert {pod["metadata"]["name"] for pod in here.ready_pods(MODELS, MODEL)} == old
    assert len(here.endpoints(MODELS, MODEL)) == 2


def gateway_by_hand(live: Live, limits_cpu: str | None = None) -> Change:
    shorter = divided(live.clock)

    def change(manifest: Manifest) -> Manifest | None:
        if manifest["kind"] == "HorizontalPodAutoscaler":
            return None
        if manifest["kind"] == "ResourceQuota" and limits_cpu is not None:
            manifest["spec"]["hard"]["limits.cpu"] = limits_cpu
        return shorter(manifest)

    return change


@pytest.mark.requirement("S003-31", "S003-103")
def test_the_gateway_rolls_out_at_its_ceiling(live: Callable[..., Live]) -> None:
    here = live("prod")
    here.up(only=within("platform"), change=gateway_by_hand(here))
    here.scale("gateway", "platform", 10)
    here.until_ready("Deployment", "gateway", "platform")
    old = names(here, "platform", "gateway")
    assert len(old) == 10
    here.until("10 serving", lambda: len(here.endpoints("platform", "gateway")) == 10)
    with History(here, "EndpointSlice", "platform") as slices:
        restart(here, "gateway", "platform")
        here.until("a rolled out gateway", lambda: rolled_out(here, "gateway", "platform", old), simulated=ONE_BY_ONE)
    assert min(len(serving(version)) for version in slices.versions) == 10
    busy = "exceeded quota: platform-quota, requested: limits.cpu=1, used: limits.cpu=12, limited: limits.cpu=12"
    assert all(busy in event for event in here.refused("platform")), "waits for who is on the way out"


def test_without_room_for_one_more_the_gateway_never_rolls_out(live: Callable[..., Live]) -> None:
    """The red twin: a quota of exactly 10."""
    here = live("prod")
    here.up(only=within("platform"), change=gateway_by_hand(here, limits_cpu="10"))
    here.scale("gateway", "platform", 10)
    here.until_ready("Deployment", "gateway", "platform")
    old = names(here, "platform", "gateway")
    restart(here, "gateway", "platform")
    here.until("a rollout that is given up", lambda: given_up(here, "gateway", "platform"), simulated=600)
    stopped = "exceeded quota: platform-quota, requested: limits.cpu=1, used: limits.cpu=10, limited: limits.cpu=10"
    assert any(stopped in event for event in here.refused("platform"))
    status = here.deployment("gateway", "platform")["status"]
    assert (status.get("updatedReplicas", 0), status["availableReplicas"]) == (0, 10)
    assert {pod["metadata"]["name"] for pod in here.ready_pods("platform", "gateway")} == old
