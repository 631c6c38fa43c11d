"""Node pools, and what runs on every node before a workload gets room."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from settings.aws_types import AmiRelease, Iops, Throughput
from settings.spec import Spec
from settings.types import (
    Count,
    Cpu,
    DnsLabel,
    Duration,
    InstanceType,
    LabelKey,
    LabelValue,
    Memory,
    Plain,
    PriorityValue,
    Replicas,
    Zone,
)


class Taint(Spec):
    """Keeps pods that do not tolerate it off the pool's nodes."""

    key: LabelKey
    """Its key; the NVIDIA device plugin tolerates only nvidia.com/gpu."""
    value: LabelValue = ""
    """Its value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"
    """What happens to other pods."""


class Headroom(Spec):
    """Placeholder pods that keep room for one more model each: the node is there and has the image already.

    A pod that needs the room evicts them, so a reclaim or a first scale-up costs no node start and no image pull.
    """

    namespace: DnsLabel = Field(examples=["llm-baseline"])
    """The namespace that they run in; its quota counts them."""
    priority: DnsLabel
    """Their entry in `priorities`, below that of whoever is to take their place."""
    replicas: Replicas = 1
    """How many placeholders."""


class Disk(Spec):
    """The root volume of each node of a pool: encrypted gp3, images and scratch space are on it."""

    size: Memory = Memory(20 << 30)
    """Size; EKS's own default, of which 17Gi are left for pods."""
    iops: Iops = 3000
    """I/O operations per second; gp3 has 3000 without extra cost."""
    throughput: Throughput = 125
    """MiB per second; gp3 has 125 without extra cost, parallel pulls of large images need about 600."""

    @property
    def pods_share(self) -> Memory:
        """What pods and images get of it: less a tenth, below which the kubelet evicts, and the 1Gi that it reserves
        (settings/data/instances.yaml: 17Gi of 20Gi).
        """
        return Memory(self.size.bytes * 9 // 10 - (1 << 30))


class NodePool(Spec):
    """Nodes of one shape that come and go together."""

    provisioner: Literal["managed"] = "managed"
    """Who makes the nodes: EKS managed node groups with the cluster autoscaler."""
    instance_types: tuple[InstanceType, ...]
    """EC2 instance types, from settings/data/instances.yaml; a spot pool lives longer the more it may choose from."""
    capacity: Literal["on-demand", "spot"]
    """What is bought: spot is cheaper and is taken back with a notice of two minutes."""
    min: Count
    """Fewest nodes."""
    max: Replicas = Field(examples=[4])
    """Most nodes."""
    zones: tuple[Zone, ...] | None = None
    """Availability zones; all of `aws.zones` where it is left out."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """Further node labels; workloads select by llmplatform.dev/pool, which every pool has."""
    taints: tuple[Taint, ...] = ()
    """Who is kept off; workloads of the pool tolerate them."""
    gpus: Count = 0
    """GPUs of one node; every instance type must have exactly so many."""
    node_start_up: Duration = Field(examples=["180s"])
    """From the decision to add a node until it is Ready; part of every rollout deadline and start-up budget."""
    min_fitting_types: Count = 1
    """Each pod of the pool must fit at least so many of its instance types."""
    disk: Disk = Disk()
    """Its nodes' root volume."""
    scale_down_after: Duration | None = None
    """How long a node is not needed before it is removed; the autoscaler's own 10 minutes where it is left out."""
    ami_release: AmiRelease | None = None
    """Release of the EKS image, for example to go back to one; EKS's newest of the Kubernetes version when the pool is
    made where it is left out."""
    headroom: Headroom | None = None
    """Room that is kept ready for one more of the pool's largest model."""


class Daemonset(Spec):
    """What one daemonset takes from each node."""

    cpu: Cpu | None = None
    """CPU request, where it has one."""
    memory: Memory | None = None
    """Memory request, where it has one."""
    pools: tuple[DnsLabel, ...] | None = None
    """The pools that it runs on; all where it is left out."""


class Priority(Spec):
    """A PriorityClass: who gets a place first, and who makes way."""

    value: PriorityValue
    """Higher goes first; a pod without a class has 0."""
    preempts: bool = True
    """False: waits for room instead of evicting pods of lower priority."""
    tolerates_spot: bool = True
    """False: its pods may not run on spot nodes, which are taken back within two minutes."""
    description: Plain = Field(examples=["answers users"])
    """For whom it is."""
