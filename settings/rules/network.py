"""Address ranges and zones."""

from __future__ import annotations

import ipaddress

from settings import addresses as plan
from settings.eks import EksCluster
from settings.model import PlatformSettings
from settings.problems import Path, Problem, suggest

PRIVATE = tuple(
    ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
"""Where a VPC may lie: what the network policies do not take for the internet (settings.flows.PRIVATE_RANGES)."""


def addresses(settings: PlatformSettings) -> list[Problem]:
    """Zones lie in the region, the VPC can be cut, and no address range of ours holds pods by mistake."""
    aws, out = settings.aws, list[Problem]()
    out += _zones(("aws", "zones"), aws.zones, None, aws.region)
    for name, pool in settings.node_pools.items():
        if pool.zones is not None:
            out += _zones(("node_pools", name, "zones"), pool.zones, aws.zones, aws.region)
    count = len(set(aws.zones))
    wrong = _vpc(aws.vpc_cidr, count) if count else None
    if wrong:
        out.append(Problem(path=("aws", "vpc_cidr"), reason=wrong, fix="for example 10.0.0.0/16"))
    pods = plan.cut(aws.vpc_cidr, count).private if count and not wrong else ()
    for key in ("load_balancer_cidrs", "endpoint_cidrs", "control_plane_cidrs"):
        out += _foreign(("aws", key), getattr(aws, key), [ipaddress.IPv4Network(p) for p in pods])
    return out


def _vpc(cidr: str, zones: int) -> str | None:
    """What is wrong with the VPC's range."""
    network = ipaddress.ip_network(cidr)
    if not isinstance(network, ipaddress.IPv4Network):
        return f"{cidr} is IPv6, and a VPC's first range is IPv4"
    if not 16 <= network.prefixlen <= 28:
        return f"a VPC has a prefix from /16 to /28, not /{network.prefixlen}"
    if not any(network.subnet_of(range_) for range_ in PRIVATE):
        return f"{cidr} lies among public addresses: the network policies would take it for the internet"
    if not plan.fits(cidr, zones):
        return (
            f"{cidr} cannot be cut into three subnets for each of {zones} zones: a load balancer's takes "
            f"/{plan.SMALLEST_SUBNET}, so the VPC at least /{plan.longest_prefix(zones)}"
        )
    return None


def _foreign(path: Path, cidrs: tuple[str, ...] | None, pods: list[ipaddress.IPv4Network]) -> list[Problem]:
    """Ranges that stand in for our own subnets hold no pods."""
    if cidrs == ():
        return [Problem(path=path, reason="is empty", fix="give address ranges, or leave it out for our own subnets")]
    out = []
    for index, cidr in enumerate(cidrs or ()):
        network = ipaddress.ip_network(cidr)
        if not isinstance(network, ipaddress.IPv4Network):
            reason, fix = f"{cidr} is IPv6, and the VPC has only IPv4", "give IPv4 ranges, for example 10.0.192.0/21"
            out.append(Problem(path=(*path, index), reason=reason, fix=fix))
            continue
        hit = [p for p in pods if network.overlaps(p)]
        if hit:
            reason = f"{cidr} holds the pods' own subnet {hit[0]}: the network policy would let every pod in"
            out.append(Problem(path=(*path, index), reason=reason, fix="give subnets without pods"))
    return out


def _zones(path: Path, zones: tuple[str, ...], known: tuple[str, ...] | None, region: str) -> list[Problem]:
    out = []
    if not zones:
        out.append(Problem(path=path, reason="is empty", fix=f"for example [{region}a, {region}b]"))
    for index, zone in enumerate(zones):
        if not zone.startswith(region):
            out.append(Problem(path=(*path, index), reason=f"{zone} is not in {region}", fix=f"for example {region}a"))
        elif zone in zones[:index]:
            out.append(Problem(path=(*path, index), reason=f"{zone} stands twice", fix="name it once"))
        elif known and zone not in known:
            out.append(Problem(path=(*path, index), reason=f"{zone} is not in aws.zones", fix=suggest(zone, known)))
    return out


def zones(settings: PlatformSettings) -> list[Problem]:
    """A platform in one zone goes down with it."""
    if len(set(settings.aws.zones)) != 1:
        return []
    eks = isinstance(settings.cluster, EksCluster)
    region = settings.aws.region
    fix = f"for example [{region}a, {region}b, {region}c]"
    # EKS user guide, network-reqs: subnets in at least two zones.
    reason = f"one zone takes everything down with it{', and EKS makes no cluster in one' if eks else ''}"
    return [Problem(path=("aws", "zones"), reason=reason, fix=fix, strict=not eks)]
