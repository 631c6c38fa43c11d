"""How many replicas of a model run, on which pools, and what keeps a place for them."""

from __future__ import annotations

from collections.abc import Callable

from tests.components.served import (
    FLOORED,
    HEADROOM,
    HPA,
    SERVER_SECURITY,
    deployment,
    pod,
    server,
)
from tests.support import REMOVE, World, resolved, tiny

Deploy = Callable[..., World]


# How many, and who owns the count


def test_replicas_are_set_where_they_are_fixed_and_left_out_where_an_autoscaler_owns_them(
    deploy: Deploy, usual: World
) -> None:
    assert deployment(usual).spec["replicas"] == 2
    world = deploy(models__mind__scaling=HPA)
    assert "replicas" not in deployment(world).spec
    scaler = world.object("HorizontalPodAutoscaler", "mind-hpa", "back").spec
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mind"}
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (1, 2)


def test_one_replica_is_the_default() -> None:
    model = resolved(tiny(models__mind__replicas=None)).settings.models["mind"]
    assert (model.scaling.floor, model.scaling.ceiling) == (1, 1)


def test_a_budget_guards_more_than_one_replica(usual: World, tuned: World) -> None:
    assert usual.object("PodDisruptionBudget", "mind-pdb", "back").spec["maxUnavailable"] == 1
    assert deployment(tuned).spec["replicas"] == 1
    assert "mind-pdb" not in {budget.name for budget in tuned.graph.of_kind("PodDisruptionBudget")}


# Floor


def test_a_floor_is_the_same_server_on_another_pool(floored: World) -> None:
    main, floor = deployment(floored), deployment(floored, "mind-floor")
    assert (main.spec["replicas"], floor.spec["replicas"]) == (1, 1)
    assert main.spec["selector"] == {"matchLabels": {"app": "mind", "llmplatform.dev/role": "main"}}
    assert floor.spec["selector"] == {"matchLabels": {"app": "mind", "llmplatform.dev/role": "floor"}}
    assert floor.pod_labels["llmplatform.dev/role"] == "floor"
    assert floor.pod["nodeSelector"] == {"llmplatform.dev/pool": "steady"}
    assert {toleration["key"] for toleration in floor.pod["tolerations"]} == {"tiny/steady", "nvidia.com/gpu"}
    assert main.pod["nodeSelector"] == {"llmplatform.dev/pool": "gpu"}
    elsewhere = ("nodeSelector", "tolerations")
    assert {k: v for k, v in floor.pod.items() if k not in elsewhere} == {
        k: v for k, v in main.pod.items() if k not in elsewhere
    }
    assert floor.spec["progressDeadlineSeconds"] - main.spec["progressDeadlineSeconds"] == 240 - 180


def test_one_service_reaches_the_floor_too_and_one_budget_counts_both(floored: World) -> None:
    assert floored.object("Service", "mind", "back").spec["selector"] == {"app": "mind"}
    assert [s.name for s in floored.graph.of_kind("Service")].count("mind-floor") == 0
    assert deployment(floored, "mind-floor").pod_labels["app"] == "mind"
    budget = floored.object("PodDisruptionBudget", "mind-pdb", "back").spec
    assert budget["selector"] == {"matchLabels": {"app": "mind"}}
    assert budget["maxUnavailable"] == 1


def test_a_floor_is_rolled_out_before_the_main_replicas(floored: World) -> None:
    """A new version shows on the pool that is always there whether it starts, while spot still serves the old one."""
    main, floor = deployment(floored).resource, deployment(floored, "mind-floor").resource
    assert floor.urn in main.dependencies
    assert main.urn not in floor.dependencies


def test_a_floor_keeps_its_count_where_an_autoscaler_owns_the_other(deploy: Deploy) -> None:
    lean = {"requests": {"memory": "1Gi"}, "limits": {"cpu": "500m", "memory": "2Gi"}}
    scaled = {**FLOORED, "models__mind__replicas": REMOVE, "models__mind__scaling": HPA}
    world = deploy(**scaled, models__mind__resources=lean)
    assert "replicas" not in deployment(world).spec
    assert deployment(world, "mind-floor").spec["replicas"] == 1


