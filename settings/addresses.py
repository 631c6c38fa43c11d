"""The address plan of the VPC: which subnets are cut from `aws.vpc_cidr`. Pure arithmetic."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from settings.cloud import Aws

SMALLEST_SUBNET = 27
"""Longest prefix of a load balancer's subnet (Elastic Load Balancing user guide, subnets for your load balancer: at
least a /27 bitmask and eight free addresses); AWS itself would take /28."""


@dataclass(frozen=True)
class AddressPlan:
    """One subnet of each kind per zone.

    Load balancers and endpoints have subnets without pods: under the VPC CNI pods have VPC addresses, so a network
    policy that lets a load balancer's subnet in would let in every pod that lives there.
    """

    private: tuple[str, ...]
    """Nodes and pods."""
    public: tuple[str, ...]
    """Internet-facing load balancers and NAT."""
    intra: tuple[str, ...]
    """AWS service endpoints, the control plane's interfaces, internal load balancers."""


def fits(vpc_cidr: str, zones: int) -> bool:
    """True if the VPC is large enough to cut a subnet of each kind for so many zones."""
    return ipaddress.ip_network(vpc_cidr).prefixlen <= longest_prefix(zones)


def longest_prefix(zones: int) -> int:
    """Prefix of the smallest VPC that can be cut for so many zones."""
    return SMALLEST_SUBNET - _bits(zones + 1) - _bits(2 * zones)


def cut(vpc_cidr: str, zones: int) -> AddressPlan:
    """Cuts a VPC: an equal large block per zone for pods, and one block of the same size for all the rest.

    >>> cut("10.0.0.0/16", 3).private
    ('10.0.0.0/18', '10.0.64.0/18', '10.0.128.0/18')
    >>> cut("10.0.0.0/16", 3).public
    ('10.0.192.0/21', '10.0.200.0/21', '10.0.208.0/21')
    """
    network = ipaddress.IPv4Network(vpc_cidr)
    blocks = list(network.subnets(prefixlen_diff=_bits(zones + 1)))
    small = list(blocks[-1].subnets(prefixlen_diff=_bits(2 * zones)))
    return AddressPlan(
        private=tuple(str(b) for b in blocks[:zones]),
        public=tuple(str(b) for b in small[:zones]),
        intra=tuple(str(b) for b in small[zones : 2 * zones]),
    )


def _bits(blocks: int) -> int:
    return (blocks - 1).bit_length()


def load_balancer_cidrs(aws: Aws, scheme: str) -> tuple[str, ...]:
    """Where load balancers of this scheme send from."""
    plan = cut(aws.vpc_cidr, len(aws.zones))
    return aws.load_balancer_cidrs or (plan.public if scheme == "internet-facing" else plan.intra)


def endpoint_cidrs(aws: Aws) -> tuple[str, ...]:
    """Where AWS's service endpoints are reached."""
    return aws.endpoint_cidrs or cut(aws.vpc_cidr, len(aws.zones)).intra


def control_plane_cidrs(aws: Aws) -> tuple[str, ...]:
    """Where the API server calls webhooks from."""
    return aws.control_plane_cidrs or cut(aws.vpc_cidr, len(aws.zones)).intra
