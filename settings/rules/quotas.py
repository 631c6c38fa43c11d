"""What AWS lets the account run: all pools at their most fit the vCPUs that it has granted."""

from __future__ import annotations

from settings.eks import EksCluster
from settings.instances import instance_types
from settings.model import PlatformSettings
from settings.node_groups import SURGE, most_nodes
from settings.problems import Path, Problem
from settings.quotas import CODES, GRAPHICS, STANDARD, family, quota, shares


def granted(settings: PlatformSettings) -> list[Problem]:
    """The vCPUs of all pools at their most, in an update, are granted."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    out = _unknown(settings)
    for key, pools in shares(settings).items():
        path: Path = ("aws", "quotas", key)
        total, limit = sum(pools.values()), getattr(settings.aws.quotas, key)
        parts = ", ".join(f"{name} {vcpus}" for name, vcpus in pools.items())
        what = f"{total} vCPU at their most, with {SURGE} nodes per zone in an update ({parts})"
        if limit is None:
            reason = f"is not known, and the pools run {what}"
            fix = f"ask AWS for {total} vCPU ({CODES[key]}), then say {key}: {total}"
            out.append(Problem(path=path, reason=reason, fix=fix, strict=True))
        elif total > limit:
            reason = f"AWS lets the account run {limit} vCPU, and the pools run {what}"
            out.append(Problem(path=path, reason=reason, fix=f"at least {total}, granted by AWS; or a smaller max"))
    return out


def _unknown(settings: PlatformSettings) -> list[Problem]:
    """Types whose quota is not among those that the settings have: nobody has looked whether they may run."""
    out = []
    for name, pool in settings.node_pools.items():
        for index, kind in enumerate(pool.instance_types):
            known = instance_types().get(kind)
            if known and quota(kind, pool.capacity) is None:
                path: Path = ("node_pools", name, "instance_types", index)
                vcpus = known.vcpu * most_nodes(settings.aws, pool)
                reason = f"family {family(kind)} has a quota that the settings do not know; the pool runs {vcpus} vCPU"
                fix = f"a type of family {', '.join((*STANDARD, *GRAPHICS))}"
                out.append(Problem(path=path, reason=reason, fix=fix, strict=True))
    return out
