"""One maker, one cluster, one owner of each count, one mount: red cases and green neighbours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy.graph import HELM_RELEASE, Graph
from policy.rules.ownership import EKS_CLUSTER
from tests.policy.support import added, changed, copied, edited, said, subject_of
from tests.policy.variants import variant
from tests.support import REMOVE

GATEWAY = "Deployment platform/gateway"
QUANT = "Deployment quant/quant-api"
OLD = "kubernetes.io/ingress.class"


def test_an_object_made_twice_is_named(prod) -> None:
    graph = added(prod, copied(prod, QUANT))
    reason = "quant-api-deployment and quant-quant-api are the same object, and overwrite each other"
    assert said("unique", graph) == [f"{QUANT}: {reason}"]


@pytest.mark.parametrize("other", [{"name": "quant-api-2"}, {"namespace": "eval"}])
def test_the_same_name_elsewhere_is_another_object(prod, other) -> None:
    assert said("unique", added(prod, copied(prod, QUANT, **other))) == []


def test_kinds_of_two_groups_may_share_a_name(prod) -> None:
    other = copied(prod, "Ingress platform/platform-ingress") | {"apiVersion": "gateway.example/v1"}
    assert said("unique", added(prod, other)) == []


def test_an_object_without_a_name_is_named(prod) -> None:
    [finding] = said("unique", edited(prod, QUANT, "metadata name", REMOVE))
    assert finding.startswith("Deployment quant/(no name): it has no name")


def test_an_object_that_lands_anywhere_is_named(prod) -> None:
    [finding] = said("unique", edited(prod, QUANT, "metadata namespace", REMOVE))
    assert finding == "Deployment quant-api: it names no namespace, and lands where the kubeconfig happens to point"


@pytest.mark.parametrize("provider", [None, "urn:pulumi:prod::other::pulumi:providers:kubernetes::default"])
def test_an_object_on_no_provider_of_the_stack_is_named(prod, provider) -> None:
    assert said("providers", changed(prod, QUANT, provider=provider)) == [f"{QUANT}: it uses no provider of this stack"]


def test_a_release_on_no_provider_of_the_stack_is_named(prod) -> None:
    said_of = "Release external-secrets: it uses no provider of this stack"
    assert said("providers", _changed(prod, "external-secrets", HELM_RELEASE, provider=None)) == [said_of]


def test_what_aws_makes_in_whatever_account_is_named(prod) -> None:
    graph = _changed(prod, "network-vpc", "aws:ec2/vpc:Vpc", provider=None)
    assert said("providers", graph) == ["Vpc network-vpc: it uses no account of this stack"]


def test_on_a_cluster_that_outlives_the_stack_nothing_is_deleted_with_anything() -> None:
    graph = variant("a cluster of somebody else")
    graph = changed(graph, QUANT, deleted_with=subject_of(graph, "Namespace quant").urn)
    reason = "it is deleted with quant-namespace, which is no cluster: it would be left behind"
    assert said("deleted-with", graph) == [f"{QUANT}: {reason}"]


@pytest.mark.parametrize("subject", [QUANT, "PersistentVolumeClaim llm-baseline/weights", "StorageClass gp3"])
def test_on_a_cluster_of_the_stack_everything_goes_with_it(prod, subject) -> None:
    alone = f"{subject}: it does not go with its cluster"
    assert said("deleted-with", changed(prod, subject, deleted_with=None)) == [alone]
    other = subject_of(prod, "Namespace quant").urn
    assert said("deleted-with", changed(prod, subject, deleted_with=other)) == [alone]


def test_on_a_cluster_of_the_stack_a_release_goes_with_it(prod) -> None:
    graph = _changed(prod, "external-secrets", HELM_RELEASE, deleted_with=None)
    assert said("deleted-with", graph) == ["Release external-secrets: it does not go with its cluster"]


def test_a_release_that_makes_a_load_balancer_is_really_deleted(prod) -> None:
    [release] = [r for r in prod.releases if r.name == "external-secrets"]
    values = {"controller": {"service": {"type": "LoadBalancer"}}}
    graph = _changed(prod, release.name, HELM_RELEASE, inputs={**release.inputs, "values": values})
    reason = "it goes with control-plane-cluster and is never deleted itself: the load balancer of its Service would be"
    assert said("deleted-with", graph) == [f"Release external-secrets: {reason} left"]
    assert said("deleted-with", _changed(graph, release.name, HELM_RELEASE, deleted_with=None)) == []


HELD = {
    "Ingress platform/platform-ingress": "its load balancer would be left",
    "PersistentVolumeClaim llm-baseline/disk": "its volume would be left",
    "Deployment llm-baseline/alone": "the volume that its pods mount would be left",
    "Job llm-baseline/disk-prometheus-7b-v2-0-cb7a50d1": "the volume that its pods mount would be left",
}


@pytest.mark.parametrize(("subject", "left"), HELD.items(), ids=HELD)
def test_what_holds_something_outside_is_really_deleted(subject, left) -> None:
    graph = variant("a volume for one node")
    [cluster] = graph.of_type(EKS_CLUSTER)
    reason = f"it goes with control-plane-cluster and is never deleted itself: {left}"
    assert said("deleted-with", changed(graph, subject, deleted_with=cluster.urn)) == [f"{subject}: {reason}"]


def test_a_service_is_really_deleted_if_it_has_a_load_balancer(prod) -> None:
    subject = "Service quant/quant-api"
    [finding] = said("deleted-with", edited(prod, subject, "spec type", "LoadBalancer"))
    assert finding.startswith(f"{subject}: it goes with control-plane-cluster and is never deleted itself")


def test_an_ingress_of_another_class_holds_nothing_outside(prod) -> None:
    subject = "Ingress platform/platform-ingress"
    graph = edited(prod, subject, "spec ingressClassName", "nginx")
    assert said("deleted-with", graph) == [f"{subject}: it does not go with its cluster"]
    old_way = edited(
        edited(graph, subject, "spec ingressClassName", REMOVE), subject, f"metadata annotations {OLD}", "alb"
    )
    assert said("deleted-with", old_way) == []


CLASSES = {
    "a disk": ("spec storageClassName", "gp3"),
    "a class that somebody else made": ("spec storageClassName", "fast"),
    "the default class, which is a disk": ("spec storageClassName", REMOVE),
    "no class at all": ("spec storageClassName", ""),
}


@pytest.mark.parametrize(("path", "value"), CLASSES.values(), ids=CLASSES)
def test_a_claim_whose_volume_outlives_the_cluster_holds_its_pods_back(prod, path, value) -> None:
    claim = "PersistentVolumeClaim llm-baseline/weights"
    subjects = {finding.partition(":")[0] for finding in said("deleted-with", edited(prod, claim, path, value))}
    mounting = {
        str(w) for w in prod.workloads if "weights" in str(w.pod.get("volumes")) and w.namespace == "llm-baseline"
    }
    assert subjects == {claim, *mounting}


def test_files_that_the_stack_does_not_destroy_hold_their_pods_back(prod) -> None:
    graph = edited(prod, "StorageClass efs", "parameters fileSystemId", "fs-0123456789abcdef0")
    assert "PersistentVolumeClaim llm-baseline/weights" in {f.partition(":")[0] for f in said("deleted-with", graph)}


def test_claims_that_pods_bring_along_count_too(prod) -> None:
    ephemeral = {"volumeClaimTemplate": {"spec": {"storageClassName": "gp3"}}}
    graph = edited(prod, QUANT, "spec template spec volumes 1", {"name": "scratch", "ephemeral": ephemeral})
    [finding] = said("deleted-with", graph)
    assert finding.endswith("the volume that its pods mount would be left")
    template = {"metadata": {"name": "data"}, "spec": {"storageClassName": "efs"}}
    assert said("deleted-with", edited(prod, QUANT, "spec volumeClaimTemplates", [template])) == []
    template["spec"] = {"storageClassName": "gp3"}
    assert len(said("deleted-with", edited(prod, QUANT, "spec volumeClaimTemplates", [template]))) == 1


def _changed(graph: Graph, name: str, type_: str, **fields: object) -> Graph:
    return Graph.of([replace(r, **fields) if (r.name, r.type) == (name, type_) else r for r in graph.resources])


def test_a_count_with_two_owners_is_named(prod) -> None:
    reason = "it sets replicas, and HorizontalPodAutoscaler platform/gateway-hpa owns them: each deployment would reset"
    assert said("one-owner", edited(prod, GATEWAY, "spec replicas", 3)) == [f"{GATEWAY}: {reason} the count"]


def test_a_count_without_an_owner_is_named(prod) -> None:
    assert said("one-owner", edited(prod, QUANT, "spec replicas", REMOVE)) == [
        f"{QUANT}: nobody says how many replicas it has"
    ]


def test_a_second_autoscaler_is_named(prod) -> None:
    first = "HorizontalPodAutoscaler platform/gateway-hpa"
    graph = added(prod, copied(prod, first, name="later"))
    assert said("one-owner", graph) == [
        f"HorizontalPodAutoscaler platform/later: Deployment gateway is already scaled by {first}"
    ]


def test_keda_owns_a_count_too(prod) -> None:
    scaled = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "quant", "namespace": "quant"},
        "spec": {"scaleTargetRef": {"name": "quant-api"}},
    }
    graph = added(prod, scaled)
    assert said("one-owner", graph) == [
        f"{QUANT}: it sets replicas, and ScaledObject quant/quant owns them: each deployment would reset the count"
    ]
    assert said("one-owner", edited(graph, QUANT, "spec replicas", REMOVE)) == []


def claim(*modes: str) -> dict[str, object]:
    metadata = {"name": "cache", "namespace": "quant"}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {"accessModes": list(modes)}}


def mounting(graph: Graph) -> Graph:
    volume = {"name": "cache", "persistentVolumeClaim": {"claimName": "cache"}}
    return edited(graph, QUANT, "spec template spec volumes 1", volume)


def test_a_volume_for_one_node_under_several_pods_is_named(prod) -> None:
    graph = mounting(added(prod, claim("ReadWriteOnce")))
    assert said("volumes", graph) == [f"{QUANT}: several pods would mount cache, which one node at a time can"]


@pytest.mark.parametrize("mode", ["ReadWriteMany", "ReadOnlyMany"])
def test_a_volume_for_many_nodes_is_left_alone(prod, mode) -> None:
    assert said("volumes", mounting(added(prod, claim(mode)))) == []


SINGLE = {
    "surges by default": ({"type": "RollingUpdate"}, 1),
    "surges by a count": ({"rollingUpdate": {"maxSurge": 1}}, 1),
    "surges by a share": ({"rollingUpdate": {"maxSurge": "10%"}}, 1),
    "never surges": ({"rollingUpdate": {"maxSurge": 0}}, 0),
    "never surges, as a share": ({"rollingUpdate": {"maxSurge": "0%"}}, 0),
    "stops before it starts": ({"type": "Recreate"}, 0),
}


@pytest.mark.parametrize(("strategy", "findings"), SINGLE.values(), ids=SINGLE)
def test_a_single_pod_shares_its_volume_only_in_a_rollout(prod, strategy, findings) -> None:
    graph = edited(mounting(added(prod, claim("ReadWriteOnce"))), QUANT, "spec replicas", 1)
    assert len(said("volumes", edited(graph, QUANT, "spec strategy", strategy))) == findings


@pytest.mark.parametrize(
    ("mode", "nodes", "findings"),
    [
        ("ReadWriteOnce", {}, 1),
        ("ReadWriteOnce", {"llmplatform.dev/pool": "cheap"}, 1),
        ("ReadWriteOnce", {"llmplatform.dev/pool": "general"}, 0),
        ("ReadWriteMany", {}, 0),
    ],
)
def test_a_volume_for_one_node_under_pods_of_other_nodes_is_named(prod, mode, nodes, findings) -> None:
    graph = edited(mounting(added(prod, claim(mode))), QUANT, "spec replicas", 1)
    graph = edited(graph, QUANT, "spec strategy", {"type": "Recreate"})
    volumes = [{"name": "cache", "persistentVolumeClaim": {"claimName": "cache"}}]
    pod = {"nodeSelector": nodes, "volumes": volumes, "containers": [{"name": "fill"}]}
    metadata = {"name": "fill", "namespace": "quant"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}
    reason = f"it mounts cache, which one node at a time can, and so does {QUANT} on other nodes"
    assert said("volumes", added(graph, job)) == [f"Job quant/fill: {reason}"] * findings


def test_an_autoscaled_workload_has_several_pods(prod) -> None:
    graph = added(prod, claim("ReadWriteOnce") | {"metadata": {"name": "cache", "namespace": "platform"}})
    volume = {"name": "cache", "persistentVolumeClaim": {"claimName": "cache"}}
    graph = edited(graph, GATEWAY, "spec template spec volumes 1", volume)
    graph = edited(graph, GATEWAY, "spec strategy", {"type": "Recreate"})
    assert said("volumes", graph) == [f"{GATEWAY}: several pods would mount cache, which one node at a time can"]
