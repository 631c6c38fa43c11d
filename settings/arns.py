"""ARNs, taken apart."""

from __future__ import annotations

from typing import NamedTuple


class ArnParts(NamedTuple):
    """An ARN, taken apart."""

    arn: str
    partition: str
    service: str
    region: str
    account: str
    resource: str


def taken_apart(arn: str) -> ArnParts:
    """The parts of an ARN."""
    return ArnParts(*arn.split(":", 5))
