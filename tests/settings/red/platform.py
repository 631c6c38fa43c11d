"""Red cases: addresses, supply, exposure."""

from __future__ import annotations

from settings.problems import Path
from tests.settings.red.case import Red
from tests.support import EKS

DOOR: Path = ("services", "door")
CERTIFICATE: Path = ("ingress", "certificate_arn")
ZONE = {"zone": "example.com", "zone_id": "Z0123456789ABCDEFGHIJ"}
SIX = [f"us-west-2{letter}" for letter in "abcdef"]
DIGEST = "sha256:" + "0123456789abcdef" * 4
COMMIT = "0123456789" * 4


def arn(**parts: str) -> dict[str, str]:
    """The certificate, with parts of its ARN changed."""
    whole = {"partition": "aws", "service": "acm", "region": "us-west-2", "account": "999988887777"}
    form = "arn:{partition}:{service}:{region}:{account}:{kind}/12345678-1234-1234-1234-123456789012"
    text = form.format(**{**whole, "kind": "certificate", **parts})
    return {"ingress__certificate_arn": text}


NETWORK = (
    Red(
        "no zones",
        {"aws__zones": []},
        ("aws", "zones"),
        ("is empty",),
        "for example [us-west-2a, us-west-2b]",
        green={"aws__zones": ["us-west-2a", "us-west-2b"]},
    ),
    Red(
        "a zone of another region",
        {"aws__zones": ["us-west-2a", "us-west-1b"]},
        ("aws", "zones", 1),
        ("us-west-1b is not in us-west-2",),
        "for example us-west-2a",
        green={"aws__zones": ["us-west-2a", "us-west-2c"]},
    ),
    Red(
        "a zone twice",
        {"aws__zones": ["us-west-2a", "us-west-2a", "us-west-2b"]},
        ("aws", "zones", 1),
        ("us-west-2a stands twice",),
        "name it once",
    ),
    Red(
        "another region than its zones",
        {"aws__region": "eu-central-1", "ingress__certificate_arn": None},
        ("aws", "zones", 0),
        ("us-west-2a is not in eu-central-1",),
        "for example eu-central-1a",
        green={
            "aws__region": "eu-central-1",
            "ingress__certificate_arn": None,
            "aws__zones": ["eu-central-1a", "eu-central-1b"],
        },
    ),
    Red(
        "a pool in a zone that the platform does not use",
        {"node_pools__cheap__zones": ["us-west-2a", "us-west-2d"]},
        ("node_pools", "cheap", "zones", 1),
        ("us-west-2d is not in aws.zones",),
        "did you mean us-west-2",
        green={"node_pools__cheap__zones": ["us-west-2a", "us-west-2b"]},
    ),
    Red(
        "a pool in no zone",
        {"node_pools__cheap__zones": []},
        ("node_pools", "cheap", "zones"),
        ("is empty",),
        "for example [us-west-2a, us-west-2b]",
        green={"node_pools__cheap__zones": ["us-west-2a"]},
    ),
    Red(
        "a VPC that is too large for AWS",
        {"aws__vpc_cidr": "10.0.0.0/15"},
        ("aws", "vpc_cidr"),
        ("a VPC has a prefix from /16 to /28, not /15",),
        "for example 10.0.0.0/16",
        green={"aws__vpc_cidr": "10.0.0.0/16"},
    ),
    Red(
        "a VPC that is too small for AWS",
        {"aws__vpc_cidr": "10.0.0.0/29"},
        ("aws", "vpc_cidr"),
        ("not /29",),
        "for example 10.0.0.0/16",
        green={"aws__vpc_cidr": "10.0.0.0/23"},
    ),
    Red(
        "a VPC that is too small for its load balancers",
        {"aws__vpc_cidr": "10.0.0.0/24"},
        ("aws", "vpc_cidr"),
        ("cannot be cut into three subnets for each of 2 zones", "takes /27, so the VPC at least /23"),
        "for example 10.0.0.0/16",
        green={"aws__vpc_cidr": "10.0.0.0/23"},
    ),
    Red(
        "a VPC that is too small for six zones",
        {"aws__vpc_cidr": "10.0.0.0/21", "aws__zones": SIX},
        ("aws", "vpc_cidr"),
        ("each of 6 zones", "at least /20"),
        "for example 10.0.0.0/16",
        green={"aws__vpc_cidr": "10.0.0.0/20", "aws__zones": SIX},
    ),
    Red(
        "a VPC of IPv6",
        {"aws__vpc_cidr": "fd00::/56"},
        ("aws", "vpc_cidr"),
        ("fd00::/56 is IPv6",),
        "for example 10.0.0.0/16",
    ),
    Red(
        "a VPC of public addresses",
        {"aws__vpc_cidr": "8.8.0.0/16"},
        ("aws", "vpc_cidr"),
        ("8.8.0.0/16 lies among public addresses",),
        "for example 10.0.0.0/16",
        green={"aws__vpc_cidr": "100.64.0.0/16"},
    ),
    Red(
        "load balancers anywhere",
        {"aws__load_balancer_cidrs": ["0.0.0.0/0"]},
        ("aws", "load_balancer_cidrs", 0),
        ("0.0.0.0/0 holds the pods' own subnet 10.0.0.0/18",),
        "give subnets without pods",
        green={"aws__load_balancer_cidrs": ["10.0.192.0/21"]},
    ),
    Red(
        "load balancers anywhere in IPv6",
        {"aws__load_balancer_cidrs": ["10.0.192.0/21", "::/0"]},
        ("aws", "load_balancer_cidrs", 1),
        ("::/0 is IPv6, and the VPC has only IPv4",),
        "for example 10.0.192.0/21",
        green={"aws__load_balancer_cidrs": ["10.0.192.0/21"]},
    ),
    Red(
        "endpoints among the pods",
        {"aws__endpoint_cidrs": ["10.0.65.0/24"]},
        ("aws", "endpoint_cidrs", 0),
        ("10.0.65.0/24 holds the pods' own subnet 10.0.64.0/18",),
        "give subnets without pods",
        green={"aws__endpoint_cidrs": ["10.0.224.0/24"]},
    ),
    Red(
        "a control plane nowhere",
        {"aws__control_plane_cidrs": []},
        ("aws", "control_plane_cidrs"),
        ("is empty",),
        "leave it out for our own subnets",
    ),
)

