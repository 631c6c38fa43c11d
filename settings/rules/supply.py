"""Supply (design rule 10): what runs is known, what is open is meant to be."""

from __future__ import annotations

import re

from settings.model import PlatformSettings
from settings.names import registry_host
from settings.pins import supplies
from settings.problems import Path, Problem

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


def exposure(settings: PlatformSettings) -> list[Problem]:
    """What can be reached is encrypted, images come from a registry that is named, pods run restricted."""
    out = []
    public = [name for name, service in settings.services.items() if service.ingress]
    for name in public if settings.ingress is None else ():
        fix = "give `ingress: {group: ...}` at the root, or remove it here with null"
        reason = "the platform has no way in (`ingress` at the root)"
        out.append(Problem(path=("services", name, "ingress"), reason=reason, fix=fix))
    if settings.ingress and public and settings.ingress.certificate_arn is None:
        fix = "give certificate_arn: arn:aws:acm:..."
        reason = f"{', '.join(public)} would be reached in clear text"
        out.append(Problem(path=("ingress",), reason=reason, fix=fix, strict=True))
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
