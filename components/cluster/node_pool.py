"""A node pool as an EKS managed node group, which the cluster autoscaler resizes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from settings.node_groups import TAINT_EFFECTS, autoscaler_tags, image, node_config, node_labels
from settings.nodes import NodePool

ROOT_DEVICE = "/dev/xvda"
"""Of Amazon Linux 2023 (EKS user guide, launch templates)."""


@dataclass(frozen=True, kw_only=True)
class ManagedNodePoolArgs:
    """What a pool is made of."""

    pool: str
    """Name of the pool."""
    spec: NodePool
    """What the settings say of it."""
    cluster_name: pulumi.Input[str]
    """Its cluster."""
    kubernetes_version: str
    """Kubernetes of its nodes."""
    stem: str
    """First part of names in the account."""
    role_arn: pulumi.Input[str]
    """What its nodes are in AWS."""
    subnets: Sequence[pulumi.Input[str]]
    """One in each of its zones."""
    tags: Mapping[str, str]
    """Of its instances and volumes, which inherit none from the provider."""
    needs: Sequence[pulumi.Resource]
    """What its nodes need to come up and to leave: the network, their role's policies, the CNI."""


class ManagedNodePool(pulumi.ComponentResource):
    """Nodes of one shape: launch template, managed node group, and what the autoscaler reads of an empty group."""

    group: pulumi.Resource
    """The node group."""

    def __init__(self, name: str, args: ManagedNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:ManagedNodePool", name, None, opts)
        self._logical = name
        self._args = args
        self._inside = pulumi.ResourceOptions(parent=self)
        group = self._group(self._template())
        self._tags(group)
        self.group = group
        self.register_outputs({"name": args.pool})

    def _template(self) -> aws.ec2.LaunchTemplate:
        args, disk = self._args, self._args.spec.disk
        volume = aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
            delete_on_termination="true",
            encrypted="true",
            iops=disk.iops,
            throughput=disk.throughput,
            volume_size=disk.size.bytes >> 30,
            volume_type="gp3",
        )
        tags = {**args.tags, "Name": f"{args.stem}-{args.pool}"}
        return aws.ec2.LaunchTemplate(
            f"{self._logical}-template",
            name_prefix=f"{args.stem}-{args.pool}-",
            description=f"Nodes of pool {args.pool}",
            update_default_version=True,
            block_device_mappings=[aws.ec2.LaunchTemplateBlockDeviceMappingArgs(device_name=ROOT_DEVICE, ebs=volume)],
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled",
                http_put_response_hop_limit=1,  # pods are a hop further: none of them becomes the node's role
                http_tokens="required",
                instance_metadata_tags="disabled",
            ),
            monitoring=aws.ec2.LaunchTemplateMonitoringArgs(enabled=False),
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=tags)
                for kind in ("instance", "network-interface", "volume")
            ],
            user_data=base64.b64encode(node_config(args.spec).encode()).decode(),
            opts=self._inside,
        )

    def _group(self, template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroup:
        args, spec = self._args, self._args.spec
        return aws.eks.NodeGroup(
            f"{self._logical}-group",
            cluster_name=args.cluster_name,
            # A prefix: a change that needs another group makes it, under another name, before this one is drained.
            node_group_name_prefix=f"{args.pool}-",
            node_role_arn=args.role_arn,
            subnet_ids=list(args.subnets),
            ami_type=image(spec),
            capacity_type="SPOT" if spec.capacity == "spot" else "ON_DEMAND",
            instance_types=list(spec.instance_types),
            labels=node_labels(args.pool, spec),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            release_version=spec.ami_release,
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                desired_size=spec.min, min_size=spec.min, max_size=spec.max
            ),
            taints=[
                aws.eks.NodeGroupTaintArgs(key=taint.key, value=taint.value, effect=TAINT_EFFECTS[taint.effect])
                for taint in spec.taints
            ],
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            node_repair_config=aws.eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            version=args.kubernetes_version,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(args.needs),
                ignore_changes=["scalingConfig.desiredSize"],  # the autoscaler's, from the first day on
            ),
        )

    def _tags(self, group: aws.eks.NodeGroup) -> None:
        """What the autoscaler must know of a group before it has a node; EKS tags the group's own name and cluster."""
        target = group.resources[0].autoscaling_groups[0].name
        for key, value in autoscaler_tags(self._args.pool, self._args.spec).items():
            short = key.removeprefix("k8s.io/cluster-autoscaler/node-template/").replace("/", "-")
            aws.autoscaling.Tag(
                f"{self._logical}-{short}",
                autoscaling_group_name=target,
                tag=aws.autoscaling.TagTagArgs(key=key, value=value, propagate_at_launch=False),
                opts=self._inside,
            )
