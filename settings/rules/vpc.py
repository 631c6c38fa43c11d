"""The VPC of an EKS cluster: room for its pods, and no range of somebody else's in the way."""

from __future__ import annotations

import ipaddress

from settings import addresses as plan
from settings.eks import EksCluster
from settings.model import PlatformSettings
from settings.node_groups import most_nodes, node_pods, zones
from settings.nodes import NodePool
from settings.problems import Path, Problem
from settings.rules.network import PRIVATE
from settings.system import ALB

BLOCK = 16
"""Addresses that a node takes at a time (a /28), and keeps one block more than it needs: WARM_PREFIX_TARGET is 1
(aws/aws-eks-best-practices, latest/bpg/networking/prefix-mode_linux.adoc)."""
INTERFACES = 4
"""Network interfaces of a node, each with an address of its own: mostly it needs one, a type of 4 vCPU may have 4."""
RESERVED = 5
"""Addresses of each subnet that AWS keeps (VPC user guide, subnet sizing)."""
LARGEST_VPC = 16
"""Shortest prefix of a VPC."""
PUBLIC_LIMIT = 40
"""Most ranges of a public endpoint, and AWS raises it for nobody (EKS user guide, service-quotas)."""
_TEN = ipaddress.IPv4Network("10.0.0.0/8")


