"""IAM documents, as data: who may take a role, and what it may do then. Unknown ids are passed through as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from settings.buckets import bucket_arn
from settings.model import PlatformSettings
from settings.names import domain, partition
from settings.service import Permission

VERSION = "2012-10-17"
"""Of the policy language (IAM user guide, policy elements)."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement that allows something."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    """ARNs; in the policy of a key or bucket, what it guards."""
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Operator -> key -> value or values."""
    principal: Mapping[str, Any] | None = None
    """Who, in a policy of the resource itself."""
    effect: str = "Allow"


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": VERSION, "Statement": [_statement(s) for s in statements]}


def _statement(statement: Statement) -> dict[str, Any]:
    return {
        "Sid": statement.sid,
        "Effect": statement.effect,
        **({"Principal": dict(statement.principal)} if statement.principal else {}),
        "Action": list(statement.actions),
        "Resource": list(statement.resources),
        **({"Condition": {k: dict(v) for k, v in statement.conditions.items()}} if statement.conditions else {}),
    }


def trust_service(service: str, conditions: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """An AWS service takes the role."""
    return _trust({"Service": service}, ["sts:AssumeRole"], conditions or {})


def trust_pod_identity(account: str, cluster_arn: str, namespace: str, name: str) -> dict[str, Any]:
    """The Pod Identity service takes the role for one ServiceAccount of one cluster: who may make associations cannot
    give it to another (EKS user guide, create IAM role with trust policy required by EKS Pod Identity).

    Args:
        account: account id.
        cluster_arn: ARN of the cluster.
        namespace: namespace of the ServiceAccount.
        name: its name.
    """
    exact = {"aws:RequestTag/kubernetes-namespace": namespace, "aws:RequestTag/kubernetes-service-account": name}
    narrowed = {"ArnEquals": {"aws:SourceArn": cluster_arn}, "StringEquals": {"aws:SourceAccount": account, **exact}}
    return _trust({"Service": "pods.eks.amazonaws.com"}, ["sts:AssumeRole", "sts:TagSession"], narrowed)


def trust_service_account(provider_arn: str, issuer: str, namespace: str, name: str) -> dict[str, Any]:
    """One ServiceAccount of one cluster takes the role: subject and audience are both exact (IRSA).

    Args:
        provider_arn: ARN of the cluster's OIDC provider.
        issuer: its issuer, without https://.
        namespace: namespace of the ServiceAccount.
        name: its name.
    """
    exact = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": f"system:serviceaccount:{namespace}:{name}"}
    return _trust({"Federated": provider_arn}, ["sts:AssumeRoleWithWebIdentity"], {"StringEquals": exact})


def _trust(
    principal: Mapping[str, Any], actions: Sequence[str], conditions: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": dict(principal),
                "Action": list(actions),
                **({"Condition": {k: dict(v) for k, v in conditions.items()}} if conditions else {}),
            }
        ],
    }


def arn(settings: PlatformSettings, service: str, resource: str, *, region: str | None = None) -> str:
    """An ARN in this account; `region` is the platform's, "" for services that have none."""
    where = settings.aws.region if region is None else region
    account = settings.aws.account or ""
    return f"arn:{partition(settings.aws.region)}:{service}:{where}:{account}:{resource}"


def managed_policy(settings: PlatformSettings, name: str) -> str:
    """ARN of a policy that AWS maintains."""
    return f"arn:{partition(settings.aws.region)}:iam::aws:policy/{name}"


def service_statements(settings: PlatformSettings, name: str) -> tuple[Statement, ...]:
    """What the pods of a service may do: call their SageMaker endpoint, and what their team has stated."""
    service, out = settings.services[name], list[Statement]()
    if service.sagemaker is not None:
        endpoint = arn(settings, "sagemaker", f"endpoint/{service.sagemaker.endpoint.lower()}")
        calls = ("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream")
        # SageMaker keeps the names of endpoints in lower case in ARNs (its API reference, CreateEndpoint).
        out.append(Statement(sid="InvokeEndpoint", actions=calls, resources=(endpoint,)))
    out += [_stated(index, permission) for index, permission in enumerate(service.permissions, 1)]
    return (*out, *_data_key(settings, service.permissions))


