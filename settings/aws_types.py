"""Value types of what is made in an AWS account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from settings.quantities import Refusal
from settings.types import Integer, Text, pattern

AmiRelease: TypeAlias = Annotated[
    str,
    Text(
        "release of an EKS image",
        pattern(r"1\.[0-9]{2}\.[0-9]+-[0-9]{8}", "it is <version>-<date>", 30),
        "1.35.1-20260810",
    ),
]


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str | None]:
    return lambda text: None if text in choices else f"it is one of {', '.join(choices)}"


ENDPOINT_SERVICES = (
    *("autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticfilesystem", "elasticloadbalancing"),
    *("kms", "logs", "monitoring", "sagemaker.api", "sagemaker.runtime", "secretsmanager", "sqs", "ssm", "sts"),
)
"""AWS services with an interface endpoint that a cluster may need (AWS PrivateLink guide, services that integrate):
the last part of `com.amazonaws.<region>.<service>`."""
EndpointService: TypeAlias = Annotated[
    str, Text("service with a VPC endpoint", _one_of(ENDPOINT_SERVICES), "sagemaker.runtime")
]
HostedZoneId: TypeAlias = Annotated[
    str, Text("hosted zone id", pattern(r"Z[0-9A-Z]{1,31}", "it begins with Z", 32), "Z0123456789ABCDEFGHIJ")
]
TagKey: TypeAlias = Annotated[
    str,
    Text(
        "tag key",
        pattern(
            r"(?!(?i:aws:))[A-Za-z0-9 _.:/=+@-]{1,128}",
            "use letters, digits, blanks and any of _ . : / = + - @, and do not begin with aws:",
            128,
        ),
        "cost-center",
    ),
]
TagValue: TypeAlias = Annotated[
    str,
    Text(
        "tag value",
        pattern(r"[A-Za-z0-9 _.:/=+@-]{0,256}", "use letters, digits, blanks and any of _ . : / = + - @", 256),
        '"4711"',
    ),
]
IamAction: TypeAlias = Annotated[
    str,
    Text(
        "IAM action",
        pattern(r"[a-z0-9-]+:[A-Za-z0-9]+\*?", "it is <service>:<Action>, and '*' stands at the end at most"),
        "s3:GetObject",
    ),
]
_ORDER = "(Not)?Equals|(LessThan|GreaterThan)(Equals)?"
_COMPARISONS = (
    rf"String(Not)?(Equals(IgnoreCase)?|Like)|(Numeric|Date)({_ORDER})|Bool|BinaryEquals|(Not)?IpAddress"
    "|Arn(Not)?(Equals|Like)"
)
"""IAM's operators (IAM user guide, reference_policies_elements_condition_operators)."""
ConditionOperator: TypeAlias = Annotated[
    str,
    Text(
        "condition operator",
        pattern(
            rf"(ForAllValues:|ForAnyValue:)?(({_COMPARISONS})(IfExists)?|Null)",
            "it is one of IAM's own",
            60,
        ),
        "StringEquals",
    ),
]
ConditionKey: TypeAlias = Annotated[
    str,
    Text("condition key", pattern(r"[A-Za-z0-9-]+:[A-Za-z0-9/_.:-]+", "it is <service>:<key>"), "aws:SourceVpc"),
]
ChartSource: TypeAlias = Annotated[
    str,
    Text(
        "source of charts",
        pattern(r"oci://[a-z0-9][a-z0-9.:/_-]*[a-z0-9]|(\./|\.\./|/|~/)[^\s]*", "begin with oci://, /, ./ or ~/", 1000),
        "oci://registry.example.com/charts",
    ),
]

Iops: TypeAlias = Annotated[int, Integer("number of I/O operations per second", 3000, 16000, 3000)]
Throughput: TypeAlias = Annotated[int, Integer("throughput in MiB per second", 125, 1000, 125)]
RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days that CloudWatch keeps logs (API reference, PutRetentionPolicy)."""


@dataclass(frozen=True)
class Retention(Integer):
    """One of the numbers of days that CloudWatch knows."""

    def parse(self, raw: Any) -> int:
        """Reads the YAML value. Raises: Refusal."""
        days = super().parse(raw)
        if days not in RETENTION:
            more = next(other for other in RETENTION if other > days)
            raise Refusal(f"CloudWatch does not keep logs for {days} days", f"for example {more}")
        return days


RetentionDays: TypeAlias = Annotated[int, Retention("number of days", 1, RETENTION[-1], 365)]
Days: TypeAlias = Annotated[int, Integer("number of days", 1, 3650, 90)]
