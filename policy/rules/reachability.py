"""Who can open a connection to whom, computed from the NetworkPolicies of a graph as Kubernetes evaluates them.

A connection is possible where the source's egress and the target's ingress both allow it. The ends are the pods of
the graph's workloads; the apps that policies name although nothing in the graph runs them (not yet, or outside the
platform); the address blocks of the policies; and, where a policy opens itself to more than one named app, a stranger
that stands for whoever that may be, so that no opening goes unseen. Rules, addresses and ports that cannot be read are
taken for the wider opening. What the node itself sends (the kubelet's probes) is never filtered, and not listed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from policy.graph import ContainerPort, Graph, KubernetesObject
from policy.reading import listed, mapping, mappings, text, texts, whole
from policy.rules.isolation import directions, selected
from policy.rules.selectors import matches, shown

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
EVERYONE: Mapping[str, Any] = {"namespaceSelector": {}}
EVERYWHERE = ({"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}})
LAST_PORT = 65535
_APP_LABELS = ("app", "app.kubernetes.io/name", "k8s-app")


@dataclass(frozen=True, order=True)
class Edge:
    """A possible connection."""

    source: str
    target: str
    port: str
    """Protocol and port, for example TCP 8000."""

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} {self.port}"


class _Range(NamedTuple):
    """Ports of one protocol, or (without one) of all."""

    protocol: str
    first: int
    last: int
    name: str
    """A port's name that nothing in the graph resolves: some one port of the range."""

    def __str__(self) -> str:
        if self.first == self.last:
            return f"{self.protocol or 'any'} {self.first}"
        wide = (self.first, self.last) == (0, LAST_PORT)
        ports = self.name or ("any" if wide else f"{self.first}-{self.last}")
        return f"{self.protocol} {ports}" if self.protocol else "any port"

    def within(self, other: _Range) -> bool:
        """True if the other opens all that this one does."""
        inside = other.first <= self.first and self.last <= other.last
        return inside and other.protocol in ("", self.protocol) and other.name in ("", self.name)


_ALL = _Range("", 0, LAST_PORT, "")


@dataclass(frozen=True)
class _Pod:
    """Pods that are alike."""

    namespace: str
    labels: frozenset[tuple[str, str]]
    name: str
    ports: frozenset[ContainerPort] | None = None
    """What they open; None where nothing in the graph says it."""
    stranger: bool = False


@dataclass(frozen=True)
class _Block:
    """Addresses outside the graph."""

    cidr: str
    excluded: tuple[str, ...]
    stranger = False

    @property
    def name(self) -> str:
        return self.cidr + (f" except {', '.join(self.excluded)}" if self.excluded else "")

    @classmethod
    def of(cls, peer: Any) -> _Block:
        block = mapping(peer)
        return cls(text(block.get("cidr")) or "unknown addresses", tuple(texts(block.get("except"))))


_End: TypeAlias = _Pod | _Block


@dataclass(frozen=True)
class _Rule:
    """One ingress or egress rule."""

    home: str
    """Namespace of its policy: what a podSelector without a namespaceSelector means."""
    peers: tuple[Mapping[str, Any], ...]
    """Empty: everyone."""
    ports: tuple[Mapping[str, Any], ...]
    """Empty: every port."""


@dataclass(frozen=True)
class _Policy:
    """A NetworkPolicy, read once."""

    home: str
    selector: Any
    rules: Mapping[str, tuple[_Rule, ...]]
    """Direction -> rules, of the directions that it governs."""

    @classmethod
    def of(cls, policy: KubernetesObject) -> _Policy:
        home, spec = policy.namespace or "", policy.spec
        rules = {
            direction: tuple(_rule(home, rule.get(side), rule.get("ports")) for rule in map(mapping, listed(given)))
            for direction, side, given in (
                ("Ingress", "from", spec.get("ingress")),
                ("Egress", "to", spec.get("egress")),
            )
            if direction in directions(policy)
        }
        return cls(home, selected(policy), rules)

    def governs(self, pod: _Pod) -> bool:
        """True if it selects the pod."""
        return self.home == pod.namespace and matches(self.selector, dict(pod.labels))

    @property
    def peers(self) -> Iterator[Mapping[str, Any]]:
        """Whom its rules name; a rule that names nobody means everyone."""
        for rules in self.rules.values():
            for rule in rules:
                yield from rule.peers or (EVERYONE, *EVERYWHERE)


class _Span(NamedTuple):
    """Consecutive addresses."""

    version: int
    first: int
    last: int


@dataclass(frozen=True)
class _World:
    """What rules are read against."""

    namespaces: Mapping[str, Mapping[str, str]]
    """Name -> labels."""
    pods: frozenset[_Span]
    """Addresses of pods."""


@dataclass(frozen=True)
class _Opening:
    """A rule, read against the world."""

    ends: frozenset[int]
    ports: tuple[Mapping[str, Any], ...]


