"""Certificates: one for each public host, proven through its zone, and used by the Ingress of that host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.eks import CERTIFIED, DNS, ZONE, Deploy, before, every, made, one
from tests.support import World, kept

CERTIFICATE, RECORD = "acm/certificate:Certificate", "route53/record:Record"
VALID = "acm/certificateValidation:CertificateValidation"
ARN = "alb.ingress.kubernetes.io/certificate-arn"
HOSTS = ("door.example.com", "watch.example.com")


@pytest.fixture
def certified(deploy: Deploy) -> World:
    return kept(deploy, **CERTIFIED)


def used(world: World) -> dict[str, Any]:
    """Host -> the certificate that its Ingress names."""
    return {i.spec["rules"][0]["host"]: i.metadata["annotations"][ARN] for i in world.graph.of_kind("Ingress")}


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_has_a_certificate_that_a_record_of_its_zone_proves(certified: World, host: str) -> None:
    certificate = one(certified.graph, CERTIFICATE, f"{host}-certificate")
    assert (certificate["domainName"], certificate["validationMethod"]) == (host, "DNS")
    record = one(certified.graph, RECORD, f"{host}-proof")

    def proof(part: str) -> str:
        return made(CERTIFICATE, f"{host}-certificate", f"domainValidationOptions[0].resourceRecord{part}")

    assert record["zoneId"] == ZONE
    assert (record["name"], record["type"], record["records"]) == (proof("Name"), "CNAME", [proof("Value")])
    assert one(certified.graph, VALID, f"{host}-validation")["certificateArn"] == made(
        CERTIFICATE, f"{host}-certificate", "arn"
    )


def test_an_ingress_takes_the_certificate_of_its_host_once_it_is_valid(certified: World) -> None:
    assert used(certified) == {host: made(CERTIFICATE, f"{host}-certificate", "arn") for host in HOSTS}
    for ingress in certified.graph.of_kind("Ingress"):
        host = ingress.spec["rules"][0]["host"]
        assert f"aws:{VALID} {host}-validation" in before(certified.graph, ingress.resource)


def test_requests_are_answered_over_tls_where_the_platform_makes_its_own_certificates(certified: World) -> None:
    for ingress in certified.graph.of_kind("Ingress"):
        ports = json.loads(ingress.metadata["annotations"]["alb.ingress.kubernetes.io/listen-ports"])
        assert {"HTTPS": 443} in ports


def test_none_is_made_where_the_ingress_names_one(deploy: Deploy, eks: World) -> None:
    for world in (eks, kept(deploy, **DNS)):
        assert every(world.graph, CERTIFICATE) == {}
        assert all(":certificate/12345678" in arn for arn in used(world).values())
