"""Keys of our own for what AWS keeps encrypted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

WAITING = 30
"""Days between the deletion of a key and its end: the longest that KMS takes, since nothing that it encrypted can be
read after that."""


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """What a key is for."""

    alias: str
    """Its name for people, without `alias/`."""
    purpose: str
    """What it encrypts."""
    policy: dict[str, Any]
    """Who may use it."""
    protect: bool
    """True: the engine does not delete it."""


class EncryptionKey(pulumi.ComponentResource):
    """A symmetric KMS key that is rotated every year."""

    arn: pulumi.Output[str]
    """Its ARN."""

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:EncryptionKey", name, None, opts)
        key = aws.kms.Key(
            f"{name}-key",
            description=args.purpose,
            deletion_window_in_days=WAITING,
            enable_key_rotation=True,
            is_enabled=True,
            policy=json.dumps(args.policy),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{args.alias}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
