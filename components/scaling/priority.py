"""A PriorityClass: who gets a place first."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.labels import PlatformLabels
from settings.nodes import Priority


@dataclass(frozen=True, kw_only=True)
class WorkloadPriorityArgs:
    """One class."""

    spec: Priority
    """Value, preemption, description."""
    labels: PlatformLabels
    """What every object carries."""


class WorkloadPriority(pulumi.ComponentResource):
    """A PriorityClass of the same name; never the cluster's default."""

    resource: pulumi.Resource
    """The class; pods that name it are made after it."""

    def __init__(self, name: str, args: WorkloadPriorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:WorkloadPriority", name, None, opts)
        self.resource = k8s.scheduling.v1.PriorityClass(
            f"{name}-class",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, labels=args.labels.common),
            description=args.spec.description,
            global_default=False,
            preemption_policy="PreemptLowerPriority" if args.spec.preempts else "Never",
            value=args.spec.value,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
