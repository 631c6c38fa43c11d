"""The faults that are planted in the sample, with the judge and the id that must catch each, and what none catches."""

from __future__ import annotations

import json
from typing import Any

from tests.judges.faults import ALL, Fault, fault, put, state
from tests.support import REMOVE

KEY, LOGS = "aws:kms/key:Key key", "aws:cloudwatch/logGroup:LogGroup logs"
VPC, SUBNET, GROUP = "aws:ec2/vpc:Vpc vpc", "aws:ec2/subnet:Subnet subnet", "aws:ec2/securityGroup:SecurityGroup group"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule in"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule https"
DEFAULT = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup default"
CLUSTER, NODES = "aws:eks/cluster:Cluster cluster", "aws:eks/nodeGroup:NodeGroup nodes"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate nodes"
ROLE, IRSA, PODS = "aws:iam/role:Role cluster", "aws:iam/role:Role irsa", "aws:iam/role:Role pods"
POLICY, INLINE = "aws:iam/policy:Policy read", "aws:iam/rolePolicy:RolePolicy pods"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment cluster"
REPOSITORY = "aws:ecr/repository:Repository images"
FILES, POINT = "aws:efs/fileSystem:FileSystem weights", "aws:efs/accessPoint:AccessPoint weights"
BUCKET = "aws:s3/bucket:Bucket telemetry"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock telemetry"
SSE = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration telemetry"
VERSIONS = "aws:s3/bucketVersioning:BucketVersioning telemetry"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration telemetry"
OWNERS = "aws:s3/bucketOwnershipControls:BucketOwnershipControls telemetry"
BUCKET_POLICY, LOGGING = "aws:s3/bucketPolicy:BucketPolicy telemetry", "aws:s3/bucketLogging:BucketLogging telemetry"
CERTIFICATE = "aws:acm/certificate:Certificate front"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ANYWHERE = "0.0.0.0/0"
NO_KEY, NO_SECRET = "AKIA" + 8 * "A0", 20 * "aB"
"""Nobody's, in the form that the check looks for."""
ALL_ON_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def _without_condition(inputs: dict[str, Any]) -> None:
    document = json.loads(inputs["policy"])
    del document["Statement"][0]["Condition"]
    inputs["policy"] = json.dumps(document)


def _all_traffic(inputs: dict[str, Any], **where: str) -> None:
    """All protocols, and so no ports: the API refuses them beside `-1`."""
    inputs |= {"ipProtocol": "-1", **where}
    del inputs["fromPort"], inputs["toPort"]


