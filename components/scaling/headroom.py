"""Headroom: placeholders that hold nodes ready for whoever is worth more."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.labels import Labels
from components.kubernetes.placement import tolerations
from components.kubernetes.pods import pull_policy, rolling, unawaited
from components.kubernetes.resources import requirements
from components.kubernetes.security import restricted_container, restricted_pod
from components.kubernetes.wires import NamespaceRef, NodePlacement, ScaleTarget
from settings.nodes import Headroom
from settings.workload import Resources, Security


@dataclass(frozen=True, kw_only=True)
class NodeHeadroomArgs:
    """What is held ready."""

    spec: Headroom
    """How many placeholders, and their priority."""
    name: str
    """metadata.name."""
    labels: Labels
    """Labels and selector."""
    image: str
    """The image of whoever is to take the place: it is on the node then."""
    resources: Resources
    """What whoever is to take the place asks for."""
    gpus: int
    """And its GPUs."""
    placement: NodePlacement
    """The nodes."""
    namespace: NamespaceRef
    """Where the placeholders run."""
    priority: pulumi.Resource | None
    """The PriorityClass that they name."""


class NodeHeadroom(pulumi.ComponentResource):
    """Pods that do nothing but take up the room of one model each, and leave at once when a model needs it."""

    scale_target: ScaleTarget
    """What a budget takes."""

    def __init__(self, name: str, args: NodeHeadroomArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:NodeHeadroom", name, None, opts)
        self._args = args
        first = [*args.namespace.guards, *([args.priority] if args.priority else [])]
        account = k8s.core.v1.ServiceAccount(
            f"{name}-service-account",
            metadata=self._metadata(),
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.namespace.guards)),
        )
        deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            # The engine would wait until the placeholders run; without a spare node they wait for one, as they should.
            metadata=self._metadata(unawaited()),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=args.spec.replicas,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=args.labels.selector),
                strategy=rolling(0, 1),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=args.labels.all), spec=self._pod()
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*first, account]),
        )
        self.scale_target = ScaleTarget.deployment(args.name, args.namespace.name, args.labels.selector, deployment)
        self.register_outputs({})

    def _metadata(self, annotations: dict[str, str] | None = None) -> k8s.meta.v1.ObjectMetaArgs:
        args = self._args
        return k8s.meta.v1.ObjectMetaArgs(
            name=args.name, namespace=args.namespace.name, labels=args.labels.all, annotations=annotations
        )

    def _pod(self) -> k8s.core.v1.PodSpecArgs:
        args = self._args
        container = k8s.core.v1.ContainerArgs(
            name="placeholder",
            image=args.image,
            image_pull_policy=pull_policy(args.image),
            command=["/bin/sleep", "infinity"],
            resources=requirements(args.resources, args.gpus),
            security_context=restricted_container(Security(), read_only_root=not args.gpus),
        )
        return k8s.core.v1.PodSpecArgs(
            automount_service_account_token=False,
            containers=[container],
            enable_service_links=False,
            node_selector=dict(args.placement.selector),
            priority_class_name=args.spec.priority,
            security_context=restricted_pod(Security()),
            service_account_name=args.name,
            termination_grace_period_seconds=0,  # the model that evicts it waits for nothing
            tolerations=tolerations(args.placement) or None,
        )
