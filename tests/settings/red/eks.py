"""Red cases of a cluster that this program makes: Kubernetes, addresses, ways in and out, nodes, volumes."""

from __future__ import annotations

from typing import Any

from settings.problems import Path
from tests.settings.red.case import Changes, Red
from tests.support import EKS

VERSION: Path = ("cluster", "version")
PUBLIC: Path = ("cluster", "endpoint", "public_cidrs")
ENDPOINTS: Path = ("cluster", "network", "endpoints")
STORE: Path = ("caches", "store", "storage_class")
ONE_NODE = {
    "caches__store__access_mode": "ReadWriteOnce",
    "caches__store__pool": "gpu",
    "node_pools__gpu__max": 1,
    "node_pools__gpu__zones": ["us-west-2a"],
    "models__mind__replicas": 1,
    "models__mind__rollout": {"max_surge": 0, "max_unavailable": 1},
    "models__mind__accept_outage": "nobody waits for it in a test",
}
"""A volume that one node mounts."""


def eks(**changes: Any) -> Changes:
    """Changes of the smallest platform on EKS."""
    return {**EKS, **changes}


def second_cache(**changes: Any) -> Changes:
    """One more cache, in another namespace, with a model of its own."""
    model = {
        "namespace": "front",
        "engine": {"kind": "vllm", "max_model_len": 4096},
        "source": {"hub": "tiny/more", "size": "1Gi", "unpinned": "not published in a test"},
        "pool": "gpu",
        "replicas": 1,
        "accept_outage": "asked for once a week, by a script",
        "cache": "more",
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "200m", "memory": "3Gi"}},
        "scratch": "64Mi",
        "start_up": {"image": "60s", "warm_up": "30s"},
    }
    more = {"namespace": "front", "size": "10Gi", "storage_class": "efs", "pool": "general", **changes}
    roomy = {"limits": {"cpu": "20", "memory": "40Gi"}, "pods": 20, "services": 9}
    return eks(models__more=model, caches__more=more, namespaces__front__quota=roomy)


EKS_VERSION = (
    Red(
        "a Kubernetes whose support has ended",
        eks(cluster__version="1.33"),
        VERSION,
        ("EKS supports 1.34 (until 2026-12-02), 1.35 (until 2027-03-27), 1.36 (until 2027-08-02), and not 1.33",),
        'for example "1.35"',
        green=eks(cluster__version="1.34"),
    ),
    Red(
        "a Kubernetes that EKS does not have yet",
        eks(cluster__version="1.37"),
        VERSION,
        ("and not 1.37",),
        'for example "1.35"',
        green=eks(cluster__version="1.36"),
    ),
)

CONTROLLERS = (
    Red(
        "a Kubernetes that the autoscaler does not simulate",
        eks(cluster__version="1.36"),
        VERSION,
        ("cluster-autoscaler (images of it) is not for 1.36, only for 1.34, 1.35",),
        '"1.35"',
        green=eks(cluster__version="1.35"),
    ),
    Red(
        "a Kubernetes that the store of secrets was not tested with",
        eks(cluster__version="1.37"),
        VERSION,
        ("external-secrets (v2.9.0) is not for 1.37, only for 1.34, 1.35, 1.36",),
        '"1.35"',
        green=eks(
            cluster__version="1.36",
            node_pools__general__max=2,
            node_pools__cheap=None,
            node_pools__gpu__min=3,
        ),
    ),
)

POD_ADDRESSES = (
    Red(
        "subnets that nodes fill",
        eks(aws__vpc_cidr="10.0.0.0/20"),
        ("aws", "vpc_cidr"),
        (
            "subnet 10.0.0.0/22 of us-west-2a has 1019 addresses, and its nodes take 3036",
            "with another zone lost",
            "8 of general x 132, 8 of cheap x 132, 7 of gpu x 132",
        ),
        "a VPC of at least /18, for example 10.0.0.0/18",
        green=eks(aws__vpc_cidr="10.0.0.0/18"),
    ),
    Red(
        "more nodes than any VPC has addresses for",
        eks(node_pools__general__max=400, aws__quotas__standard=2000),
        ("aws", "vpc_cidr"),
        ("subnet 10.0.0.0/18 of us-west-2a has 16379 addresses, and its nodes take 55308", "404 of general x 132"),
        "fewer nodes (max)",
        green=eks(node_pools__general__max=100, aws__quotas__standard=2000),
    ),
)

