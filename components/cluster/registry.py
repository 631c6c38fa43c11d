"""Where the platform's own images are pushed to and pulled from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

UNTAGGED = 14
"""Days that an image without a tag is kept: it was pushed by digest, or its push broke off."""


@dataclass(frozen=True, kw_only=True)
class ImageRegistryArgs:
    """Which repositories there are."""

    stem: str
    """First part of their names."""
    repositories: Sequence[str]
    """The rest."""
    keep: int
    """Images that each keeps."""
    key_arn: pulumi.Input[str]
    """Encrypts them."""
    protect: bool
    """True: the engine does not delete them; False: it does, with the images in them."""


class ImageRegistry(pulumi.ComponentResource):
    """ECR repositories: a tag never moves, each push is scanned, old images go."""

    urls: Mapping[str, pulumi.Output[str]]
    """Repository -> where it is pushed to."""
    resources: tuple[pulumi.Resource, ...]
    """The repositories."""

    def __init__(self, name: str, args: ImageRegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:ImageRegistry", name, None, opts)
        made = {repository: self._repository(repository, args) for repository in args.repositories}
        self.urls = {repository: found.repository_url for repository, found in made.items()}
        self.resources = tuple(made.values())
        self.register_outputs({"urls": dict(self.urls)})

    def _repository(self, repository: str, args: ImageRegistryArgs) -> aws.ecr.Repository:
        logical = f"registry-{repository.replace('/', '-')}"
        made = aws.ecr.Repository(
            logical,
            name=f"{args.stem}/{repository}",
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=args.key_arn)
            ],
            force_delete=not args.protect,
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            image_tag_mutability="IMMUTABLE",
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        aws.ecr.LifecyclePolicy(
            logical,
            repository=made.name,
            policy=json.dumps({"rules": _rules(args.keep)}),
            # A new policy overwrites the old one, whose deletion would then take the new one away.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        return made


def _rules(keep: int) -> list[dict[str, object]]:
    """ECR user guide, lifecycle policy properties: the rule for everything has the highest number."""
    untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": UNTAGGED}
    return [
        {
            "rulePriority": 1,
            "description": "broken pushes",
            "selection": untagged,
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": f"all but the newest {keep}",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep},
            "action": {"type": "expire"},
        },
    ]
