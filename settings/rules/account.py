"""What is made in the AWS account: names that AWS takes, tags, buckets, host names and their certificate."""

from __future__ import annotations

from settings import addons, system
from settings.buckets import bucket_name
from settings.eks import EksCluster
from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.rules.naming import ROLE_LIMIT

GROUP_LIMIT = 63
"""Longest name of a node group (EKS user guide, create-managed-node-group)."""
TEMPLATE_LIMIT = 128
"""Longest name of a launch template (EC2 API reference, CreateLaunchTemplate)."""
BUCKET_LIMIT = 63
"""Longest name of a bucket (S3 user guide, bucket naming rules)."""
SUFFIX = 26
"""What the provider adds to a prefix (hashicorp/terraform-plugin-sdk helper/id, UniqueIDSuffixLength)."""
HOST_LIMIT = 64
"""Longest host name of a certificate (ACM API reference, RequestCertificate, DomainName)."""
OWN_TAGS = ("Name", "environment", "managed-by", "part-of")
"""Tags that everything has from us."""
TAG_LIMIT = 50
"""Most tags of a resource (AWS tagging guide); some are EKS's and the autoscaler's."""
SPARE_TAGS = 10
"""Of these for others: ours, EKS's and the autoscaler's."""
_WITHOUT_A_ROLE = ("dcgm-exporter", "nvidia-device-plugin")


def account_names(settings: PlatformSettings) -> list[Problem]:
    """Names of what is made in the account are as short as AWS wants them."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    out = []
    role = max(_roles(settings), key=len)
    if len(role) > ROLE_LIMIT:
        reason = f"its role {role} has {len(role)} characters, IAM takes {ROLE_LIMIT}"
        out.append(Problem(path=("prefix",), reason=reason, fix=f"shorten it by {len(role) - ROLE_LIMIT}"))
    for name in settings.node_pools:
        at: Path = ("node_pools", name)
        group = len(name) + 1 + SUFFIX
        template = len(f"{settings.stem}-{name}-") + SUFFIX
        if group > GROUP_LIMIT:
            reason = f"its node group has {group} characters with the suffix, EKS takes {GROUP_LIMIT}"
            out.append(Problem(path=at, reason=reason, fix=f"shorten the pool's name by {group - GROUP_LIMIT}"))
        elif template > TEMPLATE_LIMIT:
            reason = f"its launch template has {template} characters with the suffix, EC2 takes {TEMPLATE_LIMIT}"
            fix = f"shorten the pool's name or `prefix` by {template - TEMPLATE_LIMIT}"
            out.append(Problem(path=at, reason=reason, fix=fix))
    for name in settings.buckets:
        whole = bucket_name(settings, name)
        if len(whole) > BUCKET_LIMIT:
            reason = f"its name {whole} has {len(whole)} characters, S3 takes {BUCKET_LIMIT}"
            fix = f"shorten the bucket's name or `prefix` by {len(whole) - BUCKET_LIMIT}"
            out.append(Problem(path=("buckets", name), reason=reason, fix=fix))
    return out


def _roles(settings: PlatformSettings) -> list[str]:
    """Roles of the cluster, its nodes, its add-ons and its controllers."""
    every = [*addons.BEFORE_NODES, *addons.after_nodes(settings)]
    accounts = [account.role for addon in every if (account := addon.account(settings))]
    charts = [name for name in system.installed(settings) if name not in _WITHOUT_A_ROLE]
    return [*accounts, *(f"{settings.stem}-{name}" for name in ("cluster", "flow-logs", "nodes", *charts))]


def tags(settings: PlatformSettings) -> list[Problem]:
    """Tags are not what the program sets itself, and leave room for its own."""
    out, own, first = [], {key.lower(): key for key in OWN_TAGS}, dict[str, str]()
    for key in settings.aws.tags:
        ours, other = own.get(key.lower(), key), first.setdefault(key.lower(), key)
        if key.lower() in own or key.startswith(("kubernetes.io/", "k8s.io/", "eks:")):
            reason = "the program or EKS sets this tag itself"
            if ours != key:
                reason = f"the program sets {ours}, which is the same tag to IAM"
            out.append(Problem(path=("aws", "tags", key), reason=reason, fix="remove it, or give it another key"))
        elif other != key:
            reason = f"is the same tag as {other} to IAM, and a role takes it once"
            out.append(Problem(path=("aws", "tags", key), reason=reason, fix="keep one of the two"))
    count, most = len(settings.aws.tags), TAG_LIMIT - SPARE_TAGS
    if count > most:
        reason = f"{count} tags; AWS takes {TAG_LIMIT} of a resource, and {SPARE_TAGS} are for ours and EKS's"
        out.append(Problem(path=("aws", "tags"), reason=reason, fix=f"keep {most} of them"))
    return out


def buckets(settings: PlatformSettings) -> list[Problem]:
    """Buckets are made where the cluster is, and load balancers write into those that are for it."""
    if not isinstance(settings.cluster, EksCluster):
        return [
            Problem(path=("buckets", name), reason="nobody makes it for a cluster that exists", fix="remove it")
            for name in settings.buckets
        ]
    log = settings.ingress.access_log if settings.ingress else None
    out = []
    for name, bucket in settings.buckets.items():
        if log is not None and log.bucket == bucket_name(settings, name) and bucket.holds != "load-balancer-logs":
            reason = f"{log.bucket} is for {bucket.holds}, and load balancers cannot write there"
            fix = f"another bucket, or buckets: {{{name}: {{holds: load-balancer-logs}}}}"
            out.append(Problem(path=("ingress", "access_log", "bucket"), reason=reason, fix=fix))
    return out


def dns(settings: PlatformSettings) -> list[Problem]:
    """Public host names lie in the hosted zone, and have one certificate."""
    zone = settings.cluster.dns if isinstance(settings.cluster, EksCluster) else None
    if zone is None:
        return []
    out = []
    for _, host, path in system.public(settings) if settings.ingress is not None else ():
        if zone.certificate and len(host) > HOST_LIMIT:
            reason = f"{host} has {len(host)} characters, and a certificate of ACM takes {HOST_LIMIT}"
            out.append(Problem(path=path, reason=reason, fix=f"shorten it by {len(host) - HOST_LIMIT}"))
        if host != zone.zone and not host.endswith(f".{zone.zone}"):
            reason = f"{host} does not lie in the hosted zone {zone.zone}"
            fix = f"for example {host.partition('.')[0]}.{zone.zone}, or another cluster.dns.zone"
            out.append(Problem(path=path, reason=reason, fix=fix))
    if zone.certificate and not system.balances(settings):
        reason = "no load balancer would show it: no host is reached by the ingress class alb"
        out.append(Problem(path=("cluster", "dns", "certificate"), reason=reason, fix="leave it out"))
    elif zone.certificate and settings.ingress and settings.ingress.certificate_arn is not None:
        reason = "cluster.dns.certificate makes one, and this one is there already"
        fix = "leave one of the two out (with null, if the platform file has it)"
        out.append(Problem(path=("ingress", "certificate_arn"), reason=reason, fix=fix))
    return out
