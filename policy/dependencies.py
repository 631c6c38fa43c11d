"""In which order the engine makes resources; it deletes them in the reverse order."""

from __future__ import annotations

from collections.abc import Iterator

from policy.graph import Graph, Resource


def direct(graph: Graph) -> dict[str, set[str]]:
    """URN -> what the engine makes before it, and deletes only after it.

    As pulumi/pulumi pkg/resource/graph/dependency_graph.go (DependenciesOf) has it, by which its step generator
    schedules deletions: dependencies, those of single properties, the provider, what it is deleted with, and the
    parent. Whoever depends on a component depends on all that is in it; whoever is in it depends on its parent alone.
    """
    inside = _inside(graph)
    out = {}
    for resource in graph.resources:
        before = set(_named(resource))
        for urn in tuple(before):
            before |= inside.get(urn, set())
        if resource.parent is not None:
            before.add(resource.parent)
        out[resource.urn] = before - {resource.urn}
    return out


def _named(resource: Resource) -> Iterator[str]:
    yield from resource.dependencies
    for urns in resource.property_dependencies.values():
        yield from urns
    yield from (urn for urn in (resource.provider, resource.deleted_with) if urn is not None)


def _inside(graph: Graph) -> dict[str, set[str]]:
    """Component -> everything in it."""
    components = {r.urn for r in graph.resources if not r.custom}
    out: dict[str, set[str]] = {}
    for resource in graph.resources:
        above, seen = resource.parent, set[str]()
        while above is not None and above not in seen:
            seen.add(above)
            if above in components:
                out.setdefault(above, set()).add(resource.urn)
            above = graph.by_urn[above].parent if above in graph.by_urn else None
    return out


class Order:
    """Which resource is made before which."""

    def __init__(self, graph: Graph) -> None:
        self.direct = direct(graph)
        self._place = {urn: 1 << index for index, urn in enumerate(self.direct)}
        self._before: dict[str, int] = {}
        for urn in self.direct:
            self._follow(urn)

    def is_before(self, sooner: str, later: str) -> bool:
        """True if `sooner` is made before `later`, and deleted after it."""
        return bool(self._before.get(later, 0) & self._place.get(sooner, 0))

    def before(self, later: str) -> set[str]:
        """Everything that is made before it."""
        return {urn for urn in self.direct if self.is_before(urn, later)}

    def _follow(self, start: str) -> None:
        """Adds what comes before `start`, and before that. A circle, which no engine takes, is followed once."""
        entered, todo = set[str](), [start]
        while todo:
            urn = todo[-1]
            if urn in self._before:
                todo.pop()
            elif urn not in entered:
                entered.add(urn)
                todo += [b for b in self.direct[urn] if b in self.direct and b not in entered and b not in self._before]
            else:
                found = 0
                for b in self.direct[urn]:
                    found |= self._place.get(b, 0) | self._before.get(b, 0)
                self._before[urn] = found
                todo.pop()
