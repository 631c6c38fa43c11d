"""One good resource of each AWS type that the program makes: what the judges are tried on, red and green.

It is a sample, not the platform: names and numbers stand for themselves. `faults.py` breaks it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws

from policy.graph import Graph
from tests.judges.aws_types import ACCOUNT, REGION
from workbench.plan.recorder import record

ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
VPC_CIDR = "10.0.0.0/16"
LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
ROOT_POLICY = {
    "Sid": "Account",
    "Effect": "Allow",
    "Principal": {"AWS": ROOT_ARN},
    "Action": "kms:*",
    "Resource": "*",
}


def document(*statements: pulumi.Input[dict[str, Any]]) -> pulumi.Output[str]:
    """A policy document."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def program() -> None:
    """Registers one of each."""
    key = aws.kms.Key("key", description="Sample", enable_key_rotation=True, policy=document(ROOT_POLICY))
    aws.kms.Alias("alias", name="alias/sample", target_key_id=key.id)
    logs = aws.cloudwatch.LogGroup("logs", name="/sample", retention_in_days=365, kms_key_id=key.arn)
    vpc, subnet = _network(logs)
    group = _security_group(vpc)
    cluster = _cluster(key, subnet, group)
    _nodes(cluster, subnet, group, key)
    _registry(key)
    _files(key, subnet, group)
    _bucket(key)
    _names()


def _network(logs: aws.cloudwatch.LogGroup) -> tuple[aws.ec2.Vpc, aws.ec2.Subnet]:
    vpc = aws.ec2.Vpc("vpc", cidr_block=VPC_CIDR, enable_dns_hostnames=True)
    aws.ec2.DefaultSecurityGroup("default", vpc_id=vpc.id)
    role = _role("flow-logs", "vpc-flow-logs.amazonaws.com")
    aws.ec2.FlowLog(
        "flow-log", vpc_id=vpc.id, traffic_type="ALL", log_destination=logs.arn, iam_role_arn=role.arn,
        max_aggregation_interval=600,
    )  # fmt: skip
    gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id)
    subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/20", availability_zone=f"{REGION}a")
    address = aws.ec2.Eip("address", domain="vpc")
    nat = aws.ec2.NatGateway("nat", subnet_id=subnet.id, allocation_id=address.id)
    table = aws.ec2.RouteTable("table", vpc_id=vpc.id)
    aws.ec2.Route("out", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", nat_gateway_id=nat.id)
    aws.ec2.RouteTableAssociation("table-subnet", route_table_id=table.id, subnet_id=subnet.id)
    aws.ec2.RouteTable(
        "public", vpc_id=vpc.id, routes=[aws.ec2.RouteTableRouteArgs(cidr_block="0.0.0.0/0", gateway_id=gateway.id)]
    )
    aws.ec2.VpcEndpoint(
        "ecr.api", vpc_id=vpc.id, service_name=f"com.amazonaws.{REGION}.ecr.api", vpc_endpoint_type="Interface",
        subnet_ids=[subnet.id], private_dns_enabled=True,
    )  # fmt: skip
    return vpc, subnet


def _security_group(vpc: aws.ec2.Vpc) -> aws.ec2.SecurityGroup:
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, description="Nodes")
    aws.vpc.SecurityGroupIngressRule(
        "in", security_group_id=group.id, ip_protocol="tcp", from_port=443, to_port=443, cidr_ipv4=VPC_CIDR,
        description="HTTPS from the VPC",
    )  # fmt: skip
    aws.vpc.SecurityGroupEgressRule(
        "https", security_group_id=group.id, ip_protocol="tcp", from_port=443, to_port=443, cidr_ipv4="0.0.0.0/0",
        description="HTTPS to anywhere",
    )  # fmt: skip
    return group


def _role(name: str, service: str) -> aws.iam.Role:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole"]}
    return aws.iam.Role(name, assume_role_policy=document(trust), max_session_duration=3600)


