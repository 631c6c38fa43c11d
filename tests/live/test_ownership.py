"""Scenario 10: what an autoscaler owns survives a new `up`; what somebody changed by hand is reported as drift."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live.live import SLACK, Live, divided, within
from workbench.deploy import apply
from workbench.localcluster.api import Manifest

pytestmark = pytest.mark.live


def scaled_by_its_autoscaler(here: Live, *, slack: float = SLACK) -> None:
    """CPU of 140 % of the target: 3 replicas become 5 (ceil of 3 x 1.4 is 5)."""
    here.metrics.usage("platform", "gateway", cpu="196m", memory="64Mi")

    def five() -> bool:
        return bool(here.deployment("gateway", "platform")["spec"]["replicas"] >= 5)

    here.until("5 replicas", five, simulated=120, slack=slack)
    here.metrics.usage("platform", "gateway", cpu="140m", memory="64Mi")
    here.until_ready("Deployment", "gateway", "platform")


@pytest.mark.requirement("S003-98", "S003-103", "S003-111", "S003-112")
def test_replicas_of_an_autoscaler_survive_and_an_edit_by_hand_is_drift(live: Callable[..., Live]) -> None:
    here = live("prod")
    take, change = within("platform"), divided(here.clock)
    here.up(only=take, change=change)
    here.until(
        "the autoscaler's least",
        lambda: here.deployment("gateway", "platform")["spec"]["replicas"] == 3,
        simulated=60,  # its look each 15 s
    )
    scaled_by_its_autoscaler(here)
    count = here.deployment("gateway", "platform")["spec"]["replicas"]
    todo = here.steps(only=take, change=change)
    assert apply.drift(here.api, todo) == []
    assert here.up(only=take, change=change).changed == []
    assert here.deployment("gateway", "platform")["spec"]["replicas"] == count >= 5

    image = here.deployment("gateway", "platform")["spec"]["template"]["spec"]["containers"][0]["image"]
    by_hand = {"spec": {"template": {"spec": {"containers": [{"name": "gateway", "image": "gateway:by-hand"}]}}}}
    path = here.api.path("Deployment", "gateway", "platform")
    content = "application/strategic-merge-patch+json"
    here.api.call("PATCH", path, by_hand, {"fieldManager": "kubectl"}, content)
    here.api.merge(
        "Service", "gateway", "platform", {"metadata": {"labels": {"environment": "mine"}}}, manager="kubectl"
    )
    assert apply.drift(here.api, todo) == [
        f"Deployment platform/gateway: spec.template.spec.containers[0].image: gateway:by-hand -> {image}",
        "Service platform/gateway: metadata.labels.environment: mine -> prod",
    ]
    healed = here.up(only=take, change=change).changed
    assert sorted(healed) == ["Deployment platform/gateway", "Service platform/gateway"]
    assert apply.drift(here.api, todo) == []
    assert here.deployment("gateway", "platform")["spec"]["replicas"] == count


def test_a_count_in_our_own_manifest_would_take_it_from_the_autoscaler(live: Callable[..., Live]) -> None:
    """The red twin: `replicas` where an autoscaler owns them is reset by the next `up`, and reported as drift."""
    here = live("prod")
    shorter = divided(here.clock)

    def counted(manifest: Manifest) -> Manifest | None:
        if manifest["kind"] == "Deployment":
            manifest["spec"]["replicas"] = 4  # S003-98
        return shorter(manifest)

    take = within("platform")
    here.up(only=take, change=counted)
    scaled_by_its_autoscaler(here)
    todo = here.steps(only=take, change=counted)
    drift = apply.drift(here.api, todo)
    assert len(drift) == 1
    assert drift[0].startswith("Deployment platform/gateway: spec.replicas: ")
    assert drift[0].endswith(" -> 4")
    here.api.apply(next(s.manifest for s in todo if s.manifest["kind"] == "Deployment"), manager=apply.MANAGER)
    assert here.deployment("gateway", "platform")["spec"]["replicas"] == 4, "pods of a loaded gateway are taken away"