def test_no_floor_is_made_where_none_is_set(usual: World) -> None:
    assert [d.name for d in usual.graph.of_kind("Deployment")].count("mind-floor") == 0


# Headroom


def test_placeholders_take_the_room_of_one_model_and_nothing_more(roomy: World) -> None:
    only, model = server(roomy, "gpu-headroom"), server(roomy)
    assert only["image"] == model["image"], "it is on the node when a model needs it"
    assert only["resources"] == model["resources"]
    assert only["command"] == ["/bin/sleep", "infinity"]
    assert pod(roomy, "gpu-headroom")["nodeSelector"] == pod(roomy)["nodeSelector"]
    assert pod(roomy, "gpu-headroom")["tolerations"] == pod(roomy)["tolerations"]
    assert "volumes" not in pod(roomy, "gpu-headroom")
    assert deployment(roomy, "gpu-headroom").spec["replicas"] == 1


def test_placeholders_make_way_at_once(roomy: World) -> None:
    found = pod(roomy, "gpu-headroom")
    assert found["terminationGracePeriodSeconds"] == 0
    assert found["priorityClassName"] == "idle"
    assert roomy.object("PriorityClass", "idle").manifest["value"] < 0
    assert roomy.object("PriorityClass", "idle").resource.urn in (
        deployment(roomy, "gpu-headroom").resource.dependencies
    )
    assert not [b for b in roomy.graph.of_kind("PodDisruptionBudget") if b.name == "gpu-headroom-pdb"]


def test_nobody_waits_for_placeholders_and_nobody_talks_to_them(roomy: World) -> None:
    assert deployment(roomy, "gpu-headroom").metadata["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert deployment(roomy, "gpu-headroom").spec["selector"] == {"matchLabels": {"app": "gpu-headroom"}}
    apps = [service.spec["selector"] for service in roomy.graph.of_kind("Service")]
    assert {"app": "gpu-headroom"} not in apps
    assert "ports" not in server(roomy, "gpu-headroom")


def test_placeholders_are_restricted_as_far_as_a_gpu_lets_them_be(roomy: World) -> None:
    assert server(roomy, "gpu-headroom")["securityContext"] == SERVER_SECURITY
    assert pod(roomy, "gpu-headroom")["automountServiceAccountToken"] is False
    account = roomy.object("ServiceAccount", "gpu-headroom", "back")
    assert account.manifest["automountServiceAccountToken"] is False


def test_a_budget_of_several_placeholders_lets_all_of_them_go(deploy: Deploy) -> None:
    small = {"cpu": "100m", "memory": "128Mi"}
    changes = {
        **HEADROOM,
        "node_pools__gpu__headroom": {"namespace": "watch", "priority": "idle", "replicas": 2},
        "models__mind__resources": {"requests": small, "limits": {"cpu": "1", "memory": "4Gi"}},
    }
    world = deploy(**changes)
    assert world.object("Deployment", "gpu-headroom", "watch").spec["replicas"] == 2
    budget = world.object("PodDisruptionBudget", "gpu-headroom-pdb", "watch").spec
    assert budget["maxUnavailable"] == 2
    assert budget["selector"] == {"matchLabels": {"app": "gpu-headroom"}}


def test_a_pool_without_headroom_has_no_placeholders(usual: World) -> None:
    assert {d.name for d in usual.graph.of_kind("Deployment")} == {"door", "mind", "worker"}


def test_what_is_said_of_a_rollout_or_a_probe_leaves_the_rest_as_it_was(deploy: Deploy) -> None:
    world = deploy(
        models__mind__rollout={"max_unavailable": 1},
        models__mind__probes={"readiness": {"period": "7s"}, "liveness": {"failures": 12}},
    )
    mind = world.object("Deployment", "mind")
    assert mind.spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    (server,) = mind.containers
    ready, live = server["readinessProbe"], server["livenessProbe"]
    assert (ready["periodSeconds"], ready["failureThreshold"], ready["timeoutSeconds"]) == (7, 6, 5)
    assert (live["periodSeconds"], live["failureThreshold"], live["timeoutSeconds"]) == (15, 12, 15)
