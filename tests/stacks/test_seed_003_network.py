"""Seed 003: who talks to whom (S003-12, 13, 16 to 18). The expected connections are written by hand here."""

from __future__ import annotations

import pytest

from policy.rules.reachability import reachability
from tests.conftest import planned
from tests.seeds import planned_object
from tests.support import STACKS

API_PORT, OTLP_PORT = "TCP 8000", "TCP 4317"
PUBLIC = ["10.0.192.0/21", "10.0.200.0/21", "10.0.208.0/21"]
INTRA = ["10.0.216.0/21", "10.0.224.0/21", "10.0.232.0/21"]
INTERNET = "0.0.0.0/0 except 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16"

GATEWAY = "platform/gateway"
TEAM_APIS = ["quant/quant-api", "finetune/finetune-api", "eval/eval-api"]
MODELS = [
    "llm-baseline/mistral-7b",
    "llm-baseline/mistral-7b-awq",
    "llm-baseline/mistral-7b-lora",
    "llm-baseline/judge",
]
COLLECTOR, PROMETHEUS = "observability/otel-collector", "observability/prometheus"
OPERATOR, GRAFANA = "observability/prometheus-operator", "observability/grafana"
DOWNLOADS, PLACEHOLDER = "llm-baseline/weights", "llm-baseline/gpu-spot-headroom"
CALLS = {
    "quant/quant-api": ["llm-baseline/mistral-7b", "llm-baseline/mistral-7b-awq"],
    "finetune/finetune-api": ["llm-baseline/mistral-7b", "llm-baseline/mistral-7b-lora"],
    "eval/eval-api": ["llm-baseline/mistral-7b", "llm-baseline/judge"],
}


def expected(load_balancers: list[str], placeholders: list[str]) -> set[str]:
    """Every connection that the platform needs; load balancers and placeholders differ by environment."""
    services = [GATEWAY, *TEAM_APIS]
    edges = {f"{GATEWAY} -> {api} {API_PORT}" for api in TEAM_APIS}
    edges |= {f"{api} -> {model} {API_PORT}" for api, models in CALLS.items() for model in models}
    edges |= {f"{block} -> {GATEWAY} {API_PORT}" for block in load_balancers}
    edges |= {f"{block} -> {GRAFANA} TCP 3000" for block in load_balancers}
    edges |= {f"{pod} -> {COLLECTOR} {OTLP_PORT}" for pod in (*services, *MODELS)}
    edges |= {f"{PROMETHEUS} -> {pod} {API_PORT}" for pod in (*services, *MODELS)}
    edges |= {f"{service} -> {block} TCP 443" for service in services for block in INTRA}  # STS, SageMaker
    edges.add(f"{DOWNLOADS} -> {INTERNET} TCP 443")
    edges |= {f"{block} -> {OPERATOR} TCP 10250" for block in INTRA}  # the API server's webhook calls
    everyone = [*services, *MODELS, DOWNLOADS, COLLECTOR, PROMETHEUS, OPERATOR, GRAFANA, *placeholders]
    return edges | {f"{pod} -> kube-system/kube-dns {protocol} 53" for pod in everyone for protocol in ("TCP", "UDP")}


@pytest.mark.requirement("S003-12", "S003-13", "S003-18")
@pytest.mark.parametrize(
    ("stack", "load_balancers", "placeholders"),
    [("dev", INTRA, []), ("staging", INTRA, []), ("prod", PUBLIC, [PLACEHOLDER])],
)
def test_exactly_the_needed_connections_are_possible(
    stack: str, load_balancers: list[str], placeholders: list[str]
) -> None:
    assert {str(edge) for edge in reachability(planned(stack).graph)} == expected(load_balancers, placeholders)


@pytest.mark.requirement("S003-13")
@pytest.mark.parametrize("stack", STACKS)
def test_inside_only_the_gateway_reaches_the_team_apis(stack: str) -> None:
    pods = {GATEWAY, *TEAM_APIS}
    inside = {str(e) for e in reachability(planned(stack).graph) if e.source in pods and e.target in pods}
    assert inside == {f"{GATEWAY} -> {api} {API_PORT}" for api in TEAM_APIS}


@pytest.mark.requirement("S003-13")
@pytest.mark.parametrize("stack", STACKS)
def test_every_namespace_denies_what_no_policy_allows(stack: str) -> None:
    for namespace in planned(stack).graph.of_kind("Namespace"):
        policy = planned_object(stack, f"NetworkPolicy {namespace.name}/default-deny")
        assert policy.spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.requirement("S003-13")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("service", [GATEWAY, *TEAM_APIS])
def test_services_are_reached_by_cluster_ip_only(stack: str, service: str) -> None:
    assert planned_object(stack, f"Service {service}").spec["type"] == "ClusterIP"


@pytest.mark.requirement("S003-12")
def test_from_the_internet_the_way_is_the_load_balancer_and_then_the_gateway_or_grafana() -> None:
    ways = {"platform/platform-ingress": ("gateway", 80), "observability/grafana-ingress": ("grafana", 3000)}
    assert {str(i) for i in planned("prod").graph.of_kind("Ingress")} == {f"Ingress {name}" for name in ways}
    for name, (service, port) in ways.items():
        (path,) = planned_object("prod", f"Ingress {name}").spec["rules"][0]["http"]["paths"]
        assert path["backend"]["service"] == {"name": service, "port": {"number": port}}
    from_outside = {str(e) for e in reachability(planned("prod").graph) if e.source in PUBLIC}
    doors = (f"{GATEWAY} {API_PORT}", f"{GRAFANA} TCP 3000")
    assert from_outside == {f"{block} -> {door}" for block in PUBLIC for door in doors}


@pytest.mark.requirement("S003-16")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("service", [GATEWAY, *TEAM_APIS])
def test_no_service_has_a_sidecar_and_every_one_sends_to_the_central_collector(stack: str, service: str) -> None:
    deployment = planned_object(stack, f"Deployment {service}")
    assert [container["name"] for container in deployment.containers] == [deployment.name]
    assert deployment.template is not None
    assert "initContainers" not in deployment.template["spec"]
    assert f"{service} -> {COLLECTOR} {OTLP_PORT}" in {str(e) for e in reachability(planned(stack).graph)}


@pytest.mark.requirement("S003-17", "S003-18")
@pytest.mark.parametrize("stack", STACKS)
def test_four_models_have_their_place_in_llm_baseline_and_every_team_its_own(stack: str) -> None:
    urls = {name: model["url"] for name, model in planned(stack).graph.outputs["models"].items()}
    home = "llm-baseline.svc.cluster.local:8000/v1"
    assert urls == {
        "mistral-7b": f"http://mistral-7b.{home}",
        "mistral-7b-awq": f"http://mistral-7b-awq.{home}",
        "mistral-7b-lora": f"http://mistral-7b-lora.{home}",
        "judge": f"http://judge.{home}",
    }
    assert planned(stack).graph.outputs["models"]["mistral-7b"]["hub"] == "mistralai/Mistral-7B-Instruct-v0.3"
    own = {
        "ConfigMap quant/quant-config": {"MISTRAL_7B_URL", "MISTRAL_7B_AWQ_URL"},
        "ConfigMap finetune/finetune-config": {"MISTRAL_7B_URL", "MISTRAL_7B_LORA_URL"},
        "ConfigMap eval/eval-config": {"MISTRAL_7B_URL", "JUDGE_URL"},
    }
    for config, keys in own.items():
        data = planned_object(stack, config).manifest["data"]
        assert {key for key, value in data.items() if "llm-baseline" in value} == keys
