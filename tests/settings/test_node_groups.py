"""A node pool in EKS's terms: what the autoscaler plans with is the node that comes."""

from __future__ import annotations

import email
import json
from typing import Any

import pytest

from settings.capacity import pool_need
from settings.instances import instance_types
from settings.node_groups import TAINT_EFFECTS, autoscaler_tags, image, most_pods, node_config, node_labels
from settings.nodes import NodePool
from settings.rooms import rooms
from tests.components.eks import ARM_POOL, SEED_POOLS
from tests.support import STACKS, problems, resolved, stack_settings, tiny
from workbench.localcluster.nodes import node

TEMPLATE = "k8s.io/cluster-autoscaler/node-template"
ZONE = "us-west-2a"
TAINTED = [{"key": "tiny/own", "value": "yes", "effect": "NoExecute"}, {"key": "tiny/bare"}]
SETTINGS = {
    **{stack: stack_settings(stack).settings for stack in STACKS},
    "seed 001": resolved(tiny(**SEED_POOLS)).settings,
    "arm64": resolved(tiny(**ARM_POOL)).settings,
    "tainted": resolved(tiny(node_pools__cheap__taints=TAINTED, node_pools__cheap__labels={"tiny/a": "b"})).settings,
}
POOLS = [(where, name) for where, settings in SETTINGS.items() for name in settings.node_pools]
EVERY_POOL = pytest.mark.parametrize(("where", "name"), POOLS)


def template(tags: dict[str, str], part: str) -> dict[str, str]:
    """What the tags say under one heading: label, taint, resources."""
    start = f"{TEMPLATE}/{part}/"
    return {key.removeprefix(start): value for key, value in tags.items() if key.startswith(start)}


def pool(where: str, name: str) -> NodePool:
    return SETTINGS[where].node_pools[name]


@EVERY_POOL
def test_the_node_that_the_autoscaler_plans_with_is_the_node_that_comes(where: str, name: str) -> None:
    """Labels, taints, GPUs and disk of a group's tags are those of the node that workbench/localcluster puts there."""
    spec, tags = pool(where, name), autoscaler_tags(name, pool(where, name))
    there = node(SETTINGS[where], name, 0)
    labels, offered = there["metadata"]["labels"], there["status"]["allocatable"]
    assert template(tags, "label").items() <= labels.items()
    assert {key for key in labels if not key.endswith(WELL_KNOWN)} == set(template(tags, "label"))
    assert template(tags, "taint") == {t["key"]: f"{t['value']}:{t['effect']}" for t in there["spec"]["taints"]}
    gpus = {"nvidia.com/gpu": offered["nvidia.com/gpu"]} if spec.gpus else {}
    assert template(tags, "resources") == {"ephemeral-storage": offered["ephemeral-storage"], **gpus}


WELL_KNOWN = (
    *("kubernetes.io/arch", "kubernetes.io/hostname", "kubernetes.io/os", "node.kubernetes.io/instance-type"),
    *("topology.kubernetes.io/region", "topology.kubernetes.io/zone"),
    *("eks.amazonaws.com/capacityType", "eks.amazonaws.com/nodegroup"),
)
"""Labels that the autoscaler (instance type, zone) and EKS know by themselves."""


@EVERY_POOL
def test_every_node_of_a_pool_takes_as_many_pods_as_its_smallest_type(where: str, name: str) -> None:
    spec = pool(where, name)
    smallest = min(instance_types()[t].pods for t in spec.instance_types)
    assert told(spec)["spec"]["kubelet"]["config"]["maxPods"] == most_pods(spec) == smallest
    for index in range(len(spec.instance_types)):
        assert node(SETTINGS[where], name, index)["status"]["allocatable"]["pods"] == str(smallest)
    assert all(room.pods <= smallest for room in rooms(SETTINGS[where], name))


