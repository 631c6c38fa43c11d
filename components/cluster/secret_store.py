"""Where External Secrets reads: AWS Secrets Manager, in the role that its own pods have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.crds import EXTERNAL_SECRETS, secrets_manager


@dataclass(frozen=True, kw_only=True)
class SecretStoreArgs:
    """What a store is."""

    region: str
    """Where its secrets are."""
    labels: Mapping[str, str]
    """What every object carries."""
    needs: Sequence[pulumi.Resource]
    """External Secrets itself, which brings the kind."""


class SecretStore(pulumi.ComponentResource):
    """A ClusterSecretStore: one for each environment, so that no environment reads another's secrets."""

    resource: pulumi.Resource
    """The store."""

    def __init__(self, name: str, args: SecretStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:SecretStore", name, None, opts)
        self.resource = k8s.apiextensions.CustomResource(
            f"{name}-store",
            api_version=EXTERNAL_SECRETS,
            kind="ClusterSecretStore",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, labels=dict(args.labels)),
            spec=secrets_manager(args.region),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.needs)),
        )
        self.register_outputs({})