RANGES = (
    Red(
        "endpoints where Services are",
        eks(aws__endpoint_cidrs=["172.20.5.0/24"]),
        ("aws", "endpoint_cidrs", 0),
        ("172.20.5.0/24 overlaps 172.20.0.0/16",),
        "give ranges outside of it",
        green=eks(aws__endpoint_cidrs=["172.21.5.0/24"]),
    ),
    Red(
        "endpoints where Services are in a VPC of other addresses",
        eks(aws__vpc_cidr="192.168.0.0/16", aws__endpoint_cidrs=["10.100.5.0/24"]),
        ("aws", "endpoint_cidrs", 0),
        ("10.100.5.0/24 overlaps 10.100.0.0/16",),
        "give ranges outside of it",
        green=eks(aws__vpc_cidr="192.168.0.0/16", aws__endpoint_cidrs=["172.20.5.0/24"]),
    ),
    Red(
        "a control plane somewhere else",
        eks(aws__control_plane_cidrs=["10.0.224.0/20"]),
        ("aws", "control_plane_cidrs"),
        ("the API server calls from our own subnets, and 10.0.240.0/20 is not among them",),
        "leave it out, or add them",
        green=eks(aws__control_plane_cidrs=["10.0.224.0/19"]),
    ),
    Red(
        "load balancers somewhere else",
        eks(ingress__scheme="internet-facing", aws__load_balancer_cidrs=["10.0.224.0/19"]),
        ("aws", "load_balancer_cidrs"),
        ("load balancers are made in our own subnets, and 10.0.192.0/20, 10.0.208.0/20 are not among them",),
        "leave it out, or add them",
        green=eks(ingress__scheme="internet-facing", aws__load_balancer_cidrs=["10.0.192.0/18"]),
    ),
)

PUBLIC_ENDPOINT = (
    Red(
        "the world",
        eks(cluster__endpoint={"public_cidrs": ["0.0.0.0/0"]}),
        (*PUBLIC, 0),
        ("0.0.0.0/0 lets the whole world call the API server",),
        "for example 203.0.113.5/32",
        green=eks(cluster__endpoint={"public_cidrs": ["203.0.113.5/32"]}),
    ),
    Red(
        "the world in IPv6",
        eks(cluster__endpoint={"public_cidrs": ["203.0.113.5/32", "::/0"]}),
        (*PUBLIC, 1),
        ("::/0 lets the whole world call",),
        "for example 203.0.113.5/32",
        green=eks(cluster__endpoint={"public_cidrs": ["203.0.113.5/32"]}),
    ),
    Red(
        "more ranges than EKS takes",
        eks(cluster__endpoint={"public_cidrs": [f"203.0.113.{n}/32" for n in range(41)]}),
        PUBLIC,
        ("41 ranges, and EKS takes 40",),
        "fewer, larger ranges",
        green=eks(cluster__endpoint={"public_cidrs": [f"203.0.113.{n}/32" for n in range(40)]}),
    ),
    Red(
        "the world in two halves",
        eks(cluster__endpoint={"public_cidrs": ["0.0.0.0/1", "128.0.0.0/1"]}),
        PUBLIC,
        ("0.0.0.0/1 and 128.0.0.0/1 together are the whole world",),
        "for example 203.0.113.5/32",
        green=eks(cluster__endpoint={"public_cidrs": ["203.0.113.0/25", "203.0.113.128/25"]}),
    ),
    Red(
        "IPv6 for a cluster of IPv4",
        eks(cluster__endpoint={"public_cidrs": ["2001:db8::/48"]}),
        (*PUBLIC, 0),
        ("2001:db8::/48 is IPv6, which EKS takes for clusters of IPv6 only",),
        "for example 203.0.113.5/32",
        green=eks(cluster__endpoint={"public_cidrs": ["198.51.100.0/24"]}),
    ),
    Red(
        "private addresses",
        eks(cluster__endpoint={"public_cidrs": ["10.1.0.0/16"]}),
        (*PUBLIC, 0),
        ("10.1.0.0/16 is no range of the internet, and AWS refuses it",),
        "for example 203.0.113.5/32",
        green=eks(cluster__endpoint={"public_cidrs": ["11.1.0.0/16"]}),
    ),
    Red(
        "one range twice",
        eks(cluster__endpoint={"public_cidrs": ["203.0.113.5/32", "203.0.113.5/32"]}),
        (*PUBLIC, 1),
        ("203.0.113.5/32 stands twice",),
        "name it once",
        green=eks(cluster__endpoint={"public_cidrs": ["203.0.113.5/32", "203.0.113.6/32"]}),
    ),
)

