"""Address ranges and zones."""

from __future__ import annotations

import ipaddress

from settings import addresses as plan
from settings.model import PlatformSettings
from settings.problems import Path, Problem, suggest


def addresses(settings: PlatformSettings) -> list[Problem]:
    """Zones lie in the region, the VPC can be cut, and no address range of ours holds pods by mistake."""
    aws, out = settings.aws, list[Problem]()
    out += _zones(("aws", "zones"), aws.zones, None, aws.region)
    for name, pool in settings.node_pools.items():
        if pool.zones is not None:
            out += _zones(("node_pools", name, "zones"), pool.zones, aws.zones, aws.region)
    if not aws.zones:
        return out
    network = ipaddress.ip_network(aws.vpc_cidr)
    if network.version == 4 and not 16 <= network.prefixlen <= 28:
        reason = f"a VPC has a prefix from /16 to /28, not /{network.prefixlen}"
        return [*out, Problem(path=("aws", "vpc_cidr"), reason=reason, fix="for example 10.0.0.0/16")]
    if network.version != 4 or not plan.fits(aws.vpc_cidr, len(aws.zones)):
        reason = f"{aws.vpc_cidr} cannot be cut into three IPv4 subnets for each of {len(aws.zones)} zones"
        return [*out, Problem(path=("aws", "vpc_cidr"), reason=reason, fix="for example 10.0.0.0/16")]
    pods = plan.cut(aws.vpc_cidr, len(aws.zones)).private
    for key in ("load_balancer_cidrs", "endpoint_cidrs", "control_plane_cidrs"):
        for index, cidr in enumerate(getattr(aws, key) or ()):
            wide = ipaddress.ip_network(cidr)
            hit = [p for p in pods if wide.version == 4 and wide.overlaps(ipaddress.ip_network(p))]
            if hit:
                reason = f"{cidr} holds the pods' own subnet {hit[0]}: the network policy would let every pod in"
                out.append(Problem(path=("aws", key, index), reason=reason, fix="give subnets without pods"))
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
        elif known is not None and zone not in known:
            out.append(Problem(path=(*path, index), reason=f"{zone} is not in aws.zones", fix=suggest(zone, known)))
    return out


def zones(settings: PlatformSettings) -> list[Problem]:
    """A platform in one zone goes down with it."""
    if len(settings.aws.zones) >= 2:
        return []
    region = settings.aws.region
    fix = f"for example [{region}a, {region}b, {region}c]"
    return [Problem(path=("aws", "zones"), reason="one zone takes everything down with it", fix=fix, strict=True)]
