"""What the judges know of each AWS type that the program makes: its name in Terraform, how its id and its ARN look.

A type without a row is an error that names it, and so is a list of blocks without one: a wrong name would let a check
pass or fail in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REGION = "us-west-2"
ACCOUNT = "111122223333"
"""AWS's own example account; it stands in ARNs that only a deployment knows."""


class UnknownTypeError(Exception):
    """Raised for an AWS type, or a list of blocks in one, that has no row here."""


@dataclass(frozen=True)
class AwsType:
    """One row."""

    terraform: str
    """Its type in Terraform's AWS provider."""
    id: str
    """How its id looks: {name} is the resource's, {hex} seventeen hexadecimal digits, as EC2 has."""
    arn: str = ""
    """How its ARN looks after the partition; empty if it has none."""
    blocks: Mapping[str, str] = field(default_factory=dict)
    """Its lists of blocks and lists of texts that Pulumi calls by a plural: property -> Terraform's name."""


_TRAFFIC = {"ingress": "ingress", "egress": "egress"}
_HERE = f"{REGION}:{ACCOUNT}"

TYPES: Mapping[str, AwsType] = {
    "aws:acm/certificate:Certificate": AwsType(
        "aws_acm_certificate", "{arn}", f"acm:{_HERE}:certificate/{{uuid}}", {"validationOptions": "validation_option"}
    ),
    "aws:acm/certificateValidation:CertificateValidation": AwsType("aws_acm_certificate_validation", "{name}"),
    "aws:autoscaling/tag:Tag": AwsType("aws_autoscaling_group_tag", "{name},tag"),
    "aws:cloudwatch/logGroup:LogGroup": AwsType(
        "aws_cloudwatch_log_group", "{name}", f"logs:{_HERE}:log-group:/{{name}}"
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": AwsType(
        "aws_default_security_group", "sg-{hex}", f"ec2:{_HERE}:security-group/sg-{{hex}}", _TRAFFIC
    ),
    "aws:ec2/eip:Eip": AwsType("aws_eip", "eipalloc-{hex}", f"ec2:{_HERE}:elastic-ip/eipalloc-{{hex}}"),
    "aws:ec2/flowLog:FlowLog": AwsType("aws_flow_log", "fl-{hex}", f"ec2:{_HERE}:vpc-flow-log/fl-{{hex}}"),
    "aws:ec2/internetGateway:InternetGateway": AwsType(
        "aws_internet_gateway", "igw-{hex}", f"ec2:{_HERE}:internet-gateway/igw-{{hex}}"
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": AwsType(
        "aws_launch_template",
        "lt-{hex}",
        f"ec2:{_HERE}:launch-template/lt-{{hex}}",
        {  # the plurals are Terraform's own
            "blockDeviceMappings": "block_device_mappings",
            "networkInterfaces": "network_interfaces",
            "tagSpecifications": "tag_specifications",
            "licenseSpecifications": "license_specification",
        },
    ),
    "aws:ec2/natGateway:NatGateway": AwsType("aws_nat_gateway", "nat-{hex}", f"ec2:{_HERE}:natgateway/nat-{{hex}}"),
    "aws:ec2/route:Route": AwsType("aws_route", "r-{hex}"),
    "aws:ec2/routeTable:RouteTable": AwsType(
        "aws_route_table", "rtb-{hex}", f"ec2:{_HERE}:route-table/rtb-{{hex}}", {"routes": "route"}
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": AwsType("aws_route_table_association", "rtbassoc-{hex}"),
    "aws:ec2/securityGroup:SecurityGroup": AwsType(
        "aws_security_group", "sg-{hex}", f"ec2:{_HERE}:security-group/sg-{{hex}}", _TRAFFIC
    ),
    "aws:ec2/subnet:Subnet": AwsType("aws_subnet", "subnet-{hex}", f"ec2:{_HERE}:subnet/subnet-{{hex}}"),
    "aws:ec2/vpc:Vpc": AwsType("aws_vpc", "vpc-{hex}", f"ec2:{_HERE}:vpc/vpc-{{hex}}"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": AwsType(
        "aws_vpc_endpoint",
        "vpce-{hex}",
        f"ec2:{_HERE}:vpc-endpoint/vpce-{{hex}}",
        {"subnetConfigurations": "subnet_configuration"},
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": AwsType("aws_ecr_lifecycle_policy", "{name}"),
    "aws:ecr/repository:Repository": AwsType(
        "aws_ecr_repository",
        "{name}",
        f"ecr:{_HERE}:repository/{{name}}",
        {
            "encryptionConfigurations": "encryption_configuration",
            "imageTagMutabilityExclusionFilters": "image_tag_mutability_exclusion_filter",
        },
    ),
    "aws:efs/accessPoint:AccessPoint": AwsType(
        "aws_efs_access_point", "fsap-{hex}", f"elasticfilesystem:{_HERE}:access-point/fsap-{{hex}}"
    ),
    "aws:efs/backupPolicy:BackupPolicy": AwsType("aws_efs_backup_policy", "fs-{hex}"),
    "aws:efs/fileSystem:FileSystem": AwsType(
        "aws_efs_file_system",
        "fs-{hex}",
        f"elasticfilesystem:{_HERE}:file-system/fs-{{hex}}",
        {"lifecyclePolicies": "lifecycle_policy"},
    ),
    "aws:efs/mountTarget:MountTarget": AwsType("aws_efs_mount_target", "fsmt-{hex}"),
    "aws:eks/accessEntry:AccessEntry": AwsType("aws_eks_access_entry", "{name}:entry"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": AwsType(
        "aws_eks_access_policy_association", "{name}#policy"
    ),
    "aws:eks/addon:Addon": AwsType(
        "aws_eks_addon",
        "{name}:addon",
        f"eks:{_HERE}:addon/{{name}}",
        {"podIdentityAssociations": "pod_identity_association"},
    ),
    "aws:eks/cluster:Cluster": AwsType("aws_eks_cluster", "{name}", f"eks:{_HERE}:cluster/{{name}}"),
    "aws:eks/nodeGroup:NodeGroup": AwsType(
        "aws_eks_node_group",
        "{name}:group",
        f"eks:{_HERE}:nodegroup/{{name}}",
        {"taints": "taint", "nodeRepairConfigOverrides": "node_repair_config_overrides"},
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": AwsType(
        "aws_eks_pod_identity_association", "a-{hex}", f"eks:{_HERE}:podidentityassociation/{{name}}/a-{{hex}}"
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": AwsType(
        "aws_iam_openid_connect_provider",
        "{arn}",
        f"iam::{ACCOUNT}:oidc-provider/oidc.eks.{REGION}.amazonaws.com/id/{{hex}}",
        {"clientIdLists": "client_id_list", "thumbprintLists": "thumbprint_list"},
    ),
    "aws:iam/policy:Policy": AwsType("aws_iam_policy", "{arn}", f"iam::{ACCOUNT}:policy/{{name}}"),
    "aws:iam/role:Role": AwsType(
        "aws_iam_role", "{name}", f"iam::{ACCOUNT}:role/{{name}}", {"inlinePolicies": "inline_policy"}
    ),
    "aws:iam/rolePolicy:RolePolicy": AwsType("aws_iam_role_policy", "{name}:policy"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": AwsType("aws_iam_role_policy_attachment", "{name}-{hex}"),
    "aws:kms/alias:Alias": AwsType("aws_kms_alias", "alias/{name}", f"kms:{_HERE}:alias/{{name}}"),
    "aws:kms/key:Key": AwsType("aws_kms_key", "{uuid}", f"kms:{_HERE}:key/{{uuid}}"),
    "aws:route53/record:Record": AwsType(
        "aws_route53_record",
        "Z{hex}_{name}",
        blocks={
            "aliases": "alias",
            "failoverRoutingPolicies": "failover_routing_policy",
            "geolocationRoutingPolicies": "geolocation_routing_policy",
            "latencyRoutingPolicies": "latency_routing_policy",
            "weightedRoutingPolicies": "weighted_routing_policy",
        },
    ),
    "aws:s3/bucket:Bucket": AwsType(
        "aws_s3_bucket",
        "{name}",
        "s3:::{name}",
        {
            "corsRules": "cors_rule",
            "grants": "grant",
            "lifecycleRules": "lifecycle_rule",
            "transitions": "transition",
            "noncurrentVersionTransitions": "noncurrent_version_transition",
            "rules": "rules",  # of a replication
        },
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": AwsType(
        "aws_s3_bucket_lifecycle_configuration",
        "{name}",
        blocks={
            "rules": "rule",
            "transitions": "transition",
            "noncurrentVersionTransitions": "noncurrent_version_transition",
        },
    ),
    "aws:s3/bucketLogging:BucketLogging": AwsType(
        "aws_s3_bucket_logging", "{name}", blocks={"targetGrants": "target_grant"}
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": AwsType("aws_s3_bucket_ownership_controls", "{name}"),
    "aws:s3/bucketPolicy:BucketPolicy": AwsType("aws_s3_bucket_policy", "{name}"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": AwsType("aws_s3_bucket_public_access_block", "{name}"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": AwsType(
        "aws_s3_bucket_server_side_encryption_configuration", "{name}", blocks={"rules": "rule"}
    ),
    "aws:s3/bucketVersioning:BucketVersioning": AwsType("aws_s3_bucket_versioning", "{name}"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": AwsType(
        "aws_vpc_security_group_egress_rule", "sgr-{hex}", f"ec2:{_HERE}:security-group-rule/sgr-{{hex}}"
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": AwsType(
        "aws_vpc_security_group_ingress_rule", "sgr-{hex}", f"ec2:{_HERE}:security-group-rule/sgr-{{hex}}"
    ),
}
FREE_FORM = frozenset({"labels", "tags"})
"""Maps whose keys are the user's. Every other map of these types is a block."""


def is_aws(type_: str) -> bool:
    """True of a resource that AWS's provider makes; its providers are none."""
    return type_.startswith("aws:")


def row(type_: str) -> AwsType:
    """What is known of a type.

    Raises:
        UnknownTypeError: nothing.
    """
    if type_ not in TYPES:
        raise UnknownTypeError(f"{type_} has no row in tests/judges/aws_types.py, so no judge would look at it")
    return TYPES[type_]