CONNECTED_TO: Path = ("cluster", "endpoint", "private_cidrs")
CONNECTED = (
    Red(
        "a network that holds the addresses of Services",
        eks(cluster__endpoint={"private_cidrs": ["172.16.0.0/12"]}),
        (*CONNECTED_TO, 0),
        ("172.16.0.0/12 overlaps 172.20.0.0/16, where EKS gives the cluster's Services their addresses",),
        "without that one",
        green=eks(cluster__endpoint={"private_cidrs": ["172.16.0.0/14"]}),
    ),
    Red(
        "a network of the internet",
        eks(cluster__endpoint={"private_cidrs": ["10.9.0.0/16", "203.0.113.0/24"]}),
        (*CONNECTED_TO, 1),
        ("203.0.113.0/24 is no private range",),
        "for example 10.9.0.0/16",
        green=eks(cluster__endpoint={"private_cidrs": ["10.9.0.0/16", "172.31.0.0/16"]}),
    ),
    Red(
        "an IPv6 network",
        eks(cluster__endpoint={"private_cidrs": ["fd00::/8"]}),
        (*CONNECTED_TO, 0),
        ("fd00::/8 is no private range",),
        "for example 10.9.0.0/16",
    ),
    Red(
        "a part of the VPC itself",
        eks(cluster__endpoint={"private_cidrs": ["10.0.192.0/20"]}),
        (*CONNECTED_TO, 0),
        ("10.0.192.0/20 overlaps the VPC, 10.0.0.0/16",),
        "leave it out",
        green=eks(cluster__endpoint={"private_cidrs": ["10.1.192.0/20"]}),
    ),
    Red(
        "a network twice",
        eks(cluster__endpoint={"private_cidrs": ["10.9.0.0/16", "10.9.0.0/16"]}),
        (*CONNECTED_TO, 1),
        ("10.9.0.0/16 stands twice",),
        "name it once",
    ),
)

PRIVATE_ENDPOINT = (
    Red(
        "a way in over the internet",
        eks(cluster__endpoint={"public_cidrs": ["203.0.113.5/32"]}),
        PUBLIC,
        ("203.0.113.5/32 may call the API server over the internet",),
        "leave it out",
        green=eks(),
        strict=True,
    ),
)

NAT = (
    Red(
        "one way out of two zones",
        eks(cluster__network__nat="one"),
        ("cluster", "network", "nat"),
        ("one NAT gateway serves 2 zones",),
        "per-zone",
        green=eks(cluster__network__nat="per-zone"),
        strict=True,
    ),
)

ENDPOINT_SERVICES = (
    Red(
        "no way to STS",
        eks(cluster__network={"endpoints": ["sagemaker.runtime"]}),
        ENDPOINTS,
        ("lacks sts, which door, worker call inside the VPC only",),
        "add it: [sagemaker.runtime, sts]",
        green=eks(cluster__network={"endpoints": ["sagemaker.runtime"]}, aws__identity="pod-identity"),
    ),
    Red(
        "no way to SageMaker",
        eks(cluster__network={"endpoints": ["sts"]}),
        ENDPOINTS,
        ("lacks sagemaker.runtime, which worker calls inside the VPC only",),
        "add it: [sagemaker.runtime, sts]",
        green=eks(cluster__network={"endpoints": ["sts"]}, services__worker__sagemaker=None),
    ),
    Red(
        "an endpoint twice",
        eks(cluster__network={"endpoints": ["sts", "sagemaker.runtime", "sts"]}),
        (*ENDPOINTS, 2),
        ("sts stands twice",),
        "name it once",
        green=eks(cluster__network={"endpoints": ["sts", "sagemaker.runtime", "ssm"]}),
    ),
)

STEADY_POOL = (
    Red(
        "spot only",
        eks(node_pools__general__capacity="spot", aws__quotas__standard_spot=64),
        ("node_pools",),
        (
            "controllers have no pool that is on-demand, takes any pod and has a node",
            "cheap: spot, taint tiny/spot, min 0; general: spot; gpu: spot, taint nvidia.com/gpu, min 0",
        ),
        "add one, for example {general: ",
        green=eks(node_pools__general__capacity="on-demand"),
    ),
    Red(
        "a pool that may be empty",
        eks(node_pools__general__min=0),
        ("node_pools",),
        ("general: min 0",),
        "add one, for example {general: ",
        green=eks(node_pools__general__min=1),
    ),
)

