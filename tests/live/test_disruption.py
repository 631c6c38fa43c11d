"""Scenario 6: what budgets refuse, and that every node of the prod stack can be drained.

Drained as in an upgrade of a node group: one node after the other is cordoned and its pods are evicted (`kubectl drain
--ignore-daemonsets`); when it is empty it goes, and a new one takes its place. The autoscaler holds the gateway at its
minimum, as in the quietest hour: that is when a budget is tightest. The GPU pool is at its maximum, so a model's pod
first takes the headroom's place, and the placeholder waits for the new node.

Real: evictions, budgets and their status, preemption, scheduling. Simulated: nodes, and how long pods start and end.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.live.history import History, serving
from tests.live.live import SLACK, Live, is_ready, within
from workbench.localcluster.api import ApiError, Manifest
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.pod_stages import FAULT, READINESS

pytestmark = pytest.mark.live
AWAY = 90 + 330 + 170
"""Seconds that a model is away: grace, image and start. A drain may wait for that of a model's other replica."""
START = 60
"""Seconds for a service's first pods: a look of the autoscaler, and their start."""
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget"
SERVES = {
    ("platform", "gateway"): 2,
    ("quant", "quant-api"): 1,
    ("finetune", "finetune-api"): 1,
    ("eval", "eval-api"): 1,
    ("llm-baseline", "mistral-7b"): 1,
    ("llm-baseline", "mistral-7b-awq"): 1,
    ("llm-baseline", "mistral-7b-lora"): 1,
}
"""Service -> pods that serve at every moment of a drain. Not the judge: one replica, and an outage is accepted."""


def budgets(live: Live) -> dict[str, Manifest]:
    return {f"{b['metadata']['namespace']}/{b['metadata']['name']}": b for b in live.api.list("PodDisruptionBudget")}


def everybody_may_lose_one(live: Live) -> bool:
    for name, budget in budgets(live).items():
        allowed = budget["status"].get("disruptionsAllowed", 0)
        assert allowed >= 1, f"{name}: {budget['status']}"
    return True


def everybody_is_ready(live: Live, pool: str) -> bool:
    """A look: the pods on a pool's nodes themselves, not what a controller has last said of them."""
    for node in live.nodes.all(pool):
        for pod in live.nodes.pods(node["metadata"]["name"]):
            assert is_ready(pod), f"{pod['metadata']['name']}: {pod['status']}"
    return True


def refusal(live: Live, pod: Manifest) -> str:
    """Why an eviction is refused; empty if it is not."""
    try:
        live.api.evict(pod)
    except ApiError as error:
        if error.status != 429:
            raise
        return str(error)
    return ""


def fault(live: Live, pod: Manifest, what: str | None) -> None:
    head = pod["metadata"]
    live.api.merge("Pod", head["name"], head["namespace"], {"metadata": {"annotations": {FAULT: what}}})


def healthy(live: Live, budget: str, namespace: str) -> int:
    """As the budget's status counts."""
    count: int = live.api.get("PodDisruptionBudget", budget, namespace)["status"].get("currentHealthy", 0)
    return count


@pytest.mark.requirement("S002-13", "S002-14", "S002-17", "S002-19", "S002-42", "S002-43", "S003-107", "S003-108")
@pytest.mark.parametrize(
    ("pool", "bound"), [("general", 90 + 60), ("gpu-spot", AWAY + 90)], ids=["general", "gpu-spot"]
)
def test_every_node_of_a_pool_is_drained_and_nobody_stops_serving(
    live: Callable[..., Live], pool: str, bound: float
) -> None:
    here = live("prod")
    here.up()
    here.until("the autoscaler's minimum", lambda: healthy(here, "gateway-pdb", "platform") == 3, simulated=START)
    assert sorted(budgets(here)) == sorted(f"{namespace}/{name}-pdb" for namespace, name in SERVES)
    here.until("a disruption allowed by every budget", lambda: everybody_may_lose_one(here))
    before = sorted(node["metadata"]["name"] for node in here.nodes.all(pool))
    assert len(before) == {"general": 3, "gpu-spot": 8}[pool]
    took: dict[str, float] = {}
    with ExitStack() as stack:
        told = {
            where: stack.enter_context(
                History(here, "EndpointSlice", where[0], labels=f"kubernetes.io/service-name={where[1]}")
            )
            for where in SERVES
        }
        for name in before:
            took[name] = here.nodes.drain(name, here.clock.seconds(bound) + SLACK)
            here.nodes.remove(name)
            here.nodes.wait_ready(here.nodes.add(pool, ready=True))
        for namespace, name in [*SERVES, ("llm-baseline", "judge"), ("llm-baseline", "gpu-spot-headroom")]:
            here.until_ready("Deployment", name, namespace)
    print("Drained:", ", ".join(f"{name} {seconds * here.clock.factor:.0f} s" for name, seconds in took.items()))
    for where, least in SERVES.items():
        assert min(len(serving(version)) for version in told[where].versions) >= least, where
    here.until("budgets as before", lambda: everybody_may_lose_one(here))
    assert len(here.nodes.all(pool)) == len(before)
    here.until("a ready pod in every place", lambda: everybody_is_ready(here, pool), simulated=AWAY)


