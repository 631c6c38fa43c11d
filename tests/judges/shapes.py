"""Planned values against AWS's own models: botocore's enumerations, bounds and patterns.

One row says which shape of which service a property is. Where AWS states a limit in prose alone, the row quotes the
prose, and the quotation must still stand in the model. A row without a shape is an error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.judges.aws_findings import Judgement
from tests.judges.terraform_plan import TerraformPlan
from tests.judges.venvs import JudgeError, ask


@dataclass(frozen=True)
class Shape:
    """One row."""

    type: str
    """Pulumi's type."""
    path: str
    """Property; lists are looked into, `*` is every value of a map, `~` every key."""
    service: str
    """botocore's service."""
    shape: str
    """Its shape, or `Structure.member`."""
    quote: str = ""
    """What AWS states in prose alone, as it stands in the model's documentation."""
    allowed: Collection[Any] = ()
    """What that means."""
    pattern: str = ""
    """What that means, of a text."""


CLUSTER, GROUP, ADDON = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon"
ENTRY = "aws:eks/accessEntry:AccessEntry"
SCOPE = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
TEMPLATE, FLOW_LOG = "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/flowLog:FlowLog"
NAT = "aws:ec2/natGateway:NatGateway"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
KEY, LOGS, REPOSITORY = "aws:kms/key:Key", "aws:cloudwatch/logGroup:LogGroup", "aws:ecr/repository:Repository"
FILES, POINT = "aws:efs/fileSystem:FileSystem", "aws:efs/accessPoint:AccessPoint"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
ROLE, POLICY = "aws:iam/role:Role", "aws:iam/policy:Policy"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
SECURITY, DEFAULT = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
CERTIFICATE, RECORD = "aws:acm/certificate:Certificate", "aws:route53/record:Record"

