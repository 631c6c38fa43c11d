"""A node pool in EKS's terms: its image, labels and taints, what its nodes are told, what the autoscaler reads."""

from __future__ import annotations

import json
from typing import Any

from settings.cloud import Aws
from settings.instances import LARGE, MAX_PODS, MAX_PODS_LARGE, known
from settings.names import CAPACITY_LABEL, POOL_LABEL
from settings.nodes import NodePool

TAINT_EFFECTS = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}
"""Kubernetes' effects as EKS spells them (EKS API reference, Taint)."""
ACCELERATOR_LABEL = "k8s.amazonaws.com/accelerator"
"""By it the cluster autoscaler knows that a node without a GPU yet will have one, and does not add another
(kubernetes/autoscaler cluster-autoscaler/cloudprovider/aws/README.md)."""
NODE_TEMPLATE = "k8s.io/cluster-autoscaler/node-template"
"""First part of the tags that say what a node of an empty group would be (the same README)."""
PULLS = 5
"""Images that a node pulls at a time (awslabs/data-on-eks, infra/terraform/manifests/karpenter/ec2nodeclass.yaml)."""
FAST_PULL = "FastImagePull"
"""Feature of EKS's node agent: layers come over several connections and are unpacked at once (the same file); off by
itself below 4 vCPU."""
FAST_DISK = 600
"""MiB per second of disk, below which it is of no use (the same file)."""

SURGE = 2
"""Nodes per zone that an update of a group makes before it takes old ones: at most so many (EKS user guide,
managed-node-update-behavior: up to twice the number of availability zones, or max_unavailable if that is more)."""


def image(pool: NodePool) -> str:
    """EKS's name of the image: Amazon Linux 2023, with NVIDIA's driver where there are GPUs."""
    if pool.gpus:
        return "AL2023_x86_64_NVIDIA"
    arch = {kind.arch for kind in known(pool.instance_types)}
    return "AL2023_ARM_64_STANDARD" if arch == {"arm64"} else "AL2023_x86_64_STANDARD"


def node_labels(name: str, pool: NodePool) -> dict[str, str]:
    """Labels that its nodes register with."""
    gpus = [kind.gpu for kind in known(pool.instance_types) if kind.gpu]
    # The autoscaler plans with the first type of a group; more than one GPU in a pool share its name.
    accelerator = {ACCELERATOR_LABEL: gpus[0]} if pool.gpus and gpus else {}
    return {CAPACITY_LABEL: pool.capacity, POOL_LABEL: name, **accelerator, **pool.labels}


def autoscaler_tags(name: str, pool: NodePool) -> dict[str, str]:
    """What the autoscaler reads from the group itself: of a group without a node, and how long one may idle."""
    out = {f"{NODE_TEMPLATE}/label/{key}": value for key, value in node_labels(name, pool).items()}
    out |= {f"{NODE_TEMPLATE}/taint/{t.key}": f"{t.value}:{t.effect}" for t in pool.taints}
    out[f"{NODE_TEMPLATE}/resources/ephemeral-storage"] = str(pool.disk.pods_share)
    if pool.gpus:
        out[f"{NODE_TEMPLATE}/resources/nvidia.com/gpu"] = str(pool.gpus)
    if pool.scale_down_after is not None:
        idle = f"{pool.scale_down_after.seconds}s"
        out[f"{NODE_TEMPLATE}/autoscaling-options/scaledownunneededtime"] = idle
        if pool.gpus:
            out[f"{NODE_TEMPLATE}/autoscaling-options/scaledownunreadytime"] = idle
    return dict(sorted(out.items()))


def most_pods(pool: NodePool) -> int:
    """Pods that may be counted on, on each of its nodes: as many as its smallest type takes without address blocks. EKS
    may set more on a managed node group (`node_pods`), whatever the node's own configuration says.
    """
    return min((kind.pods for kind in known(pool.instance_types)), default=0)


def node_pods(pool: NodePool) -> int:
    """The most pods that EKS lets any of its nodes take, with address blocks."""
    return max((MAX_PODS if kind.vcpu <= LARGE else MAX_PODS_LARGE for kind in known(pool.instance_types)), default=0)


def zones(aws: Aws, pool: NodePool) -> tuple[str, ...]:
    """The zones that its nodes come in, each once."""
    return tuple(dict.fromkeys(pool.zones or aws.zones))


def most_nodes(aws: Aws, pool: NodePool) -> int:
    """Nodes of it at a time: its most, and those that an update adds."""
    return pool.max + SURGE * len(zones(aws, pool))


def node_config(pool: NodePool) -> str:
    """What EKS's node agent is told beside what EKS itself tells it (awslabs/amazon-eks-ami nodeadm, NodeConfig)."""
    kubelet: dict[str, Any] = {"maxPods": most_pods(pool)}
    spec: dict[str, Any] = {"kubelet": {"config": kubelet}}
    if pool.disk.throughput >= FAST_DISK:
        kubelet |= {"maxParallelImagePulls": PULLS, "serializeImagePulls": False}
        spec["featureGates"] = {FAST_PULL: True}
    config = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec}
    boundary = "llmplatform"
    return "\n".join(
        [
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{boundary}"',
            "",
            f"--{boundary}",
            "Content-Type: application/node.eks.aws",
            "",
            json.dumps(config, indent=2, sort_keys=True),  # YAML takes JSON
            f"--{boundary}--",
            "",
        ]
    )
