"""Volumes: block storage for one node, and a file system for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from settings.storage import BLOCK_CLASS, EBS_DRIVER, EFS_DRIVER

DEFAULT_ANNOTATION = "storageclass.kubernetes.io/is-default-class"
NFS = 2049


@dataclass(frozen=True, kw_only=True)
class SharedFilesArgs:
    """A file system for volumes that several nodes mount."""

    stem: str
    """First part of names in the account."""
    vpc_id: pulumi.Input[str]
    """Where it is mounted."""
    subnets: Mapping[str, pulumi.Input[str]]
    """Zone -> subnet of its mount target there."""
    nodes: pulumi.Input[str]
    """Security group of the nodes, which mount it."""
    key_arn: pulumi.Input[str]
    """Encrypts it."""
    protect: bool
    """True: the engine does not delete it."""


class SharedFiles(pulumi.ComponentResource):
    """An EFS file system with a mount target in every zone; only nodes of the cluster reach it."""

    file_system_id: pulumi.Output[str]
    """The file system."""
    resources: tuple[pulumi.Resource, ...]
    """What a mount needs, until it is gone."""

    def __init__(self, name: str, args: SharedFilesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:SharedFiles", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        files = aws.efs.FileSystem(
            f"{name}-files",
            creation_token=f"{args.stem}-{name}",
            encrypted=True,
            kms_key_id=args.key_arn,
            throughput_mode="elastic",  # cold starts read in bursts; credits would be gone by the second model
            tags={"Name": f"{args.stem}-{name}"},
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            description="Weights: NFS from nodes of the cluster",
            vpc_id=args.vpc_id,
            tags={"Name": f"{args.stem}-{name}"},
            opts=inside,
        )
        rule = aws.vpc.SecurityGroupIngressRule(
            f"{name}-nfs",
            security_group_id=group.id,
            description="NFS from nodes of the cluster",
            referenced_security_group_id=args.nodes,
            ip_protocol="tcp",
            from_port=NFS,
            to_port=NFS,
            opts=inside,
        )
        targets = [
            aws.efs.MountTarget(
                f"{name}-{zone}", file_system_id=files.id, subnet_id=subnet, security_groups=[group.id], opts=inside
            )
            for zone, subnet in args.subnets.items()
        ]
        self.file_system_id = files.id
        self.resources = (rule, *targets)
        self.register_outputs({"file_system_id": self.file_system_id})


@dataclass(frozen=True, kw_only=True)
class StorageClassesArgs:
    """Which classes a claim may name."""

    labels: Mapping[str, str]
    """What every object carries."""
    shared: Mapping[str, tuple[int, int]]
    """Class of shared volumes -> user and group that own what is written there."""
    file_system_id: pulumi.Input[str] | None
    """The file system of those."""
    drivers: Mapping[str, Sequence[pulumi.Resource]]
    """CSI driver -> what makes its volumes: gone only after them."""


class StorageClasses(pulumi.ComponentResource):
    """The cluster's default class (encrypted gp3, made where its first pod is) and classes of shared volumes."""

    resources: tuple[pulumi.Resource, ...]
    """The classes, and what makes their volumes."""

    def __init__(self, name: str, args: StorageClassesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:StorageClasses", name, None, opts)
        block = k8s.storage.v1.StorageClass(
            f"{name}-{BLOCK_CLASS}",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=BLOCK_CLASS, labels=dict(args.labels), annotations={DEFAULT_ANNOTATION: "true"}
            ),
            provisioner=EBS_DRIVER,
            parameters={"encrypted": "true", "type": "gp3"},
            allow_volume_expansion=True,
            reclaim_policy="Delete",
            volume_binding_mode="WaitForFirstConsumer",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.drivers[EBS_DRIVER])),
        )
        shared = [self._shared(name, which, args) for which in args.shared]
        self.resources = (block, *shared)
        self.register_outputs({})

    def _shared(self, name: str, which: str, args: StorageClassesArgs) -> k8s.storage.v1.StorageClass:
        user, group = args.shared[which]
        return k8s.storage.v1.StorageClass(
            f"{name}-{which}",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=which, labels=dict(args.labels)),
            provisioner=EFS_DRIVER,
            parameters={
                "basePath": "/volumes",
                "directoryPerms": "750",
                "fileSystemId": args.file_system_id or "",
                "gid": str(group),
                "provisioningMode": "efs-ap",
                "uid": str(user),
            },
            reclaim_policy="Delete",
            volume_binding_mode="Immediate",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.drivers[EFS_DRIVER])),
        )
