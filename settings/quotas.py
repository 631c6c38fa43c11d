"""vCPUs that node pools take of the account's quotas when they are at their most."""

from __future__ import annotations

import re

from settings.instances import instance_types
from settings.model import PlatformSettings
from settings.node_groups import most_nodes

STANDARD = ("a", "c", "d", "h", "i", "m", "r", "t", "z")
"""Families of the quota `standard`: AWS calls it Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances."""
GRAPHICS = ("g", "gr", "vt")
"""Families of the quota `g`: Running On-Demand G and VT instances."""
CODES = {
    "standard": "L-1216C47A",
    "standard_spot": "L-34B43A08",
    "g": "L-DB2E81BA",
    "g_spot": "L-3819A6DF",
}
"""Quota -> its code in Service Quotas."""
_FAMILY = re.compile(r"[a-z]+")


def family(instance_type: str) -> str:
    """The letters that an instance type begins with.

    >>> family("g4dn.xlarge")
    'g'
    """
    found = _FAMILY.match(instance_type)
    return found[0] if found else instance_type


def quota(instance_type: str, capacity: str) -> str | None:
    """The quota that it counts against; None for one that the settings do not have."""
    kind = family(instance_type)
    group = "standard" if kind in STANDARD else "g" if kind in GRAPHICS else None
    return group if group is None or capacity == "on-demand" else f"{group}_spot"


def shares(settings: PlatformSettings) -> dict[str, dict[str, int]]:
    """Quota -> pool -> vCPUs that it takes of it at its most, in an update."""
    out: dict[str, dict[str, int]] = {}
    for name, pool in settings.node_pools.items():
        for kind in pool.instance_types:
            key, known = quota(kind, pool.capacity), instance_types().get(kind)
            if key and known:
                pools = out.setdefault(key, {})
                pools[name] = max(known.vcpu * most_nodes(settings.aws, pool), pools.get(name, 0))
    return {key: out[key] for key in CODES if key in out}
