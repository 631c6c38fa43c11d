"""Value types of what is made in an AWS account: what is no word of AWS's is refused when it is read."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from settings.aws_types import ConditionOperator, IamAction
from settings.quantities import Refusal


def type_of(alias: Any) -> Any:
    return get_args(alias)[1]


@pytest.mark.parametrize(
    "operator",
    [
        *("StringEquals", "StringNotEqualsIgnoreCase", "StringLikeIfExists", "ForAllValues:StringNotLike", "Null"),
        *("NumericLessThanEquals", "DateGreaterThan", "Bool", "BinaryEquals", "NotIpAddress", "ForAnyValue:ArnLike"),
    ],
)
def test_the_operators_of_iam_are_taken(operator: str) -> None:
    assert type_of(ConditionOperator).parse(operator) == operator


@pytest.mark.parametrize(
    "operator",
    ["StringEquls", "StringIs", "ForAllValue:StringLike", "NullIfExists", "BoolNot", "IpAddresses", "Equals"],
)
def test_another_operator_is_refused(operator: str) -> None:
    with pytest.raises(Refusal, match="one of IAM's own"):
        type_of(ConditionOperator).parse(operator)


def test_an_action_may_hold_a_digit() -> None:
    assert type_of(IamAction).parse("ec2:DescribeIpv6Pools") == "ec2:DescribeIpv6Pools"
