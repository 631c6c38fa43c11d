"""Node pools: managed node groups of the shape that the settings say, and what the autoscaler reads of an empty one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from settings.instances import instance_types
from settings.node_groups import autoscaler_tags, node_config, node_labels
from tests.components.eks import ARM_POOL, ON_AWS, SEED_POOLS, Deploy, before, every, made, one, releases, trust
from tests.conftest import planned
from tests.support import EKS, World, kept, resolved, stack_settings, tiny

GROUP, TEMPLATE = "eks/nodeGroup:NodeGroup", "ec2/launchTemplate:LaunchTemplate"
TEMPLATE_TAG = "k8s.io/cluster-autoscaler/node-template"


def group(world: World, pool: str) -> Any:
    return one(world.graph, GROUP, f"{pool}-group")


def template(world: World, pool: str) -> Any:
    return one(world.graph, TEMPLATE, f"{pool}-template")


def told(world: World, pool: str) -> dict[str, str]:
    """What the autoscaler reads from the group of a pool."""
    target = made(GROUP, f"{pool}-group", "resources[0].autoscalingGroups[0].name")
    tags = [t.inputs for t in every(world.graph, "autoscaling/tag:Tag").values()]
    assert not [t for t in tags if t["tag"]["propagateAtLaunch"]]
    return {t["tag"]["key"]: t["tag"]["value"] for t in tags if t["autoscalingGroupName"] == target}


def sizes(found: Mapping[str, Any]) -> tuple[int, int, int]:
    scaling = found["scalingConfig"]
    return scaling["minSize"], scaling["desiredSize"], scaling["maxSize"]


@pytest.fixture
def seeded(deploy: Deploy) -> World:
    return kept(deploy, **SEED_POOLS)


def test_a_group_is_what_the_settings_say_of_its_pool(eks: World) -> None:
    general, gpu = group(eks, "general"), group(eks, "gpu")
    assert (general["capacityType"], gpu["capacityType"]) == ("ON_DEMAND", "SPOT")
    assert (sizes(general), sizes(gpu)) == ((2, 2, 4), (0, 0, 3))
    assert gpu["instanceTypes"] == ["g6.xlarge", "g5.xlarge"]
    assert gpu["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert general["taints"] == []
    assert (general["clusterName"], general["version"]) == ("tiny-dev", "1.35")


def test_nodes_have_the_labels_that_workloads_select_by(variant: World) -> None:
    for name, found in every(variant.graph, GROUP).items():
        assert found.inputs["labels"]["llmplatform.dev/pool"] == name.removesuffix("-group")
        assert found.inputs["labels"]["llmplatform.dev/capacity"] in ("spot", "on-demand")


def test_nodes_are_in_the_private_subnets_of_their_zones(deploy: Deploy, eks: World) -> None:
    def subnets(*zones: str) -> list[str]:
        return [made("ec2/subnet:Subnet", f"network-private-{zone}", "id") for zone in zones]

    assert group(eks, "general")["subnetIds"] == subnets("us-west-2a", "us-west-2b")
    lone = deploy(**EKS, node_pools__gpu__zones=["us-west-2b"])
    assert group(lone, "gpu")["subnetIds"] == subnets("us-west-2b")


def test_the_autoscaler_owns_the_number_of_nodes_from_the_first_day_on(variant: World) -> None:
    for found in every(variant.graph, GROUP).values():
        assert found.ignore_changes == ("scalingConfig.desiredSize",)


def test_an_update_takes_one_node_at_a_time_and_sick_nodes_are_replaced(variant: World) -> None:
    for found in every(variant.graph, GROUP).values():
        assert found.inputs["updateConfig"] == {"maxUnavailable": 1}
        assert found.inputs["nodeRepairConfig"] == {"enabled": True}
        assert "nodeGroupName" not in found.inputs, "another group is there before this one is drained"


def test_images_follow_gpus_and_architecture(deploy: Deploy) -> None:
    world = kept(deploy, **ARM_POOL)
    kinds = {name: group(world, name)["amiType"] for name in ("general", "gpu", "arm")}
    assert kinds == {
        "general": "AL2023_x86_64_STANDARD",
        "gpu": "AL2023_x86_64_NVIDIA",
        "arm": "AL2023_ARM_64_STANDARD",
    }


def test_a_pool_goes_back_to_a_release_of_its_image_where_the_settings_name_one(deploy: Deploy, eks: World) -> None:
    world = deploy(**EKS, node_pools__gpu__ami_release="1.35.1-20260810")
    assert group(world, "gpu")["releaseVersion"] == "1.35.1-20260810"
    assert "releaseVersion" not in group(eks, "gpu")


def test_no_pod_takes_the_nodes_role_and_nobody_logs_in_by_key(variant: World) -> None:
    for found in every(variant.graph, TEMPLATE).values():
        options = found.inputs["metadataOptions"]
        assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)
        assert not {"keyName", "networkInterfaces", "vpcSecurityGroupIds"} & set(found.inputs)
    assert not [g for g in every(variant.graph, GROUP).values() if "remoteAccess" in g.inputs]


def test_disks_are_encrypted_and_as_large_and_fast_as_the_settings_say(seeded: World) -> None:
    for name, size, iops, throughput in (("t4", 150, 4000, 600), ("general", 20, 3000, 125)):
        (mapped,) = template(seeded, name)["blockDeviceMappings"]
        disk = mapped["ebs"]
        assert (disk["volumeSize"], disk["iops"], disk["throughput"]) == (size, iops, throughput)
        assert (disk["encrypted"], disk["volumeType"], disk["deleteOnTermination"]) == ("true", "gp3", "true")


def test_instances_and_volumes_carry_the_tags_that_no_provider_gives_them(deploy: Deploy) -> None:
    world = deploy(**EKS, aws__tags={"cost-center": "4711"})
    specs = template(world, "gpu")["tagSpecifications"]
    assert [s["resourceType"] for s in specs] == ["instance", "network-interface", "volume"]
    for spec in specs:
        assert spec["tags"] == {
            "Name": "tiny-dev-gpu",
            "cost-center": "4711",
            "environment": "dev",
            "managed-by": "pulumi",
            "part-of": "tiny-platform",
        }


def test_a_node_is_told_what_its_pool_says(eks: World) -> None:
    settings = resolved(tiny(**EKS)).settings
    for name, pool in settings.node_pools.items():
        assert base64.b64decode(template(eks, name)["userData"]).decode() == node_config(pool)


def test_a_group_runs_the_newest_version_of_its_template(eks: World) -> None:
    assert group(eks, "gpu")["launchTemplate"] == {
        "id": made(TEMPLATE, "gpu-template", "id"),
        "version": made(TEMPLATE, "gpu-template", "latestVersion"),
    }


def test_a_node_comes_up_with_network_role_and_add_ons_and_leaves_before_them(variant: World) -> None:
    for found in every(variant.graph, GROUP).values():
        first = before(variant.graph, found)
        addons = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
        assert {f"aws:eks/addon:Addon {addon}-addon" for addon in addons} <= first
        assert "aws:ec2/route:Route network-private-us-west-2a" in first
        for policy in ("amazonec2containerregistrypullonly", "amazoneksworkernodepolicy"):
            assert f"aws:iam/rolePolicyAttachment:RolePolicyAttachment nodes-{policy}" in first


def test_nodes_may_join_pull_and_be_entered_by_session_manager_and_nothing_else(eks: World) -> None:
    ours = [r.inputs for r in every(eks.graph, "iam/rolePolicyAttachment:RolePolicyAttachment").values()]
    found = {r["policyArn"].rpartition("/")[2] for r in ours if r["role"] == "tiny-dev-nodes"}
    assert found == {
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKSWorkerNodePolicy",
        "AmazonSSMManagedInstanceCore",
    }
    assert trust(eks.graph, "tiny-dev-nodes")["Principal"] == {"Service": "ec2.amazonaws.com"}


@pytest.mark.parametrize("pool", ["general", "gpu", "cheap"])
def test_the_autoscaler_reads_from_each_group_what_a_node_of_it_would_be(eks: World, pool: str) -> None:
    assert told(eks, pool) == autoscaler_tags(pool, resolved(tiny(**EKS)).settings.node_pools[pool])


@pytest.mark.requirement("S001-72")
def test_seed_001s_cpu_pool_is_2_to_20_nodes_of_4_vcpu_and_16_gb(seeded: World) -> None:
    cpu = group(seeded, "cpu")
    assert sizes(cpu) == (2, 2, 20)
    assert {instance_types()[t].vcpu for t in cpu["instanceTypes"]} == {4}
    assert {instance_memory(t) for t in cpu["instanceTypes"]} == {16}


@pytest.mark.requirement("S001-73")
def test_seed_001s_gpu_pool_is_0_to_10_nodes_of_8_vcpu_32_gib_and_a_t4_and_starts_from_zero(seeded: World) -> None:
    t4 = group(seeded, "t4")
    (name,) = t4["instanceTypes"]
    kind = instance_types()[name]
    assert sizes(t4) == (0, 0, 10)
    assert (kind.name, kind.vcpu, kind.gpus, kind.gpu) == ("g4dn.2xlarge", 8, 1, "t4")
    assert instance_memory(name) == 32
    assert t4["amiType"] == "AL2023_x86_64_NVIDIA"
    tags = told(seeded, "t4")
    assert tags[f"{TEMPLATE_TAG}/resources/nvidia.com/gpu"] == "1"
    assert tags[f"{TEMPLATE_TAG}/taint/nvidia.com/gpu"] == "present:NoSchedule"
    assert tags[f"{TEMPLATE_TAG}/label/llmplatform.dev/pool"] == "t4"
    assert tags[f"{TEMPLATE_TAG}/label/accelerator"] == "nvidia"


@pytest.mark.requirement("S001-76")
def test_work_that_can_be_interrupted_is_bought_on_the_spot_market(seeded: World) -> None:
    assert group(seeded, "t4")["capacityType"] == "SPOT"
    assert group(seeded, "t4")["labels"]["llmplatform.dev/capacity"] == "spot"


@pytest.mark.requirement("S001-77")
def test_a_cpu_node_that_nobody_needs_goes_after_five_minutes(seeded: World) -> None:
    tags = told(seeded, "cpu")
    assert tags[f"{TEMPLATE_TAG}/autoscaling-options/scaledownunneededtime"] == "300s"


@pytest.mark.requirement("S001-78")
def test_a_gpu_node_that_nobody_needs_goes_after_thirty_minutes(seeded: World) -> None:
    tags = told(seeded, "t4")
    assert tags[f"{TEMPLATE_TAG}/autoscaling-options/scaledownunneededtime"] == "1800s"


def test_a_pool_that_says_nothing_keeps_the_autoscalers_own_delay(eks: World) -> None:
    assert not [key for key in told(eks, "general") if "autoscaling-options" in key]


@pytest.mark.requirement("S003-19")
@pytest.mark.parametrize("stack", ON_AWS)
def test_the_four_variants_run_on_spot_gpu_nodes_of_their_own(stack: str) -> None:
    plan = planned(stack)
    found = one(plan.graph, GROUP, "gpu-spot-group")
    assert found["capacityType"] == "SPOT"
    assert {instance_types()[t].gpus for t in found["instanceTypes"]} == {1}
    assert found["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    servers = [w for w in plan.graph.workloads if w.labels.get("component") == "model-server"]
    assert len(servers) == 4
    for server in servers:
        assert server.pod["nodeSelector"].items() <= found["labels"].items()


@pytest.mark.requirement("S000-17")
@pytest.mark.parametrize("stack", ON_AWS)
def test_the_gpu_that_a_model_server_asks_for_is_offered_by_the_device_plugin_of_its_nodes(stack: str) -> None:
    plan = planned(stack)
    plugin = releases(plan.graph)["nvidia-device-plugin"].inputs["values"]
    (term,) = plugin["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    (selected,) = term["matchExpressions"]
    for server in (w for w in plan.graph.workloads if w.labels.get("component") == "model-server"):
        (container,) = server.containers
        assert container["resources"]["limits"]["nvidia.com/gpu"] in (1, "1")
        assert server.pod["nodeSelector"][selected["key"]] in selected["values"]
    assert plugin["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
    ]


@pytest.mark.requirement("S000-18")
@pytest.mark.parametrize("stack", ON_AWS)
def test_gpu_pods_select_labels_and_bear_taints_that_the_nodes_of_their_pool_have(stack: str) -> None:
    plan = planned(stack)
    found = one(plan.graph, GROUP, "gpu-spot-group")
    labels = node_labels("gpu-spot", stack_settings(stack).settings.node_pools["gpu-spot"])
    assert found["labels"] == labels
    assert labels["nvidia.com/gpu.present"] == "true"
    for server in (w for w in plan.graph.workloads if w.labels.get("component") == "model-server"):
        assert server.pod["nodeSelector"] == {"llmplatform.dev/pool": "gpu-spot"}
        borne = {(t["key"], t.get("value"), t["effect"]) for t in server.pod["tolerations"]}
        assert {(t["key"], t["value"], "NoSchedule") for t in found["taints"]} <= borne


def instance_memory(name: str) -> int:
    """GiB that the type has, as EC2 states it."""
    from settings.instances import TABLE
    from settings.yaml_reader import read_file

    return int(read_file(TABLE).data["types"][name]["memory"].removesuffix("Mi")) // 1024


def test_the_seeds_own_label_is_a_label_of_the_pool_where_somebody_wants_it(seeded: World) -> None:
    assert group(seeded, "t4")["labels"]["accelerator"] == "nvidia"
