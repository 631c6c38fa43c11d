"""A PodDisruptionBudget: what a drain may take from a workload."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.wires import ScaleTarget
from settings.workload import Disruption


@dataclass(frozen=True, kw_only=True)
class DisruptionBudgetArgs:
    """What is guarded, and how much of it may go."""

    target: ScaleTarget
    """The workload."""
    spec: Disruption
    """The budget."""
    name: str
    """metadata.name."""
    labels: dict[str, str]
    """What every object of the workload carries."""


class DisruptionBudget(pulumi.ComponentResource):
    """Keeps drains and upgrades from taking too many pods of a workload at a time."""

    def __init__(self, name: str, args: DisruptionBudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:DisruptionBudget", name, None, opts)
        k8s.policy.v1.PodDisruptionBudget(
            f"{name}-pdb",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=args.name, namespace=args.target.namespace, labels=args.labels),
            spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
                min_available=args.spec.min_available,
                max_unavailable=args.spec.max_unavailable,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(args.target.selector)),
                # A pod that is not ready serves nobody: without this, pods that never get ready block every drain.
                unhealthy_pod_eviction_policy="AlwaysAllow",
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.target.resource]),
        )
        self.register_outputs({})
