"""Storage (design rule 8): a volume is mounted only where it can be, and holds what it is for."""

from __future__ import annotations

from settings import weights
from settings.eks import EksCluster
from settings.gpu_memory import facts
from settings.model import PlatformSettings
from settings.problems import Path, Problem, one_of
from settings.storage import BLOCK_CLASS
from settings.types import Memory


def caches(settings: PlatformSettings) -> list[Problem]:
    """Models use a cache of their own namespace, and a cache that one node mounts is one that one node needs."""
    out = []
    for name, model in settings.models.items():
        cache = settings.caches.get(model.cache)
        if cache is not None and cache.namespace != model.namespace:
            here = [key for key, other in settings.caches.items() if other.namespace == model.namespace]
            reason = f"cache {model.cache} is in namespace {cache.namespace}, and a pod mounts only its own namespace's"
            fix = f"use one of: {one_of(here)}; or add one in {model.namespace}"
            out.append(Problem(path=("models", name, "cache"), reason=reason, fix=fix))
    for name, cache in settings.caches.items():
        if not any(model.cache == name for model in settings.models.values()):
            fix = f"remove it, or say cache: {name} on a model of {cache.namespace}"
            out.append(Problem(path=("caches", name), reason="no model uses it: it would stay empty", fix=fix))
        many = _mounted_by(settings, name)
        if cache.access_mode == "ReadWriteOnce" and many is not None:
            reason = f"ReadWriteOnce is for pods of one node, and {many}"
            out.append(Problem(path=("caches", name, "access_mode"), reason=reason, fix="ReadWriteMany"))
        needed = Memory(-(-weights.size_of(settings, name) // (1 << 30)) << 30)
        if needed > cache.size:
            sums = ", ".join(f"{d.hub} {d.size}" for d in weights.of_cache(settings, name) if d.size)
            reason = f"{cache.size} does not hold {sums}, and a new revision of the largest beside the old one"
            out.append(Problem(path=("caches", name, "size"), reason=reason, fix=f"at least {needed}"))
        if cache.deadline.seconds == 0:
            out.append(Problem(path=("caches", name, "deadline"), reason="0s downloads nothing", fix="for example 1h"))
    return out


def classes(settings: PlatformSettings) -> list[Problem]:
    """In a cluster of this program every cache names a class that is made, and caches of one class have one owner."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    out = []
    owners: dict[str, tuple[str, tuple[int, int]]] = {}
    for name, cache in settings.caches.items():
        path: Path = ("caches", name, "storage_class")
        which, owner = cache.storage_class, (cache.security.user, cache.security.group)
        if cache.access_mode == "ReadWriteOnce":
            # Where the mode is wrong, `caches` has said so, and a class of shared volumes is right for the other.
            if which not in (None, BLOCK_CLASS) and _mounted_by(settings, name) is None:
                reason = f"{which} is made for shared volumes only, and this one is for one node"
                out.append(Problem(path=path, reason=reason, fix=BLOCK_CLASS))
        elif which is None or which == BLOCK_CLASS:
            reason = f"{BLOCK_CLASS}{', the default,' if which is None else ''} is a disk for one node, this is shared"
            fix = "for example efs: a class on the shared file system is made of it"
            out.append(Problem(path=path, reason=reason, fix=fix))
        elif (first := owners.setdefault(which, (name, owner)))[1] != owner:
            reason = (
                f"class {which} takes everybody for user {first[1][0]} and group {first[1][1]}, as cache {first[0]} "
                f"says, and this one's are {owner[0]} and {owner[1]}"
            )
            fix = f"another class for one of the two, for example {which}-{name}"
            out.append(Problem(path=path, reason=reason, fix=fix))
    return out


def _mounted_by(settings: PlatformSettings, name: str) -> str | None:
    """Why a cache would be mounted on several nodes; None if it can be on one only."""
    users = {key: model for key, model in settings.models.items() if model.cache == name}
    places = {model.pool for model in users.values()} | {m.floor.pool for m in users.values() if m.floor}
    loads = settings.caches[name].pool
    if not users:
        return None
    if len(places) > 1:
        return f"its models run on the pools {' and '.join(sorted(places))}"
    (pool,) = places
    if loads != pool:
        return f"its downloads run on {f'pool {loads}' if loads else 'any node'}, its models on pool {pool}"
    spec = settings.node_pools.get(pool)
    if spec is None:
        return None  # `references` has said so
    if spec.max > 1:
        replicas = sum(m.scaling.ceiling + m.rollout.max_surge for m in users.values())
        return f"pool {pool} has up to {spec.max} nodes for {replicas} replicas"
    pods = sum(model.scaling.ceiling + model.rollout.max_surge for model in users.values())
    crowded = sorted(k for k, m in users.items() if m.scaling.ceiling + m.rollout.max_surge > 1)
    if crowded:
        return f"{crowded[0]} may run as several of {pods} pods, which nothing keeps on one node"
    zones = len(set(spec.zones or settings.aws.zones))
    return f"the node of pool {pool} may come in any of {zones} zones" if zones > 1 else None


def tokens(settings: PlatformSettings) -> list[Problem]:
    """What is gated on the hub is fetched with a token."""
    out = []
    for name, model in settings.models.items():
        if settings.hub.token is None and facts(model.source).gated:
            path: Path = ("models", name, "source", "hub")
            reason = f"{model.source.hub} is gated: without a token the hub answers 401"
            fix = "hub: {token: {kind: external, store: <ClusterSecretStore>}}, or {kind: config, key: <secure key>}"
            out.append(Problem(path=path, reason=reason, fix=fix, strict=True))
    return out
