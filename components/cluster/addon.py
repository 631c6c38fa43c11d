"""An add-on that EKS installs and looks after."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.cluster.pod_role import PodRole


@dataclass(frozen=True, kw_only=True)
class ClusterAddonArgs:
    """What is installed."""

    cluster_name: pulumi.Input[str]
    """Where."""
    addon: str
    """EKS's name of it."""
    version: str | None
    """Its version; EKS's default for the cluster's where it is None."""
    configuration: Mapping[str, Any] = field(default_factory=dict)
    """What differs from its defaults."""
    role: PodRole | None = None
    """What its pods are in AWS."""
    needs: Sequence[pulumi.Resource] = ()
    """What must be there before it, and until it is gone."""


class ClusterAddon(pulumi.ComponentResource):
    """An EKS add-on."""

    resource: pulumi.Resource
    """The add-on."""

    def __init__(self, name: str, args: ClusterAddonArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:ClusterAddon", name, None, opts)
        role = args.role
        self.resource = aws.eks.Addon(
            f"{name}-addon",
            cluster_name=args.cluster_name,
            addon_name=args.addon,
            addon_version=args.version,
            configuration_values=json.dumps(args.configuration, sort_keys=True) if args.configuration else None,
            # Nobody else may have put it there (terraform-aws-eks v21: NONE); an update takes back what somebody
            # edited by hand, since this program is its owner.
            resolve_conflicts_on_create="NONE",
            resolve_conflicts_on_update="OVERWRITE",
            service_account_role_arn=role.arn if role is not None and role.annotations else None,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*args.needs, *(role.resources if role is not None else ())]
            ),
        )
        self.register_outputs({})