_METADATA = "metadataOptions"
_VOLUME = "blockDeviceMappings.ebs"
_EBS = "LaunchTemplateEbsBlockDeviceRequest"
_OPTIONS = "LaunchTemplateInstanceMetadataOptionsRequest"
_ENTRY_TYPES = ("STANDARD", "FARGATE_LINUX", "EC2_LINUX", "EC2_WINDOWS", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
_DAYS = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, and 3653"
_OF_GROUPS = "a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&amp;;{}!$*"
_IN_GROUPS = r"[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]{0,255}"
"""No apostrophe, for one."""
_ENTRY_QUOTE = (
    "Valid values are <code>STANDARD</code>, <code>FARGATE_LINUX</code>, <code>EC2_LINUX</code>,"
    " <code>EC2_WINDOWS</code>, <code>EC2</code> (for EKS Auto Mode), <code>HYBRID_LINUX</code>, and"
    " <code>HYPERPOD_LINUX</code>"
)

SHAPES: tuple[Shape, ...] = (
    Shape(CLUSTER, "name", "eks", "ClusterName"),
    Shape(CLUSTER, "enabledClusterLogTypes", "eks", "LogType"),
    Shape(CLUSTER, "accessConfig.authenticationMode", "eks", "AuthenticationMode"),
    Shape(CLUSTER, "upgradePolicy.supportType", "eks", "SupportType"),
    Shape(CLUSTER, "kubernetesNetworkConfig.ipFamily", "eks", "IpFamily"),
    Shape(CLUSTER, "roleArn", "iam", "arnType"),
    Shape(CLUSTER, "tags.~", "eks", "TagKey"),
    Shape(CLUSTER, "tags.*", "eks", "TagValue"),
    Shape(GROUP, "clusterName", "eks", "ClusterName"),
    Shape(GROUP, "amiType", "eks", "AMITypes"),
    Shape(GROUP, "capacityType", "eks", "CapacityTypes"),
    Shape(GROUP, "instanceTypes", "ec2", "InstanceType"),
    Shape(GROUP, "labels.~", "eks", "labelKey"),
    Shape(GROUP, "labels.*", "eks", "labelValue"),
    Shape(GROUP, "taints.effect", "eks", "TaintEffect"),
    Shape(GROUP, "taints.key", "eks", "taintKey"),
    Shape(GROUP, "taints.value", "eks", "taintValue"),
    Shape(GROUP, "scalingConfig.minSize", "eks", "ZeroCapacity"),
    Shape(GROUP, "scalingConfig.desiredSize", "eks", "ZeroCapacity"),
    Shape(GROUP, "scalingConfig.maxSize", "eks", "Capacity"),
    Shape(GROUP, "updateConfig.maxUnavailable", "eks", "NonZeroInteger"),
    Shape(GROUP, "updateConfig.maxUnavailablePercentage", "eks", "PercentCapacity"),
    Shape(GROUP, "updateConfig.updateStrategy", "eks", "NodegroupUpdateStrategies"),
    Shape(GROUP, "tags.~", "eks", "TagKey"),
    Shape(GROUP, "tags.*", "eks", "TagValue"),
    Shape(ADDON, "clusterName", "eks", "ClusterName"),
    Shape(ADDON, "resolveConflictsOnCreate", "eks", "ResolveConflicts"),
    Shape(ADDON, "resolveConflictsOnUpdate", "eks", "ResolveConflicts"),
    Shape(ENTRY, "type", "eks", "CreateAccessEntryRequest.type", _ENTRY_QUOTE, _ENTRY_TYPES),
    Shape(ENTRY, "principalArn", "iam", "arnType"),
    Shape(SCOPE, "accessScope.type", "eks", "AccessScopeType"),
    Shape(SCOPE, "policyArn", "iam", "arnType"),
    Shape(TEMPLATE, f"{_METADATA}.httpEndpoint", "ec2", "LaunchTemplateInstanceMetadataEndpointState"),
    Shape(TEMPLATE, f"{_METADATA}.httpTokens", "ec2", "LaunchTemplateHttpTokensState"),
    Shape(TEMPLATE, f"{_METADATA}.httpProtocolIpv6", "ec2", "LaunchTemplateInstanceMetadataProtocolIpv6"),
    Shape(TEMPLATE, f"{_METADATA}.instanceMetadataTags", "ec2", "LaunchTemplateInstanceMetadataTagsState"),
    Shape(
        TEMPLATE, f"{_METADATA}.httpPutResponseHopLimit", "ec2", f"{_OPTIONS}.HttpPutResponseHopLimit",
        "Possible values: Integers from 1 to 64", range(1, 65),
    ),
    Shape(TEMPLATE, f"{_VOLUME}.volumeType", "ec2", "VolumeType"),
    Shape(
        TEMPLATE, f"{_VOLUME}.throughput", "ec2", f"{_EBS}.Throughput",
        "Valid Range: Minimum value of 125. Maximum value of 2,000.", range(125, 2001),
    ),
    Shape(
        TEMPLATE, f"{_VOLUME}.volumeSize", "ec2", f"{_EBS}.VolumeSize",
        "<code>gp3</code>: 1 - 65,536 GiB", range(1, 65537),
    ),
    Shape(
        TEMPLATE, f"{_VOLUME}.iops", "ec2", f"{_EBS}.Iops", "<code>gp3</code>: 3,000 - 80,000 IOPS", range(3000, 80001)
    ),
    Shape(TEMPLATE, "tagSpecifications.resourceType", "ec2", "ResourceType"),
    Shape(FLOW_LOG, "trafficType", "ec2", "TrafficType"),
    Shape(FLOW_LOG, "logDestinationType", "ec2", "LogDestinationType"),
    Shape(
        FLOW_LOG, "maxAggregationInterval", "ec2", "CreateFlowLogsRequest.MaxAggregationInterval",
        "The possible values are 60 seconds (1 minute) or 600 seconds (10 minutes)", (60, 600),
    ),
    Shape(NAT, "connectivityType", "ec2", "ConnectivityType"),
    Shape("aws:ec2/eip:Eip", "domain", "ec2", "DomainType"),
    Shape("aws:ec2/vpc:Vpc", "instanceTenancy", "ec2", "Tenancy"),
    Shape(ENDPOINT, "vpcEndpointType", "ec2", "VpcEndpointType"),
    Shape(ENDPOINT, "ipAddressType", "ec2", "IpAddressType"),
    Shape(ENDPOINT, "dnsOptions.dnsRecordIpType", "ec2", "DnsRecordIpType"),
    Shape(KEY, "keyUsage", "kms", "KeyUsageType"),
    Shape(KEY, "customerMasterKeySpec", "kms", "KeySpec"),
    Shape(KEY, "deletionWindowInDays", "kms", "PendingWindowInDaysType"),
    Shape(
        KEY, "deletionWindowInDays", "kms", "ScheduleKeyDeletionRequest.PendingWindowInDays",
        "between 7 and 30, inclusive", range(7, 31),
    ),
    Shape(KEY, "rotationPeriodInDays", "kms", "RotationPeriodInDaysType"),
    Shape(KEY, "description", "kms", "DescriptionType"),
    Shape(KEY, "policy", "kms", "PolicyType"),
    Shape("aws:kms/alias:Alias", "name", "kms", "AliasNameType"),
    Shape(LOGS, "name", "logs", "LogGroupName"),
    Shape(LOGS, "logGroupClass", "logs", "LogGroupClass"),
    Shape(
        LOGS, "retentionInDays", "logs", "Days",
        f"Possible values are: {_DAYS}", tuple(map(int, re.findall(r"\d+", _DAYS))),
    ),
    Shape(REPOSITORY, "name", "ecr", "RepositoryName"),
    Shape(REPOSITORY, "imageTagMutability", "ecr", "ImageTagMutability"),
    Shape(REPOSITORY, "encryptionConfigurations.encryptionType", "ecr", "EncryptionType"),
    Shape("aws:ecr/lifecyclePolicy:LifecyclePolicy", "policy", "ecr", "LifecyclePolicyText"),
    Shape(FILES, "performanceMode", "efs", "PerformanceMode"),
    Shape(FILES, "throughputMode", "efs", "ThroughputMode"),
    Shape(FILES, "lifecyclePolicies.transitionToIa", "efs", "TransitionToIARules"),
    Shape(FILES, "lifecyclePolicies.transitionToArchive", "efs", "TransitionToArchiveRules"),
    Shape(
        FILES, "lifecyclePolicies.transitionToPrimaryStorageClass", "efs", "TransitionToPrimaryStorageClassRules"
    ),
    Shape(FILES, "protection.replicationOverwrite", "efs", "ReplicationOverwriteProtection"),
    Shape(POINT, "posixUser.uid", "efs", "Uid"),
    Shape(POINT, "posixUser.gid", "efs", "Gid"),
    Shape(POINT, "rootDirectory.path", "efs", "Path"),
    Shape(POINT, "rootDirectory.creationInfo.permissions", "efs", "Permissions"),
    Shape(POINT, "rootDirectory.creationInfo.ownerUid", "efs", "OwnerUid"),
    Shape(POINT, "rootDirectory.creationInfo.ownerGid", "efs", "OwnerGid"),
    Shape("aws:efs/backupPolicy:BackupPolicy", "backupPolicy.status", "efs", "Status"),
    Shape(ENCRYPTION, "rules.applyServerSideEncryptionByDefault.sseAlgorithm", "s3", "ServerSideEncryption"),
    Shape("aws:s3/bucketVersioning:BucketVersioning", "versioningConfiguration.status", "s3", "BucketVersioningStatus"),
    Shape("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "rule.objectOwnership", "s3", "ObjectOwnership"),
    Shape(LIFECYCLE, "rules.status", "s3", "ExpirationStatus"),
    Shape(LIFECYCLE, "rules.transitions.storageClass", "s3", "TransitionStorageClass"),
    Shape(LIFECYCLE, "rules.noncurrentVersionTransitions.storageClass", "s3", "TransitionStorageClass"),
    Shape(LIFECYCLE, "transitionDefaultMinimumObjectSize", "s3", "TransitionDefaultMinimumObjectSize"),
    Shape(ROLE, "name", "iam", "roleNameType"),
    Shape(ROLE, "path", "iam", "pathType"),
    Shape(ROLE, "description", "iam", "roleDescriptionType"),
    Shape(ROLE, "maxSessionDuration", "iam", "roleMaxSessionDurationType"),
    Shape(ROLE, "assumeRolePolicy", "iam", "policyDocumentType"),
    Shape(POLICY, "name", "iam", "policyNameType"),
    Shape(POLICY, "description", "iam", "policyDescriptionType"),
    Shape(POLICY, "policy", "iam", "policyDocumentType"),
    Shape("aws:iam/rolePolicy:RolePolicy", "name", "iam", "policyNameType"),
    Shape("aws:iam/rolePolicy:RolePolicy", "policy", "iam", "policyDocumentType"),
    Shape("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn", "iam", "arnType"),
    Shape(PROVIDER, "url", "iam", "OpenIDConnectProviderUrlType"),
    Shape(PROVIDER, "clientIdLists", "iam", "clientIDType"),
    Shape("aws:autoscaling/tag:Tag", "tag.key", "autoscaling", "TagKey"),
    Shape("aws:autoscaling/tag:Tag", "tag.value", "autoscaling", "TagValue"),
    Shape(CERTIFICATE, "domainName", "acm", "DomainNameString"),
    Shape(CERTIFICATE, "subjectAlternativeNames", "acm", "DomainNameString"),
    Shape(CERTIFICATE, "validationMethod", "acm", "ValidationMethod"),
    Shape(CERTIFICATE, "keyAlgorithm", "acm", "KeyAlgorithm"),
    Shape(
        CERTIFICATE, "options.certificateTransparencyLoggingPreference", "acm",
        "CertificateTransparencyLoggingPreference",
    ),
    Shape(SECURITY, "name", "ec2", "CreateSecurityGroupRequest.GroupName", _OF_GROUPS, pattern=_IN_GROUPS),
    Shape(SECURITY, "description", "ec2", "CreateSecurityGroupRequest.Description", _OF_GROUPS, pattern=_IN_GROUPS),
    Shape(SECURITY, "ingress.description", "ec2", "IpRange.Description", _OF_GROUPS, pattern=_IN_GROUPS),
    Shape(SECURITY, "egress.description", "ec2", "IpRange.Description", _OF_GROUPS, pattern=_IN_GROUPS),
    Shape(DEFAULT, "ingress.description", "ec2", "IpRange.Description", _OF_GROUPS, pattern=_IN_GROUPS),
    Shape(DEFAULT, "egress.description", "ec2", "IpRange.Description", _OF_GROUPS, pattern=_IN_GROUPS),
    Shape(INGRESS, "description", "ec2", "IpRange.Description", _OF_GROUPS, pattern=_IN_GROUPS),
    Shape(EGRESS, "description", "ec2", "IpRange.Description", _OF_GROUPS, pattern=_IN_GROUPS),
    Shape(RECORD, "type", "route53", "RRType"),
    Shape(RECORD, "ttl", "route53", "TTL"),
    Shape(RECORD, "name", "route53", "DNSName"),
)  # fmt: skip


def models() -> list[Mapping[str, Any]]:
    """What botocore says of each row's shape.

    Raises:
        JudgeError: a shape is not there, or AWS no longer says what a row quotes.
    """
    answers = ask("models.py", [[row.service, row.shape] for row in SHAPES])
    missing = [f"{row.service} {row.shape}" for row, answer in zip(SHAPES, answers, strict=True) if answer is None]
    if missing:
        raise JudgeError(f"botocore has no shape {', '.join(missing)}")
    for row, answer in zip(SHAPES, answers, strict=True):
        if row.quote not in answer["documentation"]:
            raise JudgeError(f"botocore's {row.service} {row.shape} does not say {row.quote!r}")
    return [_in_python(answer) for answer in answers]


def _in_python(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """A model whose pattern Python reads: Java writes what lies beyond 16 bits as two halves."""
    beyond = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return {**model, "pattern": model["pattern"].replace(*beyond)} if "pattern" in model else model


def hold(plan: TerraformPlan, known: list[Mapping[str, Any]]) -> list[Judgement]:
    """What of a plan AWS's models do not take."""
    out = []
    for address, (stack, resource) in plan.resources.items():
        for row, model in zip(SHAPES, known, strict=True):
            if row.type != resource.type:
                continue
            for value in _values(plan.inputs[address], row.path.split(".")):
                found = wrong(value, row, model)
                if found:
                    what = {"stack": stack, "type": resource.type, "name": resource.name}
                    text = f"{row.path}: {found}"
                    out.append(Judgement(judge="botocore", id=f"{row.service}.{row.shape}", text=text, **what))
    return out


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    """Whatever stands at a path."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        first, *rest = path
        items = {"*": value.values(), "~": value.keys()}.get(first, [value.get(first)])
        for item in items:
            yield from _values(item, rest)


def wrong(value: Any, row: Shape, model: Mapping[str, Any]) -> str | None:
    """Why a value is none of its shape; None if it is one."""
    said = f"{value!r}" if len(str(value)) <= 60 else f"{str(value)[:60]!r}..."
    if (row.allowed and value not in row.allowed) or (row.pattern and not re.fullmatch(row.pattern, value)):
        return f"{said} is not what AWS takes: {row.quote}"
    if "enum" in model and value not in model["enum"]:
        return f"{said} is none of {', '.join(model['enum'][:12])}{', ...' if len(model['enum']) > 12 else ''}"
    size = len(value) if model["type"] == "string" else value
    if size < model.get("min", size) or size > model.get("max", size):
        return f"{said} is not within {model.get('min', '')}..{model.get('max', '')}"
    if "pattern" in model and not re.fullmatch(model["pattern"], value):
        return f"{said} does not match {model['pattern']}"
    return None
