"""Node pools: known instance types of one shape, a range, labels and taints that nodes start with; a pool for all."""

from __future__ import annotations

from settings import capacity, drain
from settings.instances import InstanceType, instance_types
from settings.model import PlatformSettings
from settings.nodes import NodePool
from settings.problems import Path, Problem, one_of, suggest

GPU_TAINT = "nvidia.com/gpu"
"""The only taint key that the NVIDIA device plugin's chart tolerates (NVIDIA/k8s-device-plugin, values.yaml)."""


OWN_LABELS = "llmplatform.dev/"
"""Prefix of the labels that every pool has from us."""
_KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
_KUBELET_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
"""The only domains of Kubernetes' own whose labels a kubelet may invent for its node; with another it does not start
(kubernetes v1.36.3 cmd/kubelet/app/options/options.go, staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go; the
labels that this list also has, zone and instance type among them, are the node's own facts)."""


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
        if pool.min_fitting_types > len(pool.instance_types) > 0:
            reason = f"{pool.min_fitting_types} is more than the pool's {len(pool.instance_types)} instance types"
            fix = f"at most {len(pool.instance_types)}"
            out.append(Problem(path=(*at, "min_fitting_types"), reason=reason, fix=fix))
        if pool.node_start_up.seconds == 0:
            out.append(Problem(path=(*at, "node_start_up"), reason="no node starts in 0s", fix="for example 180s"))
        out += _taints(at, pool)
        out += _labels(at, pool)
        out += _types(at, pool.instance_types, pool.gpus)
        out += _daemonsets(settings, name)
    return out


def _taints(at: Path, pool: NodePool) -> list[Problem]:
    out = []
    if pool.gpus and not any(t.key == GPU_TAINT and t.effect != "PreferNoSchedule" for t in pool.taints):
        reason = "GPU nodes without a taint that repels fill up with pods that need no GPU"
        fix = f"taints: [{{key: {GPU_TAINT}, value: present}}]"
        out.append(Problem(path=(*at, "taints"), reason=reason, fix=fix))
    seen = set()
    for index, taint in enumerate(pool.taints):
        if (taint.key, taint.effect) in seen:
            reason = f"{taint.key} with effect {taint.effect} stands twice, and a node takes it once"
            out.append(Problem(path=(*at, "taints", index), reason=reason, fix="keep one of the two"))
        seen.add((taint.key, taint.effect))
    return out


def _labels(at: Path, pool: NodePool) -> list[Problem]:
    out = []
    for key in pool.labels:
        prefix = key.partition("/")[0] if "/" in key else ""
        if key.startswith(OWN_LABELS):
            out.append(
                Problem(path=(*at, "labels", key), reason="the platform sets this label itself", fix="remove it")
            )
        elif prefix.endswith("eks.amazonaws.com"):
            out.append(Problem(path=(*at, "labels", key), reason="EKS sets its labels itself", fix="remove it"))
        elif _within(prefix, _KUBERNETES_DOMAINS) and not _within(prefix, _KUBELET_DOMAINS):
            reason = "a kubelet does not start with a label of Kubernetes' own domains"
            fix = f"a prefix of your own, for example example.com/{key.partition('/')[2]}"
            out.append(Problem(path=(*at, "labels", key), reason=reason, fix=fix))
    return out


def _within(prefix: str, domains: tuple[str, ...]) -> bool:
    return any(prefix == domain or prefix.endswith(f".{domain}") for domain in domains)


def _daemonsets(settings: PlatformSettings, name: str) -> list[Problem]:
    """Daemonsets alone fill no node."""
    out = []
    for index, kind in enumerate(settings.node_pools[name].instance_types):
        known = instance_types().get(kind)
        room = capacity.room(settings, name, known) if known else None
        if known and room and min(room.cpu, room.memory, room.pods) <= 0:
            reason = f"daemonsets alone take all of its {known.cpu} CPU, {known.memory} or {known.pods} pods"
            path: Path = ("node_pools", name, "instance_types", index)
            out.append(Problem(path=path, reason=reason, fix="a larger instance type, or smaller daemonsets"))
    return out


def placement(settings: PlatformSettings) -> list[Problem]:
    """Every service has nodes that take it: its pool, or a pool whose taints repel nobody."""
    return [
        Problem(
            path=("services", name),
            reason="names no pool, and every node pool has a taint that keeps it off",
            fix=f"give pool: one of {one_of(settings.node_pools)}",
        )
        for name, service in settings.services.items()
        if service.pool is None and settings.node_pools and not drain.hosts(settings, name)
    ]


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
            reason = f"{name} has {kind.gpus} GPU{'' if kind.gpus == 1 else 's'}, the pool says gpus: {gpus}"
            out.append(Problem(path=here, reason=reason, fix=f"gpus: {kind.gpus}, or another instance type"))
        elif known and (kind.vcpu, kind.arch) != (known[0].vcpu, known[0].arch):
            reason = (
                f"{name} ({kind.vcpu} vCPU, {kind.arch}) has another shape than {known[0].name} "
                f"({known[0].vcpu} vCPU, {known[0].arch}), with which the autoscaler plans"
            )
            fix = f"a type of {known[0].vcpu} vCPU, {known[0].arch}: {one_of(_alike(known[0]))}"
            out.append(Problem(path=here, reason=reason, fix=fix))
        else:
            known.append(kind)
    return out


def _alike(kind: InstanceType) -> list[str]:
    return [
        name
        for name, other in instance_types().items()
        if (other.vcpu, other.arch, other.gpus) == (kind.vcpu, kind.arch, kind.gpus) and name != kind.name
    ]
