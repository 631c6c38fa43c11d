"""Node pools: known instance types of one shape, a range, and a taint where GPUs are."""

from __future__ import annotations

from settings.instances import InstanceType, instance_types
from settings.model import PlatformSettings
from settings.problems import Path, Problem, suggest

GPU_TAINT = "nvidia.com/gpu"
"""The only taint key that the NVIDIA device plugin's chart tolerates (NVIDIA/k8s-device-plugin, values.yaml)."""


def pools(settings: PlatformSettings) -> list[Problem]:
    """All faults of all node pools."""
    out = []
    for name, pool in settings.node_pools.items():
        at: Path = ("node_pools", name)
        if not pool.instance_types:
            out.append(Problem(path=(*at, "instance_types"), reason="is empty", fix="for example [m6i.xlarge]"))
        if pool.min > pool.max:
            out.append(
                Problem(path=(*at, "min"), reason=f"{pool.min} is above max, {pool.max}", fix=f"at most {pool.max}")
            )
        if pool.min_fitting_types > len(pool.instance_types):
            reason = f"{pool.min_fitting_types} is more than the pool's {len(pool.instance_types)} instance types"
            fix = f"at most {len(pool.instance_types)}"
            out.append(Problem(path=(*at, "min_fitting_types"), reason=reason, fix=fix))
        if pool.gpus and not any(taint.key == GPU_TAINT for taint in pool.taints):
            reason = "GPU nodes without the taint fill up with pods that need no GPU"
            fix = f"taints: [{{key: {GPU_TAINT}, value: present}}]"
            out.append(Problem(path=at, reason=reason, fix=fix))
        out += _types(at, pool.instance_types, pool.gpus)
    return out


def _types(at: Path, names: tuple[str, ...], gpus: int) -> list[Problem]:
    out = []
    known: list[InstanceType] = []
    for index, name in enumerate(names):
        here: Path = (*at, "instance_types", index)
        kind = instance_types().get(name)
        if kind is None:
            reason = f"{name} is not in the instance table (settings/data/instances.yaml)"
            out.append(Problem(path=here, reason=reason, fix=suggest(name, instance_types())))
        elif name in names[:index]:
            out.append(Problem(path=here, reason=f"{name} stands twice", fix="name it once"))
        elif kind.gpus != gpus:
            reason = f"{name} has {kind.gpus} GPUs, the pool says gpus: {gpus}"
            out.append(Problem(path=here, reason=reason, fix=f"gpus: {kind.gpus}, or another instance type"))
        elif known and (kind.vcpu, kind.arch) != (known[0].vcpu, known[0].arch):
            reason = f"{name} ({kind.vcpu} vCPU, {kind.arch}) has another shape than {known[0].name}"
            fix = f"types of {known[0].vcpu} vCPU, {known[0].arch}: the autoscaler plans with the first of them"
            out.append(Problem(path=here, reason=f"{reason} ({known[0].vcpu} vCPU, {known[0].arch})", fix=fix))
        else:
            known.append(kind)
    return out
