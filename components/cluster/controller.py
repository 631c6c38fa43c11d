"""A controller that works inside the cluster on everybody's behalf: a Helm release, and what its pods are in AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.pod_role import PodRole
from settings.charts import Chart

NAMESPACE = "kube-system"
"""Where controllers run: no team's quota counts them, no team's policy holds them up (S003-15)."""
PATIENCE = 600
"""Seconds until a release that is not ready is taken back: two images, and a node for them."""


@dataclass(frozen=True, kw_only=True)
class ControllerArgs:
    """What is installed."""

    chart: Chart
    """Which chart."""
    mirror: str | None
    """Where charts come from instead of their public repository: oci://... or a folder."""
    values: Mapping[str, Any]
    """What differs from its defaults."""
    role: PodRole | None = None
    """What its pods are in AWS."""
    needs: Sequence[pulumi.Resource] = ()
    """What must be there before it, and until it is gone."""


class Controller(pulumi.ComponentResource):
    """A Helm release: whole or not at all, in a version that is pinned."""

    resources: tuple[pulumi.Resource, ...]
    """What must be there before what it looks after, and until that is gone: the release, and its role."""

    def __init__(self, name: str, args: ControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:Controller", name, None, opts)
        role = args.role.resources if args.role is not None else ()
        release = k8s.helm.v3.Release(
            name,
            **_source(args),
            name=args.chart.name,
            namespace=NAMESPACE,
            values=dict(args.values),
            # An update that fails is rolled back, and a release that hangs is not left "pending", which would block
            # every later one (pulumi-kubernetes#2054).
            atomic=True,
            cleanup_on_fail=True,
            timeout=PATIENCE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*role, *args.needs]),
        )
        self.resources = (release, *role)
        self.register_outputs({})


def _source(args: ControllerArgs) -> dict[str, Any]:
    """Where the chart is: its public repository, a mirror of OCI images, or a folder."""
    if args.mirror is None:
        options = k8s.helm.v3.RepositoryOptsArgs(repo=args.chart.repository)
        return {"chart": args.chart.name, "version": args.chart.version, "repository_opts": options}
    return {"chart": f"{args.mirror.rstrip('/')}/{args.chart.name}", "version": args.chart.version}
