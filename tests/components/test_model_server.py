"""ModelServer: what a model's few lines become, what its engine is told, and who keeps its place."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.serving.model_server import WAIT
from policy.graph import KubernetesObject
from settings import drain, start_up
from settings.demand import model_resources
from settings.gpu_memory import weights_size
from settings.max_serve import MaxServe
from settings.serving import serve
from settings.start_up import READ_RATE
from settings.types import Memory
from settings.versions import DIGESTS, VLLM
from settings.vllm import LORA_RANKS, VllmImage
from tests.support import REMOVE, World, kept, resolved, tiny

Deploy = Callable[..., World]

BARE = {"models__mind__adapters": None, "services__door__routes__work__variants": None}
"""Without adapters, and without the A/B test that names them."""
STEADY = {
    "instance_types": ["g6.xlarge"],
    "capacity": "on-demand",
    "min": 1,
    "max": 2,
    "gpus": 1,
    "node_start_up": "240s",
    "taints": [{"key": "tiny/steady", "value": "present"}, {"key": "nvidia.com/gpu", "value": "present"}],
}
FLOORED = {"node_pools__steady": STEADY, "models__mind__floor": {"pool": "steady"}, "models__mind__replicas": 1}
HPA = {"kind": "hpa", "min": 1, "max": 2, "metrics": {"cpu": "70%"}}
IDLE = {"value": -5, "preempts": False, "description": "makes way"}
HEADROOM = {
    "priorities__idle": IDLE,
    "node_pools__gpu__headroom": {"namespace": "back", "priority": "idle"},
    "models__mind__replicas": 1,
}
TUNED: dict[str, Any] = {
    "caches__store__security": {"group": 20001},
    "models__mind__engine": {"version": "0.17.9", "shared_memory": "2Gi"},
    "models__mind__port": 9100,
    "models__mind__priority": "serving",
    "models__mind__probes": {
        "liveness": {"period": "20s", "failures": 12, "timeout": "15s"},
        "readiness": {"period": "7s", "failures": 6, "timeout": "4s"},
    },
    "models__mind__replicas": 1,
    "models__mind__rollout": {"max_surge": 1, "max_unavailable": 0},
    "models__mind__security": {"user": 20000, "group": 20001},
}
"""What a team can set and seldom does."""
MAXED: dict[str, Any] = {
    "models__mind__engine": {"kind": "max-serve", "max_length": 4096, "gpu_memory": "85%"},
    "models__mind__longest_request": "40s",
}
SERVER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": False,
    "runAsGroup": 10001,
    "runAsNonRoot": True,
    "runAsUser": 10001,
}


@pytest.fixture
def usual(deploy: Deploy) -> World:
    """tests/data/tiny.yaml as it is."""
    return kept(deploy)


@pytest.fixture
def tuned(deploy: Deploy) -> World:
    """With everything set that has a default."""
    return kept(deploy, **TUNED)


@pytest.fixture
def floored(deploy: Deploy) -> World:
    """With one replica on a spot pool and one on another."""
    return kept(deploy, **FLOORED)


@pytest.fixture
def roomy(deploy: Deploy) -> World:
    """With a placeholder that keeps a node ready."""
    return kept(deploy, **HEADROOM)


@pytest.fixture
def maxed(deploy: Deploy) -> World:
    """Served by MAX."""
    return kept(deploy, **MAXED)


def deployment(world: World, name: str = "mind") -> KubernetesObject:
    return world.object("Deployment", name, "back")


def pod(world: World, name: str = "mind") -> Any:
    return deployment(world, name).pod


def server(world: World, name: str = "mind") -> Any:
    (only,) = deployment(world, name).containers
    return only


def waiting(world: World, name: str = "mind") -> Any:
    (only,) = deployment(world, name).init_containers
    return only


def annotations(world: World, name: str = "mind") -> Any:
    template = deployment(world, name).template
    assert template is not None
    return template["metadata"]["annotations"]


def command_line(**changes: Any) -> list[str]:
    """What the engine of `mind` is told."""
    settings = resolved(tiny(**changes)).settings
    return settings.models["mind"].engine.command_line(serve(settings, "mind"))


def flags(arguments: list[str], start: str) -> list[str]:
    return [argument for argument in arguments if argument.startswith(start)]


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


# What vLLM is told


def test_vllm_is_told_where_weights_lie_how_it_is_called_and_what_it_may_take() -> None:
    first, *rest = command_line()
    assert first.startswith("/weights/mistralai--Mistral-7B-Instruct-v0.3/")
    assert rest[:4] == [
        "--served-model-name=mind",
        "--port=9000",
        "--gpu-memory-utilization=0.90",
        "--tensor-parallel-size=1",
    ]
    assert "--gpu-memory-utilization=0.85" in command_line(models__mind__engine__gpu_memory="85%")
    assert "--port=9100" in command_line(models__mind__port=9100)


OPTIONAL = [
    ("max_model_len", 2048, "--max-model-len=2048"),
    ("max_num_seqs", 64, "--max-num-seqs=64"),
    ("quantization", "fp8", "--quantization=fp8"),
    ("dtype", "bfloat16", "--dtype=bfloat16"),
]


@pytest.mark.parametrize(("key", "value", "argument"), OPTIONAL)
def test_vllm_is_told_only_what_is_set(key: str, value: Any, argument: str) -> None:
    without = command_line(models__mind__engine__max_model_len=None)
    assert not [flag for _, _, full in OPTIONAL for flag in flags(without, full.partition("=")[0])]
    told = command_line(**{"models__mind__engine__max_model_len": None, f"models__mind__engine__{key}": value})
    assert set(told) - set(without) == {argument}
    assert set(without) <= set(told)


def test_a_dtype_that_the_weights_decide_is_no_argument() -> None:
    assert command_line(models__mind__engine__dtype="auto") == command_line()


def test_adapters_are_loaded_at_the_start_from_the_cache() -> None:
    told = command_line()
    assert "--enable-lora" in told
    assert flags(told, "--max-loras") == ["--max-loras=2"]
    assert flags(told, "--max-lora-rank") == ["--max-lora-rank=16"]
    at = told.index("--lora-modules")
    assert told[at + 1 : at + 3] == ["blue=/weights/tiny--blue/main", "green=/weights/tiny--green/main"]
    assert all(argument.startswith("--") for argument in told[at + 3 :]), "and no third module"


@pytest.mark.parametrize(
    ("ranks", "least"), [((1, 1), 1), ((2, 7), 8), ((8, 8), 8), ((64, 24), 64), ((24, 17), 32), ((9, 129), 256)]
)
def test_the_largest_rank_is_the_least_that_vllm_takes_and_every_adapter_fits(
    ranks: tuple[int, int], least: int
) -> None:
    assert least in LORA_RANKS
    changes = {
        f"models__mind__adapters__{name}__rank": rank for name, rank in zip(("blue", "green"), ranks, strict=True)
    }
    assert flags(command_line(**changes), "--max-lora-rank") == [f"--max-lora-rank={least}"]


def test_max_loras_counts_the_adapters() -> None:
    third = {"hub": "tiny/red", "rank": 8, "unpinned": "adapters of a test are never published"}
    assert "--max-loras=3" in command_line(models__mind__adapters__red=third)


def test_a_model_without_adapters_hears_nothing_of_them() -> None:
    assert not [argument for argument in command_line(**BARE) if "lora" in argument]


def test_further_arguments_come_last_whatever_else_is_told() -> None:
    further = ["--enable-prefix-caching", "--seed=7"]
    assert command_line(models__mind__engine__arguments=further) == [*command_line(), *further]


@pytest.mark.parametrize(
    ("version", "argument", "known"),
    [
        ("0.15.9", "--disable-access-log-for-endpoints", False),
        ("0.16.0", "--disable-access-log-for-endpoints", True),
        ("1.0.0", "--disable-access-log-for-endpoints", True),
        ("0.17.9", "--shutdown-timeout", False),
        ("0.18.0", "--shutdown-timeout", True),
        ("0.100.0", "--shutdown-timeout", True),
    ],
)
def test_no_version_is_told_what_it_does_not_know(version: str, argument: str, known: bool) -> None:
    found = flags(command_line(models__mind__engine__version=version), argument)
    assert len(found) == known


def test_probes_and_scrapes_stay_out_of_the_access_log() -> None:
    assert "--disable-access-log-for-endpoints=/health,/metrics" in command_line()


def test_the_version_is_the_images_tag_and_a_digest_is_part_of_it(deploy: Deploy, usual: World, tuned: World) -> None:
    repository = f"docker.io/{VllmImage().repository}"
    image, cited = f"{repository}:v{VLLM.value}", DIGESTS.get(f"{repository}:v{VLLM.value}")
    assert server(usual)["image"] == (f"{image}@{cited.value}" if cited else image)
    assert server(tuned)["image"] == f"{repository}:v0.17.9"
    digest = "sha256:" + "b" * 64
    mirror = {"host": "mirror.example.com", "repository": "vllm", "tag": "v0.19.0-cu129", "digest": digest}
    world = deploy(models__mind__engine={"image": mirror, "version": "0.19.0"})
    assert server(world)["image"] == f"mirror.example.com/vllm:v0.19.0-cu129@{digest}"
    policies = [[c["imagePullPolicy"] for c in (server(w), waiting(w))] for w in (world, tuned)]
    assert policies == [["IfNotPresent"] * 2, ["Always"] * 2], "what a digest names cannot have changed"


# What MAX is told


def values_of(arguments: list[str]) -> set[str]:
    return {argument.partition("=")[2] for argument in arguments}


def test_max_is_told_the_same_things_in_its_own_words(maxed: World) -> None:
    """How it calls them is checked against its wheel, which no test has."""
    assert "command" not in server(maxed), "the image starts the right program by itself"
    told = server(maxed)["args"]
    assert told == command_line(**MAXED)
    weights, blue, green = waiting(maxed)["args"]
    assert {weights, "mind", "9000", "0.85", "4096"} <= values_of(told)
    assert {f"blue={blue}", f"green={green}"} <= values_of(told)
    assert all(argument.startswith("--") for argument in told)
    vllms = {argument.partition("=")[0] for argument in command_line()} - {"--served-model-name", "--port"}
    assert vllms & {argument.partition("=")[0] for argument in told} <= {"--enable-lora", "--max-lora-rank"}


def test_max_hears_nothing_of_adapters_where_there_are_none() -> None:
    assert not [argument for argument in command_line(**MAXED, **BARE) if "lora" in argument]


@pytest.mark.parametrize(
    ("key", "value"), [("max_length", 2048), ("max_batch_size", 17), ("quantization_encoding", "bfloat16")]
)
def test_max_is_told_only_what_is_set(key: str, value: Any) -> None:
    bare = command_line(models__mind__engine={"kind": "max-serve"})
    told = command_line(models__mind__engine={"kind": "max-serve", key: value})
    (more,) = set(told) - set(bare)
    assert more.endswith(f"={value}")
    assert len(told) == len(bare) + 1


def test_further_arguments_of_max_come_last() -> None:
    further = {"kind": "max-serve", "arguments": ["--no-enable-echo"]}
    assert command_line(models__mind__engine=further) == [
        *command_line(models__mind__engine={"kind": "max-serve"}),
        "--no-enable-echo",
    ]


def test_running_requests_of_max_are_finished_too(maxed: World) -> None:
    """It takes the time that they may take from its environment."""
    values = {variable["name"]: variable["value"] for variable in server(maxed)["env"]}
    told = values.get("MAX_SERVE_GRACEFUL_SHUTDOWN_TIMEOUT_S", "0")
    wait = server(maxed)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert wait + int(told) == 15 + 40, "by the server itself, or by the wait before it is told"
    assert pod(maxed)["terminationGracePeriodSeconds"] == 15 + 40 + 15
    assert values["HF_HUB_OFFLINE"] == "1"
    assert not [name for name in values if name.startswith("VLLM_")]


def test_max_is_scraped_on_a_port_of_its_own_that_prometheus_may_reach(maxed: World) -> None:
    port = MaxServe.metrics_port
    assert port is not None
    assert {p["name"]: p["containerPort"] for p in server(maxed)["ports"]} == {"http": 9000, "metrics": port}
    assert annotations(maxed)["prometheus.io/port"] == str(port)
    assert server(maxed)["startupProbe"]["httpGet"] == {"path": MaxServe.health, "port": 9000}
    ingress = maxed.object("NetworkPolicy", "mind", "back").spec["ingress"]
    assert {p["port"] for rule in ingress for p in rule["ports"]} == {9000, port}


# Telemetry


def test_prometheus_finds_its_metrics(usual: World) -> None:
    found = annotations(usual)
    assert {key: value for key, value in found.items() if key.startswith("prometheus.io/")} == {
        "prometheus.io/path": "/metrics",
        "prometheus.io/port": "9000",
        "prometheus.io/scrape": "true",
    }


def test_spans_go_to_the_collector_where_there_is_one() -> None:
    to = "--otlp-traces-endpoint=http://otel-collector.watch.svc.cluster.local:4317"
    assert flags(command_line(), "--otlp-traces-endpoint") == [to]
    assert flags(command_line(observability=None), "--otlp") == []


def test_an_engine_whose_image_has_no_tracing_is_not_asked_for_it() -> None:
    """vLLM before 0.17 ends at its start with this argument."""
    old = {"models__mind__engine__version": "0.16.0", "models__mind__engine__image": {"tag": "v0.16.0"}}
    assert flags(command_line(**old), "--otlp") == []


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
