"""An EKS cluster: its Kubernetes, what is installed into it, and its ways out."""

from __future__ import annotations

from settings.charts import CHARTS, CLUSTER_AUTOSCALER_IMAGES
from settings.eks import EksCluster
from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.system import AUTOSCALER, installed
from settings.versions import EKS_SUPPORT, KUBERNETES


def version(settings: PlatformSettings) -> list[Problem]:
    """EKS has the Kubernetes in standard support."""
    found = settings.cluster.version
    if not isinstance(settings.cluster, EksCluster) or found in EKS_SUPPORT:
        return []
    window = ", ".join(f"{minor} (until {pin.value})" for minor, pin in EKS_SUPPORT.items())
    reason = f"EKS supports {window}, and not {found}"
    return [Problem(path=("cluster", "version"), reason=reason, fix=f'for example "{KUBERNETES.value}"')]


def controllers(settings: PlatformSettings) -> list[Problem]:
    """Every controller that is installed is one for the cluster's Kubernetes."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    found, out = settings.cluster.version, []
    for name in installed(settings):
        works = [minor for minor in EKS_SUPPORT if _fits(name, minor)]
        if not _fits(name, found):
            app = "images of it" if name == AUTOSCALER else CHARTS[name].app
            reason = f"{name} ({app}) is not for {found}, only for {', '.join(works)}"
            # The program's own version is one that all of them are for.
            out.append(Problem(path=("cluster", "version"), reason=reason, fix=f'"{KUBERNETES.value}"'))
    return out


def _fits(name: str, minor: str) -> bool:
    chart = CHARTS[name]
    newest = chart.newest
    if name == AUTOSCALER:  # its image follows the cluster's minor, whatever the chart's own is for
        return minor in CLUSTER_AUTOSCALER_IMAGES
    return _number(chart.oldest) <= _number(minor) and (newest is None or _number(minor) <= _number(newest))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def nat(settings: PlatformSettings) -> list[Problem]:
    """No zone takes the others' way out down with it."""
    zones = len(set(settings.aws.zones))
    if not isinstance(settings.cluster, EksCluster) or settings.cluster.network.nat != "one" or zones < 2:
        return []
    reason = f"one NAT gateway serves {zones} zones: its zone takes everybody's way out down with it"
    return [Problem(path=("cluster", "network", "nat"), reason=reason, fix="per-zone", strict=True)]


def endpoints(settings: PlatformSettings) -> list[Problem]:
    """What pods may reach inside the VPC only is there, once."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    at: Path = ("cluster", "network", "endpoints")
    listed, out = settings.cluster.network.endpoints, list[Problem]()
    for index, service in enumerate(listed):
        if service in listed[:index]:
            out.append(Problem(path=(*at, index), reason=f"{service} stands twice", fix="name it once"))
    if settings.aws.endpoint_cidrs is not None:
        return out  # the endpoints are somewhere else
    for service, who in _called(settings).items():
        if who and service not in listed:
            reason = f"lacks {service}, which {', '.join(who)} call{'s' if len(who) == 1 else ''} inside the VPC only"
            fix = f"add it: [{', '.join(sorted({*listed, service}))}]"
            out.append(Problem(path=at, reason=reason, fix=fix))
    return out


def _called(settings: PlatformSettings) -> dict[str, list[str]]:
    """Endpoint -> the services whose pods the network policies let nowhere else for it (settings.flows)."""
    irsa = settings.aws.identity == "irsa"
    return {
        "sagemaker.runtime": [name for name, service in settings.services.items() if service.sagemaker],
        "sts": [*settings.services] if irsa else [],
    }
