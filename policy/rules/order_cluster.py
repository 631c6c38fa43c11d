"""The order of what is in the cluster: who looks after whom, and what each stands on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy.graph import KubernetesObject, Resource
from policy.reading import at, mapping, mappings, text
from policy.rules.order_account import (
    CLUSTER,
    ENTRY,
    ENTRY_POLICY,
    NODES,
    REPOSITORY,
    RULES,
    SUBNET,
    buckets,
    doors,
    ways,
)
from policy.rules.outside import EFS_DRIVER, FILE_SYSTEM, Volumes, balanced, ingress_class
from policy.rules.scene import ROLE, ROLE_ANNOTATION, Edge, Scene, edges, under
from policy.rules.selectors import matches, takes_all

BALANCER = "aws-load-balancer-controller"
GATE = "elbv2.k8s.aws/pod-readiness-gate-inject"
SCHEME, ATTRIBUTES = "alb.ingress.kubernetes.io/scheme", "alb.ingress.kubernetes.io/load-balancer-attributes"
NLB_SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
CHARTS = {
    "elbv2.k8s.aws": (BALANCER,),
    "eks.amazonaws.com": (BALANCER,),
    "external-secrets.io": ("external-secrets",),
    "generators.external-secrets.io": ("external-secrets",),
    "keda.sh": ("keda",),
    "karpenter.sh": ("karpenter", "karpenter-crd"),
    "karpenter.k8s.aws": ("karpenter", "karpenter-crd"),
    "monitoring.coreos.com": ("kube-prometheus-stack", "prometheus-operator-crds"),
    "cert-manager.io": ("cert-manager",),
    "opentelemetry.io": ("opentelemetry-operator",),
}
"""API group -> the charts that bring its kinds, and work on them."""
DRIVERS = {"ebs.csi.aws.com": "aws-ebs-csi-driver", EFS_DRIVER: "aws-efs-csi-driver"}
"""Provisioner -> its add-on, which has the name of its chart."""
STORES = ("SecretStore", "ClusterSecretStore")
_ECR = re.compile(r"\d+\.dkr\.ecr\.[^/]+/([^:@]+)")


def cluster(scene: Scene) -> Iterator[Edge]:
    """Every order that must hold for what is in the cluster."""
    for part in (_inside, _pods, _guards, _custom, _balanced, _backends, _names, _secrets, _volumes, _roles, _images):
        yield from part(scene)


def _inside(scene: Scene) -> Iterator[Edge]:
    clusters = scene.of(CLUSTER)
    way_in = [*clusters, *scene.of(ENTRY, ENTRY_POLICY)]
    way_in += [r for c in clusters for type_ in RULES for r in scene.naming(type_, "securityGroupId", c)]
    nodes = [*scene.of(NODES)]
    for thing in scene.graph.in_cluster:
        yield from edges(thing, way_in, "nobody gets into the cluster without it")
        yield from edges(thing, nodes, "controllers, and webhooks of the API server, run on these nodes")


def _pods(scene: Scene) -> Iterator[Edge]:
    names = [*scene.addons("coredns"), *scene.charts("coredns")]
    for thing in (*(w.resource for w in scene.graph.workloads), *scene.graph.releases):
        if thing not in names:
            yield from edges(thing, names, "its pods find nobody by name without it")


def _guards(scene: Scene) -> Iterator[Edge]:
    """What Kubernetes checks, or fills in, when a pod is made: of pods that are there already it asks nothing."""
    guards = scene.graph.of_kind("LimitRange", "ResourceQuota", "NetworkPolicy")
    for workload in scene.graph.workloads:
        found = [
            guard.resource
            for guard in guards
            if guard.namespace == workload.namespace
            and (guard.kind != "NetworkPolicy" or takes_all(guard.spec.get("podSelector")))
        ]
        yield from edges(workload.resource, found, "it holds for pods that are made after it")


def _custom(scene: Scene) -> Iterator[Edge]:
    definitions = scene.graph.of_kind("CustomResourceDefinition")
    for thing in scene.graph.objects:
        group = text(thing.manifest.get("apiVersion")).rpartition("/")[0]
        kinds = [
            definition.resource
            for definition in definitions
            if (definition.spec.get("group"), at(definition.spec, "names", "kind")) == (group, thing.kind)
        ]
        yield from edges(thing.resource, kinds, "it brings the kind")
        yield from edges(
            thing.resource, scene.charts(*CHARTS.get(group, ())), "it brings the kind, and clears such objects away"
        )


def _balanced(scene: Scene) -> Iterator[Edge]:
    controllers = scene.charts(BALANCER)
    gated = {n.name for n in scene.graph.of_kind("Namespace") if n.labels.get(GATE) == "enabled"}
    for thing in scene.graph.objects:
        if balanced(thing):
            yield from edges(thing.resource, controllers, "it makes the load balancer, and clears it away")
            yield from _load_balancer(scene, thing)
        if thing.template is not None and thing.namespace in gated:
            yield from edges(thing.resource, controllers, "its pods are ready once it has registered them")
        if thing.kind == "Service":
            closed = [c for c in controllers if at(c.inputs, "values", "enableServiceMutatorWebhook") is not False]
            yield from edges(thing.resource, closed, "its webhook on Services fails closed")


def _load_balancer(scene: Scene, thing: KubernetesObject) -> Iterator[Edge]:
    """What a load balancer stands in and writes into."""
    annotations = mapping(thing.metadata.get("annotations"))
    public = "internet-facing" in (annotations.get(SCHEME), annotations.get(NLB_SCHEME))
    tag = "kubernetes.io/role/elb" if public else "kubernetes.io/role/internal-elb"
    for subnet in scene.of(SUBNET):
        if tag in mapping(subnet.inputs.get("tags")):
            yield from edges(thing.resource, [subnet, *ways(scene, subnet)], "its load balancer stands there")
    for part in text(annotations.get(ATTRIBUTES)).split(","):
        key, _, value = part.partition("=")
        if key == "access_logs.s3.bucket":
            yield from edges(thing.resource, buckets(scene, value), "its load balancer writes its access log there")


def _backends(scene: Scene) -> Iterator[Edge]:
    """A load balancer that is there before what answers behind it gives errors."""
    services = {(s.namespace, s.name): s for s in scene.graph.of_kind("Service")}
    for ingress in scene.graph.of_kind("Ingress"):
        for name in sorted({text(mapping(backend).get("name")) for backend in under(ingress.spec, "service")}):
            service = services.get((ingress.namespace, name))
            if service is None:
                continue
            wanted = {"matchLabels": service.spec.get("selector") or {"": ""}}
            pods = [
                w.resource
                for w in scene.graph.workloads
                if w.namespace == service.namespace and matches(wanted, w.pod_labels)
            ]
            yield from edges(ingress.resource, [service.resource, *pods], "its requests go there")


def _names(scene: Scene) -> Iterator[Edge]:
    """A controller that deletes records deletes those of an Ingress only while it runs."""
    deleting = [c for c in scene.charts("external-dns") if at(c.inputs, "values", "policy") == "sync"]
    for thing in scene.graph.objects:
        if ingress_class(thing) or balanced(thing):
            yield from edges(thing.resource, deleting, "it takes the record of its host out of the zone")


def _secrets(scene: Scene) -> Iterator[Edge]:
    stores = {(s.kind, s.namespace, s.name): s.resource for s in scene.graph.of_kind(*STORES)}
    for secret in scene.graph.of_kind("ExternalSecret"):
        named = mapping(secret.spec.get("secretStoreRef"))
        kind = text(named.get("kind")) or "SecretStore"
        home = None if kind.startswith("Cluster") else secret.namespace
        found = stores.get((kind, home, text(named.get("name"))))
        yield from edges(secret.resource, [found] if found else (), "it is read from there")


def _volumes(scene: Scene) -> Iterator[Edge]:
    volumes = Volumes(scene.graph)
    for claim in scene.graph.of_kind("PersistentVolumeClaim"):
        found = volumes.class_of(claim.spec)
        yield from edges(claim.resource, [found.resource] if found else (), "its volume is made as that says")
    for workload in scene.graph.workloads:
        for spec in volumes.claims_of(workload):
            found = volumes.class_of(spec)
            yield from edges(workload.resource, [found.resource] if found else (), "its volume is made as that says")
    for made in scene.graph.of_kind("StorageClass"):
        driver = DRIVERS.get(text(made.manifest.get("provisioner")))
        if driver is not None:
            why = "it makes its volumes, and clears them away"
            yield from edges(made.resource, (*scene.addons(driver), *scene.charts(driver)), why)
        for files in scene.markers.within(at(made.manifest, "parameters", "fileSystemId")):
            if files.type == FILE_SYSTEM:
                yield from edges(made.resource, _mounts(scene, files), "its volumes are mounted by it")


def _mounts(scene: Scene, files: Resource) -> Iterator[Resource]:
    for target in scene.naming("aws:efs/mountTarget:MountTarget", "fileSystemId", files):
        yield target
        yield from doors(scene, target)


def _roles(scene: Scene) -> Iterator[Edge]:
    accounts = {(a.namespace, a.name): a for a in scene.graph.of_kind("ServiceAccount")}
    for workload in scene.graph.workloads:
        key = (workload.namespace or "", text(workload.pod.get("serviceAccountName")) or "default")
        account = accounts.get(key)
        arn = at(account.metadata, "annotations", ROLE_ANNOTATION) if account else None
        rights = [r for role in scene.called(ROLE, arn) for r in scene.rights(role)]
        yield from edges(workload.resource, (*rights, *scene.identity(*key)), "its pods are nobody in AWS without it")


def _images(scene: Scene) -> Iterator[Edge]:
    for workload in scene.graph.workloads:
        for container in mappings([*workload.init_containers, *workload.containers]):
            found = _ECR.match(text(container.get("image")))
            if found:
                repositories = scene.called(REPOSITORY, found[1])
                yield from edges(workload.resource, repositories, "its image is pulled from there")
