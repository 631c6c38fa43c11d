"""What is installed into an EKS cluster besides our own objects: Helm charts, one image that follows the cluster's
minor, and EKS add-ons. Each version with the public file that states it.

The values of the charts are in `settings.chart_values`. Every chart version is the newest of its repository's
index.yaml (branch gh-pages), and its Chart.yaml was read at the commit named here.
"""

from __future__ import annotations

from dataclasses import dataclass

from settings.versions import Pin


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One Helm chart, at one version."""

    name: str
    """Name of the chart, and of its release: the chart's objects are then called by it alone."""
    version: str
    """Version of the chart."""
    app: str
    """Version of what it installs."""
    repository: str
    """Its public chart repository."""
    oldest: str
    """Oldest Kubernetes minor that it is for."""
    newest: str | None
    """Newest Kubernetes minor that the project says it is tested with; None where it states none."""
    source: str
    """Who states the versions, and who the minors."""


CHARTS: dict[str, Chart] = {
    chart.name: chart
    for chart in (
        Chart(
            name="aws-load-balancer-controller",
            version="3.5.0",
            app="v3.5.0",
            repository="https://aws.github.io/eks-charts",
            oldest="1.22",
            newest=None,
            source="aws/eks-charts @52396092 stable/aws-load-balancer-controller Chart.yaml; README.md: Kubernetes "
            "1.22 and newer. No newest: its end-to-end script makes a cluster of 1.32 unless told otherwise",
        ),
        Chart(
            name="external-secrets",
            version="2.9.0",
            app="v2.9.0",
            repository="https://charts.external-secrets.io",
            oldest="1.19",
            newest="1.36",
            source="external-secrets/external-secrets @cc5bfbc2 (helm-chart-2.9.0) deploy/charts/external-secrets "
            "Chart.yaml: kubeVersion >= 1.19.0-0; docs/introduction/stability-support.md: 2.9 is tested with 1.36",
        ),
        Chart(
            name="nvidia-device-plugin",
            version="0.20.0",
            app="0.20.0",
            repository="https://nvidia.github.io/k8s-device-plugin",
            oldest="1.10",
            newest=None,
            source="NVIDIA/k8s-device-plugin @1b826acc (v0.20.0) deployments/helm/nvidia-device-plugin Chart.yaml: "
            "kubeVersion >= 1.10.0-0",
        ),
        Chart(
            name="dcgm-exporter",
            version="4.8.2",
            app="4.8.2",
            repository="https://nvidia.github.io/dcgm-exporter/helm-charts",
            oldest="1.19",
            newest=None,
            source="NVIDIA/dcgm-exporter @691c9276 (4.5.3-4.8.2) deployment Chart.yaml: kubeVersion >= 1.19.0-0",
        ),
        Chart(
            name="cluster-autoscaler",
            version="9.59.0",
            app="1.35.0",
            repository="https://kubernetes.github.io/autoscaler",
            oldest="1.8",
            newest="1.35",
            source="kubernetes/autoscaler @5a0b98e4 (cluster-autoscaler-chart-9.59.0) cluster-autoscaler/charts/"
            "cluster-autoscaler Chart.yaml (its own image is for 1.35); README.md: Kubernetes 1.8+",
        ),
        Chart(
            name="external-dns",
            version="1.21.1",
            app="0.21.0",
            repository="https://kubernetes-sigs.github.io/external-dns",
            oldest="1.21",
            newest=None,
            source="kubernetes-sigs/external-dns @9f264513 (external-dns-helm-chart-1.21.1) charts/external-dns "
            "Chart.yaml; README.md: 0.18 and newer is for Kubernetes 1.21 and newer",
        ),
    )
}
"""Chart name -> the version that we install."""