@pytest.mark.requirement("S002-18")
def test_a_budget_of_all_replicas_keeps_its_node_from_being_drained(live: Callable[..., Live]) -> None:
    """The red twin: minAvailable 3 of 3; and what no budget keeps, a node that goes without asking (S002-18)."""
    here = live("prod")

    def all_of_them(manifest: Manifest) -> Manifest:
        if manifest["kind"] == "PodDisruptionBudget":
            manifest["spec"]["minAvailable"] = 3
        return manifest

    here.up(only=within("quant"), change=all_of_them)
    here.until("3 healthy", lambda: healthy(here, "quant-api-pdb", "quant") == 3, simulated=START)
    assert budgets(here)["quant/quant-api-pdb"]["status"]["disruptionsAllowed"] == 0
    pod = here.ready_pods("quant", "quant-api")[0]
    node = pod["spec"]["nodeName"]
    named = (
        f"{pod['metadata']['name']} still there: .*{REFUSED}.*quant-api-pdb needs 3 healthy pods and has 3 currently"
    )
    with pytest.raises(ClusterError, match=named):
        here.nodes.drain(node, here.clock.seconds(90 + 60) + 5)
    assert len(here.ready_pods("quant", "quant-api")) == 3, "untouched"
    here.nodes.remove(node)
    assert pod["metadata"]["uid"] not in {p["metadata"]["uid"] for p in here.pods("quant", "quant-api")}


@pytest.mark.requirement("S002-17", "S002-42", "S003-107")
def test_an_eviction_below_the_budget_is_refused_and_above_it_is_not(live: Callable[..., Live]) -> None:
    """With its red twin: without the budget the same eviction passes."""
    here = live("prod", factor=5)  # between two evictions no successor gets ready: it takes two real seconds then
    here.up(only=within("platform"))
    here.until("3 healthy", lambda: healthy(here, "gateway-pdb", "platform") == 3, simulated=START)
    ill, first, second = here.ready_pods("platform", "gateway")
    fault(here, ill, READINESS)
    here.until("2 healthy", lambda: healthy(here, "gateway-pdb", "platform") == 2, simulated=15)
    said = refusal(here, first)
    assert REFUSED in said
    assert "gateway-pdb needs 2 healthy pods and has 2 currently" in said
    assert here.api.get("Pod", first["metadata"]["name"], "platform")["metadata"].get("deletionTimestamp") is None
    fault(here, ill, None)
    here.until("3 healthy", lambda: healthy(here, "gateway-pdb", "platform") == 3, simulated=15)
    assert refusal(here, first) == ""
    assert REFUSED in refusal(here, second), "one at a time"

    here.api.delete("PodDisruptionBudget", "gateway-pdb", "platform")
    here.until("an eviction", lambda: refusal(here, second) == "")


@pytest.mark.requirement("S003-107")
def test_pods_that_are_all_ill_do_not_keep_a_node(live: Callable[..., Live]) -> None:
    """With its red twin: without unhealthyPodEvictionPolicy a broken service keeps its node for ever."""
    here = live("prod")
    here.up(only=within("platform"))
    here.until("3 healthy", lambda: healthy(here, "gateway-pdb", "platform") == 3, simulated=START)
    pods = here.ready_pods("platform", "gateway")
    for pod in pods:
        fault(here, pod, READINESS)
    here.until("none healthy", lambda: healthy(here, "gateway-pdb", "platform") == 0, simulated=15)
    default = {"spec": {"unhealthyPodEvictionPolicy": None}}
    ours = {"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}}
    here.api.merge("PodDisruptionBudget", "gateway-pdb", "platform", default)
    assert REFUSED in refusal(here, pods[0])
    here.api.merge("PodDisruptionBudget", "gateway-pdb", "platform", ours)
    assert refusal(here, pods[0]) == ""
