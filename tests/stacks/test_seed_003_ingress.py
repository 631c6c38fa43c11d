"""Seed 003: the platform's way in (S003-71, 87 to 91, 102)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.seeds import planned_object
from tests.support import STACKS

PREFIX = "alb.ingress.kubernetes.io/"
CERTIFICATE = "arn:aws:acm:us-west-2:111122223333:certificate/12345678-1234-1234-1234-123456789012"
HOSTS = [
    ("dev", "api.dev.llmplatform.dev"),
    ("staging", "api.staging.llmplatform.dev"),
    ("prod", "api.llmplatform.dev"),
]


def annotation(stack: str, key: str) -> Any:
    """An annotation for the AWS Load Balancer Controller; None where there is none."""
    return planned_object(stack, "Ingress platform/platform-ingress").metadata["annotations"].get(f"{PREFIX}{key}")


@pytest.mark.requirement("S003-87")
@pytest.mark.parametrize("stack", STACKS)
def test_the_ingress_names_its_class_in_the_field_for_it(stack: str) -> None:
    ingress = planned_object(stack, "Ingress platform/platform-ingress")
    assert ingress.manifest["apiVersion"] == "networking.k8s.io/v1"
    assert ingress.spec["ingressClassName"] == "alb"
    assert "kubernetes.io/ingress.class" not in ingress.metadata["annotations"]


@pytest.mark.requirement("S003-88")
@pytest.mark.parametrize(
    ("stack", "scheme"), [("dev", "internal"), ("staging", "internal"), ("prod", "internet-facing")]
)
def test_only_prod_faces_the_internet_and_one_group_makes_one_load_balancer(stack: str, scheme: str) -> None:
    assert annotation(stack, "scheme") == scheme
    assert annotation(stack, "target-type") == "ip"
    assert annotation(stack, "group.name") == "llmplatform"


@pytest.mark.requirement("S003-89")
@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_where_there_is_a_certificate_port_80_only_redirects_to_443(stack: str) -> None:
    assert annotation(stack, "listen-ports") == '[{"HTTP": 80}, {"HTTPS": 443}]'
    assert annotation(stack, "certificate-arn") == CERTIFICATE
    assert annotation(stack, "ssl-redirect") == "443"


@pytest.mark.requirement("S003-90")
@pytest.mark.parametrize("stack", STACKS)
def test_the_load_balancers_health_check_is_the_seeds(stack: str) -> None:
    assert annotation(stack, "healthcheck-path") == "/health"
    assert annotation(stack, "healthcheck-interval-seconds") == "15"
    assert annotation(stack, "healthcheck-timeout-seconds") == "5"
    assert annotation(stack, "healthy-threshold-count") == "2"
    assert annotation(stack, "unhealthy-threshold-count") == "3"


@pytest.mark.requirement("S003-71")
@pytest.mark.parametrize("stack", STACKS)
def test_the_health_check_goes_to_port_8000_of_the_pod_itself(stack: str) -> None:
    """With target type ip the check takes the target's own port, unless healthcheck-port says another."""
    assert annotation(stack, "target-type") == "ip"
    assert annotation(stack, "healthcheck-port") is None
    (port,) = planned_object(stack, "Service platform/gateway").spec["ports"]
    assert (port["port"], port["targetPort"]) == (80, 8000)


@pytest.mark.requirement("S003-91", "S003-102", "S003-26")
@pytest.mark.parametrize(("stack", "host"), HOSTS)
def test_every_environment_has_its_own_host_and_all_paths_go_to_the_gateway(stack: str, host: str) -> None:
    backend = {"service": {"name": "gateway", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    rules = planned_object(stack, "Ingress platform/platform-ingress").spec["rules"]
    assert rules == [{"host": host, "http": {"paths": paths}}]
