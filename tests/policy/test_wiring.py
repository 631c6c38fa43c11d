"""Selectors and ports: red cases, each made by breaking one thing of prod, and green neighbours."""

from __future__ import annotations

import pytest

from policy.graph import Graph
from tests.policy.support import added, copied, edited, said
from tests.support import REMOVE

APART = "spec template spec affinity podAntiAffinity preferredDuringSchedulingIgnoredDuringExecution"
CONTAINER = "spec template spec containers 0"
GATEWAY = "Deployment platform/gateway"
HPA = "HorizontalPodAutoscaler platform/gateway-hpa"
INGRESS, GRAFANA = "Ingress platform/platform-ingress", "Ingress observability/grafana-ingress"
SERVICE = "Service platform/gateway"

SELECTORS = {
    "a Service that selects nobody": (
        (SERVICE, "spec selector app", "gatway"),
        [f"{SERVICE}: its selector app=gatway matches no pod of the namespace"],
    ),
    "a Service without a selector": (
        (SERVICE, "spec selector", REMOVE),
        [f"{SERVICE}: it selects no pods, and nothing else gives it endpoints"],
    ),
    "a Service on a port that is not open": (
        (SERVICE, "spec ports 0 targetPort", 8080),
        [f"{SERVICE}: targetPort 8080 is not open in {GATEWAY}"],
    ),
    "a Service on a name that no port has": (
        (SERVICE, "spec ports 0 targetPort", "web"),
        [f"{SERVICE}: targetPort web is not open in {GATEWAY}"],
    ),
    "a Service over another protocol": (
        (SERVICE, "spec ports 0 protocol", "UDP"),
        [f"{SERVICE}: targetPort 8000 is not open in {GATEWAY}"],
    ),
    "a Service whose target is its own port by default": (
        (SERVICE, "spec ports 0 targetPort", REMOVE),
        [f"{SERVICE}: targetPort 80 is not open in {GATEWAY}"],
    ),
    "a Service without a port": (
        (SERVICE, "spec ports", REMOVE),
        [f"{SERVICE}: it has no port", f"{INGRESS}: port 80 is not one of {SERVICE}"],
    ),
    "an Ingress to nothing": (
        (INGRESS, "spec rules", []),
        [f"{INGRESS}: it sends requests nowhere"],
    ),
    "an Ingress to no Service": (
        (INGRESS, "spec rules 0 http paths 0 backend service name", "gatway"),
        [f"{INGRESS}: its backend Service gatway does not exist"],
    ),
    "an Ingress to a Service that is somebody else's and that it does not name": (
        (GRAFANA, "metadata annotations llmplatform.dev/external", "Service/prometheus, Deployment/grafana"),
        [f"{GRAFANA}: its backend Service grafana does not exist"],
    ),
    "an Ingress to a default that does not exist": (
        (INGRESS, "spec defaultBackend service name", "sorry"),
        [f"{INGRESS}: its backend Service sorry does not exist"],
    ),
    "an Ingress on a port that the Service has not": (
        (INGRESS, "spec rules 0 http paths 0 backend service port number", 8000),
        [f"{INGRESS}: port 8000 is not one of {SERVICE}"],
    ),
    "a budget for nobody": (
        ("PodDisruptionBudget quant/quant-api-pdb", "spec selector matchLabels app", "quant"),
        ["PodDisruptionBudget quant/quant-api-pdb: its selector matches no pod of the namespace"],
    ),
    "a budget without a selector": (
        ("PodDisruptionBudget quant/quant-api-pdb", "spec selector", REMOVE),
        ["PodDisruptionBudget quant/quant-api-pdb: its selector matches no pod of the namespace"],
    ),
    "an autoscaler of nothing": (
        (HPA, "spec scaleTargetRef name", "gatway"),
        [f"{HPA}: its target Deployment gatway does not exist"],
    ),
    "an autoscaler on what is not requested": (
        (GATEWAY, f"{CONTAINER} resources requests memory", REMOVE),
        [f"{HPA}: it scales on memory, and a container of {GATEWAY} requests none"],
    ),
    "a spread over others": (
        (GATEWAY, "spec template spec topologySpreadConstraints 0 labelSelector matchLabels app", "quant-api"),
        [f"{GATEWAY}: its spread over topology.kubernetes.io/zone counts app=quant-api, not its pods"],
    ),
    "an anti-affinity to nobody": (
        (GATEWAY, f"{APART} 0 podAffinityTerm labelSelector", REMOVE),
        [f"{GATEWAY}: its spread over kubernetes.io/hostname counts no pod, not its pods"],
    ),
    "a policy that opens a closed port": (
        ("NetworkPolicy platform/gateway", "spec ingress 0 ports 0 port", 8080),
        [f"NetworkPolicy platform/gateway: it lets port 8080 in, which is not open in {GATEWAY}"],
    ),
    "a policy that opens a range without an open port": (
        ("NetworkPolicy platform/gateway", "spec ingress 0 ports 0", {"port": 9000, "endPort": 9100}),
        [f"NetworkPolicy platform/gateway: it lets port 9000 in, which is not open in {GATEWAY}"],
    ),
}