def _data_key(settings: PlatformSettings, permissions: Sequence[Permission]) -> list[Statement]:
    """Whoever reads or writes one of our telemetry buckets needs its key, through S3 and for nothing else."""
    ours = [bucket_arn(settings, name) for name, spec in settings.buckets.items() if spec.holds == "telemetry"]
    named = [resource for permission in permissions for resource in permission.resources]
    if not any(resource == bucket or resource.startswith(f"{bucket}/") for resource in named for bucket in ours):
        return []
    # In China by either name: which of them KMS uses there is nowhere said.
    domains = dict.fromkeys(("amazonaws.com", domain(settings.aws.region)))
    names = [f"s3.{settings.aws.region}.{name}" for name in domains]
    through = {"kms:ViaService": names if len(names) > 1 else names[0]}
    alias = {"kms:ResourceAliases": [f"alias/{settings.stem}-data"]}
    return [
        Statement(
            sid="DataKey",
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=(arn(settings, "kms", "key/*"),),
            conditions={"StringEquals": through, "ForAnyValue:StringEquals": alias},
        )
    ]


def _stated(index: int, permission: Permission) -> Statement:
    conditions = {op: {key: list(values) for key, values in keys.items()} for op, keys in permission.conditions.items()}
    return Statement(
        sid=f"Stated{index}", actions=permission.actions, resources=permission.resources, conditions=conditions
    )


def secret_statements(settings: PlatformSettings, keys: Sequence[str]) -> tuple[Statement, ...]:
    """What External Secrets reads: these secrets, and no list of others.

    Secrets Manager adds a hyphen and six characters to a name in its ARN (its user guide, "what's in a secret").
    """
    secrets = [arn(settings, "secretsmanager", f"secret:{key}-??????") for key in keys]
    actions = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    return (Statement(sid="ReadSecrets", actions=actions, resources=secrets),)


def autoscaler_statements(settings: PlatformSettings) -> tuple[Statement, ...]:
    """What the cluster autoscaler does: looks at everything, changes the size of this cluster's groups
    (kubernetes/autoscaler cluster-autoscaler/cloudprovider/aws/README.md, minimal permissions).
    """
    looks = (
        *("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances"),
        *("autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities"),
        *("ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions"),
        "ec2:GetInstanceTypesFromInstanceRequirements",
    )
    changes = ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup")
    groups = arn(settings, "autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*")
    owned = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{settings.stem}": "owned"}}
    pools = arn(settings, "eks", f"nodegroup/{settings.stem}/*/*")
    return (
        Statement(sid="Look", actions=looks, resources=("*",)),
        Statement(sid="ReadPools", actions=("eks:DescribeNodegroup",), resources=(pools,)),
        Statement(sid="ResizeOwnGroups", actions=changes, resources=(groups,), conditions=owned),
    )


def dns_statements(settings: PlatformSettings, zone_id: str) -> tuple[Statement, ...]:
    """What ExternalDNS does: changes the records of one zone. It reads the tags of zones only where it is to choose by
    them (kubernetes-sigs/external-dns provider/aws/aws.go, zoneTagFilter), and ours has the zone's id.
    """
    zone = f"arn:{partition(settings.aws.region)}:route53:::hostedzone/{zone_id}"
    return (
        Statement(sid="ChangeRecords", actions=("route53:ChangeResourceRecordSets",), resources=(zone,)),
        Statement(sid="ReadRecords", actions=("route53:ListResourceRecordSets",), resources=(zone,)),
        Statement(sid="Look", actions=("route53:ListHostedZones",), resources=("*",)),
    )


def key_statements(settings: PlatformSettings) -> tuple[Statement, ...]:
    """A key is governed by the account's IAM policies (KMS developer guide, default key policy)."""
    root = arn(settings, "iam", "root", region="")
    return (Statement(sid="AccountGoverns", actions=("kms:*",), resources=("*",), principal={"AWS": root}),)


def log_key_statements(settings: PlatformSettings) -> tuple[Statement, ...]:
    """CloudWatch Logs encrypts this account's log groups with it (its user guide, encrypt log data)."""
    groups = arn(settings, "logs", "log-group:*")
    # Named with its partition's domain, unlike most (aws/aws-cdk, region-info, default.ts).
    service = {"Service": f"logs.{settings.aws.region}.{domain(settings.aws.region)}"}
    return (
        *key_statements(settings),
        Statement(
            sid="LogsEncrypt",
            actions=("kms:Decrypt*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"),
            resources=("*",),
            principal=service,
            conditions={"StringLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        ),
        # No condition on what is encrypted can hold here: nothing is.
        Statement(sid="LogsLook", actions=("kms:DescribeKey",), resources=("*",), principal=service),
    )


def flow_log_statements(region: str, group_arn: str) -> tuple[Statement, ...]:
    """What the VPC's flow logs write (VPC user guide, IAM role for flow logs); the group itself is made here.

    Groups are described all together, or not at all.
    """
    actions = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    return (
        Statement(sid="WriteFlowLogs", actions=actions, resources=(f"{group_arn}:*",)),
        Statement(sid="Look", actions=("logs:DescribeLogGroups",), resources=("*",), conditions=here),
    )
