"""Supply (design rule 10): what runs is known, what is open is meant to be."""

from __future__ import annotations

import re

from settings.model import PlatformSettings
from settings.names import partition, registry_host
from settings.pins import supplies
from settings.problems import Path, Problem
from settings.versions import KUBERNETES, OLDEST_KUBERNETES

ALB = "alb"
"""The ingress class of the AWS Load Balancer Controller."""
_FLOATING = re.compile(r"(.*[-_.])?(latest|main|master|stable|edge|nightly|dev|prod|staging)", re.IGNORECASE)
"""Tags that are meant to move: what they name today is not what runs tomorrow."""


def images(settings: PlatformSettings) -> list[Problem]:
    """Every image has a version; a tag does not move; without a digest there is a reason."""
    out = []
    for name, service in settings.services.items():
        image, at = service.image, ("services", name, "image")
        tag = image.tag or settings.registry.tag
        if tag is None and image.digest is None:
            out.append(Problem(path=at, reason="has neither tag nor digest", fix="give a tag, for example v1.0.0"))
        elif tag and image.digest is None and _FLOATING.fullmatch(tag):
            path: Path = (*at, "tag") if image.tag else ("registry", "tag")
            reason = f'the tag "{tag}" moves: two pods of one version may run different code'
            out.append(Problem(path=path, reason=reason, fix="a release, a commit or a digest", strict=True))
        if image.digest is None and not (image.unpinned or settings.registry.unpinned):
            reason = "has no digest, and nobody says why"
            fix = "give digest: sha256:..., or say why not: unpinned: <reason>"
            out.append(Problem(path=at, reason=reason, fix=fix, strict=True))
    return out


def models(settings: PlatformSettings) -> list[Problem]:
    """Weights and adapters have a revision, or a reason why not."""
    fix = "give revision: <40 hex digits>, or say why not: unpinned: <reason>"
    return [
        Problem(path=supply.path, reason="has no revision, and nobody says why", fix=fix, strict=True)
        for supply in supplies(settings)
        if supply.path[0] == "models" and not supply.pinned and supply.reason is None
    ]


def contradictions(settings: PlatformSettings) -> list[Problem]:
    """Nothing that is pinned says why it is not: one of the two is out of date."""
    out = []
    said: list[tuple[Path, str, object, object]] = [
        (("services", name, "image"), "digest", service.image.digest, service.image.unpinned)
        for name, service in settings.services.items()
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
    public = sorted(name for name, service in settings.services.items() if service.ingress)
    for name in public if settings.ingress is None else ():
        fix = "give `ingress: {group: ...}` at the root, or remove it here with null"
        reason = "the platform has no way in (`ingress` at the root)"
        out.append(Problem(path=("services", name, "ingress"), reason=reason, fix=fix))
    if settings.ingress is None:
        return out
    if settings.ingress.certificate_arn is None:
        if public:
            fix = "give certificate_arn: arn:aws:acm:..."
            reason = f"{', '.join(public)} would be reached in clear text"
            out.append(Problem(path=("ingress",), reason=reason, fix=fix, strict=True))
        return out
    at: Path = ("ingress", "certificate_arn")
    if settings.ingress.class_name != ALB:
        reason = f"only the class {ALB} reads a certificate's ARN, this is {settings.ingress.class_name}"
        return [*out, Problem(path=at, reason=reason, fix=f"class_name: {ALB}, or leave it out")]
    wrong = _certificate(settings.ingress.certificate_arn, settings)
    if wrong:
        account = settings.aws.account or "<account>"
        fix = f"arn:{partition(settings.aws.region)}:acm:{settings.aws.region}:{account}:certificate/<id>"
        out.append(Problem(path=at, reason=wrong, fix=f"a certificate of {fix}"))
    return out


def _certificate(arn: str, settings: PlatformSettings) -> str | None:
    """Why a load balancer cannot use a certificate."""
    _, part, service, region, account, resource = arn.split(":", 5)
    aws = settings.aws
    if (service, resource.partition("/")[0]) not in (("acm", "certificate"), ("iam", "server-certificate")):
        return f"{service} {resource.partition('/')[0]} is no certificate"
    if part != partition(aws.region):
        return f"it is of partition {part}, the platform of {partition(aws.region)}"
    if service == "acm" and region != aws.region:
        return f"it is in {region or 'no region'}, the load balancer in {aws.region}"
    if aws.account is not None and account != aws.account:
        return f"it belongs to account {account or '(none)'}, the load balancer to {aws.account}"
    return None