@pytest.mark.parametrize(
    ("types", "gpus", "expected"),
    [
        (["m6i.xlarge"], 0, "AL2023_x86_64_STANDARD"),
        (["m7g.xlarge"], 0, "AL2023_ARM_64_STANDARD"),
        (["g6.xlarge", "g5.xlarge"], 1, "AL2023_x86_64_NVIDIA"),
    ],
)
def test_an_image_follows_gpus_and_architecture(types: list[str], gpus: int, expected: str) -> None:
    assert image(made(instance_types=types, gpus=gpus)) == expected


def made(**changes: Any) -> NodePool:
    said = {"instance_types": ["m6i.xlarge"], "capacity": "spot", "min": 0, "max": 1, "node_start_up": "180s"}
    taints = {"taints": [{"key": "nvidia.com/gpu"}]} if "gpus" in changes else {}
    return resolved(tiny(node_pools__a=said | taints | changes)).settings.node_pools["a"]


def test_a_gpu_node_says_which_gpu_it_will_have_so_that_no_second_one_is_added() -> None:
    assert node_labels("a", made(instance_types=["g6.xlarge", "g5.xlarge"], gpus=1)) == {
        "k8s.amazonaws.com/accelerator": "l4",
        "llmplatform.dev/capacity": "spot",
        "llmplatform.dev/pool": "a",
    }
    assert "k8s.amazonaws.com/accelerator" not in node_labels("a", made())


def test_every_effect_of_a_taint_has_a_name_in_eks() -> None:
    assert set(TAINT_EFFECTS) == {"NoSchedule", "PreferNoSchedule", "NoExecute"}


def test_a_delay_is_said_in_seconds_and_of_gpu_nodes_for_those_too_that_never_became_ready() -> None:
    options = "autoscaling-options"
    cpu = template(autoscaler_tags("a", made(scale_down_after="5m")), options)
    gpu = template(autoscaler_tags("a", made(instance_types=["g6.xlarge"], gpus=1, scale_down_after="30m")), options)
    assert cpu == {"scaledownunneededtime": "300s"}
    assert gpu == {"scaledownunneededtime": "1800s", "scaledownunreadytime": "1800s"}
    assert template(autoscaler_tags("a", made()), options) == {}


def told(spec: NodePool) -> Any:
    """What a node reads as it starts."""
    message = email.message_from_string(node_config(spec))
    (part,) = message.get_payload()
    assert part.get_content_type() == "application/node.eks.aws"
    return json.loads(part.get_payload())


def test_images_are_pulled_side_by_side_where_the_disk_keeps_up() -> None:
    slow, fast = told(made()), told(made(disk={"iops": 4000, "throughput": 600}))
    assert (slow["apiVersion"], slow["kind"]) == ("node.eks.aws/v1alpha1", "NodeConfig")
    assert "featureGates" not in slow["spec"]
    assert fast["spec"]["featureGates"] == {"FastImagePull": True}
    config = fast["spec"]["kubelet"]["config"]
    assert (config["maxParallelImagePulls"], config["serializeImagePulls"]) == (5, False)


def large(cpu: str) -> dict[str, Any]:
    """A training pod of seed 001's size on a pool of 4-vCPU nodes; quota and limit range leave room for it."""
    amounts = {"cpu": "4", "memory": "1Gi"}
    return {
        "tiers__small__limit_range__max": {"cpu": "8", "memory": "8Gi"},
        "tiers__small__quota": {"requests": {"cpu": "40", "memory": "16Gi"}, "limits": {"cpu": "60"}, "pods": 20},
        "node_pools__general__max": 20,
        "services__worker__resources": {"requests": amounts | {"cpu": cpu}, "limits": amounts},
    }


@pytest.mark.requirement("S001-69")
def test_a_pod_of_4000m_fits_no_node_of_4_vcpu_and_one_of_3500m_does() -> None:
    (refused,) = problems(tiny(**large("4000m")))
    assert refused.rule == "instance-fit"
    assert refused.path == ("services", "worker", "resources", "requests", "cpu")
    assert "m7i.xlarge offers 3820m after daemonsets" in refused.reason
    taken = resolved(tiny(**large("3500m"))).settings
    need = pool_need(taken, "general")
    assert need is not None
    assert need.nodes <= taken.node_pools["general"].max