NODE_GROUPS = (
    Red(
        "a label without a value",
        eks(node_pools__general__labels={"example.com/team": ""}),
        ("node_pools", "general", "labels", "example.com/team"),
        ("EKS takes no label without a value",),
        '"true"',
        green=eks(node_pools__general__labels={"example.com/team": "a"}),
    ),
    Red(
        "a label that is too long for EKS",
        eks(node_pools__general__labels={f"example.com/{'a' * 52}": "x"}),
        ("node_pools", "general", "labels", f"example.com/{'a' * 52}"),
        ("has 64 characters with its prefix, EKS takes 63",),
        "shorten it by 1",
        green=eks(node_pools__general__labels={f"example.com/{'a' * 51}": "x"}),
    ),
    Red(
        "a volume larger than there are",
        eks(node_pools__general__disk={"size": "65Ti"}),
        ("node_pools", "general", "disk", "size"),
        ("65Ti is more than a gp3 volume has",),
        "at most 64Ti",
        green=eks(node_pools__general__disk={"size": "64Ti"}),
    ),
    Red(
        "a disk that two images of an engine fill",
        eks(node_pools__gpu__disk={"size": "99Gi"}),
        ("node_pools", "gpu", "disk", "size"),
        ("99Gi is too small: two images of an engine, as mind may need them",),
        "at least 100Gi",
        green=eks(node_pools__gpu__disk={"size": "100Gi"}),
    ),
    Red(
        "a disk smaller than its image",
        eks(node_pools__general__disk={"size": "10Gi"}),
        ("node_pools", "general", "disk", "size"),
        ("10Gi is too small: the EKS image alone is 20Gi",),
        "at least 20Gi",
        green=eks(node_pools__general__disk={"size": "20Gi"}),
    ),
    Red(
        "more operations than a disk of its size has",
        eks(node_pools__general__disk={"size": "20Gi", "iops": 10001}),
        ("node_pools", "general", "disk", "iops"),
        ("at most 500 operations for each GiB, 10000 in all, not 10001",),
        "at most 10000",
        green=eks(node_pools__general__disk={"size": "20Gi", "iops": 10000}),
    ),
    Red(
        "more throughput than its operations carry",
        eks(node_pools__general__disk={"throughput": 751}),
        ("node_pools", "general", "disk", "throughput"),
        ("751 MiB/s needs 3004 iops, the disk has 3000",),
        "at most 750, or iops: 3004",
        green=eks(node_pools__general__disk={"throughput": 750}),
    ),
    Red(
        "an image of another Kubernetes",
        eks(node_pools__general__ami_release="1.34.4-20260810"),
        ("node_pools", "general", "ami_release"),
        ("1.34.4-20260810 is an image of 1.34, the cluster is of 1.35",),
        "a release of 1.35",
        green=eks(node_pools__general__ami_release="1.35.1-20260810"),
    ),
)

STORAGE_CLASSES = (
    Red(
        "a shared volume of the default class",
        {key: value for key, value in EKS.items() if key != "caches__store__storage_class"},
        STORE,
        ("gp3, the default, is a disk for one node, this is shared",),
        "for example efs",
        green=eks(),
    ),
    Red(
        "a shared volume on a disk",
        eks(caches__store__storage_class="gp3"),
        STORE,
        ("gp3 is a disk for one node",),
        "for example efs",
        green=eks(caches__store__storage_class="weights"),
    ),
    Red(
        "a volume of one node that nobody makes",
        eks(**ONE_NODE),
        STORE,
        ("efs is made for shared volumes only",),
        "gp3",
        green=eks(**ONE_NODE, caches__store__storage_class="gp3"),
    ),
    Red(
        "two owners of one class",
        second_cache(security={"user": 2000, "group": 2000}),
        ("caches", "more", "storage_class"),
        ("class efs takes everybody for user 10001 and group 10001, as cache store says, and this one's are 2000",),
        "another class for one of the two, for example efs-more",
        green=second_cache(security={"user": 2000, "group": 2000}, storage_class="efs-more"),
    ),
)

RED = {
    "eks-version": EKS_VERSION,
    "controllers": CONTROLLERS,
    "pod-addresses": POD_ADDRESSES,
    "ranges": RANGES,
    "public-endpoint": PUBLIC_ENDPOINT,
    "connected": CONNECTED,
    "private-endpoint": PRIVATE_ENDPOINT,
    "nat": NAT,
    "endpoints": ENDPOINT_SERVICES,
    "steady-pool": STEADY_POOL,
    "node-groups": NODE_GROUPS,
    "storage-classes": STORAGE_CLASSES,
}
