"""S3 buckets for what is written and read again later, by machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from settings.iam import VERSION

ABORT = 7
"""Days after which an upload that broke off is cleared away."""


@dataclass(frozen=True, kw_only=True)
class LogBucketArgs:
    """What a bucket is for."""

    bucket: str
    """Its name, unique in the world."""
    expire: int
    """Days after which an object is deleted."""
    key_arn: pulumi.Input[str] | None
    """Encrypts it; None: S3's own key, the only one that load balancers can write with."""
    statements: Sequence[Mapping[str, Any]]
    """Who may write, beside who has a role for it."""
    partition: str
    """AWS partition: the second part of ARNs."""
    protect: bool
    """True: the engine does not delete it; False: it does, with what is in it."""


class LogBucket(pulumi.ComponentResource):
    """A private, encrypted, versioned bucket that forgets."""

    name: pulumi.Output[str]
    """The bucket."""
    resources: tuple[pulumi.Resource, ...]
    """What a writer needs: the bucket and its policy."""

    def __init__(self, name: str, args: LogBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:LogBucket", name, None, opts)
        self._logical = f"bucket-{name}"
        self._args = args
        self._bucket = aws.s3.Bucket(
            self._logical,
            bucket=args.bucket,
            force_destroy=not args.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self._inside = pulumi.ResourceOptions(parent=self)
        shut = self._shut()
        self._encrypted()
        self._forgets()
        # S3 refuses a policy while it still takes access lists, and the reverse: one after the other.
        policy = aws.s3.BucketPolicy(
            self._logical,
            bucket=self._bucket.id,
            policy=self._policy(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[shut]),
        )
        self.name = self._bucket.bucket
        self.resources = (self._bucket, policy)
        self.register_outputs({"name": self.name})

    def _shut(self) -> pulumi.Resource:
        aws.s3.BucketOwnershipControls(
            self._logical,
            bucket=self._bucket.id,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._inside,
        )
        return aws.s3.BucketPublicAccessBlock(
            self._logical,
            bucket=self._bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._inside,
        )

    def _encrypted(self) -> None:
        key = self._args.key_arn
        default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256" if key is None else "aws:kms", kms_master_key_id=key
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            self._logical,
            bucket=self._bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=default, bucket_key_enabled=key is not None
                )
            ],
            opts=self._inside,
        )

    def _forgets(self) -> None:
        versioning = aws.s3.BucketVersioning(
            self._logical,
            bucket=self._bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._inside,
        )
        rule = aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="forget",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            abort_incomplete_multipart_upload=(
                aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(days_after_initiation=ABORT)
            ),
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=self._args.expire),
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=ABORT
            ),
        )
        aws.s3.BucketLifecycleConfiguration(
            self._logical,
            bucket=self._bucket.id,
            rules=[rule],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )

    def _policy(self) -> str:
        whole = f"arn:{self._args.partition}:s3:::{self._args.bucket}"
        encrypted = {
            "Sid": "OnlyByTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [whole, f"{whole}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return json.dumps({"Version": VERSION, "Statement": [encrypted, *map(dict, self._args.statements)]})
