"""Small values that one component family makes and another takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi


@dataclass(frozen=True, kw_only=True)
class NamespaceRef:
    """A namespace that is ready for workloads."""

    name: str
    guards: tuple[pulumi.Resource, ...]
    """The namespace and what guards it: made before, and removed after, everything inside."""


@dataclass(frozen=True, kw_only=True)
class ClusterServices:
    """What a cluster does for what runs in it: each must be there before, and until after, whoever counts on it. Empty
    where somebody else sees to it.
    """

    basics: tuple[pulumi.Resource, ...] = ()
    """For every pod: names, metrics."""
    load_balancing: tuple[pulumi.Resource, ...] = ()
    """For Ingresses, and for pods that a load balancer must know."""
    secrets: tuple[pulumi.Resource, ...] = ()
    """For what is read from a store outside."""
    storage: tuple[pulumi.Resource, ...] = ()
    """For claims."""
    images: tuple[pulumi.Resource, ...] = ()
    """For pods of the platform's own images."""
    roles: Mapping[str, tuple[pulumi.Resource, ...]] = field(default_factory=dict)
    """Service -> for its pods, what they are in AWS."""
    certificates: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """Host name -> its certificate."""


@dataclass(frozen=True, kw_only=True)
class ScaleTarget:
    """A workload whose replica count somebody may own: what autoscalers and budgets take instead of the workload."""

    api_version: str
    kind: str
    name: str
    namespace: str
    selector: Mapping[str, str]
    resource: pulumi.Resource
    """The workload: its owner is made after it and removed before it."""

    @classmethod
    def deployment(
        cls, name: str, namespace: str, selector: Mapping[str, str], resource: pulumi.Resource
    ) -> ScaleTarget:
        """A Deployment."""
        return cls(
            api_version="apps/v1",
            kind="Deployment",
            name=name,
            namespace=namespace,
            selector=selector,
            resource=resource,
        )


@dataclass(frozen=True, kw_only=True)
class ServiceAddress:
    """A Service that others reach."""

    name: str
    namespace: str
    port: int
    resources: tuple[pulumi.Resource, ...]
    """What must be there before requests come: the Service, and the pods behind it. None: somebody else makes it."""


@dataclass(frozen=True, kw_only=True)
class NodePlacement:
    """Where pods may run: what a node pool asks of its workloads."""

    selector: Mapping[str, str]
    """Node labels; empty: any node."""
    tolerations: tuple[tuple[str, str, str], ...] = ()
    """(key, value, effect) of the pool's taints."""


@dataclass(frozen=True, kw_only=True)
class WeightsVolume:
    """A volume with weights in it: what a model server mounts."""

    claim: str
    """Name of the PersistentVolumeClaim."""
    resource: pulumi.Resource
    """The claim."""
    downloads: Mapping[str, pulumi.Resource]
    """Folder, as containers see it -> the download that fills it: a server waits for its own, and for no other."""