def _cluster(key: aws.kms.Key, subnet: aws.ec2.Subnet, group: aws.ec2.SecurityGroup) -> aws.eks.Cluster:
    role = _role("cluster", "eks.amazonaws.com")
    aws.iam.RolePolicyAttachment("cluster", role=role.name, policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    cluster = aws.eks.Cluster(
        "cluster", name="sample", role_arn=role.arn, version="1.35", enabled_cluster_log_types=LOG_TYPES,
        access_config=aws.eks.ClusterAccessConfigArgs(
            authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
        ),
        encryption_config=aws.eks.ClusterEncryptionConfigArgs(
            provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
        ),
        kubernetes_network_config=aws.eks.ClusterKubernetesNetworkConfigArgs(
            ip_family="ipv4", service_ipv4_cidr="172.20.0.0/16"
        ),
        upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
        vpc_config=aws.eks.ClusterVpcConfigArgs(
            subnet_ids=[subnet.id], security_group_ids=[group.id], endpoint_private_access=True,
            endpoint_public_access=False,
        ),
    )  # fmt: skip
    aws.eks.Addon("dns", cluster_name=cluster.name, addon_name="coredns", addon_version="v1.13.2-eksbuild.1")
    entry = aws.eks.AccessEntry(
        "admin", cluster_name=cluster.name, principal_arn=f"arn:aws:iam::{ACCOUNT}:role/admin", type="STANDARD"
    )
    aws.eks.AccessPolicyAssociation(
        "admin", cluster_name=cluster.name, principal_arn=entry.principal_arn,
        policy_arn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
    )  # fmt: skip
    _identities(cluster)
    return cluster


def _identities(cluster: aws.eks.Cluster) -> None:
    issuer = cluster.identities[0].oidcs[0].issuer
    provider = aws.iam.OpenIdConnectProvider("issuer", url=issuer, client_id_lists=["sts.amazonaws.com"])
    trust = pulumi.Output.all(provider.arn, issuer).apply(lambda both: _irsa(*both))
    aws.iam.Role("irsa", assume_role_policy=document(trust))
    pods = {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    role = aws.iam.Role("pods", assume_role_policy=document(pods))
    aws.eks.PodIdentityAssociation(
        "pods", cluster_name=cluster.name, namespace="a", service_account="b", role_arn=role.arn
    )
    read = {"Effect": "Allow", "Action": ["eks:DescribeCluster"], "Resource": cluster.arn}
    aws.iam.RolePolicy("pods", role=role.name, policy=document(read))
    aws.iam.Policy("read", policy=document(read), description="Sample")


def _irsa(provider: str, issuer: str) -> dict[str, Any]:
    host = issuer.removeprefix("https://")
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{host}:sub": "system:serviceaccount:a:b", f"{host}:aud": "sts.amazonaws.com"}},
    }


def _nodes(
    cluster: aws.eks.Cluster, subnet: aws.ec2.Subnet, group: aws.ec2.SecurityGroup, key: aws.kms.Key
) -> None:  # fmt: skip
    template = aws.ec2.LaunchTemplate(
        "nodes", vpc_security_group_ids=[group.id],
        metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        block_device_mappings=[aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
            device_name="/dev/xvda",
            ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                encrypted="true", kms_key_id=key.arn, volume_type="gp3", volume_size=50, throughput=125, iops=3000
            ),
        )],
        tag_specifications=[aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type="instance", tags={"a": "b"})],
    )  # fmt: skip
    nodes = aws.eks.NodeGroup(
        "nodes", cluster_name=cluster.name, node_role_arn=_role("nodes", "ec2.amazonaws.com").arn,
        subnet_ids=[subnet.id], ami_type="AL2023_x86_64_NVIDIA", capacity_type="SPOT",
        instance_types=["g6.xlarge", "g5.xlarge"], labels={"pool": "gpu"},
        launch_template=aws.eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version),
        scaling_config=aws.eks.NodeGroupScalingConfigArgs(min_size=0, desired_size=0, max_size=3),
        taints=[aws.eks.NodeGroupTaintArgs(key="nvidia.com/gpu", value="true", effect="NO_SCHEDULE")],
        update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
    )  # fmt: skip
    aws.autoscaling.Tag(
        "nodes", autoscaling_group_name=nodes.resources[0].autoscaling_groups[0].name,
        tag=aws.autoscaling.TagTagArgs(key="a", value="b", propagate_at_launch=False),
    )  # fmt: skip


