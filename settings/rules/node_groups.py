"""Node pools as EKS makes them: one for the controllers, disks and images that AWS takes."""

from __future__ import annotations

from settings.eks import EksCluster
from settings.expected import DISK
from settings.model import PlatformSettings
from settings.nodes import NodePool
from settings.problems import Path, Problem
from settings.system import system_pool
from settings.types import Memory

SMALLEST_DISK = Memory(20 << 30)
"""Size of the EKS image's own disk (awslabs/amazon-eks-ami): a volume is never smaller than what it is made from."""
LARGEST_DISK = Memory(65_536 << 30)
"""Largest gp3 volume (EC2 API reference, CreateVolume, Size)."""
KEY_LIMIT = 63
"""Longest key of a label or taint of a node group (EKS API reference, Nodegroup and Taint)."""
IOPS_PER_GIB = 500
"""Most I/O operations per second of a gp3 volume, for each GiB of it (EBS user guide, general purpose volumes)."""
IOPS_PER_MIB = 4
"""I/O operations per second that a gp3 volume needs for each MiB per second (EC2 API reference and AWS::EC2::Volume,
Throughput: at most 0.25 MiB/s for each)."""


def steady(settings: PlatformSettings) -> list[Problem]:
    """Controllers and cluster add-ons have nodes that AWS does not take back."""
    if not isinstance(settings.cluster, EksCluster) or system_pool(settings) is not None:
        return []
    pools = "; ".join(f"{name}: {_unsteady(pool)}" for name, pool in sorted(settings.node_pools.items()))
    reason = f"controllers have no pool that is on-demand, takes any pod and has a node ({pools or 'there is none'})"
    fix = (
        "add one, for example "
        "{general: {instance_types: [m6i.xlarge], capacity: on-demand, min: 2, max: 4, node_start_up: 180s}}"
    )
    return [Problem(path=("node_pools",), reason=reason, fix=fix)]


def _unsteady(pool: NodePool) -> str:
    """Why controllers cannot count on a pool."""
    taint = next((t.key for t in pool.taints if t.effect != "PreferNoSchedule"), None)
    why = ["spot"] if pool.capacity == "spot" else []
    why += [f"taint {taint}"] if taint else []
    return ", ".join([*why, *(["min 0"] if pool.min == 0 else [])])


def groups(settings: PlatformSettings) -> list[Problem]:
    """Disks and images of all pools are such as AWS takes, and disks hold the images of models."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    out = []
    of_models = {pool: name for name, model in settings.models.items() for pool in model.pools}
    for name, pool in settings.node_pools.items():
        at: Path = ("node_pools", name)
        out += _disk((*at, "disk"), pool, of_models.get(name))
        out += _keys(at, pool)
        release, version = pool.ami_release, settings.cluster.version
        if release is not None and release.rsplit(".", 1)[0] != version:
            reason = f"{release} is an image of {release.rsplit('.', 1)[0]}, the cluster is of {version}"
            fix = f"a release of {version}, or leave it out for EKS's newest"
            out.append(Problem(path=(*at, "ami_release"), reason=reason, fix=fix))
    return out


def _keys(at: Path, pool: NodePool) -> list[Problem]:
    """Labels and taints as EKS takes them, which is less than Kubernetes does."""
    keyed: list[tuple[Path, str]] = [((*at, "labels", key), key) for key in pool.labels]
    keyed += [((*at, "taints", index, "key"), taint.key) for index, taint in enumerate(pool.taints)]
    out = [
        Problem(
            path=path,
            reason=f"{key} has {len(key)} characters with its prefix, EKS takes {KEY_LIMIT}",
            fix=f"shorten it by {len(key) - KEY_LIMIT}",
        )
        for path, key in keyed
        if len(key) > KEY_LIMIT
    ]
    for key, value in pool.labels.items():
        if not value:
            reason = "is empty, and EKS takes no label without a value"
            out.append(Problem(path=(*at, "labels", key), reason=reason, fix='for example "true"'))
    return out


def _disk(at: Path, pool: NodePool, model: str | None) -> list[Problem]:
    disk, out = pool.disk, list[Problem]()
    least = DISK if model and pool.gpus else SMALLEST_DISK
    if disk.size < least:
        why = f"two images of an engine, as {model} may need them at a time, take up to 40 GB" if model else ""
        why = why if least == DISK else f"the EKS image alone is {SMALLEST_DISK}"
        out.append(Problem(path=(*at, "size"), reason=f"{disk.size} is too small: {why}", fix=f"at least {least}"))
    if disk.size > LARGEST_DISK:
        reason = f"{disk.size} is more than a gp3 volume has"
        out.append(Problem(path=(*at, "size"), reason=reason, fix=f"at most {LARGEST_DISK}"))
    most = IOPS_PER_GIB * (max(disk.size, least).bytes >> 30)
    if disk.iops > most:
        reason = f"gp3 has at most {IOPS_PER_GIB} operations for each GiB, {most} in all, not {disk.iops}"
        out.append(Problem(path=(*at, "iops"), reason=reason, fix=f"at most {most}"))
    if disk.throughput * IOPS_PER_MIB > disk.iops:
        reason = f"{disk.throughput} MiB/s needs {disk.throughput * IOPS_PER_MIB} iops, the disk has {disk.iops}"
        fix = f"at most {disk.iops // IOPS_PER_MIB}, or iops: {disk.throughput * IOPS_PER_MIB}"
        out.append(Problem(path=(*at, "throughput"), reason=reason, fix=fix))
    return out
