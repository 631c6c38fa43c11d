"""Who can open a connection to whom, computed from the NetworkPolicies of a graph as Kubernetes evaluates them.

Endpoints are the pods of the graph's workloads, the apps that policies name although nothing in the graph runs them
(not yet, or outside the platform), and the address blocks of the policies. A connection is possible where the
source's egress and the target's ingress both allow it. What the node itself sends (the kubelet's probes) is never
filtered, and not listed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from policy.graph import Graph, KubernetesObject
from policy.rules.selectors import matches

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
ANY = "any port"
_APP_LABELS = ("app", "app.kubernetes.io/name", "k8s-app")

_Rules: TypeAlias = list[Mapping[str, Any]]
_Namespaces: TypeAlias = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, order=True)
class Edge:
    """A possible connection."""

    source: str
    target: str
    port: str
    """Protocol and port, for example TCP 8000."""

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} {self.port}"


@dataclass(frozen=True)
class _Pod:
    namespace: str
    labels: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        labels = dict(self.labels)
        app = next((labels[key] for key in _APP_LABELS if key in labels), None)
        return f"{self.namespace}/{app or ','.join(f'{k}={v}' for k, v in self.labels)}"


@dataclass(frozen=True)
class _Block:
    cidr: str
    excluded: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.cidr + (f" except {', '.join(self.excluded)}" if self.excluded else "")


_End: TypeAlias = _Pod | _Block


def reachability(graph: Graph) -> frozenset[Edge]:
    """Every possible connection of which at least one end is governed by a policy of the graph."""
    policies = graph.of_kind("NetworkPolicy")
    namespaces = {n.name: {**n.labels, NAMESPACE_LABEL: n.name} for n in graph.of_kind("Namespace")}
    ends = _endpoints(graph, policies)
    outward_rules = {end: _rules(policies, end, "Egress") for end in ends}
    inward_rules = {end: _rules(policies, end, "Ingress") for end in ends}
    edges = set()
    for source in ends:
        for target in ends:
            if source == target or (outward_rules[source] is None and inward_rules[target] is None):
                continue
            outward = _open(outward_rules[source], "to", target, namespaces)
            inward = _open(inward_rules[target], "from", source, namespaces)
            edges |= {Edge(source.name, target.name, port) for port in _both(outward, inward)}
    return frozenset(edges)


def _endpoints(graph: Graph, policies: Iterable[KubernetesObject]) -> list[_End]:
    real = {_Pod(w.namespace or "", tuple(sorted(w.pod_labels.items()))) for w in graph.workloads}
    ends: set[_End] = set(real)
    for policy in policies:
        named = [(policy.namespace or "", policy.spec.get("podSelector") or {})]
        for peer in _peers(policy):
            if "ipBlock" in peer:
                block = peer["ipBlock"]
                ends.add(_Block(block["cidr"], tuple(block.get("except") or ())))
            elif peer.get("podSelector"):
                labels = (peer.get("namespaceSelector") or {}).get("matchLabels") or {}
                home = labels.get(NAMESPACE_LABEL) if "namespaceSelector" in peer else policy.namespace
                named.append((home or "", peer["podSelector"]))
        for namespace, selector in named:
            labels = selector.get("matchLabels")
            if (
                namespace
                and labels
                and not any(pod.namespace == namespace and matches(selector, dict(pod.labels)) for pod in real)
            ):
                ends.add(_Pod(namespace, tuple(sorted(labels.items()))))
    return sorted(ends, key=lambda end: end.name)


def _peers(policy: KubernetesObject) -> Iterator[Mapping[str, Any]]:
    for rule in policy.spec.get("ingress") or ():
        yield from rule.get("from") or ()
    for rule in policy.spec.get("egress") or ():
        yield from rule.get("to") or ()


def _rules(policies: Iterable[KubernetesObject], end: _End, direction: str) -> _Rules | None:
    """The rules that govern one end in one direction; None where no policy does, so that everything is allowed."""
    if isinstance(end, _Block):
        return None
    governing = [
        policy
        for policy in policies
        if policy.namespace == end.namespace
        and direction in (policy.spec.get("policyTypes") or ("Ingress",))
        and matches(policy.spec.get("podSelector") or {}, dict(end.labels))
    ]
    if not governing:
        return None
    return [rule for policy in governing for rule in policy.spec.get(direction.lower()) or ()]


def _open(rules: _Rules | None, side: str, other: _End, namespaces: _Namespaces) -> set[str]:
    """The ports that the rules open towards `other`."""
    if rules is None:
        return {ANY}
    out: set[str] = set()
    for rule in rules:
        peers = rule.get(side)
        if not peers or any(_is(peer, other, namespaces) for peer in peers):
            ports = rule.get("ports") or ()
            out |= {f"{port.get('protocol', 'TCP')} {port.get('port', 'any')}" for port in ports} or {ANY}
    return out


def _is(peer: Mapping[str, Any], other: _End, namespaces: _Namespaces) -> bool:
    if isinstance(other, _Block):
        return "ipBlock" in peer and _covers(peer["ipBlock"], other)
    if "ipBlock" in peer:
        return False
    labels = namespaces.get(other.namespace, {NAMESPACE_LABEL: other.namespace})
    if "namespaceSelector" in peer and not matches(peer["namespaceSelector"], labels):
        return False
    return "podSelector" not in peer or matches(peer["podSelector"], dict(other.labels))


def _covers(block: Mapping[str, Any], other: _Block) -> bool:
    wide, narrow = ipaddress.ip_network(block["cidr"]), ipaddress.ip_network(other.cidr)
    if wide.version != narrow.version or not narrow.subnet_of(wide):  # type: ignore[arg-type]  # versions are equal
        return False
    holes = [ipaddress.ip_network(cidr) for cidr in block.get("except") or ()]
    return set(block.get("except") or ()) <= set(other.excluded) or not any(h.overlaps(narrow) for h in holes)


def _both(outward: set[str], inward: set[str]) -> set[str]:
    if ANY in outward:
        return inward
    return outward if ANY in inward else outward & inward
