"""The address plan: subnets that lie in the VPC, touch nobody, and keep pods apart from load balancers."""

from __future__ import annotations

import ipaddress
from itertools import combinations

import pytest

from settings import addresses
from tests.support import resolved, tiny

SIZES = [
    (prefix, zones) for prefix in range(16, 25) for zones in range(1, 7) if addresses.fits(f"10.0.0.0/{prefix}", zones)
]


def nets(cidrs: tuple[str, ...]) -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(cidr) for cidr in cidrs]


@pytest.mark.parametrize(("prefix", "zones"), SIZES)
def test_subnets_lie_inside_the_vpc_and_never_overlap(prefix: int, zones: int) -> None:
    vpc = ipaddress.IPv4Network(f"10.0.0.0/{prefix}")
    plan = addresses.cut(str(vpc), zones)
    kinds = [nets(plan.private), nets(plan.public), nets(plan.intra)]
    assert [len(kind) for kind in kinds] == [zones] * 3
    every = [net for kind in kinds for net in kind]
    assert all(net.subnet_of(vpc) for net in every)
    assert not any(one.overlaps(other) for one, other in combinations(every, 2))
    assert all(16 <= net.prefixlen <= 28 for net in every)
    assert all(net.prefixlen <= 27 for net in kinds[1])  # what a load balancer takes
    assert all(net.num_addresses > kinds[1][0].num_addresses for net in kinds[0])


@pytest.mark.parametrize("zones", range(1, 7))
def test_a_vpc_fits_exactly_as_long_as_its_load_balancers_have_room(zones: int) -> None:
    longest = addresses.longest_prefix(zones)
    assert addresses.fits(f"10.0.0.0/{longest}", zones)
    assert not addresses.fits(f"10.0.0.0/{longest + 1}", zones)
    assert {net.prefixlen for net in nets(addresses.cut(f"10.0.0.0/{longest}", zones).public)} == {27}


def test_more_zones_never_need_a_smaller_vpc() -> None:
    prefixes = [addresses.longest_prefix(zones) for zones in range(1, 7)]
    assert prefixes == sorted(prefixes, reverse=True)
    assert prefixes == [25, 23, 22, 21, 20, 20]


def test_load_balancers_send_from_their_own_subnets_or_from_where_the_settings_say() -> None:
    aws = resolved(tiny()).settings.aws
    assert addresses.load_balancer_cidrs(aws, "internet-facing") == ("10.0.192.0/20", "10.0.208.0/20")
    assert addresses.load_balancer_cidrs(aws, "internal") == ("10.0.224.0/20", "10.0.240.0/20")
    said = resolved(tiny(aws__load_balancer_cidrs=["10.0.192.0/24"])).settings.aws
    assert addresses.load_balancer_cidrs(said, "internal") == ("10.0.192.0/24",)


def test_endpoints_and_the_control_plane_have_subnets_without_pods() -> None:
    aws = resolved(tiny()).settings.aws
    pods = nets(addresses.cut(aws.vpc_cidr, len(aws.zones)).private)
    for cidrs in (addresses.endpoint_cidrs(aws), addresses.control_plane_cidrs(aws)):
        assert cidrs
        assert not any(net.overlaps(pod) for net in nets(cidrs) for pod in pods)
    said = resolved(tiny(aws__endpoint_cidrs=["10.0.192.0/24"], aws__control_plane_cidrs=["10.1.0.0/16"])).settings.aws
    assert addresses.endpoint_cidrs(said) == ("10.0.192.0/24",)
    assert addresses.control_plane_cidrs(said) == ("10.1.0.0/16",)
