"""Who makes, removes, scales and mounts what: always exactly one."""

from __future__ import annotations

from policy.graph import Graph, KubernetesObject
from policy.reading import at, mapping, mappings, share, text, texts, whole
from policy.rules.finding import Finding
from policy.rules.outside import held
from policy.rules.scaling import COUNTED, SCALERS, Target, target

KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"
AWS_PROVIDER = "pulumi:providers:aws"
EKS_CLUSTER = "aws:eks/cluster:Cluster"
NAMESPACED = {
    *(
        "ConfigMap",
        "CronJob",
        "DaemonSet",
        "Deployment",
        "ExternalSecret",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "LimitRange",
    ),
    *("NetworkPolicy", "PersistentVolumeClaim", "Pod", "PodDisruptionBudget", "ReplicaSet", "ResourceQuota", "Role"),
    *("RoleBinding", "Secret", "Service", "ServiceAccount", "StatefulSet"),
}
"""Kinds that land in the kubeconfig's default namespace if they name none."""


def unique(graph: Graph) -> list[Finding]:
    """Every object is made once, under a name of its own, in a namespace that it says."""
    first: dict[tuple[str, ...], KubernetesObject] = {}
    out = []
    for thing in graph.objects:
        if not thing.name:
            reason = "it has no name: its manifest cannot be applied, and nothing can refer to it"
            out.append(Finding(str(thing), reason, "set metadata.name"))
            continue
        if thing.namespace is None and thing.kind in NAMESPACED:
            reason = "it names no namespace, and lands where the kubeconfig happens to point"
            out.append(Finding(str(thing), reason, "set metadata.namespace"))
        group = text(thing.manifest.get("apiVersion")).rpartition("/")[0]
        other = first.setdefault((group, thing.kind, thing.namespace or "", thing.name), thing)
        if other is not thing:
            reason = f"{other.resource.name} and {thing.resource.name} are the same object, and overwrite each other"
            out.append(Finding(str(thing), reason, "make it once, or give one of them another name"))
    return out


def providers(graph: Graph) -> list[Finding]:
    """Every in-cluster object and release names a provider of the graph, and so does what AWS makes where the graph has
    a provider for it: none falls back to the kubeconfig, or the account, of whoever runs it.
    """
    known = {r.urn for r in graph.of_type(KUBERNETES_PROVIDER)}
    out = [
        Finding(str(thing), "it uses no provider of this stack", "pass the cluster's provider to its component")
        for thing in graph.in_cluster
        if thing.provider not in known
    ]
    accounts = {r.urn for r in graph.of_type(AWS_PROVIDER)}
    out += [
        Finding(str(thing), "it uses no account of this stack", "pass the account's provider to its component")
        for thing in graph.resources
        if accounts and thing.type.startswith("aws:") and thing.provider not in accounts
    ]
    return out


def deleted_with(graph: Graph) -> list[Finding]:
    """Where the stack makes the cluster, everything inside is `deleted_with` it, or destroy hangs on a cluster that is
    gone; but what holds something outside is not, since the engine never deletes what goes with another. Where the
    cluster outlives the stack, nothing may be: objects would be left behind.
    """
    clusters = {r.urn for r in graph.of_type(EKS_CLUSTER)}
    holding = held(graph)
    out = []
    for thing in graph.in_cluster:
        owner, left = thing.deleted_with, holding.get(thing.urn)
        if clusters and left is None and owner not in clusters:
            out.append(Finding(str(thing), "it does not go with its cluster", "set deleted_with to the cluster"))
        if clusters and left is not None and owner is not None:
            reason = f"it goes with {owner.rsplit('::', 1)[-1]} and is never deleted itself: {left}"
            out.append(Finding(str(thing), reason, "leave deleted_with out"))
        if not clusters and owner is not None:
            reason = f"it is deleted with {owner.rsplit('::', 1)[-1]}, which is no cluster: it would be left behind"
            out.append(Finding(str(thing), reason, "leave deleted_with out"))
    return out


def replicas(graph: Graph) -> list[Finding]:
    """A workload says its `replicas`, or one autoscaler owns them: never both, never neither."""
    owners: dict[Target, str] = {}
    out = []
    for scaler in graph.of_kind(*SCALERS):
        owned = target(scaler)
        if owned in owners:
            reason = f"{owned[0]} {owned[2]} is already scaled by {owners[owned]}"
            out.append(Finding(str(scaler), reason, "keep one autoscaler"))
        owners.setdefault(owned, str(scaler))
    for workload in graph.of_kind(*COUNTED):
        owner = owners.get((workload.kind, workload.namespace, workload.name))
        said = workload.spec.get("replicas") is not None
        if owner and said:
            reason = f"it sets replicas, and {owner} owns them: each deployment would reset the count"
            out.append(Finding(str(workload), reason, "leave replicas out"))
        if not owner and not said:
            out.append(Finding(str(workload), "nobody says how many replicas it has", "set replicas"))
    return out


def volumes(graph: Graph) -> list[Finding]:
    """A ReadWriteOnce claim is not mounted by pods that can be on several nodes: on the second they never start
    (design rule 8).
    """
    claims = {
        (claim.namespace, claim.name)
        for claim in graph.of_kind("PersistentVolumeClaim")
        if not {"ReadWriteMany", "ReadOnlyMany"} & set(texts(claim.spec.get("accessModes")))
    }
    scaled = {target(scaler) for scaler in graph.of_kind(*SCALERS)}
    out = []
    first: dict[tuple[str | None, str], KubernetesObject] = {}
    for workload in graph.workloads:
        many = (whole(workload.spec.get("replicas"), 1) or 0) > 1
        many = many or (workload.kind, workload.namespace, workload.name) in scaled
        for volume in mappings(workload.pod.get("volumes")):
            claim = (workload.namespace, text(at(volume, "persistentVolumeClaim", "claimName")))
            if claim not in claims:
                continue
            if workload.kind in COUNTED and (many or _surges(workload)):
                reason = f"several pods would mount {claim[1]}, which one node at a time can"
                fix = "ReadWriteMany, or one replica with maxSurge 0"
                out.append(Finding(str(workload), reason, fix))
            other = first.setdefault(claim, workload)
            if _nodes(other) != _nodes(workload):
                reason = f"it mounts {claim[1]}, which one node at a time can, and so does {other} on other nodes"
                out.append(Finding(str(workload), reason, "ReadWriteMany, or the same nodeSelector for both"))
    return out


def _nodes(workload: KubernetesObject) -> dict[str, object]:
    """What a pod asks of its node by labels."""
    return dict(mapping(workload.pod.get("nodeSelector")))


def _surges(workload: KubernetesObject) -> bool:
    """True if a rollout adds a pod before it takes one away; a StatefulSet never does."""
    if workload.kind != "Deployment" or at(workload.spec, "strategy", "type") == "Recreate":
        return False
    surge = at(workload.spec, "strategy", "rollingUpdate", "maxSurge")
    return share("25%" if surge is None else surge, 1) != 0
