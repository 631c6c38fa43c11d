"""IAM documents as data: what a statement becomes, and who may take a role."""

from __future__ import annotations

import json

import pytest

from settings import iam
from settings.iam import Statement
from settings.iam_load_balancing import load_balancer_statements
from tests.components.eks import ACCOUNT, CHINA, CONDITIONED, MAY
from tests.support import EKS, resolved, tiny

TINY = resolved(tiny(**EKS)).settings


def test_a_statement_is_written_with_what_it_has_and_nothing_more() -> None:
    bare = Statement(sid="A", actions=("s3:GetObject",), resources=("arn:aws:s3:::a/*",))
    full = Statement(
        sid="B",
        actions=("s3:PutObject",),
        resources=("*",),
        conditions={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        principal={"Service": "logs.amazonaws.com"},
        effect="Deny",
    )
    assert iam.document([bare, full]) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "A", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a/*"]},
            {
                "Sid": "B",
                "Effect": "Deny",
                "Principal": {"Service": "logs.amazonaws.com"},
                "Action": ["s3:PutObject"],
                "Resource": ["*"],
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            },
        ],
    }


def test_a_web_identity_is_exact_in_subject_and_audience() -> None:
    (statement,) = iam.trust_service_account("arn:provider", "oidc.example.com/id/1", "back", "worker-sa")["Statement"]
    assert statement["Principal"] == {"Federated": "arn:provider"}
    assert statement["Condition"] == {
        "StringEquals": {
            "oidc.example.com/id/1:aud": "sts.amazonaws.com",
            "oidc.example.com/id/1:sub": "system:serviceaccount:back:worker-sa",
        }
    }
    assert "*" not in json.dumps(statement)


def test_a_pod_identity_is_of_one_account_cluster_namespace_and_service_account() -> None:
    (statement,) = iam.trust_pod_identity(ACCOUNT, "arn:cluster", "back", "worker-sa")["Statement"]
    exact = statement["Condition"]["StringEquals"] | statement["Condition"]["ArnEquals"]
    assert set(exact.values()) == {ACCOUNT, "arn:cluster", "back", "worker-sa"}


def test_a_service_takes_a_role_under_its_conditions() -> None:
    narrowed = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    (bound,) = iam.trust_service("eks.amazonaws.com", narrowed)["Statement"]
    (free,) = iam.trust_service("ec2.amazonaws.com")["Statement"]
    assert bound["Condition"] == narrowed
    assert "Condition" not in free


@pytest.mark.parametrize(
    ("service", "resource", "region", "arn"),
    [
        ("sagemaker", "endpoint/a", None, f"arn:aws:sagemaker:us-west-2:{ACCOUNT}:endpoint/a"),
        ("iam", "root", "", f"arn:aws:iam::{ACCOUNT}:root"),
    ],
)
def test_an_arn_is_of_this_account(service: str, resource: str, region: str | None, arn: str) -> None:
    assert iam.arn(TINY, service, resource, region=region) == arn


def test_arns_are_of_the_partition_of_the_region() -> None:
    china = resolved(tiny(**CHINA)).settings
    assert iam.arn(china, "sagemaker", "endpoint/a").startswith("arn:aws-cn:sagemaker:cn-north-1:")
    assert iam.managed_policy(china, "P") == "arn:aws-cn:iam::aws:policy/P"
    for statement in load_balancer_statements(china):
        assert not [r for r in statement.resources if r.startswith("arn:aws:")]


def test_an_endpoint_is_named_in_lower_case_as_sagemaker_keeps_it() -> None:
    settings = resolved(tiny(services__worker__sagemaker={"endpoint": "Worker-Endpoint", "timeout": "20s"})).settings
    (statement,) = iam.service_statements(settings, "worker")
    assert statement.resources == (f"arn:aws:sagemaker:us-west-2:{ACCOUNT}:endpoint/worker-endpoint",)


def test_what_a_team_has_stated_keeps_its_conditions_and_gets_ids_that_differ() -> None:
    settings = resolved(tiny(services__worker__permissions=[MAY, CONDITIONED])).settings
    _, plain, bound = iam.service_statements(settings, "worker")
    assert (plain.sid, bound.sid) == ("Stated1", "Stated2")
    assert (list(plain.actions), list(plain.resources), plain.conditions) == (MAY["actions"], MAY["resources"], {})
    assert bound.conditions == CONDITIONED["conditions"]


def test_a_secret_is_named_with_the_six_characters_that_its_store_adds() -> None:
    (statement,) = iam.secret_statements(TINY, ["a/b"])
    assert statement.resources == [f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:a/b-??????"]


def test_logs_are_encrypted_for_the_groups_of_this_account_only() -> None:
    account, logs, looks = iam.log_key_statements(TINY)
    assert account.principal == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert logs.principal == {"Service": "logs.us-west-2.amazonaws.com"}
    groups = f"arn:aws:logs:us-west-2:{ACCOUNT}:log-group:*"
    assert logs.conditions == {"StringLike": {"kms:EncryptionContext:aws:logs:arn": groups}}
    assert (looks.principal, looks.actions) == (logs.principal, ("kms:DescribeKey",))


def test_ids_of_statements_differ_and_are_of_the_characters_that_iam_takes() -> None:
    sids = [s.sid for s in load_balancer_statements(TINY)]
    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() for sid in sids)


def test_who_may_write_into_a_telemetry_bucket_may_use_its_key_through_s3_and_nobody_else_may() -> None:
    buckets = {"traces": {"holds": "telemetry", "expire": 30}, "doors": {"holds": "load-balancer-logs", "expire": 30}}

    def sids(resource: str) -> list[str]:
        may = [{"actions": ["s3:PutObject"], "resources": [resource]}]
        settings = resolved(tiny(**EKS, buckets=buckets, services__door__permissions=may)).settings
        return [statement.sid for statement in iam.service_statements(settings, "door")]

    traces = "arn:aws:s3:::tiny-dev-traces-999988887777-us-west-2"
    assert sids(f"{traces}/*") == ["Stated1", "DataKey"]
    assert sids(traces) == ["Stated1", "DataKey"]
    assert sids(f"{traces}-other/*") == ["Stated1"]
    assert sids("arn:aws:s3:::tiny-dev-doors-999988887777-us-west-2/*") == ["Stated1"]