SELECTORS_GREEN = {
    "a target port by name": (SERVICE, "spec ports 0 targetPort", "http"),
    "a port number as the engine sends it": (SERVICE, "spec ports 0 targetPort", 8000.0),
    "TCP left out": (SERVICE, "spec ports 0 protocol", REMOVE),
    "a Service that is a name": ("Service quant/quant-api", "spec", {"type": "ExternalName"}),
    "a selector that is not known yet": (SERVICE, "spec selector", "${thing x.labels}"),
    "an Ingress on a port by name": (
        INGRESS,
        "spec rules 0 http paths 0 backend service port",
        {"name": "http"},
    ),
    "an Ingress to a Service that is somebody else's": (
        GRAFANA,
        "metadata annotations llmplatform.dev/external",
        "Service/prometheus, Service/grafana",
    ),
    "an Ingress to something other than a Service": (
        INGRESS,
        "spec rules 0 http paths 0 backend",
        {"resource": {"kind": "Bucket", "name": "static"}},
    ),
    "a policy by port name": ("NetworkPolicy platform/gateway", "spec ingress 0 ports 0 port", "http"),
    "a policy over a range": ("NetworkPolicy platform/gateway", "spec ingress 0 ports 0 endPort", 8010),
    "a policy over every port": ("NetworkPolicy platform/gateway", "spec ingress 0 ports 0", {"protocol": "TCP"}),
}


@pytest.mark.parametrize(("change", "finds"), SELECTORS.values(), ids=SELECTORS)
def test_a_selector_or_port_that_does_not_resolve_is_named(prod, change, finds) -> None:
    assert said("selectors", edited(prod, *change)) == finds


@pytest.mark.parametrize("change", SELECTORS_GREEN.values(), ids=SELECTORS_GREEN)
def test_a_selector_or_port_that_resolves_is_left_alone(prod, change) -> None:
    assert said("selectors", edited(prod, *change)) == []


def canary_of(graph: Graph, **labels: str) -> dict[str, object]:
    """A second gateway, with other labels on its pods."""
    canary = copied(graph, GATEWAY, name="canary")
    canary["spec"]["template"]["metadata"]["labels"] |= {"track": "canary", **labels}
    canary["spec"]["selector"]["matchLabels"] = {"track": "canary"}
    return canary


def test_a_service_of_two_workloads_is_named(prod) -> None:
    canary = canary_of(prod, **{"app.kubernetes.io/name": "canary"})
    assert said("selectors", added(prod, canary)) == [
        f"{GATEWAY}: its selector app=gateway takes the pods of Deployment platform/canary too",
        f"{SERVICE}: its selector app=gateway takes the pods of {GATEWAY} and Deployment platform/canary",
    ]


def test_a_service_over_two_parts_of_one_app_is_meant(prod) -> None:
    parts = edited(prod, GATEWAY, "spec selector matchLabels track", "stable")
    parts = edited(parts, GATEWAY, "spec template metadata labels track", "stable")
    assert said("selectors", added(parts, canary_of(prod))) == []
    nameless = edited(parts, GATEWAY, "spec template metadata labels app.kubernetes.io/name", REMOVE)
    assert said("selectors", added(nameless, canary_of(nameless, track="canary"))) == [
        f"{SERVICE}: its selector app=gateway takes the pods of {GATEWAY} and Deployment platform/canary",
    ]


def test_a_second_budget_for_the_same_pods_is_named(prod) -> None:
    budget = "PodDisruptionBudget quant/quant-api-pdb"
    graph = added(prod, copied(prod, budget, name="zealous"))
    reason = f"Deployment quant/quant-api is also guarded by {budget}; the eviction API refuses pods with two budgets"
    assert said("selectors", graph) == [f"PodDisruptionBudget quant/zealous: {reason}"]
