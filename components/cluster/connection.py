"""The seam between the platform and its cluster: a Kubernetes provider, wherever the cluster comes from.

`cluster: {kind: existing}` connects to a cluster by its kubeconfig. `cluster: {kind: eks}` will be made by this
program; until then its plan shows the Kubernetes half on a provider whose kubeconfig is not known yet.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from settings.cloud import EksCluster, ExistingCluster


@dataclass(frozen=True, kw_only=True)
class ClusterConnectionArgs:
    """What it takes to reach a cluster."""

    spec: EksCluster | ExistingCluster
    """Where the cluster comes from."""
    kubeconfig: pulumi.Output[str] | None
    """Contents of its kubeconfig; None while nobody can know them."""


class ClusterConnection(pulumi.ComponentResource):
    """A connection to the cluster that everything else runs on."""

    provider: k8s.Provider
    """Every in-cluster resource uses this provider, and no other."""
    owner: pulumi.Resource | None
    """The resource that is the cluster, if this program makes it: with it, everything inside is gone too
    (`deleted_with`). None for a cluster that outlives the stack: there, each object is really deleted."""

    def __init__(self, name: str, args: ClusterConnectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:ClusterConnection", name, None, opts)
        self.provider = self._connect(name, args)
        self.owner = None
        self.register_outputs({})

    def _connect(self, name: str, args: ClusterConnectionArgs) -> k8s.Provider:
        context = args.spec.context if isinstance(args.spec, ExistingCluster) else None
        return k8s.Provider(
            f"{name}-provider",
            kubeconfig=args.kubeconfig if args.kubeconfig is not None else unknown_secret(),
            context=context,
            # Server-side apply is what lets an autoscaler own `replicas` beside us without a conflict; written out,
            # since an older provider's default was the other one.
            enable_server_side_apply=True,
            opts=pulumi.ResourceOptions(parent=self),
        )


def unknown_secret() -> pulumi.Output[str]:
    """A value that is known only after deployment. `up` never gets here: settings refuse it first."""

    async def settled(value: object) -> object:
        return value

    loop = asyncio.get_event_loop()
    return pulumi.Output(
        set(),
        loop.create_task(settled(None)),  # type: ignore[arg-type]  # there is no value to give
        loop.create_task(settled(False)),  # type: ignore[arg-type]  # is_known
        loop.create_task(settled(True)),  # type: ignore[arg-type]  # is_secret
    )
