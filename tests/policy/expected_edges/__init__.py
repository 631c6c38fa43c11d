"""The connections that each stack needs, stated by hand, and how the statements are read.

`NAME = A; B` names a group. `A -> B TCP 53, UDP 53` says that everybody in A opens connections to everybody in B on
these ports; A and B are groups or ends as reachability names them. `#` begins a remark.
"""

from __future__ import annotations

import re
from pathlib import Path

from policy.rules.reachability import Edge

_PORTS = r"(?:TCP|UDP) \d+"
_STATEMENT = re.compile(rf"(?P<source>.+?) -> (?P<target>.+?) (?P<ports>{_PORTS}(?:, {_PORTS})*)")


def stated(stack: str) -> frozenset[Edge]:
    """The edges that are stated for a stack."""
    return read((Path(__file__).parent / f"{stack}.txt").read_text(encoding="utf-8"))


def read(text: str) -> frozenset[Edge]:
    """The edges of a text; whoever is named twice, never or not as a group or an end is a mistake."""
    groups: dict[str, tuple[str, ...]] = {}
    edges: list[Edge] = []
    used: set[str] = set()
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if (statement := _STATEMENT.fullmatch(line)) is not None:
            used |= {statement["source"], statement["target"]}
            edges += [
                Edge(source, target, port)
                for source in groups.get(statement["source"], (statement["source"],))
                for target in groups.get(statement["target"], (statement["target"],))
                for port in statement["ports"].split(", ")
            ]
        else:
            name, separator, members = line.partition(" = ")
            assert separator, f"neither a group nor a statement: {line}"
            assert name not in groups, f"{name} is a group already"
            used |= set(members.split("; "))
            groups[name] = tuple(end for member in members.split("; ") for end in groups.get(member, (member,)))
    assert len(edges) == len(set(edges)), "an edge is stated twice"
    assert set(groups) <= used, f"never used: {set(groups) - used}"
    odd = {end for end in used - set(groups) if "/" not in end}
    assert not odd, f"neither a group nor an end: {odd}"
    return frozenset(edges)
