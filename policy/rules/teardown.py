"""What must be made after what, and be gone before it: read off kinds and what they name, never off our own names.

The engine deletes in the reverse of the order of dependencies, and knows nothing of EKS. A controller that goes before
what it looks after leaves that behind, or hangs on a finalizer; a policy that goes before whoever lives by it does the
same. What goes with its cluster is not deleted by the engine, but ends with the last node: its order counts all the
same, at each update and for whatever is deleted beside it.
"""

from __future__ import annotations

from policy.dependencies import Order
from policy.graph import Graph
from policy.rules.finding import Finding
from policy.rules.order_account import account
from policy.rules.order_cluster import cluster
from policy.rules.scene import Edge, Scene


def required(graph: Graph) -> list[Edge]:
    """Every order that must hold, each pair once."""
    scene = Scene(graph)
    first: dict[tuple[str, str], Edge] = {}
    for edge in (*account(scene), *cluster(scene)):
        if edge.later is not edge.sooner:
            first.setdefault((edge.later.urn, edge.sooner.urn), edge)
    return list(first.values())


def order(graph: Graph) -> list[Finding]:
    """Every order that must hold does: along dependencies, providers and parents, as the engine follows them."""
    return [edge.finding for edge in unmet(graph, required(graph))]


def unmet(graph: Graph, edges: list[Edge]) -> list[Edge]:
    """The edges of which no path in the graph leads from `later` to `sooner`."""
    known = Order(graph)
    return [edge for edge in edges if not known.is_before(edge.sooner.urn, edge.later.urn)]
