"""Scenarios 1, 10, 11 and 12 with the real Pulumi engine. Where there is none, each says that it did not run."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.live.live import Live
from tests.live.test_ownership import scaled_by_its_autoscaler
from workbench.deploy.engine import Engine, why_not
from workbench.localcluster.errors import ClusterError

pytestmark = [pytest.mark.live, pytest.mark.engine]


@pytest.fixture
def engine(live: Callable[..., Live]) -> Callable[[str], tuple[Live, Engine]]:
    """Stack -> a new cluster, and an engine for it."""
    if missing := why_not():
        pytest.skip(f"DID NOT RUN: {missing}")

    def make(stack: str) -> tuple[Live, Engine]:
        here = live(stack)
        driver = Engine(here.alike, here.cluster.state, here.cluster.kubeconfig)
        driver.prepare()
        return here, driver

    return make


def total(here: Live) -> int:
    """Resources of the program, with the stack itself."""
    return len(here.graph.resources) + 1


@pytest.mark.parametrize("stack", ["local", "prod"])
def test_up_again_and_away(engine: Callable[[str], tuple[Live, Engine]], stack: str) -> None:
    here, driver = engine(stack)
    assert driver.up(here.api, here.graph).changes == {"created": total(here)}
    assert here.ours() == here.planned()
    for kind, namespace, name in here.planned():
        if kind in ("Deployment", "Job"):
            here.until_ready(kind, name, namespace, simulated=0)
    assert driver.preview("--refresh", "--expect-no-changes").changes == {"unchanged": total(here)}
    assert driver.up(here.api, here.graph).changes == {"unchanged": total(here)}
    assert driver.destroy().changes == {"deleted": total(here)}
    assert here.ours() == set()
    here.until("no volume", lambda: here.api.list("PersistentVolume") == [])


def test_replicas_of_an_autoscaler_are_no_drift_and_an_edit_by_hand_is(
    engine: Callable[[str], tuple[Live, Engine]],
) -> None:
    here, driver = engine("prod")
    driver.up(here.api, here.graph)
    scaled_by_its_autoscaler(here, slack=150)  # its windows are not divided here
    count = here.deployment("gateway", "platform")["spec"]["replicas"]
    driver.preview("--refresh", "--expect-no-changes")
    driver.up(here.api, here.graph)
    assert here.deployment("gateway", "platform")["spec"]["replicas"] == count >= 5

    by_hand = {"metadata": {"labels": {"environment": "mine"}}}
    here.api.merge("ConfigMap", "gateway-config", "platform", by_hand, manager="kubectl")
    with pytest.raises(ClusterError, match="ConfigMap gateway-config"):
        driver.preview("--refresh", "--expect-no-changes")
    driver.refresh()
    driver.up(here.api, here.graph)
    assert here.api.get("ConfigMap", "gateway-config", "platform")["metadata"]["labels"]["environment"] == "prod"
    assert here.deployment("gateway", "platform")["spec"]["replicas"] == count


def test_an_up_that_was_killed_is_finished_by_the_next_one(engine: Callable[[str], tuple[Live, Engine]]) -> None:
    here, driver = engine("local")
    for enough in (5, 40):
        here.kill_up_half_way("--engine", enough=enough)
    driver.prepare()
    driver.up(here.api, here.graph)
    assert here.ours() == here.planned()
    driver.preview("--refresh", "--expect-no-changes")
    assert "pending_operations" not in driver.deployment()


def test_an_api_server_that_dies_in_the_middle_of_an_up(engine: Callable[[str], tuple[Live, Engine]]) -> None:
    here, driver = engine("local")
    failed: list[ClusterError] = []

    def run() -> None:
        try:
            driver.up(here.api, here.graph)
        except ClusterError as error:
            failed.append(error)

    first = threading.Thread(target=run)
    first.start()
    here.half_way()
    here.outage()
    first.join(300)
    assert not first.is_alive()
    driver.up(here.api, here.graph)
    assert here.ours() == here.planned()
    driver.preview("--refresh", "--expect-no-changes")


def test_without_taking_in_what_it_made_the_next_up_is_refused(
    engine: Callable[[str], tuple[Live, Engine]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The red twin: an object that was made and not written down stands in its own way."""
    here, driver = engine("local")
    here.kill_up_half_way("--engine")
    lost = next(s.manifest for s in here.steps() if s.manifest["kind"] == "Job")
    here.api.apply(lost)  # as if the engine had died between making it and writing it down
    driver.prepare()
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "_adopt", lambda *_: None)
        with pytest.raises(ClusterError, match="already exists"):
            driver.up(here.api, here.graph)
    driver.up(here.api, here.graph)
    assert here.ours() == here.planned()
