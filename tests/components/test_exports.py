"""What a stack on AWS tells: how its cluster is reached, without a token, and the ids that others need."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.cluster.kubeconfig import kubeconfig
from policy.graph import SECRET
from tests.components.eks import ON_AWS, every, made
from tests.conftest import planned
from tests.support import World

IDS = {
    "cluster_endpoint": made("eks/cluster:Cluster", "control-plane-cluster", "endpoint"),
    "oidc_provider_arn": made("iam/openIdConnectProvider:OpenIdConnectProvider", "control-plane-oidc", "arn"),
    "vpc_id": made("ec2/vpc:Vpc", "network-vpc", "id"),
}


@pytest.fixture
def written(world: World) -> Any:
    """A kubeconfig, as a program may read it."""

    def program() -> None:
        config = aws.eks.ClusterVpcConfigArgs(subnet_ids=["subnet-1"])
        cluster = aws.eks.Cluster("c", name="tiny-dev", role_arn="arn:aws:iam::1:role/r", vpc_config=config)
        pulumi.export("written", pulumi.Output.unsecret(kubeconfig(cluster, "us-west-2")))

    return json.loads(world.deploy(program).outputs["written"])


@pytest.mark.requirement("S003-07")
def test_a_kubeconfig_asks_aws_for_a_token_at_each_use(written: Any) -> None:
    (user,), (context,), (cluster,) = written["users"], written["contexts"], written["clusters"]
    asks = user["user"]["exec"]
    assert user["user"] == {"exec": asks}, "no token, no certificate, no password"
    assert [asks["command"], *asks["args"]] == [
        *("aws", "eks", "get-token", "--cluster-name", "tiny-dev", "--region", "us-west-2", "--output", "json")
    ]
    assert asks["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    assert asks["interactiveMode"] == "Never"
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert written["current-context"] == context["name"] == "tiny-dev"
    assert cluster["cluster"] == {
        "server": made("eks/cluster:Cluster", "c", "endpoint"),
        "certificate-authority-data": made("eks/cluster:Cluster", "c", "certificateAuthority.data"),
    }


@pytest.mark.requirement("S003-07")
@pytest.mark.parametrize("stack", ON_AWS)
def test_the_way_to_the_cluster_is_exported_secret_and_as_the_command_that_writes_it(stack: str) -> None:
    outputs = planned(stack).graph.outputs
    assert outputs["kubeconfig"] == SECRET
    assert outputs["cluster_name"] == f"llmplatform-{stack}"
    command = f"aws eks update-kubeconfig --region us-west-2 --name llmplatform-{stack}"
    assert outputs["update_kubeconfig"] == command


def test_the_platform_reaches_its_cluster_by_that_kubeconfig(eks: World) -> None:
    (provider,) = [r for r in eks.graph.resources if r.type == "pulumi:providers:kubernetes"]
    assert provider.inputs["kubeconfig"] == SECRET
    inside = [r for r in eks.graph.resources if r.custom and r.type.startswith("kubernetes:")]
    assert {r.provider for r in inside} == {provider.urn}


@pytest.mark.parametrize("stack", ON_AWS)
def test_ids_that_others_need_are_exported(stack: str) -> None:
    outputs = planned(stack).graph.outputs
    assert {key: outputs[key] for key in IDS} == IDS
    zones = [f"us-west-2{zone}" for zone in "abc"]
    for kind in ("private", "public"):
        subnets = [made("ec2/subnet:Subnet", f"network-{kind}-{zone}", "id") for zone in zones]
        assert outputs[f"{kind}_subnet_ids"] == subnets
    services = ("eval-api", "finetune-api", "gateway", "quant-api")
    assert outputs["role_arns"] == {s: made("iam/role:Role", f"{s}-access-role", "arn") for s in services}
    assert outputs["image_repositories"] == {
        s: made("ecr/repository:Repository", f"registry-{s}", "repositoryUrl") for s in services
    }
    assert outputs["bucket_names"] == {}


@pytest.mark.requirement("S003-11")
@pytest.mark.parametrize("stack", ON_AWS)
def test_cluster_network_registry_and_iam_are_of_the_same_program(stack: str) -> None:
    graph = planned(stack).graph
    for kind in ("eks/cluster:Cluster", "ec2/vpc:Vpc", "ecr/repository:Repository", "iam/role:Role"):
        assert every(graph, kind), kind
    (provider,) = [r for r in graph.resources if r.type == "pulumi:providers:aws"]
    assert {r.provider for r in graph.resources if r.type.startswith("aws:")} == {provider.urn}


def test_a_cluster_of_somebody_elses_has_nothing_of_aws() -> None:
    graph = planned("local").graph
    assert not [r.name for r in graph.resources if "aws" in r.type]
    assert "kubeconfig" not in graph.outputs
