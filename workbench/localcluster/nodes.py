"""The nodes of a stack's pools, and what happens to them: they come, are reclaimed, drained, lost and gone.

A node is what the settings say of its pool: labels, taints, GPUs, and the allocatable of its instance type. What every
node runs besides (CNI, CSI, device plugin) is there as real DaemonSets with the requests that the settings state.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from settings.capacity import pool_need
from settings.instances import InstanceType, instance_types
from settings.model import PlatformSettings
from settings.names import POOL_LABEL
from settings.node_groups import most_pods, node_labels
from settings.nodes import NodePool
from workbench.localcluster.api import Api, ApiError, Manifest, wait
from workbench.localcluster.clock import Clock
from workbench.localcluster.command_lines import LEASES
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.stage import LOST
from workbench.localcluster.stages import READY_AFTER

ZONE_LABEL = "topology.kubernetes.io/zone"
REBALANCE_TAINT = {"key": "aws-node-termination-handler/spot-itn", "value": "notice", "effect": "NoSchedule"}
"""What AWS's node termination handler puts on a node with a spot notice (aws/aws-node-termination-handler README)."""
NOTICE = 120
"""Seconds between a spot node's notice and its end (EC2 user guide, spot instance interruption notices)."""
MISSED = 50
"""Seconds without a word of its kubelet after which a node counts as lost (kube-controller-manager,
--node-monitor-grace-period)."""
EVICT_EVERY = 5
"""Seconds between two tries of an eviction that a budget refuses (kubectl drain)."""


def counts(settings: PlatformSettings) -> dict[str, int]:
    """Nodes of each pool that hold everything at its ceiling, as the plan's closure says; at least `min`."""
    needs = {name: pool_need(settings, name) for name in settings.node_pools}
    return {
        name: min(max(pool.min, need.nodes if (need := needs[name]) else 0), pool.max)
        for name, pool in settings.node_pools.items()
    }


def zones_of(settings: PlatformSettings, pool: NodePool) -> Sequence[str]:
    """The zones that a pool's nodes are spread over."""
    return pool.zones or settings.aws.zones


def node(settings: PlatformSettings, pool: str, index: int, *, zone: str | None = None, after: str = "") -> Manifest:
    """One node of a pool. Types and zones take turns, so that each type is met in each zone."""
    spec = settings.node_pools[pool]
    zones = zones_of(settings, spec)
    known = instance_types()
    unknown = [name for name in spec.instance_types if name not in known]
    if unknown:
        raise ClusterError(f"node_pools.{pool}: nothing is known of instance type {unknown[0]}")
    zone = zone or zones[index % len(zones)]
    kind = known[spec.instance_types[index % len(spec.instance_types)]]
    name = f"{pool}-{zone}-{index}"
    offered = allocatable(spec, kind)
    status: dict[str, Any] = {"allocatable": offered, "capacity": offered}
    if after:  # as a kubelet registers; a node that says nothing of itself would get pods at once
        reason = {"reason": "KubeletNotReady", "message": "starting (simulated)"}
        status["conditions"] = [{"type": "Ready", "status": "False", **reason, "lastTransitionTime": _now()}]
    labels = {
        "kubernetes.io/arch": kind.arch,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": kind.name,
        "topology.kubernetes.io/region": settings.aws.region,
        ZONE_LABEL: zone,
        "eks.amazonaws.com/capacityType": "SPOT" if spec.capacity == "spot" else "ON_DEMAND",
        "eks.amazonaws.com/nodegroup": pool,
        **node_labels(pool, spec),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {READY_AFTER: after} if after else {}},
        "spec": {
            "providerID": f"local:///{zone}/{name}",
            "taints": [{"key": t.key, "value": t.value, "effect": t.effect} for t in spec.taints],
        },
        "status": status,
    }