_PROMOTED = (
    "kubernetes/k8s.io#8815 (merged) promotes the images 1.32.5, 1.33.3 and 1.34.2 to registry.k8s.io; "
    "kubernetes/autoscaler has the git tag cluster-autoscaler-{}"
)
CLUSTER_AUTOSCALER_IMAGES: dict[str, Pin] = {
    "1.32": Pin("v1.32.5", _PROMOTED.format("1.32.5")),
    "1.33": Pin("v1.33.3", _PROMOTED.format("1.33.3")),
    "1.34": Pin(
        "v1.34.2",
        "kubernetes/autoscaler @35873126 (cluster-autoscaler-chart-9.55.0) cluster-autoscaler/charts/"
        "cluster-autoscaler/values.yaml image.tag; kubernetes/k8s.io#8815",
    ),
    "1.35": Pin(
        "v1.35.0",
        "kubernetes/autoscaler @5a0b98e4 (cluster-autoscaler-chart-9.59.0) cluster-autoscaler/charts/"
        "cluster-autoscaler/values.yaml image.tag. A git tag is no image: v1.35.1 could not be pulled "
        "(kubernetes/autoscaler#9866)",
    ),
}
"""Kubernetes minor -> tag of registry.k8s.io/autoscaling/cluster-autoscaler of the same minor: it simulates the
scheduler, and is tested with the scheduler of its own minor only (cluster-autoscaler/README.md, "Releases")."""

_DEFAULTS = (
    "wandb/terraform-aws-wandb @c4e56b7b modules/app_eks/add-ons.tf: AWS's default version for this minor in May 2026, "
    "checked with `aws eks describe-addon-versions`"
)
_AGENT = "devopscoop/aws-eks-template {} cluster/terraform.tfvars, written by `aws eks describe-addon-versions`"
_CNI = (
    "aws/amazon-vpc-cni-k8s @v{} charts/aws-vpc-cni/values.yaml: agent {}; the add-on's build as several "
    "public configurations of EKS clusters name it, without a file that we could cite"
)
_MINORS = ("1.32", "1.33", "1.34", "1.35")


def _defaults(*versions: str) -> dict[str, Pin]:
    return {minor: Pin(version, _DEFAULTS) for minor, version in zip(_MINORS, versions, strict=True)}


ADDONS: dict[str, dict[str, Pin]] = {
    # Not the defaults: their network policy agent leaks memory and lets replies of denied connections through
    # (aws-network-policy-agent#520, 8147f19); fixed in the agents of these.
    "vpc-cni": {
        "1.33": Pin("v1.22.4-eksbuild.3", _CNI.format("1.22.4", "1.4.0")),
        "1.34": Pin("v1.22.4-eksbuild.3", _CNI.format("1.22.4", "1.4.0")),
        "1.35": Pin("v1.23.0-eksbuild.1", _CNI.format("1.23.0", "1.4.1")),
    },
    "kube-proxy": _defaults("v1.32.13-eksbuild.5", "v1.33.10-eksbuild.2", "v1.34.6-eksbuild.2", "v1.35.3-eksbuild.2"),
    "coredns": _defaults("v1.11.4-eksbuild.33", "v1.12.4-eksbuild.10", "v1.12.4-eksbuild.10", "v1.13.2-eksbuild.4"),
    "eks-pod-identity-agent": {
        "1.33": Pin("v1.3.8-eksbuild.2", _AGENT.format("@51a556a7")),
        "1.34": Pin("v1.3.10-eksbuild.3", _AGENT.format("@d72b85eb")),
        "1.35": Pin("v1.3.10-eksbuild.3", _AGENT.format("@dcce80c6")),
    },
    "aws-ebs-csi-driver": _defaults(*["v1.59.0-eksbuild.1"] * 4),
    "aws-efs-csi-driver": _defaults(*["v3.1.0-eksbuild.1"] * 4),
    "metrics-server": _defaults(*["v0.8.1-eksbuild.6"] * 4),
}
"""EKS add-on -> Kubernetes minor -> version. A minor that is missing here has no public source; a later build of the
same minor fits too, and `aws eks describe-addon-versions` knows it."""
