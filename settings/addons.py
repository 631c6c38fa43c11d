"""The add-ons that EKS installs, in two groups: what a node needs to become Ready, and what runs on nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from settings.charts import ADDONS
from settings.model import PlatformSettings
from settings.names import POOL_LABEL
from settings.storage import shared_classes
from settings.system import system_pool
from settings.versions import Pin

NODE_POLICIES = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy", "AmazonSSMManagedInstanceCore")
"""What nodes may do: pull images, join, and be entered by Session Manager, since no node has an SSH key (EKS best
practices, security/hosts). The CNI's rights are the CNI's own."""


@dataclass(frozen=True)
class Account:
    """A ServiceAccount, and the role of its pods."""

    name: str
    namespace: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Addon:
    """An add-on."""

    name: str
    """EKS's name of it."""
    service_account: str | None = None
    """The ServiceAccount of its pods that call AWS."""
    policies: tuple[str, ...] = ()
    """What they may do there: policies that AWS maintains for its own add-on."""
    configuration: Callable[[PlatformSettings], Mapping[str, Any]] = lambda _: {}
    """What differs from its defaults."""

    def account(self, settings: PlatformSettings) -> Account | None:
        """Its ServiceAccount, where its pods call AWS."""
        if self.service_account is None:
            return None
        return Account(self.service_account, "kube-system", f"{settings.stem}-{self.name}")


def pin(settings: PlatformSettings, addon: str) -> Pin | None:
    """The version that is installed; None, EKS's default, for a Kubernetes that the table does not have."""
    return ADDONS.get(addon, {}).get(settings.cluster.version)


def _network(_: PlatformSettings) -> dict[str, Any]:
    """Policies are enforced, and a node takes addresses in blocks of 16: a pod starts without a call to EC2 (EKS best
    practices, networking/prefix-mode).
    """
    return {
        "enableNetworkPolicy": "true",
        "env": {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"},
    }


def _on_system_pool(settings: PlatformSettings) -> dict[str, Any]:
    pool = system_pool(settings)
    return {"nodeSelector": {POOL_LABEL: pool}} if pool else {}


def _driver(settings: PlatformSettings) -> dict[str, Any]:
    return {"controller": _on_system_pool(settings)}


BEFORE_NODES = (
    Addon(
        name="vpc-cni",
        service_account="aws-node",
        policies=("AmazonEKS_CNI_Policy",),
        configuration=_network,
    ),
    Addon(name="kube-proxy"),
    Addon(name="eks-pod-identity-agent"),
)
"""Without them no node becomes Ready and no pod of it gets a role."""
_AFTER_NODES = (
    Addon(name="coredns", configuration=_on_system_pool),
    Addon(name="metrics-server", configuration=_on_system_pool),
    Addon(
        name="aws-ebs-csi-driver",
        service_account="ebs-csi-controller-sa",
        policies=("service-role/AmazonEBSCSIDriverPolicy",),
        configuration=_driver,
    ),
)
_SHARED = Addon(
    name="aws-efs-csi-driver",
    service_account="efs-csi-controller-sa",
    policies=("service-role/AmazonEFSCSIDriverPolicy",),
    configuration=_driver,
)


def after_nodes(settings: PlatformSettings) -> tuple[Addon, ...]:
    """What runs on nodes: names, metrics, disks, and files where some volume is shared."""
    return (*_AFTER_NODES, *((_SHARED,) if shared_classes(settings) else ()))
