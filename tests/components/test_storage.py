"""Volumes: disks for one node, files for all of them, and what must be there while somebody mounts them."""

from __future__ import annotations

import pytest

from tests.components.eks import ALONE, ON_AWS, PROTECT, Deploy, before, every, made, one
from tests.conftest import planned
from tests.support import World, kept

FILES, TARGET = "efs/fileSystem:FileSystem", "efs/mountTarget:MountTarget"
NODES = made("eks/cluster:Cluster", "control-plane-cluster", "vpcConfig.clusterSecurityGroupId")


def test_a_claim_that_names_no_class_gets_an_encrypted_disk_in_the_zone_of_its_pod(eks: World) -> None:
    gp3 = eks.object("StorageClass", "gp3")
    assert gp3.metadata["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert gp3.manifest["provisioner"] == "ebs.csi.aws.com"
    assert gp3.manifest["parameters"] == {"encrypted": "true", "type": "gp3"}
    assert gp3.manifest["volumeBindingMode"] == "WaitForFirstConsumer"
    assert gp3.manifest["allowVolumeExpansion"] is True


def test_no_file_system_is_made_where_nobody_shares_one(deploy: Deploy) -> None:
    graph = kept(deploy, **ALONE).graph
    assert every(graph, FILES) == {}
    assert "aws-efs-csi-driver-addon" not in every(graph, "eks/addon:Addon")
    assert [c.name for c in graph.of_kind("StorageClass")] == ["gp3"]


def test_shared_files_are_encrypted_with_our_key_and_read_at_any_speed(eks: World) -> None:
    files = one(eks.graph, FILES)
    assert (files["encrypted"], files["kmsKeyId"]) == (True, made("kms/key:Key", "data-key", "arn"))
    assert files["throughputMode"] == "elastic"
    assert files["creationToken"] == "tiny-dev-weights"


def test_shared_files_are_mounted_in_every_zone_by_nodes_of_the_cluster_only(eks: World) -> None:
    targets = [t.inputs for t in every(eks.graph, TARGET).values()]
    assert sorted(t["subnetId"] for t in targets) == [
        made("ec2/subnet:Subnet", f"network-private-us-west-2{zone}", "id") for zone in "ab"
    ]
    group = made("ec2/securityGroup:SecurityGroup", "weights-group", "id")
    assert [t["securityGroups"] for t in targets] == [[group], [group]]
    rules = every(eks.graph, "vpc/securityGroupIngressRule:SecurityGroupIngressRule").values()
    (rule,) = [r.inputs for r in rules if r.inputs["securityGroupId"] == group]
    assert (rule["fromPort"], rule["toPort"], rule["ipProtocol"]) == (2049, 2049, "tcp")
    assert rule["referencedSecurityGroupId"] == NODES


def test_whoever_writes_into_a_shared_volume_its_readers_own_it(eks: World) -> None:
    efs = eks.object("StorageClass", "efs")
    assert efs.manifest["provisioner"] == "efs.csi.aws.com"
    assert efs.manifest["parameters"] == {
        "basePath": "/volumes",
        "directoryPerms": "750",
        "fileSystemId": made(FILES, "weights-files", "id"),
        "gid": "10001",
        "provisioningMode": "efs-ap",
        "uid": "10001",
    }
    assert "mountOptions" not in efs.manifest, "an access point is mounted with TLS as it is"


def test_a_volume_is_made_after_its_class_its_driver_and_its_mount_targets(eks: World) -> None:
    first = before(eks.graph, eks.object("PersistentVolumeClaim", "store").resource)
    assert "kubernetes:storage.k8s.io/v1:StorageClass classes-efs" in first
    assert "aws:eks/addon:Addon aws-efs-csi-driver-addon" in first
    assert {f"aws:{TARGET} weights-us-west-2{zone}" for zone in "ab"} <= first
    assert "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule weights-nfs" in first


def test_drivers_have_roles_of_their_own_and_run_on_nodes(eks: World) -> None:
    for driver in ("ebs", "efs"):
        addon = every(eks.graph, "eks/addon:Addon")[f"aws-{driver}-csi-driver-addon"]
        assert addon.inputs["serviceAccountRoleArn"] == made("iam/role:Role", f"aws-{driver}-csi-driver-role", "arn")
        assert "aws:eks/nodeGroup:NodeGroup general-group" in before(eks.graph, addon)


def test_weights_stay_where_the_stack_is_protected(deploy: Deploy, eks: World) -> None:
    protected = deploy(**PROTECT).graph
    assert every(protected, FILES)["weights-files"].protect
    assert not every(eks.graph, FILES)["weights-files"].protect


@pytest.mark.parametrize("stack", ON_AWS)
def test_every_class_that_a_claim_names_is_made_here(stack: str) -> None:
    graph = planned(stack).graph
    classes = {c.name for c in graph.of_kind("StorageClass")}
    wanted = {claim.spec["storageClassName"] for claim in graph.of_kind("PersistentVolumeClaim")}
    assert wanted
    assert wanted <= classes
