"""Node pools: known instance types of one shape, a range, labels and taints that nodes start with; a pool for all."""

from __future__ import annotations

from settings.instances import InstanceType, instance_types
from settings.model import PlatformSettings
from settings.nodes import NodePool
from settings.problems import Path, Problem, one_of, suggest
from settings.rooms import room
from settings.workloads import hosts, workloads

GPU_TAINT = "nvidia.com/gpu"
"""The only taint key that the NVIDIA device plugin's chart tolerates (NVIDIA/k8s-device-plugin, values.yaml)."""


EXPENDABLE = -10
"""Lowest priority that counts for the cluster autoscaler (its --expendable-pods-priority-cutoff, FAQ: default -10)."""
ALIKE = 0.05
"""How far the memory of a pool's types may differ: none by kubernetes/autoscaler (cluster-autoscaler/cloudprovider/aws/
README.md: the same RAM and cores), a little in what types of the same RAM leave for pods."""
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
        if pool.scale_down_after is not None and pool.scale_down_after.seconds == 0:
            reason = "0s removes each node as soon as it is empty, and it is made again for the next pod"
            out.append(Problem(path=(*at, "scale_down_after"), reason=reason, fix="for example 10m"))
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
        left = room(settings, name, known) if known else None
        if known and left and min(left.cpu, left.memory, left.pods) <= 0:
            reason = f"daemonsets alone take all of its {known.cpu} CPU, {known.memory} or {known.pods} pods"
            path: Path = ("node_pools", name, "instance_types", index)
            out.append(Problem(path=path, reason=reason, fix="a larger instance type, or smaller daemonsets"))
    return out


def placement(settings: PlatformSettings) -> list[Problem]:
    """Every pod has nodes that take it: its pool's, or those of a pool whose taints repel nobody."""
    free: list[tuple[Path, str | None]] = [(path, workload.pool) for path, workload in workloads(settings)]
    free += [(("caches", name), cache.pool) for name, cache in settings.caches.items()]
    return [
        Problem(
            path=path,
            reason="names no pool, and every node pool has a taint that keeps it off",
            fix=f"give pool: one of {one_of(settings.node_pools)}",
        )
        for path, pool in free
        if pool is None and settings.node_pools and not hosts(settings, None)
    ]


def spot(settings: PlatformSettings) -> list[Problem]:
    """What a priority says not to be interrupted stands on no spot node."""
    pods: list[tuple[Path, str | None, str | None]] = [(path, w.priority, w.pool) for path, w in workloads(settings)]
    pods += [(("caches", name), cache.priority, cache.pool) for name, cache in settings.caches.items()]
    for name, model in settings.models.items():
        if model.floor is not None:
            pods.append((("models", name, "floor"), model.priority, model.floor.pool))
    out = []
    for path, priority, pool in pods:
        spec = settings.priorities.get(priority or "")
        bought = sorted(name for name, p in hosts(settings, pool).items() if p.capacity == "spot")
        if spec is not None and not spec.tolerates_spot and bought:
            reason = f"priority {priority} does not tolerate spot nodes, and pool {bought[0]} has no others"
            steady = [name for name, p in settings.node_pools.items() if p.capacity != "spot"]
            fix = f"an on-demand pool: {one_of(steady)}; or another priority"
            out.append(Problem(path=(*path, "pool") if pool else path, reason=reason, fix=fix))
    return out


def priorities(settings: PlatformSettings) -> list[Problem]:
    """No priority is so low that the cluster autoscaler takes its pods for expendable."""
    return [
        Problem(
            path=("priorities", name, "value"),
            reason=f"{spec.value} is below {EXPENDABLE}: the cluster autoscaler neither adds nor keeps a node for it",
            fix=f"at least {EXPENDABLE}",
        )
        for name, spec in settings.priorities.items()
        if spec.value < EXPENDABLE
    ]


def headroom(settings: PlatformSettings) -> list[Problem]:
    """Placeholders keep room for somebody, and make way for everybody."""
    out = []
    for name, pool in settings.node_pools.items():
        if pool.headroom is None:
            continue
        at: Path = ("node_pools", name, "headroom")
        priority = settings.priorities.get(pool.headroom.priority)
        takers = {key: model for key, model in settings.models.items() if name in model.pools}
        if not takers:
            fix = "remove it, or give a model this pool"
            out.append(Problem(path=at, reason="no model runs here that it could keep room for", fix=fix))
        for key, model in takers.items() if priority else ():
            own = settings.priorities.get(model.priority or "")
            value, waits = (own.value, not own.preempts) if own else (0, False)
            if priority is not None and (priority.value >= value or waits):
                why = "does not preempt" if waits else f"{value}"
                reason = (
                    f"{pool.headroom.priority} ({priority.value}) does not make way for {key}, whose priority is "
                    f"{model.priority or 'none'} ({why})"
                )
                fix = f"a priority below {value}" if not waits else f"a priority for {key} that preempts"
                out.append(Problem(path=(*at, "priority"), reason=reason, fix=fix))
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
            reason = f"{name} has {kind.gpus} GPU{'' if kind.gpus == 1 else 's'}, the pool says gpus: {gpus}"
            out.append(Problem(path=here, reason=reason, fix=f"gpus: {kind.gpus}, or another instance type"))
        elif known and (kind.vcpu, kind.arch) != (known[0].vcpu, known[0].arch):
            reason = (
                f"{name} ({kind.vcpu} vCPU, {kind.arch}) has another shape than {known[0].name} "
                f"({known[0].vcpu} vCPU, {known[0].arch}), with which the autoscaler plans"
            )
            fix = f"a type of {known[0].vcpu} vCPU, {known[0].arch}: {one_of(_alike(known[0]))}"
            out.append(Problem(path=here, reason=reason, fix=fix))
        elif known and abs(kind.memory.bytes - known[0].memory.bytes) > ALIKE * known[0].memory.bytes:
            reason = (
                f"{name} offers pods {kind.memory}, {known[0].name}, with which the autoscaler plans, {known[0].memory}"
            )
            fix = f"a type of as much memory: {one_of(_alike(known[0]))}"
            out.append(Problem(path=here, reason=reason, fix=fix))
        else:
            known.append(kind)
    return out


def _alike(kind: InstanceType) -> list[str]:
    return [
        name
        for name, other in instance_types().items()
        if (other.vcpu, other.arch, other.gpus) == (kind.vcpu, kind.arch, kind.gpus)
        and abs(other.memory.bytes - kind.memory.bytes) <= ALIKE * kind.memory.bytes
        and name != kind.name
    ]
