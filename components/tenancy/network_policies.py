"""The network policies of workloads, written from the list of flows: what is not a flow stays denied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.labels import PlatformLabels
from components.kubernetes.wires import NamespaceRef
from settings.flows import Flow, Peer, Pods


@dataclass(frozen=True, kw_only=True)
class WorkloadNetworkPoliciesArgs:
    """Flows, and the namespaces that they touch."""

    flows: Sequence[Flow]
    """Every permitted connection."""
    quiet: Sequence[Pods]
    """Pods that talk to nobody: their policies say so."""
    namespaces: Mapping[str, NamespaceRef]
    """The platform's namespaces; policies are made only there."""
    labels: PlatformLabels
    """What every object carries."""


class WorkloadNetworkPolicies(pulumi.ComponentResource):
    """One policy per app: who may reach it, and what it may reach."""

    def __init__(
        self, name: str, args: WorkloadNetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("llmplatform:index:WorkloadNetworkPolicies", name, None, opts)
        ends: set[Peer] = {end for flow in args.flows for end in (flow.source, flow.target)} | set(args.quiet)
        for pods in sorted(end for end in ends if isinstance(end, Pods) and end.namespace in args.namespaces):
            self._policy(pods, args)
        self.register_outputs({})

    def _policy(self, pods: Pods, args: WorkloadNetworkPoliciesArgs) -> k8s.networking.v1.NetworkPolicy:
        inward = [flow for flow in args.flows if flow.target == pods]
        outward = [flow for flow in args.flows if flow.source == pods]
        return k8s.networking.v1.NetworkPolicy(
            f"{pods.namespace}/{pods.app}",  # with "-" two pairs of names could read the same
            metadata=k8s.meta.v1.ObjectMetaArgs(name=pods.app, namespace=pods.namespace, labels=args.labels.common),
            spec=k8s.networking.v1.NetworkPolicySpecArgs(
                pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pods.labels),
                policy_types=["Ingress", "Egress"],
                ingress=[
                    k8s.networking.v1.NetworkPolicyIngressRuleArgs(from_=_peers(flow.source), ports=[_port(flow)])
                    for flow in inward
                ]
                or None,
                egress=[
                    k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=_peers(flow.target), ports=[_port(flow)])
                    for flow in outward
                ]
                or None,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.namespaces[pods.namespace].guards)),
        )


def _port(flow: Flow) -> k8s.networking.v1.NetworkPolicyPortArgs:
    return k8s.networking.v1.NetworkPolicyPortArgs(port=flow.port, protocol=flow.protocol)


def _peers(peer: Peer) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    if isinstance(peer, Pods):
        return [
            k8s.networking.v1.NetworkPolicyPeerArgs(
                namespace_selector=k8s.meta.v1.LabelSelectorArgs(
                    match_labels={"kubernetes.io/metadata.name": peer.namespace}
                ),
                pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=peer.labels),
            )
        ]
    return [
        k8s.networking.v1.NetworkPolicyPeerArgs(
            ip_block=k8s.networking.v1.IPBlockArgs(cidr=cidr, except_=list(peer.excluded) or None)
        )
        for cidr in peer.cidrs
    ]
