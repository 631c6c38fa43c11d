"""What an object in the cluster holds outside of it: nobody clears that away unless the object is really deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policy.graph import Graph, KubernetesObject, leaves
from policy.markers import Markers
from policy.reading import at, mapping, mappings, text

ALB = "alb"
"""The ingress class of the AWS Load Balancer Controller."""
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
"""How a class was named before `ingressClassName`; controllers still read it."""
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
EFS_DRIVER = "efs.csi.aws.com"
FILE_SYSTEM = "aws:efs/fileSystem:FileSystem"


def held(graph: Graph) -> dict[str, str]:
    """URN -> what would be left outside if the cluster simply took it along."""
    out = {o.resource.urn: "its load balancer would be left" for o in graph.objects if balanced(o)}
    for release in graph.releases:
        if any(value == "LoadBalancer" for _, value in leaves(mapping(release.inputs.get("values")))):
            out[release.urn] = "the load balancer of its Service would be left"
    volumes = Volumes(graph)
    for claim in graph.of_kind("PersistentVolumeClaim"):
        if volumes.outlive(claim.spec):
            out[claim.resource.urn] = "its volume would be left"
    for workload in graph.workloads:
        if volumes.kept_by(workload):
            # pvc-protection: a claim stays until no pod mounts it, and its volume as long as the claim does.
            out[workload.resource.urn] = "the volume that its pods mount would be left"
    return out


def balanced(thing: KubernetesObject) -> bool:
    """True of what a load balancer of AWS is made for."""
    return ingress_class(thing) == ALB or (thing.kind == "Service" and thing.spec.get("type") == "LoadBalancer")


def ingress_class(thing: KubernetesObject) -> str:
    """The class that an Ingress names; empty of anything else."""
    if thing.kind != "Ingress":
        return ""
    return text(thing.spec.get("ingressClassName")) or text(at(thing.metadata, "annotations", CLASS_ANNOTATION))


class Volumes:
    """The volumes of a graph: what makes them, and whether they go with the stack."""

    def __init__(self, graph: Graph) -> None:
        self._classes = {c.name: c for c in graph.of_kind("StorageClass")}
        self._claims = {(c.namespace, c.name): c.spec for c in graph.of_kind("PersistentVolumeClaim")}
        self._markers = Markers(graph)

    def class_of(self, claim: Mapping[str, Any]) -> KubernetesObject | None:
        """The StorageClass of a claim's spec, if the graph has it: the default one where the claim names none."""
        named = claim.get("storageClassName")
        if named is not None:
            return self._classes.get(text(named))
        return next((c for c in self._classes.values() if _default(c)), None)

    def outlive(self, claim: Mapping[str, Any]) -> bool:
        """True if a volume outlives the cluster: unless it lies in a file system that the stack destroys itself."""
        found = self.class_of(claim)
        if found is None or found.manifest.get("provisioner") != EFS_DRIVER:
            return True
        named = self._markers.within(at(found.manifest, "parameters", "fileSystemId"))
        return not any(resource.type == FILE_SYSTEM for resource in named)

    def claims_of(self, workload: KubernetesObject) -> Iterator[Mapping[str, Any]]:
        """The specs of the claims that a workload's pods mount, as far as the graph has them."""
        for volume in mappings(workload.pod.get("volumes")):
            key = (workload.namespace, text(at(volume, "persistentVolumeClaim", "claimName")))
            if key in self._claims:
                yield self._claims[key]
            if "ephemeral" in volume:
                yield mapping(at(volume, "ephemeral", "volumeClaimTemplate", "spec"))
        for claim in mappings(workload.spec.get("volumeClaimTemplates")):
            yield mapping(claim.get("spec"))

    def kept_by(self, workload: KubernetesObject) -> bool:
        """True if a volume that outlives the cluster stays as long as the workload's pods do."""
        return any(self.outlive(claim) for claim in self.claims_of(workload))


def _default(found: KubernetesObject) -> bool:
    return text(at(found.metadata, "annotations", DEFAULT_CLASS)) == "true"
