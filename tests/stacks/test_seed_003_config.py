"""Seed 003: Services, ServiceAccounts and ConfigMaps of the four HTTP services (S003-57, 64 to 71, 80 to 86)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.seeds import planned_object
from tests.support import STACKS

SERVICES = [
    ("platform/gateway", "platform/gateway-config"),
    ("quant/quant-api", "quant/quant-config"),
    ("finetune/finetune-api", "finetune/finetune-config"),
    ("eval/eval-api", "eval/eval-config"),
]
COLLECTOR = "http://otel-collector.observability.svc.cluster.local:4317"
QUANT_URL = "http://quant-api.quant.svc.cluster.local"
FINETUNE_URL = "http://finetune-api.finetune.svc.cluster.local"
EVAL_URL = "http://eval-api.eval.svc.cluster.local"
SHARED = {"AWS_REGION", "LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"}
BACKEND = {"ENABLE_FALLBACK", "SAGEMAKER_ENDPOINT_NAME", "SAGEMAKER_TIMEOUT_MS"}


def data(stack: str, config: str) -> Any:
    """The variables of a ConfigMap."""
    return planned_object(stack, f"ConfigMap {config}").manifest["data"]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    "service",
    [
        pytest.param("platform/gateway", marks=pytest.mark.requirement("S003-64")),
        pytest.param("quant/quant-api", marks=pytest.mark.requirement("S003-80")),
        pytest.param("finetune/finetune-api", marks=pytest.mark.requirement("S003-85")),
        pytest.param("eval/eval-api", marks=pytest.mark.requirement("S003-86")),
    ],
)
def test_a_service_takes_port_80_to_port_8000_of_its_pods(stack: str, service: str) -> None:
    found = planned_object(stack, f"Service {service}")
    assert found.labels["app"] == found.name
    assert found.spec == {
        "type": "ClusterIP",
        "selector": {"app": found.name},
        "ports": [{"port": 80, "targetPort": 8000, "protocol": "TCP", "name": "http"}],
    }


@pytest.mark.requirement("S003-57", "S003-82", "S003-85", "S003-86")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(("service", "config"), SERVICES)
def test_pods_take_their_whole_config_map_and_roll_when_it_changes(stack: str, service: str, config: str) -> None:
    deployment = planned_object(stack, f"Deployment {service}")
    (only,) = deployment.containers
    assert only["envFrom"] == [{"configMapRef": {"name": config.partition("/")[2]}}]
    assert "env" not in only
    assert deployment.template is not None
    text = json.dumps(data(stack, config), sort_keys=True)
    checksum = deployment.template["metadata"]["annotations"]["llmplatform.dev/config-checksum"]
    assert checksum == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.requirement("S003-66", "S003-67", "S003-68")
@pytest.mark.parametrize(("stack", "level"), [("dev", "DEBUG"), ("staging", "INFO"), ("prod", "INFO")])
def test_the_gateways_variables_are_the_seeds(stack: str, level: str) -> None:
    found = dict(data(stack, "platform/gateway-config"))
    found.pop("ROUTE_TABLE")
    assert found == {
        "LOG_LEVEL": level,
        "AWS_REGION": "us-west-2",
        "OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR,
        "OTEL_SERVICE_NAME": "gateway",
        "QUANT_SERVICE_URL": QUANT_URL,
        "FINETUNE_SERVICE_URL": FINETUNE_URL,
        "EVAL_SERVICE_URL": EVAL_URL,
    }


@pytest.mark.requirement("S003-69", "S003-70")
@pytest.mark.parametrize("stack", STACKS)
def test_the_route_table_is_the_seeds(stack: str) -> None:
    assert json.loads(data(stack, "platform/gateway-config")["ROUTE_TABLE"]) == {
        "quant": {"url": QUANT_URL, "timeout_ms": 30000},
        "finetune": {
            "url": FINETUNE_URL,
            "timeout_ms": 60000,
            "ab_variants": {"lora-v1": {"weight": 80}, "lora-v2": {"weight": 20}},
        },
        "eval": {"url": EVAL_URL, "timeout_ms": 45000},
    }


@pytest.mark.requirement("S003-69")
@pytest.mark.parametrize("stack", STACKS)
def test_the_load_balancer_is_more_patient_than_the_longest_route(stack: str) -> None:
    annotations = planned_object(stack, "Ingress platform/platform-ingress").metadata["annotations"]
    said = annotations["alb.ingress.kubernetes.io/load-balancer-attributes"].split(",")
    routes = json.loads(data(stack, "platform/gateway-config")["ROUTE_TABLE"]).values()
    assert dict(attribute.split("=") for attribute in said) == {
        "access_logs.s3.enabled": "false",
        "deletion_protection.enabled": "true" if stack == "prod" else "false",
        "idle_timeout.timeout_seconds": "70",
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
    assert max(route["timeout_ms"] for route in routes) < 70_000


@pytest.mark.requirement("S003-82", "S003-83", "S003-84")
@pytest.mark.parametrize(("stack", "level"), [("dev", "DEBUG"), ("staging", "INFO"), ("prod", "INFO")])
def test_quant_apis_variables_are_the_seeds(stack: str, level: str) -> None:
    assert data(stack, "quant/quant-config") == {
        "LOG_LEVEL": level,  # the seed's base says DEBUG; docs/decisions/0006-seed-003-values.md
        "AWS_REGION": "us-west-2",
        "OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR,
        "OTEL_SERVICE_NAME": "quant-api",
        "SAGEMAKER_ENDPOINT_NAME": "quant-endpoint",
        "SAGEMAKER_TIMEOUT_MS": "25000",  # the seed says 30000
        "ENABLE_FALLBACK": "false",
        "MISTRAL_7B_URL": "http://mistral-7b.llm-baseline.svc.cluster.local:8000/v1",  # ours: the baseline
        "MISTRAL_7B_AWQ_URL": "http://mistral-7b-awq.llm-baseline.svc.cluster.local:8000/v1",  # ours: its model
    }


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("stem", "timeout", "models"),
    [
        pytest.param(
            "finetune",
            "55000",
            {"MISTRAL_7B_URL", "MISTRAL_7B_LORA_URL"},
            marks=pytest.mark.requirement("S003-85"),
        ),
        pytest.param("eval", "40000", {"MISTRAL_7B_URL", "JUDGE_URL"}, marks=pytest.mark.requirement("S003-86")),
    ],
)
def test_the_other_team_apis_have_the_variables_of_quant_api(
    stack: str, stem: str, timeout: str, models: set[str]
) -> None:
    found = data(stack, f"{stem}/{stem}-config")
    assert set(found) == SHARED | BACKEND | models
    assert found["OTEL_SERVICE_NAME"] == f"{stem}-api"
    assert found["SAGEMAKER_ENDPOINT_NAME"] == f"{stem}-endpoint"
    assert found["SAGEMAKER_TIMEOUT_MS"] == timeout
    assert found["ENABLE_FALLBACK"] == "false"


@pytest.mark.requirement("S003-83")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("stem", ["quant", "finetune", "eval"])
def test_a_team_api_gives_up_on_its_backend_before_the_gateway_gives_up_on_it(stack: str, stem: str) -> None:
    routes = json.loads(data(stack, "platform/gateway-config")["ROUTE_TABLE"])
    assert int(data(stack, f"{stem}/{stem}-config")["SAGEMAKER_TIMEOUT_MS"]) < routes[stem]["timeout_ms"]