def node_addresses(pool: NodePool) -> int:
    """Addresses that a node of it takes when it is full."""
    return BLOCK * (-(-node_pods(pool) // BLOCK) + 1) + INTERFACES


def pods(settings: PlatformSettings) -> list[Problem]:
    """Every private subnet holds its share of all nodes at their most, in an update, while a zone is lost."""
    aws, subnets = settings.aws, _subnets(settings)
    if subnets is None:
        return []
    vpc, count = ipaddress.IPv4Network(aws.vpc_cidr), len(set(aws.zones))
    zone = max(dict.fromkeys(aws.zones), key=lambda zone: _needed(settings, zone))
    needed, subnet = _needed(settings, zone), ipaddress.IPv4Network(subnets.private[aws.zones.index(zone)])
    if needed <= subnet.num_addresses - RESERVED:
        return []
    shares = ", ".join(
        f"{_in_zone(settings, pool)} of {name} x {node_addresses(pool)}"
        for name, pool in settings.node_pools.items()
        if zone in zones(aws, pool)
    )
    lost = " with another zone lost" if count > 1 else ""
    reason = (
        f"subnet {subnet} of {zone} has {subnet.num_addresses - RESERVED} addresses, and its nodes take {needed} in an "
        f"update{lost}: {shares}"
    )
    fits = [p for p in range(vpc.prefixlen - 1, LARGEST_VPC - 1, -1) if _room(vpc, p, count) >= needed]
    fix = "fewer nodes (max), or fewer pods on each (smaller instance types)"
    if fits:
        fix = f"a VPC of at least /{fits[0]}, for example {vpc.supernet(new_prefix=fits[0])}; or {fix}"
    return [Problem(path=("aws", "vpc_cidr"), reason=reason, fix=fix)]


def _subnets(settings: PlatformSettings) -> plan.AddressPlan | None:
    """The subnets that are made; None where none are, or where `network` has said why they cannot be."""
    cidr, count = settings.aws.vpc_cidr, len(set(settings.aws.zones))
    made = isinstance(settings.cluster, EksCluster) and len(settings.aws.zones) == count > 0
    return plan.cut(cidr, count) if made and ":" not in cidr and plan.fits(cidr, count) else None


def _in_zone(settings: PlatformSettings, pool: NodePool) -> int:
    """Nodes of a pool in one of its zones, while another is lost."""
    left = max(1, len(zones(settings.aws, pool)) - 1)
    return -(-most_nodes(settings.aws, pool) // left)


def _needed(settings: PlatformSettings, zone: str) -> int:
    here = [pool for pool in settings.node_pools.values() if zone in zones(settings.aws, pool)]
    return sum(_in_zone(settings, pool) * node_addresses(pool) for pool in here)


def _room(vpc: ipaddress.IPv4Network, prefix: int, count: int) -> int:
    """Addresses of a private subnet, if the VPC had another prefix."""
    subnet = plan.cut(str(vpc.supernet(new_prefix=prefix)), count).private[0]
    return ipaddress.IPv4Network(subnet).num_addresses - RESERVED


def service_range(vpc_cidr: str) -> ipaddress.IPv4Network:
    """Where the cluster's Services have their addresses: EKS takes one of two ranges, the one that is no neighbour of
    the VPC (EKS user guide, create-cluster; awslabs/amazon-eks-ami, bootstrap.sh: 172.20 in a VPC of 10.0.0.0/8).
    """
    ten = ipaddress.ip_network(vpc_cidr).overlaps(_TEN)
    return ipaddress.IPv4Network("172.20.0.0/16" if ten else "10.100.0.0/16")


def ranges(settings: PlatformSettings) -> list[Problem]:
    """Where others are is not where Services are, and what this program makes is where it says."""
    aws, out, subnets = settings.aws, list[Problem](), _subnets(settings)
    if subnets is None:
        return []
    services = service_range(aws.vpc_cidr)
    for key in ("load_balancer_cidrs", "endpoint_cidrs", "control_plane_cidrs"):
        for index, cidr in enumerate(getattr(aws, key) or ()):
            network = ipaddress.ip_network(cidr)
            if isinstance(network, ipaddress.IPv4Network) and network.overlaps(services):
                reason = _among(cidr, services)
                out.append(Problem(path=("aws", key, index), reason=reason, fix="give ranges outside of it"))
    ingress = settings.ingress
    if ingress is not None and ingress.class_name == ALB:
        ours = subnets.public if ingress.scheme == "internet-facing" else subnets.intra
        out += _without("load_balancer_cidrs", aws.load_balancer_cidrs, ours, "load balancers are made in")
    return out + _without("control_plane_cidrs", aws.control_plane_cidrs, subnets.intra, "the API server calls from")


def _among(cidr: str, services: ipaddress.IPv4Network) -> str:
    return f"{cidr} overlaps {services}, where EKS gives the cluster's Services their addresses"


def _without(key: str, said: tuple[str, ...] | None, ours: tuple[str, ...], what: str) -> list[Problem]:
    """A list of ranges that leaves out where this program puts what the list is of."""
    path: Path = ("aws", key)
    given = [ipaddress.ip_network(cidr) for cidr in said or ()]
    missing = [cidr for cidr in ours if not any(_within(cidr, network) for network in given)]
    if not said or not missing:
        return []
    reason = f"{what} our own subnets, and {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not among them"
    return [Problem(path=path, reason=reason, fix="leave it out, or add them")]


def _within(cidr: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return isinstance(network, ipaddress.IPv4Network) and ipaddress.IPv4Network(cidr).subnet_of(network)


def public(settings: PlatformSettings) -> list[Problem]:
    """The API server is never open to the world, only to ranges that AWS takes, each said once."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    at: Path = ("cluster", "endpoint", "public_cidrs")
    example = "the addresses that you come from, for example 203.0.113.5/32"
    out, seen = list[Problem](), list[ipaddress.IPv4Network]()
    for index, cidr in enumerate(settings.cluster.endpoint.public_cidrs):
        network = ipaddress.ip_network(cidr)
        if network.prefixlen == 0:
            reason = f"{cidr} lets the whole world call the API server"
        elif not isinstance(network, ipaddress.IPv4Network):
            reason = f"{cidr} is IPv6, which EKS takes for clusters of IPv6 only"
        elif any(network.subnet_of(private) for private in (*PRIVATE, *_SPECIAL)):
            reason = f"{cidr} is no range of the internet, and AWS refuses it; inside the VPC the endpoint is private"
        elif network in seen:
            reason = f"{cidr} stands twice"
        else:
            seen.append(network)
            continue
        fix = "name it once" if reason.endswith("twice") else example
        out.append(Problem(path=(*at, index), reason=reason, fix=fix))
    if len(seen) > PUBLIC_LIMIT:
        reason = f"{len(seen)} ranges, and EKS takes {PUBLIC_LIMIT}"
        out.append(Problem(path=at, reason=reason, fix="fewer, larger ranges"))
    if any(network.prefixlen == 0 for network in ipaddress.collapse_addresses(seen)):
        out.append(Problem(path=at, reason=f"{' and '.join(map(str, seen))} together are the whole world", fix=example))
    return out


def connected(settings: PlatformSettings) -> list[Problem]:
    """What is connected to the VPC is a private network beside it, said once."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    vpc = ipaddress.ip_network(settings.aws.vpc_cidr)
    out, seen = list[Problem](), list[str]()
    for index, cidr in enumerate(settings.cluster.endpoint.private_cidrs):
        at: Path = ("cluster", "endpoint", "private_cidrs", index)
        network = ipaddress.ip_network(cidr)
        if not isinstance(network, ipaddress.IPv4Network) or not any(network.subnet_of(range_) for range_ in PRIVATE):
            fix = "the range of the network that is connected, for example 10.9.0.0/16"
            out.append(Problem(path=at, reason=f"{cidr} is no private range", fix=fix))
        elif isinstance(vpc, ipaddress.IPv4Network) and network.overlaps(vpc):
            reason = (
                f"{cidr} overlaps the VPC, {vpc}, which reaches the endpoint anyway and cannot be connected to itself"
            )
            out.append(Problem(path=at, reason=reason, fix="leave it out"))
        elif isinstance(vpc, ipaddress.IPv4Network) and network.overlaps(services := service_range(str(vpc))):
            fix = "give the parts that are connected, without that one"
            out.append(Problem(path=at, reason=_among(cidr, services), fix=fix))
        elif cidr in seen:
            out.append(Problem(path=at, reason=f"{cidr} stands twice", fix="name it once"))
        seen.append(cidr)
    return out


_SPECIAL = tuple(
    ipaddress.IPv4Network(cidr) for cidr in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
"""What is on no way through the internet, beside the private ranges (EKS user guide, cluster-endpoint: no reserved
addresses)."""


def private(settings: PlatformSettings) -> list[Problem]:
    """The API server is reached from inside the VPC, and what is connected to it."""
    if not isinstance(settings.cluster, EksCluster) or not settings.cluster.endpoint.public_cidrs:
        return []
    ranges = ", ".join(settings.cluster.endpoint.public_cidrs)
    reason = f"{ranges} may call the API server over the internet"
    fix = "leave it out, and deploy from inside the VPC or what is connected to it"
    return [Problem(path=("cluster", "endpoint", "public_cidrs"), reason=reason, fix=fix, strict=True)]
