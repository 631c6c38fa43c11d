"""ModelServer: what a model's few lines become."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.serving.model_server import WAIT
from settings import drain, start_up
from settings.demand import model_resources
from settings.gpu_memory import weights_size
from settings.start_up import READ_RATE
from settings.types import Memory
from tests.components.served import (
    BARE,
    SERVER_SECURITY,
    annotations,
    command_line,
    deployment,
    flags,
    pod,
    server,
    waiting,
)
from tests.support import REMOVE, World, resolved, tiny

Deploy = Callable[..., World]


def test_the_container_runs_the_engine_with_the_command_line_that_follows_from_the_settings(usual: World) -> None:
    assert server(usual)["command"] == ["vllm", "serve"]
    assert server(usual)["args"] == command_line()


# Place


@pytest.mark.parametrize(
    ("changes", "gpus"),
    [
        ({}, 1),
        (
            {
                "node_pools__gpu": {"instance_types": ["g6.12xlarge", "g5.12xlarge"], "gpus": 4},
                "models__mind__gpus": 2,
            },
            2,
        ),
    ],
)
def test_gpus_are_requested_limited_and_told_to_the_engine(
    deploy: Deploy, usual: World, changes: dict[str, Any], gpus: int
) -> None:
    world = deploy(**changes) if changes else usual
    resources = server(world)["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == str(gpus)
    assert f"--tensor-parallel-size={gpus}" in server(world)["args"]
    assert "nvidia.com/gpu" not in waiting(world)["resources"]["limits"], "waiting needs none, and would hold one back"


def test_requests_and_limits_are_the_teams_or_a_nodes_share(deploy: Deploy, usual: World) -> None:
    stated = server(usual)["resources"]
    assert stated["requests"] == {
        "cpu": "500m",
        "memory": "2Gi",
        "ephemeral-storage": "128Mi",
        "nvidia.com/gpu": "1",
    }
    assert stated["limits"] == {"cpu": "1", "memory": "4Gi", "ephemeral-storage": "5Gi", "nvidia.com/gpu": "1"}
    large = {
        "tiers__small__limit_range__max": {"cpu": "4", "memory": "16Gi"},
        "tiers__small__quota": {
            "requests": {"cpu": "16", "memory": "64Gi"},
            "limits": {"cpu": "16", "memory": "64Gi"},
        },
        "models__mind__resources": None,
    }
    size = model_resources(resolved(tiny(**large)).settings, "mind")
    assert size.requests.memory > Memory(8 << 30), "the share of a node, not what tiny.yaml says"
    share = server(deploy(**large))["resources"]
    assert share["requests"]["cpu"] == str(size.requests.cpu)
    assert share["requests"]["memory"] == share["limits"]["memory"] == str(size.requests.memory)


def test_the_pool_is_selected_and_its_taint_tolerated_and_nothing_else(usual: World) -> None:
    assert pod(usual)["nodeSelector"] == {"llmplatform.dev/pool": "gpu"}
    assert pod(usual)["tolerations"] == [
        {"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Equal", "value": "present"}
    ]


def test_models_are_kept_apart_by_their_gpus_and_by_no_required_affinity(usual: World) -> None:
    """A required anti-affinity would keep the autoscaler from ever removing a node: each node has one GPU, and each pod
    takes one. Replicas of one model prefer other nodes, for pools whose nodes have several.
    """
    apart = pod(usual)["affinity"]["podAntiAffinity"]
    assert set(apart) == {"preferredDuringSchedulingIgnoredDuringExecution"}
    ((term,),) = apart.values()
    assert term["podAffinityTerm"] == {
        "labelSelector": {"matchLabels": {"app": "mind"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    assert resolved(tiny()).settings.node_pools["gpu"].gpus == 1


def test_replicas_spread_over_the_zones_each_revision_by_itself(usual: World) -> None:
    assert pod(usual)["topologySpreadConstraints"] == [
        {
            "labelSelector": {"matchLabels": {"app": "mind"}},
            "matchLabelKeys": ["pod-template-hash"],
            "maxSkew": 1,
            "nodeTaintsPolicy": "Honor",
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
        }
    ]


def test_the_priority_class_is_named_and_made_first(usual: World, tuned: World) -> None:
    assert "priorityClassName" not in pod(usual)
    assert pod(tuned)["priorityClassName"] == "serving"
    assert tuned.object("PriorityClass", "serving").resource.urn in deployment(tuned).resource.dependencies


# Start and end


def test_a_rollout_needs_no_spare_gpu_unless_the_team_wants_one(usual: World, tuned: World) -> None:
    assert deployment(usual).spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
    }
    assert deployment(tuned).spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_all_three_probes_ask_on_the_one_path_of_the_engine(tuned: World) -> None:
    get, only = {"path": "/health", "port": 9100}, server(tuned)
    assert only["startupProbe"] == {
        "httpGet": get,
        "initialDelaySeconds": 0,
        "periodSeconds": 10,
        "failureThreshold": 7,
        "successThreshold": 1,
        "timeoutSeconds": 5,
    }
    assert only["livenessProbe"] == {
        "httpGet": get,
        "initialDelaySeconds": 0,
        "periodSeconds": 20,
        "failureThreshold": 12,
        "successThreshold": 1,
        "timeoutSeconds": 15,
    }
    assert only["readinessProbe"] == {
        "httpGet": get,
        "initialDelaySeconds": 0,
        "periodSeconds": 7,
        "failureThreshold": 6,
        "successThreshold": 1,
        "timeoutSeconds": 4,
    }


def test_a_busy_server_is_given_time_to_answer_and_leaves_its_service_before_it_is_restarted(usual: World) -> None:
    """A call of one second fails under load, and a restart costs a whole start."""
    live, ready = (server(usual)[f"{kind}Probe"] for kind in ("liveness", "readiness"))
    assert (live["timeoutSeconds"], live["failureThreshold"]) == (15, 10)
    assert ready["timeoutSeconds"] == 5
    patience = [found["periodSeconds"] * found["failureThreshold"] for found in (ready, live)]
    assert patience == [30, 150]


@pytest.mark.parametrize(
    ("weights", "warm_up"), [("30s", "30s"), ("61s", "30s"), ("12m", "5m"), (None, "30s")], ids=str
)
def test_the_start_up_probe_never_gives_up_within_the_budget(weights: str | None, warm_up: str) -> None:
    """The first call is made at once: the last of n comes after n - 1 periods."""
    changes = {"models__mind__start_up__weights": weights, "models__mind__start_up__warm_up": warm_up}
    settings = resolved(tiny(**changes)).settings
    spec = settings.models["mind"]
    size = weights_size(spec.source)
    assert size is not None
    reading = spec.start_up.weights.seconds if spec.start_up.weights else size.bytes / READ_RATE.bytes
    probe = start_up.probes(settings, "mind").startup
    last = probe.initial_delay.seconds + (probe.failures - 1) * probe.period.seconds
    loading = reading + spec.start_up.warm_up.seconds
    assert loading <= last < loading + probe.period.seconds + 1, "the whole budget, and at most one call beyond"


def test_the_start_up_probe_covers_weights_and_warm_up(usual: World) -> None:
    probe = server(usual)["startupProbe"]
    assert probe["initialDelaySeconds"] + (probe["failureThreshold"] - 1) * probe["periodSeconds"] == 30 + 30


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        pytest.param({}, 180 + 60 + 70, id="node, image, start-up probe"),
        pytest.param({"node_pools__gpu__node_start_up": "400s"}, 400 + 60 + 70, id="slower node"),
        pytest.param({"models__mind__start_up__image": "333s"}, 180 + 333 + 70, id="larger image"),
        pytest.param({"models__mind__start_up__warm_up": "90s"}, 180 + 60 + 130, id="longer warm-up"),
        pytest.param(
            {"node_pools__gpu__node_start_up": "10s", "models__mind__longest_request": "70s"},
            (15 + 70 + 15) + 60 + 70,
            id="its predecessor leaves later than a node comes",
        ),
    ],
)
def test_the_progress_deadline_covers_a_whole_cold_start(changes: dict[str, Any], seconds: int) -> None:
    assert start_up.deadline(resolved(tiny(**changes)).settings, "mind", "gpu").seconds == seconds


def test_the_deployment_has_that_deadline(usual: World) -> None:
    assert deployment(usual).spec["progressDeadlineSeconds"] == 180 + 60 + 70


@pytest.mark.parametrize(
    ("changes", "wait", "shutdown"),
    [
        pytest.param({}, 15, 30, id="the route of 30s that leads to its caller"),
        pytest.param({"models__mind__longest_request": "70s"}, 15, 70, id="as set"),
        pytest.param({"services__worker__calls": REMOVE, **BARE}, 15, 30, id="nothing is known"),
        pytest.param({"models__mind__engine__version": "0.18.0"}, 15, 30, id="first that drains"),
        pytest.param({"models__mind__engine__version": "0.17.9"}, 45, 0, id="last that cuts its requests"),
    ],
)
def test_requests_are_finished_by_the_engine_or_waited_for_before_it_is_told(
    changes: dict[str, Any], wait: int, shutdown: int
) -> None:
    solved = drain.solve_model(resolved(tiny(**changes)).settings, "mind")
    assert (solved.pre_stop.seconds, solved.shutdown.seconds) == (wait, shutdown)
    assert solved.grace.seconds == wait + shutdown + 15
    told = flags(command_line(**changes), "--shutdown-timeout")
    assert told == ([f"--shutdown-timeout={shutdown}"] if shutdown else [])


@pytest.mark.parametrize(("name", "wait"), [("usual", 15), ("tuned", 45)])
def test_the_pod_waits_and_has_the_grace_for_the_rest(request: pytest.FixtureRequest, name: str, wait: int) -> None:
    world: World = request.getfixturevalue(name)
    assert server(world)["lifecycle"] == {"preStop": {"sleep": {"seconds": wait}}}
    assert pod(world)["terminationGracePeriodSeconds"] == 15 + 30 + 15


# Weights, memory, environment


def test_weights_are_read_from_the_caches_claim_and_never_written(usual: World) -> None:
    volumes = {volume["name"]: volume for volume in pod(usual)["volumes"]}
    assert volumes["weights"]["persistentVolumeClaim"] == {"claimName": "store", "readOnly": True}
    mount = {"name": "weights", "mountPath": "/weights", "readOnly": True}
    assert mount in server(usual)["volumeMounts"]
    assert waiting(usual)["volumeMounts"] == [mount]
    assert usual.object("PersistentVolumeClaim", "store", "back").resource.urn in (
        deployment(usual).resource.dependencies
    )


def test_it_waits_for_exactly_the_folders_that_downloads_produce_and_serves_from_them(usual: World) -> None:
    produced = {job.containers[0]["args"][0]: job.containers[0]["args"][2] for job in usual.graph.of_kind("Job")}
    weights = produced["mistralai/Mistral-7B-Instruct-v0.3"]
    assert waiting(usual)["args"] == [weights, produced["tiny/blue"], produced["tiny/green"]]
    assert waiting(usual)["command"] == ["/bin/sh", "-c", WAIT, "wait"]
    assert waiting(usual)["image"] == server(usual)["image"], "which is on the node already"
    arguments = server(usual)["args"]
    assert arguments[0] == weights
    assert f"blue={produced['tiny/blue']}" in arguments
    assert f"green={produced['tiny/green']}" in arguments


def test_another_models_downloads_are_not_waited_for(deploy: Deploy) -> None:
    other = {
        "namespace": "back",
        "engine": "vllm",
        "source": {"hub": "solidrust/Mistral-7B-Instruct-v0.3-AWQ"},
        "pool": "gpu",
        "resources": {
            "requests": {"cpu": "500m", "memory": "1Gi"},
            "limits": {"cpu": "500m", "memory": "2Gi", "ephemeral_storage": "5Gi"},
        },
        "cache": "store",
        "start_up": {"image": "60s", "weights": "30s", "warm_up": "30s"},
    }
    world = deploy(models__other=other, models__mind__replicas=1)
    (folder,) = waiting(world, "other")["args"]
    assert folder == server(world, "other")["args"][0]
    assert "AWQ" in folder
    assert folder not in waiting(world)["args"]
    (job,) = [job for job in world.graph.of_kind("Job") if folder in job.containers[0]["args"]]
    assert job.resource.urn in deployment(world, "other").resource.dependencies
    assert job.resource.urn not in deployment(world).resource.dependencies, "nor does its failure hold others up"


def test_waiting_ends_when_the_last_folder_is_there(tmp_path: Path) -> None:
    """Runs the wait with a `sleep` that makes the missing folder instead."""
    there, missing, programs = tmp_path / "there", tmp_path / "missing", tmp_path / "bin"
    there.mkdir()
    programs.mkdir()
    sleep = programs / "sleep"
    sleep.write_text(f'#!/bin/sh\nmkdir "{missing}"\n', encoding="utf-8")
    sleep.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", WAIT, "wait", str(there), str(missing)],
        env={"PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"waiting for {missing}\n", "")
    assert missing.is_dir()


def test_a_pod_that_still_waits_makes_way_at_once(tmp_path: Path) -> None:
    """By a trap of its own: the first process of a container is not ended by SIGTERM otherwise."""
    programs = tmp_path / "bin"
    programs.mkdir()
    sleep = programs / "sleep"
    sleep.write_text("#!/bin/sh\nkill -TERM $PPID\n", encoding="utf-8")
    sleep.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", WAIT, "wait", str(tmp_path / "missing")],
        env={"PATH": f"{programs}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        timeout=10,
        check=False,
    )
    assert done.returncode == 143


@pytest.mark.parametrize(("name", "size"), [("usual", "1Gi"), ("tuned", "2Gi")])
def test_shared_memory_is_sized_and_lies_inside_the_memory_limit(
    request: pytest.FixtureRequest, name: str, size: str
) -> None:
    world: World = request.getfixturevalue(name)
    volumes = {volume["name"]: volume for volume in pod(world)["volumes"]}
    assert volumes["shared-memory"]["emptyDir"] == {"medium": "Memory", "sizeLimit": size}
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in server(world)["volumeMounts"]
    limit = Memory.parse(server(world)["resources"]["limits"]["memory"])
    assert Memory.parse(size).bytes * 2 <= limit.bytes, "the server needs the rest"


def test_the_environment_is_offline_and_has_a_home_for_a_user_that_the_image_does_not_know(usual: World) -> None:
    env = server(usual)["env"]
    assert all(set(variable) == {"name", "value"} for variable in env), "no variable is read from elsewhere"
    values = {variable["name"]: variable["value"] for variable in env}
    assert values["HF_HUB_OFFLINE"] == values["TRANSFORMERS_OFFLINE"] == values["VLLM_NO_USAGE_STATS"] == "1"
    assert (values["HOME"], values["USER"]) == ("/tmp", "mind")
    assert values["XDG_CACHE_HOME"].startswith("/tmp/")
    assert not [name for name in values if "TOKEN" in name]
    assert "envFrom" not in server(usual)
    assert {"name": "tmp", "mountPath": "/tmp"} in server(usual)["volumeMounts"]


def test_no_volume_on_the_nodes_disk_keeps_the_autoscaler_from_removing_the_node(usual: World) -> None:
    on_disk = {v["name"] for v in pod(usual)["volumes"] if "emptyDir" in v and "medium" not in v["emptyDir"]}
    named = annotations(usual)["cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"]
    assert set(named.split(",")) == on_disk == {"tmp"}
    assert {v["name"]: v for v in pod(usual)["volumes"]}["tmp"]["emptyDir"] == {"sizeLimit": "4Gi"}


# Security


def test_only_the_container_with_the_gpu_may_write_to_its_root(usual: World) -> None:
    """NVIDIA's container hook writes to it; everything else is the restricted profile."""
    assert server(usual)["securityContext"] == SERVER_SECURITY
    assert waiting(usual)["securityContext"] == {**SERVER_SECURITY, "readOnlyRootFilesystem": True}
    assert pod(usual)["securityContext"] == {
        "fsGroup": 10001,
        "fsGroupChangePolicy": "OnRootMismatch",
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_user_and_group_are_the_teams(tuned: World) -> None:
    for container in (server(tuned), waiting(tuned)):
        context = container["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (20000, 20001)
    assert pod(tuned)["securityContext"]["fsGroup"] == 20001


def test_its_service_account_is_its_own_and_gets_no_token_and_no_role(usual: World) -> None:
    account = usual.object("ServiceAccount", "mind-sa", "back")
    assert account.manifest["automountServiceAccountToken"] is False
    assert "annotations" not in account.metadata
    assert pod(usual)["serviceAccountName"] == "mind-sa"
    assert pod(usual)["automountServiceAccountToken"] is False
    assert account.resource.urn in deployment(usual).resource.dependencies


# Reached by


def test_its_service_leads_to_its_port_and_its_callers_know_the_url(tuned: World) -> None:
    assert tuned.object("Service", "mind", "back").spec == {
        "ports": [{"name": "http", "port": 9100, "protocol": "TCP", "targetPort": 9100}],
        "selector": {"app": "mind"},
        "type": "ClusterIP",
    }
    assert server(tuned)["ports"] == [{"containerPort": 9100, "name": "http", "protocol": "TCP"}]
    assert "--port=9100" in server(tuned)["args"]
    url = "http://mind.back.svc.cluster.local:9100/v1"
    assert tuned.object("ConfigMap", "worker-config", "back").manifest["data"]["MIND_URL"] == url
    assert "MIND_URL" not in tuned.object("ConfigMap", "door-config", "front").manifest["data"]


def test_labels_say_what_it_is_and_the_selector_holds_only_what_never_changes(usual: World) -> None:
    found = deployment(usual)
    assert (found.labels["app"], found.labels["component"], found.labels["team"]) == ("mind", "model-server", "backend")
    assert found.pod_labels.items() >= found.labels.items()
    assert found.spec["selector"] == {"matchLabels": {"app": "mind", "llmplatform.dev/role": "main"}}
    assert found.pod_labels["llmplatform.dev/role"] == "main"
