"""Buckets: private, encrypted, reached by TLS only, and emptied in time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.eks import ACCOUNT, BUCKETS, Deploy, before, every, made, one, releases
from tests.support import World, kept

NAMES = {"access": f"tiny-dev-access-{ACCOUNT}-us-west-2", "traces": f"tiny-dev-traces-{ACCOUNT}-us-west-2"}
BOTH = pytest.mark.parametrize("bucket", NAMES)


@pytest.fixture
def stored(deploy: Deploy) -> World:
    return kept(deploy, **BUCKETS)


def part(world: World, kind: str, bucket: str) -> Any:
    return one(world.graph, f"s3/{kind[0].lower()}{kind[1:]}:{kind}", f"bucket-{bucket}")


def statements(world: World, bucket: str) -> dict[str, Any]:
    return {s["Sid"]: s for s in json.loads(part(world, "BucketPolicy", bucket)["policy"])["Statement"]}


def test_no_bucket_is_made_where_none_is_asked_for(eks: World) -> None:
    assert every(eks.graph, "s3/bucket:Bucket") == {}


@BOTH
def test_a_name_is_unique_in_the_world(stored: World, bucket: str) -> None:
    assert part(stored, "Bucket", bucket)["bucket"] == NAMES[bucket]


@BOTH
def test_nothing_in_it_is_public_and_everything_is_its_owners(stored: World, bucket: str) -> None:
    shut = part(stored, "BucketPublicAccessBlock", bucket)
    keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [shut[key] for key in keys] == [True] * 4
    assert part(stored, "BucketOwnershipControls", bucket)["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


@BOTH
def test_whoever_comes_without_tls_is_refused(stored: World, bucket: str) -> None:
    refused = statements(stored, bucket)["OnlyByTls"]
    whole = f"arn:aws:s3:::{NAMES[bucket]}"
    assert (refused["Effect"], refused["Principal"], refused["Action"]) == ("Deny", "*", "s3:*")
    assert refused["Resource"] == [whole, f"{whole}/*"]
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_telemetry_is_encrypted_with_our_key_and_logs_with_the_only_one_that_load_balancers_write_with(
    stored: World,
) -> None:
    def encryption(bucket: str) -> Any:
        (rule,) = part(stored, "BucketServerSideEncryptionConfiguration", bucket)["rules"]
        return rule["applyServerSideEncryptionByDefault"]

    assert encryption("traces") == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": made("kms/key:Key", "data-key", "arn")}
    assert encryption("access") == {"sseAlgorithm": "AES256"}


@pytest.mark.parametrize(("bucket", "days"), [("access", 90), ("traces", 30)])
def test_objects_their_older_versions_and_broken_uploads_go_in_time(stored: World, bucket: str, days: int) -> None:
    assert part(stored, "BucketVersioning", bucket)["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = part(stored, "BucketLifecycleConfiguration", bucket)["rules"]
    assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})
    assert rule["expiration"] == {"days": days}
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 7}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


def test_load_balancers_of_this_account_write_their_logs_and_nobody_else_does(stored: World) -> None:
    assert set(statements(stored, "traces")) == {"OnlyByTls"}
    writes = statements(stored, "access")["LoadBalancersWrite"]
    assert writes["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert (writes["Action"], writes["Resource"]) == (["s3:PutObject"], [f"arn:aws:s3:::{NAMES['access']}/*"])
    ours = f"arn:aws:elasticloadbalancing:us-west-2:{ACCOUNT}:loadbalancer/*"
    assert writes["Condition"] == {"ArnLike": {"aws:SourceArn": ours}}


@BOTH
def test_a_policy_comes_after_the_door_is_shut(stored: World, bucket: str) -> None:
    policy = every(stored.graph, "s3/bucketPolicy:BucketPolicy")[f"bucket-{bucket}"]
    shut = f"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock bucket-{bucket}"
    assert shut in before(stored.graph, policy)


def test_a_load_balancer_can_write_before_there_is_one(stored: World) -> None:
    controller = releases(stored.graph)["aws-load-balancer-controller"]
    assert "aws:s3/bucketPolicy:BucketPolicy bucket-access" in before(stored.graph, controller)


def test_what_was_written_stays_where_the_stack_is_protected(deploy: Deploy, stored: World) -> None:
    protected = deploy(**BUCKETS, cluster__protect=True).graph
    for bucket in NAMES:
        assert part(stored, "Bucket", bucket)["forceDestroy"] is True
        assert one(protected, "s3/bucket:Bucket", f"bucket-{bucket}")["forceDestroy"] is False
        assert every(protected, "s3/bucket:Bucket")[f"bucket-{bucket}"].protect