ZONES = (
    Red(
        "one",
        {"aws__zones": ["us-west-2a"]},
        ("aws", "zones"),
        ("one zone takes everything down",),
        "for example [us-west-2a, us-west-2b, us-west-2c]",
        green={"aws__zones": ["us-west-2a", "us-west-2b"]},
        strict=True,
    ),
    Red(
        "one on EKS",
        {**EKS, "aws__zones": ["us-west-2a"]},
        ("aws", "zones"),
        ("one zone takes everything down", "EKS makes no cluster in one"),
        "for example [us-west-2a, us-west-2b, us-west-2c]",
        green={**EKS, "aws__zones": ["us-west-2a", "us-west-2b"]},
    ),
)

IMAGES = (
    Red(
        "no version at all",
        {"registry__tag": None},
        (*DOOR, "image"),
        ("has neither tag nor digest",),
        "for example v1.0.0",
        green={
            "registry__tag": None,
            "services__door__image": {"tag": "v1.0.0"},
            "services__worker__image": {"digest": DIGEST},
        },
    ),
    Red(
        "a tag of its own that moves",
        {"services__door__image": {"tag": "latest"}},
        (*DOOR, "image", "tag"),
        ('the tag "latest" moves',),
        "a release, a commit or a digest",
        green={"services__door__image": {"tag": "latest", "digest": DIGEST}},
        strict=True,
    ),
    Red(
        "a default tag that moves",
        {"registry__tag": "dev-latest"},
        ("registry", "tag"),
        ('the tag "dev-latest" moves',),
        "a release",
        green={"registry__tag": "v2"},
        strict=True,
    ),
    Red(
        "no digest, and nobody says why",
        {"registry__unpinned": None},
        (*DOOR, "image"),
        ("has no digest, and nobody says why",),
        "unpinned: <reason>",
        green={
            "registry__unpinned": None,
            "services__door__image": {"unpinned": "it is pushed tomorrow"},
            "services__worker__image": {"digest": DIGEST},
        },
        strict=True,
    ),
)

MODELS = (
    Red(
        "weights without a revision",
        {"models__mind__source": {"hub": "a/b", "size": "1Gi"}},
        ("models", "mind", "source"),
        ("has no revision, and nobody says why",),
        "give revision: ",
        green={"models__mind__source": {"hub": "a/b", "size": "1Gi", "revision": COMMIT}},
        strict=True,
    ),
    Red(
        "an adapter without a revision",
        {"models__mind__adapters__blue": {"unpinned": None}},
        ("models", "mind", "adapters", "blue"),
        ("has no revision, and nobody says why",),
        "or say why not: unpinned: <reason>",
        green={"models__mind__adapters__blue": {"unpinned": None, "revision": COMMIT}},
        strict=True,
    ),
)

