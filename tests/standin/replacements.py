"""Which changes AWS makes only with a new resource, as policy.replacements has them."""

from __future__ import annotations

import re

from policy.replacements import REPLACES, ROWS


def replaces(type_: str, path: str, *, removed: bool = False) -> bool:
    """True if a change at this path (`vpcConfig.subnetIds[0]`) makes a new resource.

    >>> replaces("aws:eks/nodeGroup:NodeGroup", "subnetIds[1]")
    True
    >>> replaces("aws:eks/nodeGroup:NodeGroup", "scalingConfig.maxSize")
    False
    >>> replaces("aws:eks/cluster:Cluster", "encryptionConfig.provider.keyArn", removed=True)
    True
    """
    bare = re.sub(r"\[\d+\]", "", path)
    gone = ROWS[type_].gone if removed and type_ in ROWS else ()
    known = (*REPLACES.get(type_, ()), *gone)
    return any(bare == one or bare.startswith(f"{one}.") or one.startswith(f"{bare}.") for one in known)
