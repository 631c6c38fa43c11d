"""What the rules of order look things up in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from policy.graph import Graph, Resource, leaves
from policy.markers import Markers
from policy.reading import mapping, text
from policy.rules.finding import Finding

NAMED_BY = {
    "aws:ecr/repository:Repository": "name",
    "aws:eks/cluster:Cluster": "name",
    "aws:iam/role:Role": "name",
    "aws:s3/bucket:Bucket": "bucket",
}
"""Type -> the input that is its name in AWS: what is known before it is made leaves no marker where it is used."""
ROLE = "aws:iam/role:Role"
RIGHTS = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
ADDON = "aws:eks/addon:Addon"
AGENT = "eks-pod-identity-agent"
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


@dataclass(frozen=True)
class Edge:
    """An order that must hold."""

    later: Resource
    """Made after `sooner`, and gone before it."""
    sooner: Resource
    why: str

    @property
    def finding(self) -> Finding:
        """What is said where it does not hold."""
        reason = f"{self.sooner} may come after it, or go before it: {self.why}"
        return Finding(str(self.later), reason, f"add {self.sooner} to its depends_on, or to what it depends on")


class Scene:
    """A graph with indices."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.markers = Markers(graph)
        self._types: dict[str, list[Resource]] = {}
        for resource in graph.resources:
            self._types.setdefault(resource.type, []).append(resource)

    def of(self, *types: str) -> Iterator[Resource]:
        """Resources of these types."""
        for type_ in types:
            yield from self._types.get(type_, ())

    def called(self, type_: str, value: Any) -> list[Resource]:
        """The resources of a type that a value names: by a marker, by name, or by an ARN that ends in the name."""
        found = [r for r in self.markers.within(value) if r.type == type_]
        said = text(value)
        if said and type_ in NAMED_BY:
            name = said.rpartition("/")[2] if said.startswith("arn:") else said
            found += [r for r in self.of(type_) if r.inputs.get(NAMED_BY[type_]) == name and r not in found]
        return found

    def naming(self, type_: str, key: str, target: Resource) -> list[Resource]:
        """The resources of a type whose input `key` names `target`."""
        return [r for r in self.of(type_) if target in self.called(target.type, r.inputs.get(key))]

    def rights(self, role: Resource) -> Iterator[Resource]:
        """A role, and what gives it its rights."""
        yield role
        for type_ in RIGHTS:
            yield from self.naming(type_, "role", role)

    def addons(self, *names: str) -> list[Resource]:
        """The EKS add-ons of these names."""
        return [addon for addon in self.of(ADDON) if addon.inputs.get("addonName") in names]

    def identity(self, namespace: str, account: str) -> Iterator[Resource]:
        """What makes pods of a ServiceAccount somebody in AWS by the Pod Identity agent."""
        for association in self._associations.get((namespace, account), ()):
            yield association
            yield from self.addons(AGENT)
            for role in self.called(ROLE, association.inputs.get("roleArn")):
                yield from self.rights(role)

    @cached_property
    def _associations(self) -> Mapping[tuple[str, str], list[Resource]]:
        out: dict[tuple[str, str], list[Resource]] = {}
        for found in self.of(ASSOCIATION):
            key = (text(found.inputs.get("namespace")), text(found.inputs.get("serviceAccount")))
            out.setdefault(key, []).append(found)
        return out

    def charts(self, *names: str) -> list[Resource]:
        """The releases of these charts, wherever they are pulled from."""
        return [r for r in self.graph.releases if text(r.inputs.get("chart")).rstrip("/").rpartition("/")[2] in names]


def edges(later: Resource, sooner: Iterable[Resource], why: str) -> Iterator[Edge]:
    """One edge to each."""
    for resource in sooner:
        yield Edge(later, resource, why)


def under(value: Any, key: str) -> Iterator[Any]:
    """Whatever stands under a key, at any depth of nested maps and lists."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == key:
                yield item
            yield from under(item, key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from under(item, key)


def accounts_of(release: Resource) -> Iterator[str]:
    """Names of the ServiceAccounts that a release's values speak of."""
    for account in under(release.inputs.get("values"), "serviceAccount"):
        name = text(mapping(account).get("name"))
        if name:
            yield name


def takes(resource: Resource, keys: frozenset[str]) -> Iterator[Any]:
    """The values that stand under one of these keys in its inputs."""
    for path, leaf in leaves(resource.inputs):
        if path.rpartition(".")[2] in keys:
            yield leaf
