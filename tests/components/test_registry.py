"""The registry: what was pushed stays what it was, is looked at, and goes when it is old."""

from __future__ import annotations

import json

import pytest

from tests.components.eks import ON_AWS, PROTECT, Deploy, before, every, made, one
from tests.conftest import planned
from tests.support import EKS, World, kept

REPOSITORY, LIFECYCLE = "ecr/repository:Repository", "ecr/lifecyclePolicy:LifecyclePolicy"


def test_every_image_of_our_own_has_a_repository_of_this_environment(eks: World) -> None:
    names = {r.inputs["name"] for r in every(eks.graph, REPOSITORY).values()}
    assert names == {"tiny-dev/door", "tiny-dev/worker"}


def test_a_tag_never_moves_each_push_is_scanned_and_images_are_encrypted_with_our_key(eks: World) -> None:
    for repository in every(eks.graph, REPOSITORY).values():
        assert repository.inputs["imageTagMutability"] == "IMMUTABLE"
        assert repository.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        key = made("kms/key:Key", "data-key", "arn")
        assert repository.inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": key}]


def test_broken_pushes_go_and_the_newest_images_stay(deploy: Deploy) -> None:
    world = deploy(**EKS, registry__keep=7)
    policies = [json.loads(p.inputs["policy"])["rules"] for p in every(world.graph, LIFECYCLE).values()]
    assert len(policies) == 2
    for broken, old in policies:
        assert broken["selection"]["tagStatus"] == "untagged"
        assert (old["selection"]["countType"], old["selection"]["countNumber"]) == ("imageCountMoreThan", 7)
        assert broken["rulePriority"] < old["rulePriority"], "ECR wants the rule for everything last"
        assert {broken["action"]["type"], old["action"]["type"]} == {"expire"}


def test_images_go_with_the_stack_unless_it_is_protected(deploy: Deploy, eks: World) -> None:
    assert one(eks.graph, REPOSITORY, "registry-door")["forceDelete"] is True
    protected = kept(deploy, **PROTECT).graph
    assert one(protected, REPOSITORY, "registry-door")["forceDelete"] is False
    assert every(protected, REPOSITORY)["registry-door"].protect


def test_images_elsewhere_need_no_registry_here(deploy: Deploy) -> None:
    world = deploy(**EKS, registry__host="registry.example.com")
    assert every(world.graph, REPOSITORY) == {}


@pytest.mark.parametrize("stack", ON_AWS)
def test_every_image_of_ours_that_a_pod_runs_lies_in_a_repository_that_is_made_before_it(stack: str) -> None:
    graph = planned(stack).graph
    host = "111122223333.dkr.ecr.us-west-2.amazonaws.com/"
    repositories = {r.inputs["name"]: r for r in every(graph, REPOSITORY).values()}
    ours = [
        (workload, str(container["image"]).removeprefix(host).partition(":")[0])
        for workload in graph.workloads
        for container in workload.containers
        if str(container["image"]).startswith(host)
    ]
    assert {name for _, name in ours} == set(repositories)
    for workload, name in ours:
        assert f"aws:{REPOSITORY} {repositories[name].name}" in before(graph, workload.resource)
