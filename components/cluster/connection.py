"""The seam between the platform and its cluster: a Kubernetes provider, wherever the cluster comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from settings.cloud import ExistingCluster
from settings.eks import EksCluster


@dataclass(frozen=True, kw_only=True)
class ClusterConnectionArgs:
    """What it takes to reach a cluster."""

    spec: EksCluster | ExistingCluster
    """Where the cluster comes from."""
    kubeconfig: pulumi.Output[str]
    """Contents of its kubeconfig."""
    owner: pulumi.Resource | None = None
    """The resource that is the cluster, if this program makes it."""
    needs: Sequence[pulumi.Resource] = ()
    """What must be there before anything inside is, and until all of it is gone: nodes, CNI, the right to get in."""


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
        self.owner = args.owner
        self.register_outputs({})

    def _connect(self, name: str, args: ClusterConnectionArgs) -> k8s.Provider:
        context = args.spec.context if isinstance(args.spec, ExistingCluster) else None
        return k8s.Provider(
            f"{name}-provider",
            kubeconfig=args.kubeconfig,
            context=context,
            # Server-side apply is what lets an autoscaler own `replicas` beside us without a conflict; written out,
            # since an older provider's default was the other one.
            enable_server_side_apply=True,
            # Whatever is inside has this provider, and so all of these before it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.needs)),
        )
