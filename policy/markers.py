"""Reads markers back: which resources a value comes from that is known only after deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policy.graph import Graph, Resource, leaves

_MARKER = re.compile(r"\$\{(\S+) ([^}]+)\}")


class Markers:
    """The resources of a graph, by what markers call them."""

    def __init__(self, graph: Graph) -> None:
        self._named: dict[tuple[str, str], list[Resource]] = {}
        for resource in graph.resources:
            self._named.setdefault((resource.type, resource.name), []).append(resource)

    def within(self, value: Any) -> list[Resource]:
        """The resources that some leaf of a value comes from; those of another graph are not among them."""
        found = {r.urn: r for _, leaf in leaves(value) if isinstance(leaf, str) for r in self._in_text(leaf)}
        return [found[urn] for urn in sorted(found)]

    def _in_text(self, leaf: str) -> Iterator[Resource]:
        for type_, rest in _MARKER.findall(leaf):
            # A logical name may have dots as well: the longest that there is.
            parts = rest.split(".")
            for end in range(len(parts) - 1, 0, -1):
                found = self._named.get((type_, ".".join(parts[:end])))
                if found:
                    yield from found
                    break
