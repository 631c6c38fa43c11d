"""Supply (design rule 10): what runs is known, what is open is meant to be."""

from __future__ import annotations

import re

from settings import pins
from settings.arns import taken_apart
from settings.eks import EksCluster
from settings.model import PlatformSettings
from settings.names import partition, registry_host
from settings.problems import Path, Problem
from settings.system import ALB, public
from settings.versions import KUBERNETES, OLDEST_KUBERNETES

_FLOATING = re.compile(r"(.*[-_.])?(latest|main|master|stable|edge|nightly|dev|prod|staging)", re.IGNORECASE)
"""Tags that are meant to move: what they name today is not what runs tomorrow."""


def images(settings: PlatformSettings) -> list[Problem]:
    """Every image has a version; a tag does not move; without a digest there is a reason."""
    out = []
    for _, at, spec in pins.images(settings):
        own = spec.host is None
        tag = spec.tag or (settings.registry.tag if own else None)
        if tag is None and spec.digest is None:
            out.append(Problem(path=at, reason="has neither tag nor digest", fix="give a tag, for example v1.0.0"))
        elif tag and spec.digest is None and _FLOATING.fullmatch(tag):
            path: Path = (*at, "tag") if spec.tag else ("registry", "tag")
            reason = f'the tag "{tag}" moves: two pods of one version may run different code'
            out.append(Problem(path=path, reason=reason, fix="a release, a commit or a digest", strict=True))
        if spec.digest is None and pins.why_unpinned(settings, spec) is None:
            reason = "has no digest, and nobody says why"
            fix = "give digest: sha256:..., or say why not: unpinned: <reason>"
            out.append(Problem(path=at, reason=reason, fix=fix, strict=True))
    return out


def models(settings: PlatformSettings) -> list[Problem]:
    """Weights and adapters have a revision, or a reason why not."""
    fix = "give revision: <40 hex digits>, or say why not: unpinned: <reason>"
    return [
        Problem(path=supply.path, reason="has no revision, and nobody says why", fix=fix, strict=True)
        for supply in pins.supplies(settings)
        if supply.path[0] == "models" and supply.path[2] != "engine" and not supply.pinned and supply.reason is None
    ]


def contradictions(settings: PlatformSettings) -> list[Problem]:
    """Nothing that is pinned says why it is not: one of the two is out of date."""
    out = []
    said: list[tuple[Path, str, object, object]] = [
        (path, "digest", spec.digest, spec.unpinned) for _, path, spec in pins.images(settings)
    ]
    for name, model in settings.models.items():
        said.append((("models", name, "source"), "revision", model.source.revision, model.source.unpinned))
        for key, adapter in model.adapters.items():
            said.append((("models", name, "adapters", key), "revision", adapter.revision, adapter.unpinned))
    for path, pin, value, reason in said:
        if value is not None and reason is not None:
            fix = f"leave unpinned out, or the {pin} (with null, if the platform file has it)"
            out.append(Problem(path=(*path, "unpinned"), reason=f"has a {pin}, so it is pinned", fix=fix))
    return out


def kubernetes(settings: PlatformSettings) -> list[Problem]:
    """The cluster knows everything that it is sent."""
    version, oldest = settings.cluster.version, OLDEST_KUBERNETES.value
    if _minor(version) >= _minor(oldest):
        return []
    why = OLDEST_KUBERNETES.source.partition(" (")[0]
    reason = f"{version} is older than {oldest}: {why}"
    return [
        Problem(
            path=("cluster", "version"), reason=reason, fix=f'at least "{oldest}", for example "{KUBERNETES.value}"'
        )
    ]


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def exposure(settings: PlatformSettings) -> list[Problem]:
    """What can be reached is encrypted, images come from a registry that is named, pods run restricted."""
    out = _way_in(settings)
    if settings.cluster.kind == "eks" and settings.aws.account is None:
        fix = 'give account: "<12 digits>"'
        out.append(Problem(path=("aws",), reason="an EKS cluster needs the account it is made in", fix=fix))
    if settings.services and registry_host(settings) is None:
        fix = "give aws.account or registry.host"
        reason = "images without a registry must be loaded onto every node by hand"
        out.append(Problem(path=("registry",), reason=reason, fix=fix, strict=True))
    for name, namespace in settings.namespaces.items():
        if namespace.pod_security != "restricted":
            path: Path = ("namespaces", name, "pod_security")
            reason = f"{namespace.pod_security} lets containers run as root or privileged"
            out.append(Problem(path=path, reason=reason, fix="restricted", strict=True))
    return out


