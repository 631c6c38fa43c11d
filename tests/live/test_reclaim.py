"""Scenario 8: a spot node is reclaimed: its model leaves in time, and is back after what the plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from settings import drain, start_up
from settings.drain import SPOT_PROMISE
from tests.live.live import Live, is_ready, within
from workbench.localcluster.api import Manifest
from workbench.localcluster.nodes import NOTICE, Reclaim

pytestmark = pytest.mark.live
SPACE, POOL = "llm-baseline", "gpu-spot"
FACTOR = 15
"""Less than 60: between the longest grace (90 s) and the end of the notice (120 s) are two real seconds then."""
LATE = 10.0
"""Real seconds that this machine, the scheduler and the node controller may add to what is simulated."""
EARLY = 2.0
"""Real seconds by which the beginning of what is measured may be told late."""


def node_of(here: Live, model: str) -> str:
    (pod,) = here.pods(SPACE, model)
    return str(pod["spec"]["nodeName"])


def ready_nodes(here: Live, model: str) -> set[str]:
    """Nodes from which a model takes requests."""
    return {endpoint["nodeName"] for endpoint in here.endpoints(SPACE, model)}


@contextmanager
def reclaimed(here: Live, node: str) -> Iterator[Future[Reclaim]]:
    """The reclaim runs while the `with` lasts."""
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(here.nodes.reclaim, node)


def leaving(here: Live, node: str) -> list[Manifest]:
    """Pods on a node that have been told to go."""
    return [pod for pod in here.nodes.pods(node) if "deletionTimestamp" in pod["metadata"]]


def successor(here: Live, model: str, node: str) -> Manifest | None:
    """The model's pod that is not the one on this node."""
    found = [pod for pod in here.pods(SPACE, model) if pod["spec"].get("nodeName") != node]
    return found[0] if found else None


def unschedulable(pod: Manifest) -> bool:
    return any(c.get("reason") == "Unschedulable" for c in pod["status"].get("conditions") or [])


@pytest.mark.requirement("S003-19")
def test_a_reclaimed_model_leaves_within_the_notice_and_is_back_after_what_the_plan_says(
    live: Callable[..., Live], record_property: Callable[[str, object], None]
) -> None:
    here = live("local", factor=FACTOR)
    here.up(only=within(SPACE))
    model = "mistral-7b"
    node = node_of(here, model)
    planned = drain.solve_model(here.settings, model).grace.seconds
    assert planned <= SPOT_PROMISE == 110
    others = set(here.settings.models) - {model}

    with here.seen(lambda: ready_nodes(here, model)) as seen, reclaimed(here, node) as reclaim:
        (going,) = here.until("its pod is told to go", lambda: leaving(here, node), simulated=NOTICE, slack=0)
        assert going["metadata"]["deletionGracePeriodSeconds"] == planned
        here.until("it leaves its Service", lambda: ready_nodes(here, model) == set(), simulated=NOTICE, slack=0)

        coming = here.until("a successor", lambda: successor(here, model, node), simulated=NOTICE, slack=0)
        name = coming["metadata"]["name"]
        here.until("no place", lambda: unschedulable(here.api.get("Pod", name, SPACE)), simulated=NOTICE)
        (fresh,) = here.nodes.add(POOL)
        went = reclaim.result()
        assert here.api.get("Pod", name, SPACE)["spec"].get("nodeName") in (None, fresh), "no other node takes it"
        here.until(
            "the model on the new node",
            lambda: ready_nodes(here, model) == {fresh},
            simulated=start_up.budget(here.settings, model).total.seconds,
        )
    assert is_ready(here.api.get("Pod", name, SPACE))

    assert went.killed == (), str(went)
    assert went.pods == (going["metadata"]["name"],)
    assert went.drained is not None
    assert went.drained <= NOTICE
    assert here.api.find("Node", node) is None
    assert [nodes for _, nodes in seen.changes] == [{node}, set(), {fresh}]

    away = seen.changes[2][0] - seen.changes[1][0]
    outage = start_up.outage(here.settings, model)
    assert outage is not None
    record_property("away", round(away))
    record_property("plan", outage.time.seconds)
    print(f"\n{went}; {model} was away for {away:.0f} s; the plan says {outage.time.seconds} s ({outage.parts})")
    # It takes nothing new from the moment that it is told to go: nothing of the notice is to be had for it.
    whole = outage.time.seconds
    assert whole - EARLY * here.clock.factor <= away <= whole + LATE * here.clock.factor
    assert all(len(ready_nodes(here, other)) == 1 for other in others), "nobody else was touched"