def _registry(key: aws.kms.Key) -> None:
    repository = aws.ecr.Repository(
        "images", name="sample/gateway", image_tag_mutability="IMMUTABLE",
        encryption_configurations=[
            aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key.arn)
        ],
        image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
    )  # fmt: skip
    rule = {
        "rulePriority": 1,
        "description": "untagged images leave after two weeks",
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
        "action": {"type": "expire"},
    }
    aws.ecr.LifecyclePolicy("images", repository=repository.name, policy=json.dumps({"rules": [rule]}))


def _files(key: aws.kms.Key, subnet: aws.ec2.Subnet, group: aws.ec2.SecurityGroup) -> None:
    files = aws.efs.FileSystem(
        "weights", encrypted=True, kms_key_id=key.arn, performance_mode="generalPurpose", throughput_mode="elastic",
        lifecycle_policies=[aws.efs.FileSystemLifecyclePolicyArgs(transition_to_ia="AFTER_30_DAYS")],
    )  # fmt: skip
    aws.efs.MountTarget("weights", file_system_id=files.id, subnet_id=subnet.id, security_groups=[group.id])
    owner = aws.efs.AccessPointRootDirectoryCreationInfoArgs(owner_gid=20000, owner_uid=20000, permissions="0750")
    aws.efs.AccessPoint(
        "weights", file_system_id=files.id, posix_user=aws.efs.AccessPointPosixUserArgs(gid=20000, uid=20000),
        root_directory=aws.efs.AccessPointRootDirectoryArgs(path="/weights", creation_info=owner),
    )  # fmt: skip
    aws.efs.BackupPolicy(
        "weights", file_system_id=files.id, backup_policy=aws.efs.BackupPolicyBackupPolicyArgs(status="ENABLED")
    )


def _bucket(key: aws.kms.Key) -> None:
    bucket = aws.s3.Bucket("telemetry", bucket="sample-telemetry")
    aws.s3.BucketPublicAccessBlock(
        "telemetry", bucket=bucket.id, block_public_acls=True, block_public_policy=True, ignore_public_acls=True,
        restrict_public_buckets=True,
    )  # fmt: skip
    by_default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="aws:kms", kms_master_key_id=key.arn
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        "telemetry", bucket=bucket.id,
        rules=[{"apply_server_side_encryption_by_default": by_default, "bucket_key_enabled": True}],
    )  # fmt: skip
    aws.s3.BucketVersioning(
        "telemetry", bucket=bucket.id,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
    )  # fmt: skip
    aws.s3.BucketLifecycleConfiguration(
        "telemetry", bucket=bucket.id,
        rules=[{
            "id": "age", "status": "Enabled", "filter": {},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            "transitions": [{"days": 30, "storage_class": "STANDARD_IA"}],
        }],
    )  # fmt: skip
    aws.s3.BucketOwnershipControls(
        "telemetry", bucket=bucket.id,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
    )  # fmt: skip
    aws.s3.BucketLogging("telemetry", bucket=bucket.id, target_bucket="sample-access-logs", target_prefix="telemetry/")
    tls = {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    aws.s3.BucketPolicy("telemetry", bucket=bucket.id, policy=document(tls))


def _names() -> None:
    certificate = aws.acm.Certificate(
        "front", domain_name="api.example.com", validation_method="DNS",
        options=aws.acm.CertificateOptionsArgs(certificate_transparency_logging_preference="ENABLED"),
    )  # fmt: skip
    option = certificate.domain_validation_options[0]
    record_ = aws.route53.Record(
        "proof", zone_id="Z0123456789ABCDEFGHIJ", name=option.resource_record_name, type="CNAME", ttl=300,
        records=[option.resource_record_value],
    )  # fmt: skip
    aws.acm.CertificateValidation("front", certificate_arn=certificate.arn, validation_record_fqdns=[record_.fqdn])


@cache
def sample() -> Graph:
    """The graph of the sample; its markers are what a deployment would fill in."""
    graph, _ = record(program, project="sample", stack="sample", config={})
    return graph