def _rule(home: str, peers: Any, ports: Any) -> _Rule:
    return _Rule(home, tuple(mapping(peer) for peer in listed(peers)), tuple(mappings(ports)))


def reachability(graph: Graph, pod_ranges: Collection[str] = ()) -> frozenset[Edge]:
    """Every possible connection of which at least one end is governed by a policy of the graph.

    Args:
        graph: the resources.
        pod_ranges: addresses that pods get. Where pods have addresses of the network around them (the VPC CNI), an
            ipBlock that holds some of these lets in, or out to, every pod.
    """
    policies = [_Policy.of(policy) for policy in graph.of_kind("NetworkPolicy")]
    namespaces = {n.name: {**n.labels, NAMESPACE_LABEL: n.name} for n in graph.of_kind("Namespace")}
    ends = sorted(set(_ends(graph, policies, namespaces)), key=lambda end: (end.name, str(end)))
    pods = frozenset(span for cidr in pod_ranges for span in _spans(_Block(cidr, ())) or ())
    outward = _governed(policies, ends, "Egress", _World(namespaces, pods))
    inward = _governed(policies, ends, "Ingress", _World(namespaces, pods))
    edges = set()
    for i, source in enumerate(ends):
        for j, target in enumerate(ends):
            if (outward[i] is None or source.stranger) and (inward[j] is None or target.stranger):
                continue  # a stranger's own openings are those of others
            out = _open(outward[i], j, target)
            into = _open(inward[j], i, target) if out else set()
            edges |= {Edge(source.name, target.name, str(port)) for port in _both(out, into)}
    return frozenset(edges)


def _ends(graph: Graph, policies: Iterable[_Policy], namespaces: dict[str, dict[str, str]]) -> Iterator[_End]:
    """Every end; adds the namespaces that strangers stand in to `namespaces`."""
    real = [_pod_of(workload) for workload in graph.workloads]
    yield from real
    for policy in policies:
        named = [(policy.home, policy.selector)]
        for peer in policy.peers:
            if peer.get("ipBlock") is not None:
                yield _Block.of(peer["ipBlock"])
                continue
            place, pods = peer.get("namespaceSelector"), peer.get("podSelector")
            pinned = policy.home if place is None else _pinned(place)
            if pinned is not None and _labels_of(pods):
                named.append((pinned, pods))
            elif place is not None or pods is not None:
                yield _stranger(policy.home, place, pods, namespaces)
        for namespace, selector in named:
            labels = _labels_of(selector)
            if labels and not any(p.namespace == namespace and matches(selector, dict(p.labels)) for p in real):
                app = _app(labels) if len(labels) == 1 else None
                taken = any(p.name == f"{namespace}/{app}" for p in real)
                name = f"{namespace}/{shown(selector) if app is None or taken else app}"
                yield _Pod(namespace, frozenset(labels.items()), name)


def _pod_of(workload: KubernetesObject) -> _Pod:
    namespace, labels = workload.namespace or "", workload.pod_labels
    name = f"{namespace}/{_app(labels) or workload.name}"
    return _Pod(namespace, frozenset(labels.items()), name, frozenset(workload.ports))


def _app(labels: Mapping[str, str]) -> str | None:
    return next((labels[key] for key in _APP_LABELS if key in labels), None)


def _pinned(selector: Any) -> str | None:
    """The one namespace that a selector takes, if it says it by name."""
    labels = _labels_of(selector)
    return labels.get(NAMESPACE_LABEL) if labels and len(labels) == 1 else None


def _labels_of(selector: Any) -> dict[str, str] | None:
    """The labels of a selector that is nothing but labels; None of any other."""
    selector = mapping(selector)
    labels = mapping(selector.get("matchLabels"))
    if selector.get("matchExpressions") or not all(isinstance(value, str) for value in labels.values()):
        return None
    return dict(labels)


def _stranger(home: str, place: Any, pods: Any, namespaces: dict[str, dict[str, str]]) -> _Pod:
    """Somebody that a peer lets in, or out to, whom nothing names."""
    namespace = home
    if place is not None:
        namespace = _pinned(place) or f"({shown(place, 'namespace')})"
        namespaces.setdefault(namespace, {NAMESPACE_LABEL: namespace} | _example(place))
    labels = _example(pods)
    return _Pod(namespace, frozenset(labels.items()), f"{namespace}/({shown(pods or {})})", stranger=True)


def _example(selector: Any) -> dict[str, str]:
    """Labels that a selector takes."""
    selector = mapping(selector)
    labels = {key: value for key, value in mapping(selector.get("matchLabels")).items() if isinstance(value, str)}
    for expression in mappings(selector.get("matchExpressions")):
        if expression.get("operator") in ("In", "Exists"):
            labels.setdefault(text(expression.get("key")), (*texts(expression.get("values")), "any")[0])
    return labels


