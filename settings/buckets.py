"""Buckets that this program makes: their names, and who may write into them."""

from __future__ import annotations

from typing import Any

from settings.model import PlatformSettings
from settings.names import partition


def bucket_name(settings: PlatformSettings, name: str) -> str:
    """Its name, with account and region, since bucket names are one space for all of AWS."""
    return f"{settings.stem}-{name}-{settings.aws.account}-{settings.aws.region}"


def bucket_arn(settings: PlatformSettings, name: str) -> str:
    """Its ARN."""
    return f"arn:{partition(settings.aws.region)}:s3:::{bucket_name(settings, name)}"


def writers(settings: PlatformSettings, name: str) -> list[dict[str, Any]]:
    """Statements of its policy: load balancers of this account write their logs (Elastic Load Balancing user guide,
    access logs); telemetry is written by roles that allow it themselves.
    """
    if settings.buckets[name].holds != "load-balancer-logs":
        return []
    whole = bucket_arn(settings, name)
    balancers = (
        f"arn:{partition(settings.aws.region)}:elasticloadbalancing:{settings.aws.region}:{settings.aws.account}:"
        "loadbalancer/*"
    )
    return [
        {
            "Sid": "LoadBalancersWrite",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": ["s3:PutObject"],
            "Resource": [f"{whole}/*"],
            "Condition": {"ArnLike": {"aws:SourceArn": balancers}},
        }
    ]