def test_a_pod_whose_grace_is_longer_than_the_notice_is_killed_with_its_node(live: Callable[..., Live]) -> None:
    """The red twin of the grace."""
    here = live("local", factor=FACTOR)

    def longer(manifest: Manifest) -> Manifest | None:
        if manifest["kind"] == "Deployment":
            if manifest["metadata"]["name"] != "judge":
                return None
            manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 300
        return manifest

    here.apply(only=within(SPACE), change=longer)

    def runs() -> list[Manifest]:
        return [pod for pod in here.pods(SPACE, "judge") if pod["status"]["phase"] == "Running"]

    (pod,) = here.until("the model runs", runs, simulated=900)
    with reclaimed(here, pod["spec"]["nodeName"]) as reclaim:
        (going,) = here.until(
            "its pod is told to go", lambda: leaving(here, pod["spec"]["nodeName"]), simulated=NOTICE, slack=0
        )
        assert going["metadata"]["deletionGracePeriodSeconds"] == 300
        went = reclaim.result()
    assert went.drained is None
    assert went.killed == (pod["metadata"]["name"],)


def headroom(here: Live) -> list[Manifest]:
    return here.pods(SPACE, f"{POOL}-headroom")


def lose_the_judge(here: Live) -> tuple[str, str]:
    """The only model of prod with one replica loses its node; the node, and its successor."""
    node = node_of(here, "judge")
    with reclaimed(here, node) as reclaim:
        coming = here.until("a successor", lambda: successor(here, "judge", node), simulated=NOTICE, slack=0)
        went = reclaim.result()
    assert went.killed == (), str(went)
    return node, coming["metadata"]["name"]


def test_with_headroom_a_reclaimed_model_is_back_without_a_new_node(
    live: Callable[..., Live], record_property: Callable[[str, object], None]
) -> None:
    here = live("prod", factor=FACTOR)
    here.up(only=within(SPACE))
    (placeholder,) = here.until("the placeholder", lambda: headroom(here), simulated=60)
    stand_by = here.until(
        "its node", lambda: here.api.get("Pod", placeholder["metadata"]["name"], SPACE)["spec"].get("nodeName")
    )
    before = {node["metadata"]["name"] for node in here.nodes.all(POOL)}
    start = start_up.budget(here.settings, "judge")

    with here.seen(lambda: ready_nodes(here, "judge")) as seen:
        node, name = lose_the_judge(here)
        here.until(
            "the judge on the node of the headroom",
            lambda: ready_nodes(here, "judge") == {stand_by},
            simulated=start.image.seconds + start.loading.seconds,
        )
    assert is_ready(here.api.get("Pod", name, SPACE))
    assert {n["metadata"]["name"] for n in here.nodes.all(POOL)} == before - {node}, "no node came"
    assert [nodes for _, nodes in seen.changes] == [{node}, set(), {stand_by}]
    assert any("Preempted by pod" in message for message in here.events(SPACE, "Preempted"))
    (waiting,) = headroom(here)
    assert unschedulable(waiting), "a new placeholder asks for the next node"

    away = seen.changes[2][0] - seen.changes[1][0]
    outage = start_up.outage(here.settings, "judge")
    assert outage is not None
    record_property("away", round(away))
    record_property("plan", outage.time.seconds)
    print(f"\njudge was away for {away:.0f} s; the plan says {outage.time.seconds} s ({outage.parts})")
    # The simulation pulls the image on every node; the plan knows that it is on this one.
    expected = outage.time.seconds + start.image.seconds
    assert expected - EARLY * here.clock.factor <= away <= expected + LATE * here.clock.factor
    assert away < start.total.seconds + LATE * here.clock.factor


def test_without_headroom_a_reclaimed_model_of_a_full_pool_waits_for_a_node(live: Callable[..., Live]) -> None:
    """The red twin of the headroom."""
    here = live("prod", nodes=False, factor=FACTOR)
    servers = sum(model.fewest for model in here.settings.models.values())
    here.nodes.add("general", 3, ready=True)
    here.nodes.add(POOL, servers, ready=True)
    here.nodes.wait_ready()
    here.up(only=lambda m: within(SPACE)(m) and m["metadata"]["name"] != f"{POOL}-headroom")
    _, name = lose_the_judge(here)
    start = start_up.budget(here.settings, "judge")
    here.holds(
        "it waits, longer than with headroom it was away",
        lambda: unschedulable(here.api.get("Pod", name, SPACE)) and ready_nodes(here, "judge") == set(),
        simulated=start.image.seconds + start.loading.seconds,
    )
    assert any("Insufficient nvidia.com/gpu" in message for message in here.events(SPACE, "FailedScheduling"))
