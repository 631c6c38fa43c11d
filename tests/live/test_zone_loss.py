"""Scenario 9: a zone is lost: what has replicas in others goes on serving, and is whole again where there is room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from settings.names import POOL_LABEL
from tests.live.live import Live, divided, within
from workbench.localcluster.api import Manifest
from workbench.localcluster.nodes import MISSED, ZONE_LABEL

pytestmark = pytest.mark.live
TOLERATION = 300
"""Seconds that a pod stays bound to a node that says nothing (admission's default)."""
Service = tuple[str, str]
GATEWAY: Service = ("platform", "gateway")


def serving(here: Live, lost: set[str]) -> Counter[Service]:
    """Service -> its endpoints that take requests and are on a node that is there."""
    out: Counter[Service] = Counter()
    for piece in here.api.list("EndpointSlice"):
        name = (piece["metadata"]["namespace"], piece["metadata"]["labels"].get("kubernetes.io/service-name", ""))
        for endpoint in piece.get("endpoints") or []:
            if endpoint["conditions"].get("ready") and endpoint.get("nodeName") not in lost:
                out[name] += 1
    return out


def zones(here: Live, service: Service) -> Counter[str]:
    return Counter(str(endpoint["zone"]) for endpoint in here.endpoints(*service))


def nodes_in(here: Live, zone: str) -> set[str]:
    return {node["metadata"]["name"] for node in here.nodes.all(zone=zone)}


def bound(here: Live, service: Service, nodes: set[str]) -> list[Manifest]:
    """Pods of a Service that are bound to these nodes and not told to go."""
    return [pod for pod in here.pods(*service) if pod["spec"].get("nodeName") in nodes]


@pytest.mark.requirement("S003-107", "S003-108", "S002-38")
def test_the_gateway_stays_above_its_budget_and_everything_with_two_replicas_serves(live: Callable[..., Live]) -> None:
    here = live("prod")
    here.up()
    here.until("three gateways", lambda: serving(here, set())[GATEWAY] == 3, simulated=300)
    assert set(zones(here, GATEWAY).values()) == {1}, "one in each zone"
    least = here.api.get("PodDisruptionBudget", "gateway-pdb", "platform")["spec"]["minAvailable"]
    assert least == 2
    before = serving(here, set())
    several = {service for service, count in before.items() if count > 1}
    models = {("llm-baseline", name) for name, model in here.settings.models.items() if model.fewest == 2}
    assert len(models) == 3
    assert several == {GATEWAY, ("quant", "quant-api"), ("finetune", "finetune-api"), ("eval", "eval-api"), *models}

    zone = here.settings.aws.zones[0]
    lost = nodes_in(here, zone)
    assert {here.api.get("Node", name)["metadata"]["labels"][POOL_LABEL] for name in lost} == {"general", "gpu-spot"}
    elsewhere = serving(here, lost)
    for service in several - models:  # room in every zone: the preference of the spread decides
        assert elsewhere[service] >= before[service] - 1, service
    with here.seen(lambda: serving(here, lost)) as alive, here.seen(lambda: serving(here, set())) as told:
        silent = here.nodes.lose_zone(zone)
        assert set(silent) == lost
        here.until("nobody is sent to the lost zone", lambda: serving(here, lost) == serving(here, set()))
        assert serving(here, set())[GATEWAY] == 2
        here.holds(
            "nobody is moved before the toleration is over",
            lambda: len(bound(here, GATEWAY, lost)) == 1 and len(here.pods(*GATEWAY)) == 3,
            simulated=TOLERATION / 4,  # those of some are tainted, and their time runs, while others still fall silent
            least=0,
        )
        here.until("the gateway is whole again", lambda: serving(here, lost)[GATEWAY] == 3, simulated=2 * TOLERATION)
        for service in several - models:
            here.until(f"{service} is whole again", lambda s=service: serving(here, lost)[s] == 3, simulated=120)
    assert min(count[GATEWAY] for count in alive.values) == 2, "at its budget, never below"
    assert min(count[GATEWAY] for count in told.values) == 2
    for service in several:  # a nearly full GPU pool may leave both replicas of a model in one zone (decision 0008)
        assert min(count[service] for count in alive.values) >= elsewhere[service], service
    assert set(zones(here, GATEWAY)) == set(here.settings.aws.zones) - {zone}
    steps = pairwise(alive.changes)
    back = next(when for (_, less), (when, count) in steps if less[GATEWAY] == 2 and count[GATEWAY] == 3)
    assert back >= MISSED + TOLERATION

    # Models find no room: one takes the place of the placeholder, the others wait. The cloud takes the lost instances
    # away, and brings others elsewhere.
    instances = [node["metadata"]["name"] for node in here.nodes.all("gpu-spot", zone)]
    for name in instances:
        here.nodes.remove(name)
    for index in range(len(instances)):
        here.nodes.add("gpu-spot", zone=here.settings.aws.zones[1 + index % 2], ready=True)

    def whole() -> bool:
        now = serving(here, lost)
        return all(now[service] == 2 for service in models)

    here.until("every model is whole again", whole, simulated=900)


def test_a_gateway_packed_into_the_lost_zone_is_away(live: Callable[..., Live]) -> None:
    """The red twin of the spread."""
    here = live("prod")
    zone = here.settings.aws.zones[0]

    def packed(manifest: Manifest) -> Manifest | None:
        if manifest["kind"] == "Deployment":
            pod = manifest["spec"]["template"]["spec"]
            del pod["topologySpreadConstraints"], pod["affinity"]
            pod["nodeSelector"][ZONE_LABEL] = zone
        return divided(here.clock)(manifest)

    here.up(only=within("platform"), change=packed)
    here.until("three gateways", lambda: serving(here, set())[GATEWAY] == 3, simulated=300)
    assert zones(here, GATEWAY) == {zone: 3}
    lost = nodes_in(here, zone)
    here.nodes.lose_zone(zone)
    here.until("no gateway", lambda: serving(here, set())[GATEWAY] == 0)
    here.until("its pods are told to go", lambda: bound(here, GATEWAY, lost) == [], simulated=2 * TOLERATION)
    here.holds("and none comes back", lambda: serving(here, set())[GATEWAY] == 0, simulated=120)
    assert all("nodeName" not in pod["spec"] for pod in here.pods(*GATEWAY))