def allocatable(pool: NodePool, kind: InstanceType) -> dict[str, str]:
    """What a node of this type offers to pods, daemonsets included, as the table has it; its disk and how many pods it
    takes are the pool's.
    """
    offered = {
        "cpu": str(kind.cpu),
        "ephemeral-storage": str(pool.disk.pods_share),
        "memory": str(kind.memory),
        "pods": str(most_pods(pool)),
    }
    return {**offered, "nvidia.com/gpu": str(kind.gpus)} if kind.gpus else offered


@dataclass
class Nodes:
    """The nodes of a running cluster."""

    api: Api
    settings: PlatformSettings
    clock: Clock = field(default_factory=Clock)

    def all(self, pool: str | None = None, zone: str | None = None) -> list[Manifest]:
        """Its nodes, or those of a pool or zone."""
        labels = {POOL_LABEL: pool, ZONE_LABEL: zone}
        return self.api.list("Node", labels={key: value for key, value in labels.items() if value})

    def add(self, pool: str, count: int = 1, *, zone: str | None = None, ready: bool = False) -> list[str]:
        """Adds nodes to a pool; returns their names.

        Args:
            pool: the pool.
            count: how many.
            zone: where; over all zones in turn where it is left out.
            ready: at once; otherwise after the pool's `node_start_up`, divided by the clock.

        Raises:
            ClusterError: there is no such pool or zone, or the pool would be larger than its `max`.
        """
        spec = self._pool(pool)
        if zone is not None and zone not in zones_of(self.settings, spec):
            zones = ", ".join(zones_of(self.settings, spec))
            raise ClusterError(f'pool {pool} has no zone "{zone}"\n  fix: one of {zones}')
        there = {n["metadata"]["name"] for n in self.all(pool)}
        if len(there) + count > spec.max:
            raise ClusterError(
                f"pool {pool} has {len(there)} of at most {spec.max} nodes, {count} more are too many\n"
                f"  fix: at most {spec.max - len(there)}, or raise node_pools.{pool}.max"
            )
        used = {int(name.rsplit("-", 1)[1]) for name in there}
        free = (i for i in range(spec.max + len(used)) if i not in used)
        after = "" if ready else f"{self.clock.seconds(spec.node_start_up.seconds)}s"
        made = [node(self.settings, pool, next(free), zone=zone, after=after) for _ in range(count)]
        for manifest in made:
            self.api.create(manifest)
        return [manifest["metadata"]["name"] for manifest in made]

    def scale(self, pool: str, count: int, *, ready: bool = False) -> list[str]:
        """Brings a pool to so many nodes; returns what was added. Surplus nodes are drained, the newest first."""
        if count < 0:
            raise ClusterError(f"a pool has no {count} nodes\n  fix: 0 or more")
        there = sorted((n["metadata"] for n in self.all(pool)), key=lambda m: (m["creationTimestamp"], m["name"]))
        for surplus in reversed(there[count:]):
            self.drain(surplus["name"], seconds=600)
            self.remove(surplus["name"])
        return self.add(pool, count - len(there), ready=ready) if count > len(there) else []

    def wait_ready(self, names: Iterable[str] | None = None, seconds: float = 30) -> None:
        """Waits until these nodes (or all) are Ready and take pods."""
        wanted = None if names is None else set(names)

        def look() -> bool:
            nodes = [n for n in self.all() if wanted is None or n["metadata"]["name"] in wanted]
            behind = [n["metadata"]["name"] for n in nodes if not is_ready(n)]
            assert not behind, f"{', '.join(behind)} not Ready"
            assert wanted is None or len(nodes) == len(wanted), "some are not there"
            return True

        wait("Ready nodes", look, seconds)

    def cordon(self, name: str, taint: Manifest | None = None) -> None:
        """Lets no further pod on a node."""
        spec: Manifest = {"unschedulable": True}
        node = self._node(name)
        if taint:
            there = node["spec"].get("taints") or []
            spec["taints"] = [*(t for t in there if t["key"] != taint["key"]), taint]
        self.api.merge("Node", name, None, {"spec": spec})

    def drain(self, name: str, seconds: float) -> float:
        """Cordons a node and evicts its pods, as `kubectl drain --ignore-daemonsets` does; returns how long it took.

        Args:
            name: the node.
            seconds: real seconds after which it is given up.

        Raises:
            ClusterError: pods are left; the message has what their budgets say.
        """
        begin = time.monotonic()
        self.cordon(name)
        refused: dict[str, str] = {}

        def look() -> bool:
            left = self.pods(name)
            for pod in left:
                if "deletionTimestamp" in pod["metadata"]:
                    continue
                try:
                    self.api.evict(pod)
                except ApiError as error:
                    if error.status == 429:
                        refused[pod["metadata"]["name"]] = str(error)
                    elif error.status != 404:
                        raise
            names = [pod["metadata"]["name"] for pod in left]
            why = "; ".join(refused[n] for n in names if n in refused)
            assert not left, f"{', '.join(names)} still there{': ' + why if why else ''}"
            return True

        wait(f"drained {name}", look, seconds, poll=max(0.1, min(EVICT_EVERY, self.clock.seconds(EVICT_EVERY))))
        return time.monotonic() - begin

    def reclaim(self, name: str, *, notice: float = NOTICE) -> Reclaim:
        """A spot reclaim: notice, taint, drain; and when the notice is over, the instance is gone whatever still runs.

        Returns when the node is gone.
        """
        begin = time.monotonic()
        kill_at = begin + self.clock.seconds(notice)
        self.cordon(name, REBALANCE_TAINT)
        here = {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in self.pods(name)}
        try:
            drained: float | None = self.drain(name, max(0.0, kill_at - time.monotonic()))
        except ClusterError:
            drained = None
        killed = sorted(pod["metadata"]["name"] for pod in self.pods(name) if pod["metadata"]["uid"] in here)
        time.sleep(max(0.0, kill_at - time.monotonic()))
        self.remove(name)
        simulated = None if drained is None else drained * self.clock.factor
        return Reclaim(name, tuple(sorted(here.values())), simulated, tuple(killed))

    def lose_zone(self, zone: str) -> list[str]:
        """All kubelets of a zone fall silent at once; returns the nodes.

        After the time that the controller manager would wait, they are `unheard_of`. What follows is its real work:
        pods are taken out of their Services at once, and deleted when their toleration is over.
        """
        lost = [n["metadata"]["name"] for n in self.all(zone=zone)]
        if not lost:
            zones = ", ".join(sorted({n["metadata"]["labels"][ZONE_LABEL] for n in self.all()}))
            raise ClusterError(
                f'there is no node in zone "{zone}"\n  fix: one of {zones or "none: there are no nodes"}'
            )
        marked = {"metadata": {"annotations": {LOST: "true"}}}
        for name in lost:
            for pod in self.pods(name, daemonsets=True):
                self.api.merge("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], marked)
            self.api.merge("Node", name, None, marked)
        time.sleep(self.clock.seconds(MISSED))
        for name in lost:
            self.unheard_of(name)
        return lost

    def unheard_of(self, name: str) -> None:
        """A node is NotReady, and so are its pods: what the controller manager would say, had it found the node so
        itself.
        """
        conditions = [_unknown(c) for c in self._node(name)["status"]["conditions"]]
        self.api.merge("Node", name, None, {"status": {"conditions": conditions}}, sub="status")
        for pod in self.pods(name, daemonsets=True):
            conditions = [_not_ready(c) for c in pod["status"].get("conditions") or []]
            metadata = pod["metadata"]
            patch = {"status": {"conditions": conditions}}
            self.api.merge("Pod", metadata["name"], metadata["namespace"], patch, sub="status")

    def remove(self, name: str) -> None:
        """The instance is gone, and with it the node and what ran there (the cloud's and the pod collector's work)."""
        self._node(name)
        # The lease first: a kwok that takes it over for a new node of this name loses it when the old one's garbage is
        # collected, and speaks for no pod there until it renews, a quarter of a lease later.
        self.api.delete("Lease", name, LEASES)
        for pod in self.pods(name, daemonsets=True):
            self.api.delete("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], grace=0)
        self.api.delete("Node", name)
        for pod in self.pods(name, daemonsets=True):  # what the scheduler or a DaemonSet put there in between
            self.api.delete("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], grace=0)

    def pods(self, name: str, *, daemonsets: bool = False) -> list[Manifest]:
        """Pods that run on a node, without those of DaemonSets unless asked for, and without those that have ended."""
        there = self.api.list("Pod", fields=f"spec.nodeName={name}")
        ended = ("Succeeded", "Failed")
        return [p for p in there if p["status"].get("phase") not in ended and (daemonsets or not _of_daemonset(p))]

    def _pool(self, name: str) -> NodePool:
        try:
            return self.settings.node_pools[name]
        except KeyError:
            known = ", ".join(sorted(self.settings.node_pools)) or "none"
            raise ClusterError(f'there is no pool "{name}"\n  fix: one of {known}') from None

    def _node(self, name: str) -> Manifest:
        found = self.api.find("Node", name)
        if found is None:
            raise ClusterError(f'there is no node "{name}"\n  fix: `python -m workbench cluster status` lists them')
        return found


@dataclass(frozen=True)
class Reclaim:
    """How a spot reclaim went."""

    node: str
    pods: tuple[str, ...]
    """Who ran there when the notice came."""
    drained: float | None
    """Simulated seconds until the last of them was gone; None if the notice was over first."""
    killed: tuple[str, ...]
    """Who was still there at the end."""

    def __str__(self) -> str:
        who = ", ".join(self.pods) or "nobody"
        if self.drained is None:
            return f"{self.node} ({who}): killed with the node: {', '.join(self.killed)}"
        return f"{self.node} ({who}): empty {self.drained:.0f} s after the notice"


def is_ready(manifest: Manifest) -> bool:
    """True of a node that is Ready and has no taint of the node controller."""
    conditions = manifest["status"].get("conditions") or []
    taints = manifest["spec"].get("taints") or []
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and not any(t["key"].startswith("node.kubernetes.io/") for t in taints)


def is_closed(manifest: Manifest) -> bool:
    """True of a node that somebody has cordoned or that has fallen silent: it takes no pod until it is removed."""
    annotations = manifest["metadata"].get("annotations") or {}
    return bool(manifest["spec"].get("unschedulable")) or LOST in annotations


def daemonsets(settings: PlatformSettings) -> list[Manifest]:
    """What every node runs besides workloads, with the requests that the settings state."""
    out = []
    for name, spec in sorted(settings.daemonsets.items()):
        labels = {"app.kubernetes.io/name": name}
        requests = {"cpu": spec.cpu, "memory": spec.memory}
        container: dict[str, Any] = {
            "name": name,
            "image": f"simulated/{name}",
            "resources": {"requests": {key: str(value) for key, value in requests.items() if value}},
        }
        pod: dict[str, Any] = {
            "containers": [container],
            "priorityClassName": "system-node-critical",
            "terminationGracePeriodSeconds": 1,
            "tolerations": [{"operator": "Exists"}],
        }
        if spec.pools is not None:
            term = {"matchExpressions": [{"key": POOL_LABEL, "operator": "In", "values": sorted(spec.pools)}]}
            required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
            pod["affinity"] = {"nodeAffinity": required}
        out.append(
            {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": pod},
                    "updateStrategy": {"type": "OnDelete"},
                },
            }
        )
    return out


def _of_daemonset(pod: Manifest) -> bool:
    return any(owner["kind"] == "DaemonSet" for owner in pod["metadata"].get("ownerReferences") or [])


def _unknown(condition: Manifest) -> Manifest:
    if condition["type"] == "NetworkUnavailable":
        return condition
    gone = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
    return {**condition, **gone, "lastTransitionTime": _now()}


def _not_ready(condition: Manifest) -> Manifest:
    if condition["type"] != "Ready" or condition["status"] != "True":
        return condition
    return {**condition, "status": "False", "lastTransitionTime": _now()}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
