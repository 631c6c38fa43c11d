"""The environment variables of a service are the image contract: these keys, these values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from settings.environment import derived, derived_keys, route_table, variables
from tests.support import STACKS, resolved, stack_settings, tiny


def test_the_smallest_gateway_has_these_variables() -> None:
    settings = resolved(tiny()).settings
    out = variables(settings, "door")
    table = out.pop("ROUTE_TABLE")
    assert out == {
        "AWS_REGION": "us-west-2",
        "LOG_LEVEL": "INFO",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector.watch.svc.cluster.local:4317",
        "OTEL_SERVICE_NAME": "door",
        "WORK_SERVICE_URL": "http://worker.back.svc.cluster.local",
    }
    assert json.loads(table) == {
        "work": {
            "url": "http://worker.back.svc.cluster.local",
            "timeout_ms": 30000,
            "ab_variants": {"blue": {"weight": 70}, "green": {"weight": 30}},
        }
    }


def test_the_smallest_api_has_these_variables() -> None:
    assert variables(resolved(tiny()).settings, "worker") == {
        "AWS_REGION": "us-west-2",
        "LOG_LEVEL": "INFO",
        "MIND_URL": "http://mind.back.svc.cluster.local:9000/v1",
        "MODE": "careful",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector.watch.svc.cluster.local:4317",
        "OTEL_SERVICE_NAME": "worker",
        "SAGEMAKER_ENDPOINT_NAME": "worker-endpoint",
        "SAGEMAKER_TIMEOUT_MS": "20000",
    }


def test_urls_name_the_services_port_where_it_is_not_80() -> None:
    settings = resolved(tiny(services__worker__service_port=8080)).settings
    assert derived(settings, "door")["WORK_SERVICE_URL"] == "http://worker.back.svc.cluster.local:8080"
    assert json.loads(route_table(settings, "door"))["work"]["url"].endswith(":8080")


def test_a_route_without_variants_has_none_in_the_table() -> None:
    settings = resolved(tiny(services__door__routes__work__variants=None)).settings
    assert "ab_variants" not in json.loads(route_table(settings, "door"))["work"]


@pytest.mark.parametrize("stack", STACKS)
def test_keys_are_sorted_and_are_those_that_the_rule_knows(stack: str) -> None:
    settings = stack_settings(stack).settings
    for name in settings.services:
        assert list(variables(settings, name)) == sorted(variables(settings, name))
        keys = [key for key, _ in derived_keys(settings, name)]
        assert sorted(keys) == list(derived(settings, name))


@pytest.mark.parametrize(
    "changes", [{}, {"observability": None}, {"services__worker__sagemaker": None}, {"services__door__routes": None}]
)
def test_the_rule_knows_every_variable_whatever_is_left_out(changes: dict[str, Any]) -> None:
    settings = resolved(tiny(**changes)).settings
    for name in settings.services:
        assert sorted(key for key, _ in derived_keys(settings, name)) == list(derived(settings, name))


@pytest.mark.requirement("S003-69", "S003-70")
def test_the_seeds_route_table_is_the_gateways() -> None:
    table = json.loads(route_table(stack_settings("dev").settings, "gateway"))
    assert table == {
        "eval": {"url": "http://eval-api.eval.svc.cluster.local", "timeout_ms": 45000},
        "finetune": {
            "url": "http://finetune-api.finetune.svc.cluster.local",
            "timeout_ms": 60000,
            "ab_variants": {"lora-v1": {"weight": 80}, "lora-v2": {"weight": 20}},
        },
        "quant": {"url": "http://quant-api.quant.svc.cluster.local", "timeout_ms": 30000},
    }


@pytest.mark.requirement("S003-66", "S003-67", "S003-68", "S003-101")
def test_the_seeds_gateway_variables_are_there_in_prod() -> None:
    out = variables(stack_settings("prod").settings, "gateway")
    assert {key: value for key, value in out.items() if key != "ROUTE_TABLE"} == {
        "AWS_REGION": "us-west-2",
        "EVAL_SERVICE_URL": "http://eval-api.eval.svc.cluster.local",
        "FINETUNE_SERVICE_URL": "http://finetune-api.finetune.svc.cluster.local",
        "LOG_LEVEL": "INFO",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector.observability.svc.cluster.local:4317",
        "OTEL_SERVICE_NAME": "gateway",
        "QUANT_SERVICE_URL": "http://quant-api.quant.svc.cluster.local",
    }


@pytest.mark.requirement("S003-96")
def test_dev_logs_everything() -> None:
    settings = stack_settings("dev").settings
    assert variables(settings, "gateway")["LOG_LEVEL"] == "DEBUG"


@pytest.mark.requirement("S003-84")
def test_the_seeds_failure_mode_is_a_variable_that_is_off() -> None:
    assert variables(stack_settings("prod").settings, "quant-api")["ENABLE_FALLBACK"] == "false"
