"""What an update replaces: nothing that holds data or carries the rest, unless somebody changes that very thing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policy.graph import HELM_RELEASE, Graph, Resource
from policy.replacements import REPLACES, ROWS
from policy.rules.replacement import clashing, replaced
from tests.conftest import planned
from tests.policy.variants import VARIANTS, prod_with, variant
from workbench.plan.outputs import properties, resource_class

GRAPHS = ("dev", "staging", "prod", *VARIANTS)
CLASHING = {
    "AccessEntry": ("type", "every entry is of people or of this program: STANDARD, always"),
    "Cluster": (
        "accessConfig.bootstrapClusterCreatorAdminPermissions bootstrapSelfManagedAddons roleArn",
        "they are decided once; prod protects the cluster, and AWS refuses to delete it",
    ),
    "FileSystem": ("encrypted kmsKeyId", "the key of data is never another one; its weights would be gone with it"),
    "Repository": ("encryptionConfigurations", "the key of data is never another one; its images would be gone"),
    "Subnet": ("availabilityZone", "addresses of a VPC cannot overlap: other zones are another network"),
    "VpcEndpoint": ("vpcEndpointType", "S3 is reached by routes and the others by interfaces, always"),
}
"""Kind -> properties that cannot be changed first and cleared away later, and why nobody changes them."""

SERVICE = {
    "namespace": "eval",
    "image": "report-api",
    "replicas": 2,
    "pool": "general",
    "priority": "serving",
    "disruption": {"min_available": 1},
    "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}},
}
HARMLESS: dict[str, dict[str, Any]] = {
    "a tag": {"aws__tags": {"cost-center": "llm"}},
    "an older Kubernetes": {"cluster__version": "1.34"},
    "fewer nodes": {"node_pools__general__max": 11},
    "another service": {"services__report-api": SERVICE},
    "another who may use it": dict(VARIANTS["further entries"]),
    "a zone and certificates": dict(VARIANTS["a zone and certificates"]),
    "more logs": {"cluster__log_retention": 731},
}


def graph_of(name: str) -> Graph:
    return variant(name) if name in VARIANTS else planned(name).graph


def kinds(old: Graph, new: Graph) -> set[str]:
    """Kinds of what an update replaces."""
    return {finding.subject.partition(" ")[0] for finding in replaced(old, new)}


@pytest.mark.parametrize("changes", HARMLESS.values(), ids=HARMLESS)
def test_what_changes_every_day_replaces_nothing(prod: Graph, changes: dict[str, Any]) -> None:
    other = prod_with(**changes)
    assert other != prod
    assert replaced(prod, other) == []
    assert replaced(other, prod) == []


def test_new_versions_of_charts_and_add_ons_replace_nothing(prod: Graph) -> None:
    bumped = Graph.of([_bumped(r) for r in prod.resources])
    assert sum(a != b for a, b in zip(prod.resources, bumped.resources, strict=True)) == 12
    assert replaced(prod, bumped) == []


def _bumped(resource: Resource) -> Resource:
    keys = {"aws:eks/addon:Addon": "addonVersion", HELM_RELEASE: "version"}
    if resource.type not in keys:
        return resource
    return replace(resource, inputs={**resource.inputs, keys[resource.type]: "v99.0.0"})


@pytest.mark.parametrize(
    ("path", "value", "group"),
    [
        ("node_pools__general__instance_types", ["m6i.xlarge", "m7i.xlarge"], "general-group"),
        ("node_pools__gpu-spot__instance_types", ["g5.xlarge", "g6.xlarge"], "gpu-spot-group"),
    ],
)
def test_other_instances_replace_their_node_group_alone(prod: Graph, path: str, value: Any, group: str) -> None:
    found = replaced(prod, prod_with(**{path: value}))
    assert [f.subject for f in found if not f.subject.startswith("Tag ")] == [f"NodeGroup {group}"]
    assert {f.reason for f in found if f.subject.startswith("Tag ")} == {
        f"autoscalingGroupName names NodeGroup {group}, which is replaced"
    }


def test_a_node_group_is_replaced_by_one_of_another_name(prod: Graph) -> None:
    for group in prod.of_type("aws:eks/nodeGroup:NodeGroup"):
        assert "nodeGroupNamePrefix" in group.inputs
        assert clashing(group) == []


def test_other_zones_move_the_network_and_all_that_stands_in_it(prod: Graph) -> None:
    found = kinds(prod, prod_with(aws__zones=["us-west-2a", "us-west-2b"]))
    assert found == {"NatGateway", "NodeGroup", "RouteTableAssociation", "Subnet", "Tag"}


def test_other_addresses_replace_the_vpc_and_not_the_cluster(prod: Graph) -> None:
    found = kinds(prod, prod_with(aws__vpc_cidr="10.8.0.0/16"))
    assert found >= {"Vpc", "Subnet", "RouteTable", "Route", "VpcEndpoint", "SecurityGroup", "NodeGroup", "FlowLog"}
    assert not found & {"Bucket", "Cluster", "FileSystem", "Key", "LogGroup", "Repository", "Role"}


def test_with_a_cluster_goes_all_that_is_in_it(prod: Graph) -> None:
    [cluster] = prod.of_type("aws:eks/cluster:Cluster")
    other = replace(cluster, inputs={**cluster.inputs, "name": "other"})
    found = {f.subject: f.reason for f in replaced(prod, Graph.of([*_without(prod, cluster), other]))}
    assert found["Cluster control-plane-cluster"] == "name cannot change in place: llmplatform-prod -> other"
    assert found["Deployment quant/quant-api"] == "it goes with Cluster control-plane-cluster, which is replaced"
    assert "Release external-secrets" in found
    assert "Ingress platform/platform-ingress" not in found


def test_what_is_only_taken_out_cannot_be(prod: Graph) -> None:
    [cluster] = prod.of_type("aws:eks/cluster:Cluster")
    bare = replace(cluster, inputs={k: v for k, v in cluster.inputs.items() if k != "encryptionConfig"})
    plain, secret = Graph.of([bare]), Graph.of([cluster])
    assert [f.reason for f in replaced(secret, plain)] == ["encryptionConfig cannot be taken out in place"]
    assert replaced(plain, secret) == []


def test_the_order_of_a_set_means_nothing(prod: Graph) -> None:
    [group, _] = prod.of_type("aws:eks/nodeGroup:NodeGroup")
    turned = replace(group, inputs={**group.inputs, "subnetIds": group.inputs["subnetIds"][::-1]})
    assert replaced(Graph.of([group]), Graph.of([turned])) == []
    assert kinds(Graph.of([group]), Graph.of([replace(turned, inputs={**turned.inputs, "subnetIds": []})]))


def _without(graph: Graph, resource: Resource) -> list[Resource]:
    return [r for r in graph.resources if r is not resource]


def test_every_type_of_aws_has_a_row_and_every_row_a_resource() -> None:
    types = {r.type for name in GRAPHS for r in graph_of(name).resources if r.type.startswith("aws:")}
    assert types == set(ROWS) == set(REPLACES)


@pytest.mark.parametrize("type_", ROWS)
def test_every_row_speaks_of_properties_that_its_type_has(type_: str) -> None:
    found = resource_class(type_)
    assert found is not None
    row, known = ROWS[type_], set(properties(found))
    assert {path.partition(".")[0] for path in (*row.forces, *row.unique, *row.gone)} <= known
    assert list(row.forces) == sorted(row.forces)
    assert ("region" in known) == ("region" in REPLACES[type_])


def test_whatever_may_be_replaced_can_be_made_before_it_is_deleted_or_has_a_reason() -> None:
    found: dict[str, set[str]] = {}
    for name in GRAPHS:
        for resource in graph_of(name).resources:
            for path in clashing(resource):
                found.setdefault(resource.type.rsplit(":", 1)[-1], set()).add(path)
    assert found == {kind: set(paths.split()) for kind, (paths, _) in CLASHING.items()}


@pytest.mark.parametrize("kind", ["AccessPolicyAssociation", "FlowLog", "LifecyclePolicy", "NatGateway"])
def test_what_would_overwrite_or_be_refused_goes_first(prod: Graph, kind: str) -> None:
    found = [r for r in prod.resources if r.type.endswith(f":{kind}")]
    assert found
    for resource in found:
        assert resource.delete_before_replace
        assert clashing(replace(resource, delete_before_replace=False))
