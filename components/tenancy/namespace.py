"""A namespace with everything that guards it; nothing runs in it before the guards stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.labels import PlatformLabels
from components.kubernetes.wires import NamespaceRef
from settings.capacity import hard_limits
from settings.flows import dns
from settings.tenancy import ContainerAmounts, Namespace, Quota


@dataclass(frozen=True, kw_only=True)
class TenantNamespaceArgs:
    """What a namespace is made of."""

    spec: Namespace
    """Tier, team, quota, limits, security level."""
    labels: PlatformLabels
    """What every object carries."""
    load_balanced: bool
    """True if an ALB sends requests to pods here: then a new pod is ready only once the ALB has it, and a rollout does
    not run ahead of the load balancer (aws-load-balancer-controller#1719)."""
    needs: Sequence[pulumi.Resource] = ()
    """What must be there before anything in it, and until all of it is gone."""
    kubernetes_version: str
    """Version whose Pod Security rules apply, so that an upgrade of the cluster tightens nothing unseen."""


class TenantNamespace(pulumi.ComponentResource):
    """A namespace with quota, limit range, Pod Security level and default-deny network policies."""

    ref: NamespaceRef
    """What workloads inside take."""

    def __init__(self, name: str, args: TenantNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:TenantNamespace", name, None, opts)
        self._home = name
        self._labels = args.labels.common
        namespace = self._namespace(args)
        self._inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        guards = (
            namespace,
            self._quota(args.spec.quota),
            self._limit_range(args.spec),
            self._default_deny(),
            self._allow_dns(),
        )
        self.ref = NamespaceRef(name=name, guards=guards)
        self.register_outputs({"name": name})

    def _metadata(self, name: str) -> k8s.meta.v1.ObjectMetaArgs:
        return k8s.meta.v1.ObjectMetaArgs(name=name, namespace=self._home, labels=self._labels)

    def _namespace(self, args: TenantNamespaceArgs) -> k8s.core.v1.Namespace:
        spec = args.spec
        pod_security = {
            f"pod-security.kubernetes.io/{mode}{suffix}": value
            for mode in ("enforce", "audit", "warn")
            for suffix, value in (("", spec.pod_security), ("-version", f"v{args.kubernetes_version}"))
        }
        labels = {**self._labels, "tier": spec.tier, **({"team": spec.team} if spec.team else {}), **pod_security}
        if args.load_balanced:
            labels["elbv2.k8s.aws/pod-readiness-gate-inject"] = "enabled"
        return k8s.core.v1.Namespace(
            f"{self._home}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=self._home, labels=labels),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.needs)),
        )

    def _quota(self, quota: Quota) -> k8s.core.v1.ResourceQuota:
        return k8s.core.v1.ResourceQuota(
            f"{self._home}-quota",
            metadata=self._metadata(f"{self._home}-quota"),
            spec=k8s.core.v1.ResourceQuotaSpecArgs(hard=hard_limits(quota)),
            opts=self._inside,
        )

    def _limit_range(self, spec: Namespace) -> k8s.core.v1.LimitRange:
        bounds = spec.limit_range
        item = k8s.core.v1.LimitRangeItemArgs(
            type="Container",
            default=_amounts(bounds.default),
            default_request=_amounts(bounds.default_request),
            max=_amounts(bounds.max),
            min=_amounts(bounds.min),
        )
        return k8s.core.v1.LimitRange(
            f"{self._home}-limits",
            metadata=self._metadata(f"{self._home}-limits"),
            spec=k8s.core.v1.LimitRangeSpecArgs(limits=[item]),
            opts=self._inside,
        )

    def _default_deny(self) -> k8s.networking.v1.NetworkPolicy:
        return k8s.networking.v1.NetworkPolicy(
            f"{self._home}-default-deny",
            metadata=self._metadata("default-deny"),
            spec=k8s.networking.v1.NetworkPolicySpecArgs(
                pod_selector=k8s.meta.v1.LabelSelectorArgs(), policy_types=["Ingress", "Egress"]
            ),
            opts=self._inside,
        )

    def _allow_dns(self) -> k8s.networking.v1.NetworkPolicy:
        server, protocols = dns()
        peer = k8s.networking.v1.NetworkPolicyPeerArgs(
            namespace_selector=k8s.meta.v1.LabelSelectorArgs(
                match_labels={"kubernetes.io/metadata.name": server.namespace}
            ),
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=server.labels),
        )
        ports = [k8s.networking.v1.NetworkPolicyPortArgs(port=53, protocol=p) for p in protocols]
        return k8s.networking.v1.NetworkPolicy(
            f"{self._home}-allow-dns",
            metadata=self._metadata("allow-dns"),
            spec=k8s.networking.v1.NetworkPolicySpecArgs(
                pod_selector=k8s.meta.v1.LabelSelectorArgs(),
                policy_types=["Egress"],
                egress=[k8s.networking.v1.NetworkPolicyEgressRuleArgs(ports=ports, to=[peer])],
            ),
            opts=self._inside,
        )


def _amounts(amounts: ContainerAmounts) -> dict[str, str]:
    return {"cpu": str(amounts.cpu), "memory": str(amounts.memory)}
