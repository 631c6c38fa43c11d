"""Which inputs of AWS's types the provider cannot change in place: a change asks for another resource.

Plain data, for whoever compares two graphs or plays the provider. `ForceNew: true` and RequiresReplace of
hashicorp/terraform-provider-aws, in the spelling of pulumi-aws. A source with a commit was read there; the others are
the provider's long-standing schema, and `terraform providers schema` does not show it: read the file before you rely
on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What is known of a type."""

    forces: tuple[str, ...]
    """Paths of inputs of which any change asks for another one; items of lists have no index."""
    unique: tuple[str, ...]
    """Inputs that AWS has only once, taken together; empty where there can be any number alike."""
    source: str
    """File under internal/service of the provider."""
    gone: tuple[str, ...] = ()
    """Inputs that ask for another one only where they are taken out."""


ROWS: Mapping[str, Row] = {
    "aws:acm/certificate:Certificate": Row(
        ("certificateAuthorityArn", "domainName", "keyAlgorithm", "subjectAlternativeNames", "validationMethod"),
        (),
        "acm/certificate.go",
    ),
    "aws:acm/certificateValidation:CertificateValidation": Row(
        ("certificateArn", "validationRecordFqdns"), (), "acm/certificate_validation.go"
    ),
    "aws:autoscaling/tag:Tag": Row(
        ("autoscalingGroupName", "tag.key"), ("autoscalingGroupName", "tag.key"), "autoscaling/group_tag.go"
    ),
    "aws:cloudwatch/logGroup:LogGroup": Row(("logGroupClass", "name", "namePrefix"), ("name",), "logs/group.go"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Row(
        ("vpcId",), ("vpcId",), "ec2/vpc_default_security_group.go"
    ),
    "aws:ec2/eip:Eip": Row(
        ("address", "customerOwnedIpv4Pool", "domain", "ipamPoolId", "networkBorderGroup", "publicIpv4Pool"),
        (),
        "ec2/ec2_eip.go",
    ),
    "aws:ec2/flowLog:FlowLog": Row(
        (
            "deliverCrossAccountRole",
            "destinationOptions",
            "eniId",
            "iamRoleArn",
            "logDestination",
            "logDestinationType",
            "logFormat",
            "maxAggregationInterval",
            "regionalNatGatewayId",
            "subnetId",
            "trafficType",
            "transitGatewayAttachmentId",
            "transitGatewayId",
            "vpcId",
        ),
        ("vpcId", "trafficType", "logDestination"),
        "ec2/vpc_flow_log.go @00a35305",
    ),
    "aws:ec2/internetGateway:InternetGateway": Row((), ("vpcId",), "ec2/vpc_internet_gateway.go"),
    "aws:ec2/launchTemplate:LaunchTemplate": Row(("name", "namePrefix"), ("name",), "ec2/ec2_launch_template.go"),
    "aws:ec2/natGateway:NatGateway": Row(
        ("allocationId", "connectivityType", "privateIp", "secondaryPrivateIpAddressCount", "subnetId"),
        ("allocationId",),
        "ec2/vpc_nat_gateway.go @04088eaa",
    ),
    "aws:ec2/route:Route": Row(
        ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId", "routeTableId"),
        ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId", "routeTableId"),
        "ec2/vpc_route.go",
    ),
    "aws:ec2/routeTable:RouteTable": Row(("vpcId",), (), "ec2/vpc_route_table.go"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Row(
        ("gatewayId", "subnetId"), ("gatewayId", "subnetId"), "ec2/vpc_route_table_association.go"
    ),
    "aws:ec2/securityGroup:SecurityGroup": Row(
        ("description", "name", "namePrefix", "vpcId"), ("name", "vpcId"), "ec2/vpc_security_group.go"
    ),
    "aws:ec2/subnet:Subnet": Row(
        (
            "availabilityZone",
            "availabilityZoneId",
            "cidrBlock",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6IpamPoolId",
            "ipv6Native",
            "ipv6NetmaskLength",
            "outpostArn",
            "vpcId",
        ),
        ("cidrBlock", "vpcId"),
        "ec2/vpc_subnet.go @00cda125",
    ),
    "aws:ec2/vpc:Vpc": Row(("cidrBlock", "instanceTenancy", "ipv4IpamPoolId", "ipv4NetmaskLength"), (), "ec2/vpc_.go"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Row(
        ("resourceConfigurationArn", "serviceName", "serviceNetworkArn", "serviceRegion", "vpcEndpointType", "vpcId"),
        ("serviceName", "vpcId"),
        "ec2/vpc_endpoint.go @008db85a",  # privateDnsEnabled as well, of what is no interface; there it says nothing
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Row(
        ("policy", "repository"), ("repository",), "ecr/lifecycle_policy.go @00a35305"
    ),
    "aws:ecr/repository:Repository": Row(
        ("encryptionConfigurations", "name"), ("name",), "ecr/repository.go @0072eea2"
    ),
    "aws:efs/fileSystem:FileSystem": Row(
        ("availabilityZoneName", "creationToken", "encrypted", "kmsKeyId", "performanceMode"),
        ("creationToken",),
        "efs/file_system.go @0389f467",
    ),
    "aws:efs/mountTarget:MountTarget": Row(
        ("fileSystemId", "ipAddress", "ipAddressType", "ipv6Address", "subnetId"),
        ("fileSystemId", "subnetId"),
        "efs/mount_target.go",
    ),
    "aws:eks/accessEntry:AccessEntry": Row(
        ("clusterName", "principalArn", "type"), ("clusterName", "principalArn"), "eks/access_entry.go"
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Row(
        ("accessScope", "clusterName", "policyArn", "principalArn"),
        ("clusterName", "policyArn", "principalArn"),
        "eks/access_policy_association.go @01f43111",
    ),
    "aws:eks/addon:Addon": Row(
        ("addonName", "clusterName", "namespaceConfig"), ("addonName", "clusterName"), "eks/addon.go @00a35305"
    ),
    "aws:eks/cluster:Cluster": Row(
        (
            "accessConfig.bootstrapClusterCreatorAdminPermissions",
            "bootstrapSelfManagedAddons",
            "kubernetesNetworkConfig.ipFamily",
            "kubernetesNetworkConfig.serviceIpv4Cidr",
            "name",
            "outpostConfig.controlPlaneInstanceType",
            "outpostConfig.controlPlanePlacement",
            "remoteNetworkConfig",
            "roleArn",
        ),
        ("name",),
        "eks/cluster.go @00555dc5",
        gone=("encryptionConfig",),
    ),
    "aws:eks/nodeGroup:NodeGroup": Row(
        (
            "amiType",
            "capacityType",
            "clusterName",
            "diskSize",
            "instanceTypes",
            "launchTemplate.id",
            "launchTemplate.name",
            "nodeGroupName",
            "nodeGroupNamePrefix",
            "nodeRoleArn",
            "remoteAccess",
            "subnetIds",
        ),
        ("clusterName", "nodeGroupName"),
        "eks/node_group.go @012e0a32",
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Row(
        ("clusterName", "namespace", "serviceAccount"),
        ("clusterName", "namespace", "serviceAccount"),
        "eks/pod_identity_association.go",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Row(("url",), ("url",), "iam/openid_connect_provider.go"),
    "aws:iam/role:Role": Row(("name", "namePrefix", "path"), ("name",), "iam/role.go"),
    "aws:iam/rolePolicy:RolePolicy": Row(("name", "namePrefix", "role"), ("name", "role"), "iam/role_policy.go"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Row(
        ("policyArn", "role"), ("policyArn", "role"), "iam/role_policy_attachment.go"
    ),
    "aws:kms/alias:Alias": Row(("name", "namePrefix"), ("name",), "kms/alias.go"),
    "aws:kms/key:Key": Row(
        ("customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"), (), "kms/key.go @00a35305"
    ),
    "aws:route53/record:Record": Row(("name", "zoneId"), ("name", "type", "zoneId"), "route53/record.go @00655c16"),
    "aws:s3/bucket:Bucket": Row(("bucket", "bucketPrefix", "objectLockEnabled"), ("bucket",), "s3/bucket.go"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Row(
        ("bucket", "expectedBucketOwner"), ("bucket",), "s3/bucket_lifecycle_configuration.go"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Row(
        ("bucket",), ("bucket",), "s3/bucket_ownership_controls.go"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Row(("bucket",), ("bucket",), "s3/bucket_policy.go"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Row(
        ("bucket",), ("bucket",), "s3/bucket_public_access_block.go"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Row(
        ("bucket", "expectedBucketOwner"), ("bucket",), "s3/bucket_server_side_encryption_configuration.go"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Row(
        ("bucket", "expectedBucketOwner"), ("bucket",), "s3/bucket_versioning.go"
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Row(
        ("securityGroupId",),
        ("cidrIpv4", "cidrIpv6", "fromPort", "ipProtocol", "referencedSecurityGroupId", "securityGroupId", "toPort"),
        "ec2/vpc_security_group_ingress_rule.go @00a32209",
        gone=("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"),
    ),
}
"""Type -> what is known of it."""
REGION = "region"
"""Every type but those of IAM and Route 53 has it, and no resource moves to another one."""
REPLACES: Mapping[str, tuple[str, ...]] = {
    type_: (*row.forces, *(() if type_.startswith(("aws:iam/", "aws:route53/")) else (REGION,)))
    for type_, row in ROWS.items()
}
"""Type -> paths of the inputs of which any change asks for another one."""
SETS = frozenset({"accessScope.namespaces", "subjectAlternativeNames", "subnetIds", "validationRecordFqdns"})
"""Of those, lists whose order means nothing."""