PINS = (
    Red(
        "an image",
        {"services__door__image": {"digest": DIGEST, "unpinned": "not yet known to us"}},
        (*DOOR, "image", "unpinned"),
        ("has a digest, so it is pinned",),
        "leave unpinned out",
        green={"services__door__image": {"digest": DIGEST}},
    ),
    Red(
        "weights",
        {"models__mind__source": {"revision": COMMIT, "unpinned": "not yet known to us"}},
        ("models", "mind", "source", "unpinned"),
        ("has a revision, so it is pinned",),
        "leave unpinned out",
        green={"models__mind__source": {"revision": COMMIT}},
    ),
    Red(
        "an adapter",
        {"models__mind__adapters__blue": {"revision": COMMIT}},
        ("models", "mind", "adapters", "blue", "unpinned"),
        ("has a revision, so it is pinned",),
        "with null, if the platform file has it",
        green={"models__mind__adapters__blue": {"revision": COMMIT, "unpinned": None}},
    ),
)

KUBERNETES = (
    Red(
        "too old for the pre-stop sleep",
        {"cluster__version": "1.29"},
        ("cluster", "version"),
        ("1.29 is older than 1.30", "pre-stop `sleep`"),
        'at least "1.30", for example "1.35"',
        green={"cluster__version": "1.30"},
    ),
)

EXPOSURE = (
    Red(
        "a service with no way in",
        {"ingress": None},
        (*DOOR, "ingress"),
        ("the platform has no way in",),
        "remove it here with null",
        green={"ingress": None, "services__door__ingress": None, "observability__grafana": None},
    ),
    Red(
        "clear text",
        {"ingress__certificate_arn": None},
        ("ingress",),
        ("door, grafana would be reached in clear text",),
        "give certificate_arn: arn:aws:acm:...",
        green={
            "ingress__certificate_arn": None,
            "services__door__ingress": None,
            "observability__grafana": None,
        },
        strict=True,
    ),
    Red(
        "an EKS cluster in no account",
        {**EKS, "aws__account": None},
        ("aws",),
        ("an EKS cluster needs the account",),
        "give account: ",
        green=EKS,
    ),
    Red(
        "clear text where nobody makes a certificate",
        {**EKS, "cluster__dns": ZONE, "ingress__certificate_arn": None},
        ("ingress",),
        ("door, grafana would be reached in clear text",),
        "give certificate_arn: arn:aws:acm:...",
        green={**EKS, "cluster__dns": {**ZONE, "certificate": True}, "ingress__certificate_arn": None},
        strict=True,
    ),
    Red(
        "images from nowhere",
        {"aws__account": None},
        ("registry",),
        ("images without a registry",),
        "give aws.account or registry.host",
        green={"aws__account": None, "registry__host": "registry.example.com"},
        strict=True,
    ),
    Red(
        "pods that may run as root",
        {"namespaces__front__pod_security": "baseline"},
        ("namespaces", "front", "pod_security"),
        ("baseline lets containers run as root",),
        "restricted",
        green={"namespaces__front__pod_security": "restricted"},
        strict=True,
    ),
    Red(
        "a tier whose pods may run as root",
        {"tiers__small__pod_security": "privileged"},
        ("tiers", "small", "pod_security"),
        ("privileged lets containers run as root",),
        "restricted",
        green={"tiers__small__pod_security": "restricted"},
        strict=True,
    ),
    Red(
        "a certificate that nobody reads",
        {"ingress__class_name": "nginx"},
        CERTIFICATE,
        ("only the class alb reads it, this is nginx",),
        "class_name: alb",
        green={
            "ingress__class_name": "nginx",
            "ingress__certificate_arn": None,
            "services__door__ingress": None,
            "observability__grafana": None,
        },
    ),
    Red(
        "a certificate of another region",
        arn(region="us-east-1"),
        CERTIFICATE,
        ("it is in us-east-1, the load balancer in us-west-2",),
        "arn:aws:acm:us-west-2:999988887777:certificate/",
        green=arn(),
    ),
    Red(
        "a certificate of another account",
        arn(account="999988887778"),
        CERTIFICATE,
        ("it belongs to account 999988887778, the load balancer to 999988887777",),
        "arn:aws:acm:us-west-2:999988887777:certificate/",
        green=arn(),
    ),
    Red(
        "a certificate of another partition",
        arn(partition="aws-cn"),
        CERTIFICATE,
        ("it is of partition aws-cn, the platform of aws",),
        "arn:aws:acm:",
        green=arn(),
    ),
    Red(
        "a role for a certificate",
        arn(service="iam", region="", kind="role"),
        CERTIFICATE,
        ("iam role is no certificate",),
        "arn:aws:acm:",
        green=arn(service="iam", region="", kind="server-certificate"),
    ),
)

RED = {
    "network": NETWORK,
    "zones": ZONES,
    "images": IMAGES,
    "models": MODELS,
    "pins": PINS,
    "kubernetes": KUBERNETES,
    "exposure": EXPOSURE,
}