def _way_in(settings: PlatformSettings) -> list[Problem]:
    out = []
    reached = public(settings)
    for thing in reached if settings.ingress is None else ():
        fix = "give `ingress: {group: ...}` at the root, or remove it here with null"
        reason = "the platform has no way in (`ingress` at the root)"
        out.append(Problem(path=thing.path[:3], reason=reason, fix=fix))  # of a service, the whole of its ingress
    if settings.ingress is None:
        return out
    if settings.ingress.class_name != ALB:
        for key in _ALB_ONLY:
            if getattr(settings.ingress, key):
                reason = f"only the class {ALB} reads it, this is {settings.ingress.class_name}"
                out.append(Problem(path=("ingress", key), reason=reason, fix=f"class_name: {ALB}, or leave it out"))
    if settings.ingress.certificate_arn is None:
        if reached and not _certificate_is_made(settings):
            fix = "give certificate_arn: arn:aws:acm:..."
            reason = f"{', '.join(thing.name for thing in reached)} would be reached in clear text"
            out.append(Problem(path=("ingress",), reason=reason, fix=fix, strict=True))
    elif settings.ingress.class_name == ALB:
        wrong = _certificate(settings.ingress.certificate_arn, settings)
        out += _foreign(settings, "certificate_arn", wrong, "a certificate of {start}:acm:{place}:certificate/<id>")
    if settings.ingress.waf_arn is not None and settings.ingress.class_name == ALB:
        wrong = _web_acl(settings.ingress.waf_arn, settings)
        out += _foreign(settings, "waf_arn", wrong, "a web ACL of {start}:wafv2:{place}:regional/webacl/<name>/<id>")
    return out


def _certificate_is_made(settings: PlatformSettings) -> bool:
    cluster = settings.cluster
    return isinstance(cluster, EksCluster) and cluster.dns is not None and cluster.dns.certificate


_ALB_ONLY = ("certificate_arn", "waf_arn", "access_log", "protect")
"""What only the AWS Load Balancer Controller reads."""


def _foreign(settings: PlatformSettings, key: str, wrong: str | None, works: str) -> list[Problem]:
    """An ARN that the load balancer cannot use, with the form of one that it can."""
    if wrong is None:
        return []
    account, region = settings.aws.account or "<account>", settings.aws.region
    fix = works.format(start=f"arn:{partition(region)}", place=f"{region}:{account}")
    return [Problem(path=("ingress", key), reason=wrong, fix=fix)]


def _web_acl(arn: str, settings: PlatformSettings) -> str | None:
    """Why a load balancer cannot use a web ACL."""
    _, part, service, region, account, resource = taken_apart(arn)
    if service != "wafv2" or not resource.startswith("regional/webacl/"):
        return f"{service} {resource.partition('/')[0]} is no regional web ACL of WAF v2"
    return _elsewhere(part, region, account, settings)


def _certificate(arn: str, settings: PlatformSettings) -> str | None:
    """Why a load balancer cannot use a certificate."""
    _, part, service, region, account, resource = taken_apart(arn)
    if (service, resource.partition("/")[0]) not in (("acm", "certificate"), ("iam", "server-certificate")):
        return f"{service} {resource.partition('/')[0]} is no certificate"
    return _elsewhere(part, settings.aws.region if service == "iam" else region, account, settings)


def _elsewhere(part: str, region: str, account: str, settings: PlatformSettings) -> str | None:
    """Why a load balancer of this platform cannot use what lies there."""
    aws = settings.aws
    if part != partition(aws.region):
        return f"it is of partition {part}, the platform of {partition(aws.region)}"
    if region != aws.region:
        return f"it is in {region or 'no region'}, the load balancer in {aws.region}"
    if aws.account is not None and account != aws.account:
        return f"it belongs to account {account or '(none)'}, the load balancer to {aws.account}"
    return None
