"""Who makes, removes, scales and mounts what: always exactly one."""

from __future__ import annotations

from policy.graph import Graph
from policy.rules.finding import Finding

KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"
EKS_CLUSTER = "aws:eks/cluster:Cluster"


def providers(graph: Graph) -> list[Finding]:
    """Every in-cluster object names a provider of the graph; none falls back to the kubeconfig of whoever runs it."""
    known = {r.urn for r in graph.resources if r.type == KUBERNETES_PROVIDER}
    return [
        Finding(str(thing), "it uses no provider of this stack", "pass the cluster's provider to its component")
        for thing in graph.objects
        if thing.resource.provider not in known
    ]


def deleted_with(graph: Graph) -> list[Finding]:
    """Where the stack makes the cluster, everything inside is `deleted_with` it; otherwise destroy hangs on a cluster
    that is gone. Where the cluster outlives the stack, nothing may be: objects would be left behind.
    """
    clusters = {r.urn for r in graph.resources if r.type == EKS_CLUSTER}
    out = []
    for thing in graph.objects:
        owner = thing.resource.deleted_with
        if clusters and owner not in clusters:
            out.append(Finding(str(thing), "it does not go with its cluster", "set deleted_with to the cluster"))
        if not clusters and owner is not None:
            reason = f"it is deleted with {owner.rsplit('::', 1)[-1]}, which is no cluster: it would be left behind"
            out.append(Finding(str(thing), reason, "leave deleted_with out"))
    return out


def replicas(graph: Graph) -> list[Finding]:
    """A workload that an autoscaler owns has no `replicas`, and no second autoscaler."""
    owners: dict[tuple[str, str | None, str], str] = {}
    out = []
    for scaler in graph.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler.spec.get("scaleTargetRef") or {}
        key = (target.get("kind", "Deployment"), scaler.namespace, target.get("name", ""))
        if key in owners:
            reason = f"{key[0]} {key[2]} is already scaled by {owners[key]}"
            out.append(Finding(str(scaler), reason, "keep one autoscaler"))
        owners[key] = str(scaler)
    for workload in graph.workloads:
        owner = owners.get((workload.kind, workload.namespace, workload.name))
        if owner and "replicas" in workload.spec:
            reason = f"it sets replicas, and {owner} owns them: each deployment would reset the count"
            out.append(Finding(str(workload), reason, "leave replicas out"))
    return out


def volumes(graph: Graph) -> list[Finding]:
    """A ReadWriteOnce claim is not mounted by a workload that can have several pods: on a second node they never
    start (design rule 8).
    """
    claims = {
        (claim.namespace, claim.name)
        for claim in graph.of_kind("PersistentVolumeClaim")
        if not {"ReadWriteMany", "ReadOnlyMany"} & set(claim.spec.get("accessModes") or ())
    }
    scaled = {
        (s.namespace, (s.spec.get("scaleTargetRef") or {}).get("name"))
        for s in graph.of_kind("HorizontalPodAutoscaler")
    }
    out = []
    for workload in graph.of_kind("Deployment"):
        many = workload.spec.get("replicas", 1) > 1 or (workload.namespace, workload.name) in scaled
        surge = ((workload.spec.get("strategy") or {}).get("rollingUpdate") or {}).get("maxSurge", 1)
        for volume in ((workload.template or {}).get("spec") or {}).get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if (workload.namespace, name) in claims and (many or surge):
                reason = f"several pods would mount {name}, which one node at a time can"
                out.append(Finding(str(workload), reason, "ReadWriteMany, or one replica with maxSurge 0"))
    return out
