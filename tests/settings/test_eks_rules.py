"""What the rules over an EKS cluster count on, and cases that no red case can say: names with the environment in them,
and whole ranges of sizes.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from settings.addresses import cut
from settings.charts import CHARTS
from settings.model import PlatformSettings
from settings.nodes import Disk
from settings.rules.cluster import _fits
from settings.rules.naming import ROLE_LIMIT
from settings.rules.node_groups import SMALLEST_DISK
from settings.rules.vpc import node_addresses, pods, service_range
from settings.system import installed
from settings.versions import EKS_SUPPORT, KUBERNETES
from tests.support import STACKS, on_eks, problems, resolved, stack_settings

TWO, THREE = [["us-west-2a", "us-west-2b"], ["us-west-2a", "us-west-2b", "us-west-2c"]]


def test_the_programs_own_kubernetes_is_supported_and_every_controller_is_for_it() -> None:
    assert KUBERNETES.value in EKS_SUPPORT
    assert all(_fits(name, KUBERNETES.value) for name in CHARTS)


def test_ends_of_support_are_days_and_later_for_later_minors() -> None:
    ends = [pin.value for _, pin in sorted(EKS_SUPPORT.items())]
    assert ends == sorted(ends)
    assert all(pin.source for pin in EKS_SUPPORT.values())
    assert f"until {EKS_SUPPORT[KUBERNETES.value].value}" in KUBERNETES.source


def test_controllers_are_installed_where_they_have_work() -> None:
    zone = {"zone": "example.com", "zone_id": "Z0123456789ABCDEFGHIJ"}
    assert set(installed(resolved(on_eks(cluster__dns=zone)).settings)) == set(CHARTS)
    small = on_eks(
        hub__token=None,
        services__door__ingress=None,
        services__door__routes__work__variants=None,
        services__worker__calls=[],
        observability__grafana=None,
        models__mind=None,
        caches__store=None,
        node_pools__gpu=None,
        node_pools__cheap=None,
        node_pools__general__max=2,
    )
    del small["caches"]
    small["caches"] = {"store": None}
    assert installed(resolved(small).settings) == ()


def test_a_full_node_takes_blocks_for_its_pods_one_more_and_an_address_per_interface() -> None:
    pool = resolved(on_eks()).settings.node_pools["general"]  # EKS lets it take 110 pods: 7 blocks of 16, and one more
    assert node_addresses(pool) == 8 * 16 + 4
    large = pool.model_copy(update={"instance_types": ("g5.8xlarge",)})
    assert node_addresses(large) == 17 * 16 + 4, "32 vCPU: 250 pods"


@pytest.mark.parametrize("zones", [TWO, THREE])
@pytest.mark.parametrize("prefix", range(17, 24))
def test_the_vpc_that_a_fix_names_is_the_smallest_that_holds_the_pods(prefix: int, zones: list[str]) -> None:
    found = [p for p in problems(of_size(prefix, zones)) if p.rule in ("pod-addresses", "network")]
    if not found:
        return
    if found[0].rule == "network":  # too small to be cut at all
        assert prefix > 21
        return
    named = int(found[0].fix.partition("at least /")[2].partition(",")[0])
    assert named < prefix
    assert not [p for p in problems(of_size(named, zones)) if p.rule == "pod-addresses"]
    smaller = [p for p in problems(of_size(named + 1, zones)) if p.rule in ("pod-addresses", "network")]
    assert smaller


def of_size(prefix: int, zones: list[str]) -> dict[str, Any]:
    quotas = {"standard": 99, "standard_spot": 99, "g_spot": 99}
    return on_eks(aws__vpc_cidr=f"10.0.0.0/{prefix}", aws__zones=zones, aws__quotas=quotas)


def by_hand(settings: PlatformSettings, zone: str) -> int:
    """Addresses of a zone's nodes: each pool at its most and with two more nodes per zone, on all its zones but one."""
    total = 0
    for pool in settings.node_pools.values():
        zones = list(pool.zones or settings.aws.zones)
        if zone in zones:
            nodes = pool.max + 2 * len(zones)
            share = -(-nodes // max(1, len(zones) - 1))
            total += share * node_addresses(pool)
    return total


@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack != "local"])
def test_the_committed_stacks_have_room_in_every_zone(stack: str) -> None:
    settings = stack_settings(stack).settings
    for zone, subnet in zip(settings.aws.zones, cut(settings.aws.vpc_cidr, 3).private, strict=True):
        assert by_hand(settings, zone) <= ipaddress.ip_network(subnet).num_addresses - 5
    assert pods(settings) == []


@pytest.mark.parametrize(
    ("vpc", "services"),
    [
        ("10.0.0.0/16", "172.20.0.0/16"),
        ("10.255.0.0/16", "172.20.0.0/16"),
        ("172.20.0.0/16", "10.100.0.0/16"),
        ("192.168.0.0/16", "10.100.0.0/16"),
        ("100.64.0.0/16", "10.100.0.0/16"),
    ],
)
def test_services_never_have_addresses_of_the_vpc(vpc: str, services: str) -> None:
    assert str(service_range(vpc)) == services
    assert not service_range(vpc).overlaps(ipaddress.IPv4Network(vpc))


def test_a_vpc_of_ipv6_is_one_rules_finding() -> None:
    assert {p.rule for p in problems(on_eks(aws__vpc_cidr="fd00::/8"))} == {"network"}


@pytest.mark.parametrize("types", [[], ["none.such"], ["m6i.xlarge", "m7g.xlarge"]])
def test_a_pool_without_one_known_shape_is_one_rules_finding(types: list[str]) -> None:
    assert {p.rule for p in problems(on_eks(node_pools__general__instance_types=types))} >= {"node-pools"}


def test_the_smallest_disk_is_the_one_that_a_pool_has_by_default() -> None:
    assert Disk().size == SMALLEST_DISK


def test_load_balancers_write_into_no_bucket_for_telemetry() -> None:
    log = {"bucket": "tiny-dev-logs-999988887777-us-west-2"}
    wrong = on_eks(buckets={"logs": {"holds": "telemetry", "expire": 30}}, ingress__access_log=log)
    (problem,) = problems(wrong)
    assert problem.rule == "buckets"
    assert problem.path == ("ingress", "access_log", "bucket")
    assert problem.reason == f"{log['bucket']} is for telemetry, and load balancers cannot write there"
    assert "buckets: {logs: {holds: load-balancer-logs}}" in problem.fix
    right = on_eks(buckets={"logs": {"holds": "load-balancer-logs", "expire": 30}}, ingress__access_log=log)
    assert problems(right) == ()
    assert problems(on_eks(ingress__access_log={"bucket": "somebody-elses"})) == ()


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_smallest_platform_on_eks_breaks_no_rule(environment: str) -> None:
    assert resolved(on_eks(environment=environment)).advice == ()


def test_the_committed_prefix_leaves_room_for_the_longest_role() -> None:
    for stack in STACKS:
        settings = stack_settings(stack).settings
        assert len(f"{settings.stem}-aws-load-balancer-controller") <= ROLE_LIMIT
