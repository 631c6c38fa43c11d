"""The type of a resource graph: what a program registers, whoever recorded it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policy.reading import at, mapping, mappings, text, whole

SECRET = "[secret]"  # noqa: S105  # this is what stands where none may
"""Stands in inputs where a secret value was."""
EXTERNAL = "llmplatform.dev/external"
"""The annotation by which an object says what it needs that somebody else makes: `<kind>/<name>, ...`."""
HELM_RELEASE = "kubernetes:helm.sh/v3:Release"
"""The type of a Helm release: objects that the engine sees as one."""
MARKER = "${"
"""Begins a marker: `${<type> <name>.<property>}`, a value that is known only after deployment."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registered resource, with what the engine would let it inherit already folded in."""

    urn: str
    type: str
    """Pulumi's type token, for example kubernetes:apps/v1:Deployment."""
    name: str
    """Logical name."""
    custom: bool
    """True if a provider makes it, False for a component."""
    inputs: Mapping[str, Any]
    """As sent, in the provider's spelling; secrets masked, unknowns as markers."""
    parent: str | None = None
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    provider: str | None = None
    """URN of its provider."""
    deleted_with: str | None = None
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    """Properties that somebody else changes, and that an update leaves as they are."""
    delete_before_replace: bool = False
    """True: where another one takes its place, it goes first."""
    timeouts: Mapping[str, str] = field(default_factory=dict)
    """How long the engine waits for it: create, update, delete; its own ten minutes where nothing is said."""
    source: str | None = None
    """File and line of the program that made it."""

    def __str__(self) -> str:
        """As findings name it: an object of Kubernetes as its users do, anything else by kind and logical name."""
        if self.type.startswith("kubernetes:") and "kind" in self.inputs:
            return str(KubernetesObject(self))
        return f"{self.type.rsplit(':', 1)[-1]} {self.name}"


@dataclass(frozen=True)
class ContainerPort:
    """A port that a container opens."""

    number: int
    protocol: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.number} ({self.name})" if self.name else str(self.number)


@dataclass(frozen=True)
class KubernetesObject:
    """A Kubernetes object of the graph, read as its manifest. What is missing, or no such thing, reads as empty."""

    resource: Resource

    @property
    def manifest(self) -> Mapping[str, Any]:
        """apiVersion, kind, metadata and the rest."""
        return self.resource.inputs

    @cached_property
    def kind(self) -> str:
        """For example Deployment."""
        return text(self.manifest.get("kind")) or self.resource.type.rsplit(":", 1)[-1]

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata."""
        return mapping(self.manifest.get("metadata"))

    @cached_property
    def name(self) -> str:
        """metadata.name; empty if it has none of its own."""
        return text(self.metadata.get("name"))

    @cached_property
    def namespace(self) -> str | None:
        """metadata.namespace; None for objects of the cluster."""
        return text(self.metadata.get("namespace")) or None

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """metadata.labels."""
        return _labels(self.metadata)

    @cached_property
    def external(self) -> frozenset[str]:
        """What it needs that somebody else makes."""
        stated = text(mapping(self.metadata.get("annotations")).get(EXTERNAL))
        return frozenset(part.strip() for part in stated.split(",") if part.strip())

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """Its spec."""
        return mapping(self.manifest.get("spec"))

    @cached_property
    def template(self) -> Mapping[str, Any] | None:
        """The pod template of a workload, else None."""
        if self.kind == "Pod":
            return self.manifest
        path = ("jobTemplate", "spec", "template") if self.kind == "CronJob" else ("template",)
        template = mapping(at(self.spec, *path))
        # Other kinds have templates too, but not of pods.
        return template if "containers" in mapping(template.get("spec")) else None

    @cached_property
    def pod_labels(self) -> Mapping[str, str]:
        """Labels of the pods of a workload."""
        return _labels(at(self.template, "metadata"))

    @cached_property
    def pod(self) -> Mapping[str, Any]:
        """Spec of the pods of a workload."""
        return mapping(at(self.template, "spec"))

    @cached_property
    def containers(self) -> list[Mapping[str, Any]]:
        """Containers of the pods of a workload."""
        return mappings(self.pod.get("containers"))

    @cached_property
    def init_containers(self) -> list[Mapping[str, Any]]:
        """Containers that run before those, or beside them (sidecars)."""
        return mappings(self.pod.get("initContainers"))

    @cached_property
    def ports(self) -> list[ContainerPort]:
        """The ports that the pods of a workload open."""
        return [port for container in (*self.containers, *self.init_containers) for port in container_ports(container)]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name or '(no name)'}"


def container_ports(container: Mapping[str, Any]) -> list[ContainerPort]:
    """The ports that a container opens."""
    ports = [(whole(port.get("containerPort")), port) for port in mappings(container.get("ports"))]
    return [
        ContainerPort(number, text(port.get("protocol")) or "TCP", text(port.get("name")) or None)
        for number, port in ports
        if number is not None
    ]


def _labels(metadata: Any) -> Mapping[str, str]:
    return {key: value for key, value in mapping(at(metadata, "labels")).items() if isinstance(value, str)}


@dataclass(frozen=True)
class Graph:
    """Every resource of a stack, sorted by URN, and what the stack exports."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, resources: Iterable[Resource], outputs: Mapping[str, Any] | None = None) -> Graph:
        """A graph of resources in any order."""
        return cls(tuple(sorted(resources, key=lambda r: r.urn)), outputs or {})

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        """URN -> resource."""
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def objects(self) -> tuple[KubernetesObject, ...]:
        """Its Kubernetes objects."""
        return tuple(
            KubernetesObject(r)
            for r in self.resources
            if r.custom and r.type.startswith("kubernetes:") and "kind" in r.inputs
        )

    @cached_property
    def releases(self) -> tuple[Resource, ...]:
        """Its Helm releases."""
        return tuple(r for r in self.resources if r.type == HELM_RELEASE)

    @cached_property
    def in_cluster(self) -> tuple[Resource, ...]:
        """All that it has in a cluster: objects, and releases."""
        return (*(o.resource for o in self.objects), *self.releases)

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Its resources of these types."""
        return tuple(r for r in self.resources if r.type in types)

    def of_kind(self, *kinds: str) -> tuple[KubernetesObject, ...]:
        """Its Kubernetes objects of these kinds."""
        return tuple(o for o in self.objects if o.kind in kinds)

    @cached_property
    def workloads(self) -> tuple[KubernetesObject, ...]:
        """Its Kubernetes objects that make pods."""
        return tuple(o for o in self.objects if o.template is not None)

    def children(self, urn: str | None) -> Iterator[Resource]:
        """The resources whose parent is `urn`."""
        return (r for r in self.resources if r.parent == urn)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested inputs with its path, for example `spec.ports[0].port`."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def undecided(value: Any) -> list[str]:
    """Paths of the leaves that are markers or masked: what no judge and no API server can take as it is."""
    return [path for path, leaf in leaves(value) if unknown(leaf)]


def unknown(leaf: Any) -> bool:
    """True of a marker, of a text with one inside, and of a masked secret."""
    return isinstance(leaf, str) and ((MARKER in leaf and "}" in leaf) or leaf == SECRET)