def _governed(
    policies: Iterable[_Policy], ends: Sequence[_End], direction: str, world: _World
) -> list[list[_Opening] | None]:
    """What is open to each end in one direction; None where no policy governs it, so that everything is."""
    openings = [
        (policy, [_Opening(_taken(rule, ends, world), rule.ports) for rule in policy.rules[direction]])
        for policy in policies
        if direction in policy.rules
    ]
    out: list[list[_Opening] | None] = []
    for end in ends:
        own = [opened for policy, opened in openings if isinstance(end, _Pod) and policy.governs(end)]
        out.append([opening for opened in own for opening in opened] if own else None)
    return out


def _taken(rule: _Rule, ends: Sequence[_End], world: _World) -> frozenset[int]:
    """The ends that a rule speaks of, by their place in `ends`."""
    return frozenset(
        i
        for i, end in enumerate(ends)
        if not rule.peers or any(_is(peer, rule.home, end, world) for peer in rule.peers)
    )


def _open(openings: list[_Opening] | None, other: int, target: _End) -> set[_Range]:
    """The ports of `target` that are open towards, or from, the end at `other`."""
    if openings is None:
        return {_ALL}
    out: set[_Range] = set()
    for opening in openings:
        if other in opening.ends:
            out |= {r for port in opening.ports for r in _ranges(port, target)} if opening.ports else {_ALL}
    return out


def _ranges(port: Mapping[str, Any], target: _End) -> Iterator[_Range]:
    """What one entry of `ports` opens at the target; a name means what the target calls so."""
    protocol, value = text(port.get("protocol")) or "TCP", port.get("port")
    number = whole(value)
    if value is None:
        yield _Range(protocol, 0, LAST_PORT, "")
    elif number is not None:
        yield _Range(protocol, number, whole(port.get("endPort"), number) or LAST_PORT, "")
    elif isinstance(target, _Pod) and target.ports is None:
        yield _Range(protocol, 0, LAST_PORT, str(value))
    elif isinstance(target, _Pod):
        for known in target.ports or ():
            if known.name == value and known.protocol == protocol:
                yield _Range(protocol, known.number, known.number, "")


def _is(peer: Mapping[str, Any], home: str, other: _End, world: _World) -> bool:
    if peer.get("ipBlock") is not None:
        block = _Block.of(peer["ipBlock"])
        return _covers(block, other) if isinstance(other, _Block) else _overlaps(block, world.pods)
    place, selector = peer.get("namespaceSelector"), peer.get("podSelector")
    if isinstance(other, _Block) or (place is None and selector is None):
        return False
    here = world.namespaces.get(other.namespace, {NAMESPACE_LABEL: other.namespace})
    if other.namespace != home if place is None else not matches(place, here):
        return False
    return selector is None or matches(selector, dict(other.labels))


@cache
def _spans(block: _Block) -> tuple[_Span, ...] | None:
    """The addresses of a block without its exceptions; None where they are not known (yet)."""
    try:
        network = ipaddress.ip_network(block.cidr, strict=False)
    except ValueError:
        return None
    first, last = int(network[0]), int(network[-1])
    spans = []
    for low, high in sorted(_holes(block, network.version)):
        if low > first:
            spans.append(_Span(network.version, first, min(low - 1, last)))
        first = max(first, high + 1)
    if first <= last:
        spans.append(_Span(network.version, first, last))
    return tuple(span for span in spans if span.first <= span.last)


def _holes(block: _Block, version: int) -> Iterator[tuple[int, int]]:
    for cidr in block.excluded:
        try:
            hole = ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            continue  # not known: the wider opening
        if hole.version == version:
            yield int(hole[0]), int(hole[-1])


def _covers(block: _Block, other: _Block) -> bool:
    wide, narrow = _spans(block), _spans(other)
    if wide is None or narrow is None:
        return block == other
    return all(any(w.version == n.version and w.first <= n.first and n.last <= w.last for w in wide) for n in narrow)


def _overlaps(block: _Block, pods: frozenset[_Span]) -> bool:
    return any(
        own.version == pod.version and own.first <= pod.last and pod.first <= own.last
        for own in _spans(block) or ()
        for pod in pods
    )


def _both(outward: set[_Range], inward: set[_Range]) -> set[_Range]:
    """What both allow, without what another part of it holds already."""
    common = {both for a in outward for b in inward if (both := _common(a, b)) is not None}
    return {r for r in common if not any(r != other and r.within(other) for other in common)}


def _common(a: _Range, b: _Range) -> _Range | None:
    first, last = max(a.first, b.first), min(a.last, b.last)
    clash = len({a.protocol, b.protocol} - {""}) > 1 or len({a.name, b.name} - {""}) > 1
    if first > last or clash:
        return None
    return _Range(a.protocol or b.protocol, first, last, a.name or b.name)