CHECKOV: tuple[Fault, ...] = (
    fault("CKV_AWS_37", CLUSTER, put("enabledClusterLogTypes", ["api", "audit"]), "two logs off"),
    fault("CKV_AWS_37", CLUSTER, put("enabledClusterLogTypes", REMOVE), "no logs"),
    fault("CKV_AWS_38", CLUSTER, put("vpcConfig.endpointPublicAccess", True), "open to all"),
    fault("CKV_AWS_39", CLUSTER, put("vpcConfig.endpointPublicAccess", True), "public endpoint"),
    fault("CKV_AWS_58", CLUSTER, put("encryptionConfig", REMOVE), "secrets in plain"),
    fault("CKV_AWS_339", CLUSTER, put("version", "1.25"), "old version"),
    fault("CKV_AWS_100", NODES, put("remoteAccess", {"ec2SshKey": "key"}), "ssh"),
    fault("CKV_AWS_79", TEMPLATE, put("metadataOptions.httpTokens", "optional"), "IMDSv1"),
    fault("CKV_AWS_79", TEMPLATE, put("metadataOptions", REMOVE), "no metadata options"),
    fault("CKV_AWS_341", TEMPLATE, put("metadataOptions.httpPutResponseHopLimit", 2), "hop limit 2"),
    fault("CKV_AWS_88", TEMPLATE, put("networkInterfaces", [{"associatePublicIpAddress": "true"}]), "public IP"),
    fault(
        "CKV_AWS_46",
        TEMPLATE,
        put("userData", f"export AWS_ACCESS_KEY_ID={NO_KEY}\nexport AWS_SECRET_ACCESS_KEY={NO_SECRET}"),
        "keys in user data",
    ),
    fault("CKV2_AWS_11", VPC, title="no flow log", without="aws:ec2/flowLog:FlowLog"),
    fault("CKV2_AWS_12", VPC, title="default group not ours", without=DEFAULT),
    fault(
        "CKV2_AWS_12",
        DEFAULT,
        put("ingress", [{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}]),
        "default group in",
        on=VPC,
    ),
    fault(
        "CKV2_AWS_12",
        DEFAULT,
        put("egress", [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": [ANYWHERE]}]),
        "default group out",
        on=VPC,
    ),
    fault("CKV_AWS_130", SUBNET, put("mapPublicIpOnLaunch", True), "public IPs"),
    fault("CKV_AWS_23", GROUP, put("description", REMOVE), "no description"),
    fault("CKV_AWS_23", INGRESS, put("description", REMOVE), "rule without description"),
    fault(
        "CKV_AWS_24",
        GROUP,
        put(
            "ingress", [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": [ANYWHERE], "description": "x"}]
        ),
        "ssh from anywhere",
    ),
    fault("CKV_AWS_24", INGRESS, lambda i: i.update(cidrIpv4=ANYWHERE, fromPort=22, toPort=22), "ssh rule"),
    fault("CKV_AWS_25", INGRESS, lambda i: i.update(cidrIpv4=ANYWHERE, fromPort=3389, toPort=3389), "rdp rule"),
    fault("CKV_AWS_260", INGRESS, lambda i: i.update(cidrIpv4=ANYWHERE, fromPort=80, toPort=80), "http rule"),
    fault(
        "CKV_AWS_277", INGRESS, lambda i: i.update(cidrIpv4=ANYWHERE, ipProtocol="-1", fromPort=-1, toPort=-1), "all in"
    ),
    fault("CKV_AWS_382", EGRESS, lambda i: i.update(ipProtocol="-1", fromPort=-1, toPort=-1), "all out"),
    fault("CKV2_AWS_5", GROUP, title="attached to nothing", without=ALL),
    fault(
        "CKV2_AWS_19", "aws:ec2/eip:Eip address", title="address for nothing", without="aws:ec2/natGateway:NatGateway"
    ),
    fault("CKV_AWS_7", KEY, put("enableKeyRotation", False), "no rotation"),
    fault("CKV_AWS_33", KEY, state(Principal={"AWS": "*"}), "key for all"),
    fault("CKV_AWS_227", KEY, put("isEnabled", False), "key off"),
    fault("CKV2_AWS_64", KEY, put("policy", REMOVE), "no key policy"),
    fault("CKV_AWS_66", LOGS, put("retentionInDays", REMOVE), "no retention"),
    fault("CKV_AWS_338", LOGS, put("retentionInDays", 30), "a month"),
    fault("CKV_AWS_158", LOGS, put("kmsKeyId", REMOVE), "plain logs"),
    fault("CKV_AWS_51", REPOSITORY, put("imageTagMutability", "MUTABLE"), "mutable tags"),
    fault("CKV_AWS_163", REPOSITORY, put("imageScanningConfiguration.scanOnPush", False), "no scan"),
    fault("CKV_AWS_136", REPOSITORY, put("encryptionConfigurations", REMOVE), "plain images"),
    fault("CKV_AWS_136", REPOSITORY, put("encryptionConfigurations.0.encryptionType", "AES256"), "no key"),
    fault("CKV_AWS_42", FILES, put("encrypted", False), "plain files"),
    fault("CKV_AWS_184", FILES, put("kmsKeyId", REMOVE), "files without key"),
    fault("CKV_AWS_329", POINT, put("rootDirectory", REMOVE), "whole file system"),
    fault("CKV_AWS_330", POINT, put("posixUser", REMOVE), "anybody"),
    fault("CKV2_AWS_6", BUCKET, title="no block", without=BLOCK),
    fault("CKV_AWS_53", BLOCK, put("blockPublicAcls", False), "public ACLs"),
    fault("CKV_AWS_54", BLOCK, put("blockPublicPolicy", False), "public policy"),
    fault("CKV_AWS_55", BLOCK, put("ignorePublicAcls", False), "ACLs heeded"),
    fault("CKV_AWS_56", BLOCK, put("restrictPublicBuckets", False), "public bucket"),
    fault("CKV_AWS_145", BUCKET, title="no key", without=SSE),
    fault(
        "CKV_AWS_145",
        SSE,
        put("rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256"),
        "AES256",
        on=BUCKET,
    ),
    fault("CKV_AWS_21", VERSIONS, put("versioningConfiguration.status", "Suspended"), "suspended", on=BUCKET),
    fault("CKV_AWS_21", BUCKET, title="no versions", without=VERSIONS),
    fault("CKV_AWS_18", BUCKET, title="no access log", without=LOGGING),
    fault("CKV2_AWS_61", BUCKET, title="no lifecycle", without=LIFECYCLE),
    fault("CKV_AWS_20", BUCKET, put("acl", "public-read"), "readable by all"),
    fault("CKV_AWS_300", LIFECYCLE, put("rules.0.abortIncompleteMultipartUpload", REMOVE), "parts for ever"),
    fault("CKV2_AWS_65", OWNERS, put("rule.objectOwnership", "ObjectWriter"), "ACLs on"),
    fault("CKV_AWS_70", BUCKET_POLICY, state(Effect="Allow", Condition={}), "bucket for all"),
    fault("CKV_AWS_93", BUCKET_POLICY, _without_condition, "locked out"),
    fault("CKV_AWS_60", ROLE, state(Principal={"AWS": "*"}), "role for all"),
    fault("CKV_AWS_61", ROLE, state(Principal={"AWS": "arn:aws:iam::111122223333:root"}), "role for an account"),
    fault("CKV_AWS_274", ROLE, put("managedPolicyArns", [ADMIN]), "admin role"),
    fault("CKV_AWS_274", ATTACHMENT, put("policyArn", ADMIN), "admin attached"),
    fault("CKV2_AWS_56", ATTACHMENT, put("policyArn", "arn:aws:iam::aws:policy/IAMFullAccess"), "IAM attached"),
    *(
        fault(check, resource, state(Action=action, Resource=target), title)
        for resource in (POLICY, INLINE)
        for check, action, target, title in (
            ("CKV_AWS_62", "*", "*", f"all on all {resource}"),
            ("CKV_AWS_63", "*", "arn:aws:s3:::b", f"all {resource}"),
            ("CKV_AWS_286", ["iam:CreatePolicyVersion"], "*", f"escalation {resource}"),
            ("CKV_AWS_287", ["iam:CreateAccessKey"], "*", f"credentials {resource}"),
            ("CKV_AWS_288", ["s3:GetObject"], "*", f"exfiltration {resource}"),
            ("CKV_AWS_289", ["iam:AttachRolePolicy"], "*", f"permissions {resource}"),
            ("CKV_AWS_290", ["ec2:RunInstances"], "*", f"writes {resource}"),
            ("CKV_AWS_355", ["eks:DescribeCluster"], "*", f"star {resource}"),
            ("CKV2_AWS_40", ["iam:*"], "arn:aws:iam::111122223333:role/x", f"all of IAM {resource}"),
        )
    ),
    fault("CKV_AWS_234", CERTIFICATE, put("options.certificateTransparencyLoggingPreference", "DISABLED"), "unlogged"),
    fault("CKV2_AWS_71", CERTIFICATE, put("domainName", "*.example.com"), "wildcard"),
)
"""What checkov must catch."""


PARLIAMENT: tuple[Fault, ...] = (
    fault("UNKNOWN_ACTION", POLICY, state(Action=["eks:DescribeClusterz"]), "no such action"),
    fault("UNKNOWN_ACTION", BUCKET_POLICY, state(Action=["s3:GetObjet"]), "no such action in a bucket's"),
    fault("UNKNOWN_ACTION", PODS, state(Action=["sts:AssumeRol"]), "no such action in a trust"),
    fault("UNKNOWN_PREFIX", INLINE, state(Action=["eksx:DescribeCluster"]), "no such service"),
    fault(
        "RESOURCE_MISMATCH", POLICY, state(Action=["s3:GetObject"], Resource="arn:aws:s3:::b"), "objects of a bucket"
    ),
    fault("RESOURCE_STAR", POLICY, state(Resource="*"), "star"),
    fault(
        "UNKNOWN_CONDITION_FOR_ACTION",
        POLICY,
        state(Condition={"StringEquals": {"eks:nonsense": "x"}}),
        "no such condition",
    ),
    fault(
        "UNKNOWN_CONDITION_FOR_ACTION",
        IRSA,
        state(Condition={"StringEquals": {"oidc.example.com:sub": "x"}}),
        "somebody's issuer",
    ),
    fault(
        "UNKNOWN_FEDERATION_SOURCE",
        IRSA,
        state(Principal={"Federated": "arn:aws:iam::111122223333:oidc-provider/x"}),
        "somebody's provider",
    ),
    fault("UNKNOWN_OPERATOR", POLICY, state(Condition={"StringIs": {"aws:RequestedRegion": "x"}}), "no such operator"),
    fault("UNKNOWN_PRINCIPAL", KEY, state(Principal={"AWS": "root"}), "nobody"),
    fault("INVALID_ARN", POLICY, state(Resource="arn:aws:eks:sample"), "no ARN"),
    fault("MALFORMED", POLICY, state(Efect="Allow"), "no such element"),
    fault("MALFORMED_JSON", POLICY, put("policy", "[1]"), "no document"),
)
"""What parliament must catch."""

BOTOCORE: tuple[Fault, ...] = (
    fault("eks.LogType", CLUSTER, put("enabledClusterLogTypes.0", "apis")),
    fault("eks.AuthenticationMode", CLUSTER, put("accessConfig.authenticationMode", "api")),
    fault("eks.SupportType", CLUSTER, put("upgradePolicy.supportType", "LONG")),
    fault("eks.IpFamily", CLUSTER, put("kubernetesNetworkConfig.ipFamily", "ipv5")),
    fault("eks.ClusterName", CLUSTER, put("name", "a.b")),
    fault("eks.AMITypes", NODES, put("amiType", "AL2023_x86_64_GPU")),
    fault("eks.CapacityTypes", NODES, put("capacityType", "spot")),
    fault("eks.TaintEffect", NODES, put("taints.0.effect", "NoSchedule")),
    fault("ec2.InstanceType", NODES, put("instanceTypes.0", "g7.gigantic")),
    fault("eks.Capacity", NODES, put("scalingConfig.maxSize", 0)),
    fault("eks.labelValue", NODES, put("labels.pool", "x" * 64)),
    fault("eks.CreateAccessEntryRequest.type", "aws:eks/accessEntry:AccessEntry admin", put("type", "LINUX")),
    fault("ec2.LaunchTemplateHttpTokensState", TEMPLATE, put("metadataOptions.httpTokens", "yes")),
    fault(
        "ec2.LaunchTemplateInstanceMetadataOptionsRequest.HttpPutResponseHopLimit",
        TEMPLATE,
        put("metadataOptions.httpPutResponseHopLimit", 65),
    ),
    fault("ec2.VolumeType", TEMPLATE, put("blockDeviceMappings.0.ebs.volumeType", "gp4")),
    fault(
        "ec2.LaunchTemplateEbsBlockDeviceRequest.Throughput", TEMPLATE, put("blockDeviceMappings.0.ebs.throughput", 100)
    ),
    fault("logs.Days", LOGS, put("retentionInDays", 366)),
    fault("logs.LogGroupName", LOGS, put("name", "a b")),
    fault("ecr.ImageTagMutability", REPOSITORY, put("imageTagMutability", "FIXED")),
    fault("ecr.RepositoryName", REPOSITORY, put("name", "Sample")),
    fault("efs.ThroughputMode", FILES, put("throughputMode", "fast")),
    fault("efs.Permissions", POINT, put("rootDirectory.creationInfo.permissions", "rwx")),
    fault("kms.ScheduleKeyDeletionRequest.PendingWindowInDays", KEY, put("deletionWindowInDays", 3)),
    fault("s3.ServerSideEncryption", SSE, put("rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "kms")),
    fault("s3.TransitionStorageClass", LIFECYCLE, put("rules.0.transitions.0.storageClass", "COLD")),
    fault("iam.roleMaxSessionDurationType", ROLE, put("maxSessionDuration", 60)),
    fault("ec2.CreateSecurityGroupRequest.Description", GROUP, put("description", "the cluster's nodes")),
    fault("ec2.IpRange.Description", INGRESS, put("description", "the cluster's nodes")),
    fault("ec2.IpRange.Description", EGRESS, put("description", "x" * 256)),
    fault("acm.ValidationMethod", CERTIFICATE, put("validationMethod", "dns")),
)
"""What AWS's models must refuse."""

GAPS: tuple[Fault, ...] = (
    fault("", TEMPLATE, put("blockDeviceMappings.0.ebs.encrypted", "false"), "plain volume"),
    fault(
        "CKV_AWS_38",
        CLUSTER,
        lambda i: i["vpcConfig"].update(endpointPublicAccess=True, publicAccessCidrs=["::/0"]),
        "open over IPv6",
    ),
    fault(
        "CKV_AWS_38",
        CLUSTER,
        lambda i: i["vpcConfig"].update(endpointPublicAccess=True, publicAccessCidrs=["0.0.0.0/1", "128.0.0.0/1"]),
        "open in two halves",
    ),
    fault("", CLUSTER, put("accessConfig.authenticationMode", "CONFIG_MAP"), "aws-auth"),
    fault("", CLUSTER, put("accessConfig.bootstrapClusterCreatorAdminPermissions", True), "creator is admin"),
    fault("", CLUSTER, put("vpcConfig.endpointPrivateAccess", False), "no private endpoint"),
    fault("", IRSA, state(Condition={}), "any service account"),
    fault("", PODS, state(Principal={"Service": "ec2.amazonaws.com"}), "role for another service"),
    fault("CKV_AWS_277", INGRESS, lambda i: _all_traffic(i, cidrIpv4=ANYWHERE), "all in, as AWS wants it written"),
    fault("CKV_AWS_382", EGRESS, lambda i: _all_traffic(i, cidrIpv4=ANYWHERE), "all out, as AWS wants it written"),
    fault(
        "CKV_AWS_24",
        INGRESS,
        lambda i: i.update(cidrIpv4=None, cidrIpv6="::/0", fromPort=22, toPort=22),
        "ssh over IPv6",
    ),
    fault("CKV_AWS_60", ROLE, state(Principal="*"), "role for the world"),
    fault("CKV_AWS_355", ROLE, put("inlinePolicies", [{"name": "x", "policy": ALL_ON_ALL}]), "all, in a role itself"),
    fault("", INGRESS, lambda i: i.update(cidrIpv4=ANYWHERE, fromPort=10250, toPort=10250), "kubelet from anywhere"),
    fault("", "aws:ec2/flowLog:FlowLog flow-log", put("trafficType", "REJECT"), "half a flow log"),
    fault("", REPOSITORY, title="images for ever", without="aws:ecr/lifecyclePolicy:LifecyclePolicy"),
    fault("", FILES, title="no backup", without="aws:efs/backupPolicy:BackupPolicy"),
    fault("", POINT, put("posixUser.uid", 0), "root of files"),
    fault("", BUCKET, title="plain HTTP", without=BUCKET_POLICY),
    fault(
        "",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation admin",
        put("accessScope", {"type": "namespace"}),
        "no namespaces",
    ),
    fault("", KEY, put("deletionWindowInDays", 7), "a week to regret"),
)
"""What no judge here catches, or not by the id that should: our own policies must."""
