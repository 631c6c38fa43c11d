"""WeightsCache: the volume, the downloads that fill it, and the token that only they see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.serving import weights_cache
from policy.graph import SECRET, KubernetesObject, leaves
from settings.versions import LOADER_PYTHON, REVISIONS
from settings.weights import JOB_LIMIT, Download, of_cache
from tests.support import World, kept, resolved, tiny

Deploy = Callable[..., World]

MISTRAL = "mistralai/Mistral-7B-Instruct-v0.3"
COMMIT = REVISIONS[MISTRAL].value
OTHER_COMMIT = "0123456789abcdef0123456789abcdef01234567"
TWIN = {
    "namespace": "back",
    "engine": {"kind": "vllm", "max_model_len": 2048},
    "source": {"hub": MISTRAL},
    "pool": "gpu",
    "resources": {
        "requests": {"cpu": "500m", "memory": "1Gi"},
        "limits": {"cpu": "500m", "memory": "2Gi", "ephemeral_storage": "5Gi"},
    },
    "cache": "store",
    "start_up": {"image": "60s", "weights": "30s", "warm_up": "30s"},
}
TWINS = {"models__twin": TWIN, "models__mind__replicas": 1}
"""Two models that serve the same weights."""
IN_CONFIG: dict[str, Any] = {
    "hub__token": {"kind": "config", "key": "workerApiKey"},
    "caches__store__access_mode": "ReadWriteMany",
    "caches__store__storage_class": "efs",
    "caches__store__size": "50Gi",
    "caches__store__priority": "serving",
    "caches__store__pool": "cheap",
    "caches__store__deadline": "20m",
    "caches__store__security": {"user": 20002, "group": 20003},
    "models__mind__security": {"group": 20003},
    "models__mind__source__skip": ["*.pt", "*.gguf"],
}
"""The token in the stack file, and everything set that has a default."""


@pytest.fixture
def twins(deploy: Deploy) -> World:
    return kept(deploy, **TWINS)


@pytest.fixture
def in_config(deploy: Deploy) -> World:
    return kept(deploy, **IN_CONFIG)


@pytest.fixture
def open_hub(deploy: Deploy) -> World:
    """Without a token."""
    return kept(deploy, hub__token=None)


def jobs(world: World) -> dict[str, KubernetesObject]:
    """Hub repository -> its Job."""
    found = world.graph.of_kind("Job")
    by_hub = {job.containers[0]["args"][0]: job for job in found}
    assert len(by_hub) == len(found), "each repository is fetched once"
    return by_hub


def fetch(world: World, hub: str = MISTRAL) -> Any:
    (only,) = jobs(world)[hub].containers
    return only


def env(world: World) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in fetch(world)["env"]}


def downloads(**changes: Any) -> dict[str, Download]:
    """Hub repository -> what is downloaded of it; one revision of each."""
    found = of_cache(resolved(tiny(**changes)).settings, "store")
    assert len({download.hub for download in found}) == len(found)
    return {download.hub: download for download in found}


# One download per revision


def test_every_repository_that_somebody_serves_is_fetched_by_one_job_at_its_commit(usual: World) -> None:
    assert set(jobs(usual)) == {MISTRAL, "tiny/blue", "tiny/green"}
    assert fetch(usual)["args"] == [MISTRAL, COMMIT, f"/weights/mistralai--Mistral-7B-Instruct-v0.3/{COMMIT}"]
    assert fetch(usual, "tiny/blue")["args"] == ["tiny/blue", "main", "/weights/tiny--blue/main"], "it is not pinned"
    for job in jobs(usual).values():
        (mount,) = [m for m in job.containers[0]["volumeMounts"] if m["name"] == "weights"]
        assert mount == {"name": "weights", "mountPath": "/weights"}
        volumes = {volume["name"]: volume for volume in job.pod["volumes"]}
        assert volumes["weights"]["persistentVolumeClaim"] == {"claimName": "store"}


def test_two_models_share_one_download(twins: World) -> None:
    assert [job.containers[0]["args"][0] for job in twins.graph.of_kind("Job")].count(MISTRAL) == 1
    folder = fetch(twins)["args"][2]
    for name in ("mind", "twin"):
        assert folder in twins.object("Deployment", name, "back").init_containers[0]["args"]


def test_two_revisions_of_one_repository_are_two_downloads() -> None:
    other = {**TWIN, "source": {"hub": MISTRAL, "revision": OTHER_COMMIT}}
    changes = {**TWINS, "models__twin": other, "caches__store__size": "80Gi"}
    found = of_cache(resolved(tiny(**changes)).settings, "store")
    both = [download for download in found if download.hub == MISTRAL]
    assert {download.revision for download in both} == {COMMIT, OTHER_COMMIT}
    assert len({download.folder for download in both}) == len({download.job for download in both}) == 2


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param({"models__mind__source__revision": OTHER_COMMIT}, MISTRAL, id="revision"),
        pytest.param({"models__mind__source__skip": ["*.pt"]}, MISTRAL, id="files"),
        pytest.param(
            {"models__mind__adapters__blue": {"revision": OTHER_COMMIT, "unpinned": None}}, "tiny/blue", id="adapter"
        ),
    ],
)
def test_another_revision_or_other_files_are_another_job_and_another_folder(changes: dict[str, Any], name: str) -> None:
    """A Job's pods cannot be changed, and a folder that is there is taken for complete."""
    before, after = downloads(), downloads(**changes)
    changed = {hub for hub in before if before[hub] != after[hub]}
    assert changed == {name}
    assert before[name].job != after[name].job
    assert before[name].folder != after[name].folder
    assert before[name].folder.split("/")[0] == after[name].folder.split("/")[0], "beside the old one"


def test_what_is_skipped_is_told_to_the_download_in_one_order(in_config: World) -> None:
    assert fetch(in_config)["args"][3:] == ["*.gguf", "*.pt"]
    assert downloads(models__mind__source__skip=["*.gguf", "*.pt"])[MISTRAL].job == jobs(in_config)[MISTRAL].name


def test_the_name_of_a_job_says_what_it_fetches_and_leaves_room_for_its_pods() -> None:
    assert downloads()[MISTRAL].job.startswith("store-mistral-7b-instruct-v0-3-")
    for hub in ("tiny/" + "a" * 90, "tiny/" + "a-" * 45, "tiny/A_b..C"):
        name = downloads(models__mind__adapters__blue__hub=hub)[hub].job
        assert len(name) <= JOB_LIMIT
        assert all(part.isalnum() and part == part.lower() for part in name.split("-")), name


def test_repositories_whose_names_end_alike_are_told_apart() -> None:
    found = downloads(models__mind__adapters__blue__hub="one/same", models__mind__adapters__green__hub="two/same")
    assert found["one/same"].job != found["two/same"].job
    assert found["one/same"].folder != found["two/same"].folder


# The volume


def test_the_claim_is_shared_and_takes_the_clusters_default_class_where_none_is_said(usual: World) -> None:
    claim = usual.object("PersistentVolumeClaim", "store", "back")
    assert claim.spec == {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "40Gi"}}}
    assert claim.metadata["annotations"] == {"pulumi.com/skipAwait": "true"}, "a class may bind at the first pod only"


def test_size_and_class_of_the_claim_are_the_settings(in_config: World) -> None:
    spec = in_config.object("PersistentVolumeClaim", "store", "back").spec
    assert spec["storageClassName"] == "efs"
    assert spec["resources"] == {"requests": {"storage": "50Gi"}}


def test_a_volume_of_one_node_says_so(deploy: Deploy) -> None:
    """For a pool of one node in one zone, on which downloads run too."""
    world = deploy(
        node_pools__gpu={"max": 1, "zones": ["us-west-2a"]},
        caches__store={"access_mode": "ReadWriteOnce", "pool": "gpu"},
        models__mind__replicas=1,
    )
    assert world.object("PersistentVolumeClaim", "store", "back").spec["accessModes"] == ["ReadWriteOnce"]


# The token


def test_a_token_outside_is_brought_in_by_external_secrets_one_per_environment(usual: World) -> None:
    secret = usual.object("ExternalSecret", "store-token", "back")
    assert secret.manifest["apiVersion"] == "external-secrets.io/v1"
    assert secret.spec == {
        "data": [{"remoteRef": {"key": "tiny-dev/hugging-face-token"}, "secretKey": "token"}],
        "refreshInterval": "3600s",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
        "target": {"creationPolicy": "Owner", "deletionPolicy": "Retain", "name": "store-token"},
    }
    assert not [s for s in usual.graph.of_kind("Secret") if s.name == "store-token"]


def test_key_field_and_refresh_of_a_token_outside_can_be_said(deploy: Deploy) -> None:
    token = {"kind": "external", "store": "vault", "key": "ml/hub", "field": "hf", "refresh": "5m"}
    spec = deploy(hub__token=token).object("ExternalSecret", "store-token", "back").spec
    assert spec["data"] == [{"remoteRef": {"key": "ml/hub", "property": "hf"}, "secretKey": "token"}]
    assert spec["refreshInterval"] == "300s"


def test_a_token_of_the_stack_file_becomes_a_secret_whose_value_nothing_shows(in_config: World) -> None:
    secret = in_config.object("Secret", "store-token", "back")
    assert secret.manifest["type"] == "Opaque"
    assert secret.manifest["stringData"] in (SECRET, {"token": SECRET})
    assert in_config.graph.of_kind("ExternalSecret") == ()


@pytest.mark.parametrize("name", ["usual", "in_config"])
def test_the_token_is_a_file_of_the_downloads_group(request: pytest.FixtureRequest, name: str) -> None:
    world: World = request.getfixturevalue(name)
    secret = world.object("ExternalSecret" if name == "usual" else "Secret", "store-token", "back")
    for job in jobs(world).values():
        volumes = {volume["name"]: volume for volume in job.pod["volumes"]}
        assert volumes["token"]["secret"] == {"secretName": "store-token", "defaultMode": 0o440}
        mounts = {mount["name"]: mount for mount in job.containers[0]["volumeMounts"]}
        assert mounts["token"] == {"name": "token", "mountPath": "/etc/hugging-face", "readOnly": True}
        assert secret.resource.urn in job.resource.dependencies
    assert env(world)["HF_TOKEN_PATH"] == "/etc/hugging-face/token"


@pytest.mark.parametrize("name", ["usual", "in_config"])
def test_only_downloads_see_the_token_and_no_variable_holds_it(request: pytest.FixtureRequest, name: str) -> None:
    world: World = request.getfixturevalue(name)
    naming = {str(thing) for thing in world.graph.objects for _, leaf in leaves(thing.manifest) if is_token(leaf)}
    kind = "ExternalSecret" if name == "usual" else "Secret"
    assert naming == {str(job) for job in jobs(world).values()} | {f"{kind} back/store-token"}
    for workload in world.graph.workloads:
        for container in (*workload.containers, *workload.init_containers):
            for variable in container.get("env", ()):
                assert set(variable) == {"name", "value"}, f"{workload}: a variable that is read from a Secret"
            assert all("secretRef" not in source for source in container.get("envFrom", ()))
    shown = [leaf for thing in world.graph.objects for _, leaf in leaves(thing.manifest) if leaf == "masked"]
    assert shown == [], "the recorder's stand-in for a secret value"


def is_token(leaf: Any) -> bool:
    return isinstance(leaf, str) and leaf == "store-token"


def test_without_a_token_nothing_of_it_is_made_or_told(open_hub: World) -> None:
    assert [s.name for s in open_hub.graph.of_kind("Secret", "ExternalSecret")] == ["worker-secrets"]
    assert "HF_TOKEN_PATH" not in env(open_hub)
    for job in jobs(open_hub).values():
        assert {volume["name"] for volume in job.pod["volumes"]} == {"weights", "tmp", "scripts"}
        assert {mount["name"] for mount in job.containers[0]["volumeMounts"]} == {"weights", "tmp", "scripts"}


# The Job


def test_what_cannot_help_is_not_tried_again_and_the_rest_a_few_times(usual: World) -> None:
    for job in jobs(usual).values():
        assert job.spec["backoffLimit"] == 3
        assert job.spec["activeDeadlineSeconds"] == 3600
        never = {"operator": "In", "values": [2]}
        drained = {"type": "DisruptionTarget", "status": "True"}
        assert job.spec["podFailurePolicy"] == {
            "rules": [{"action": "Ignore", "onPodConditions": [drained]}, {"action": "FailJob", "onExitCodes": never}]
        }
        assert job.pod["restartPolicy"] == "Never", "what a pod failure policy asks for"


def test_the_deadline_is_the_settings(in_config: World) -> None:
    assert {job.spec["activeDeadlineSeconds"] for job in jobs(in_config).values()} == {1200}


def test_downloads_run_where_they_are_told_to_and_go_last_if_they_are_told_to(usual: World, in_config: World) -> None:
    assert jobs(usual)[MISTRAL].pod["nodeSelector"] == {"llmplatform.dev/pool": "general"}
    assert "tolerations" not in jobs(usual)[MISTRAL].pod
    assert "priorityClassName" not in jobs(usual)[MISTRAL].pod
    set_ = jobs(in_config)[MISTRAL]
    assert set_.pod["nodeSelector"] == {"llmplatform.dev/pool": "cheap"}
    assert [toleration["key"] for toleration in set_.pod["tolerations"]] == ["tiny/spot"]
    assert set_.pod["priorityClassName"] == "serving"
    assert in_config.object("PriorityClass", "serving").resource.urn in set_.resource.dependencies


def test_downloads_are_restricted_altogether(usual: World) -> None:
    for job in jobs(usual).values():
        assert job.containers[0]["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsGroup": 10001,
            "runAsNonRoot": True,
            "runAsUser": 10001,
        }
        assert job.pod["securityContext"] == {
            "fsGroup": 10001,
            "fsGroupChangePolicy": "OnRootMismatch",
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert job.pod["automountServiceAccountToken"] is False
        assert job.pod["serviceAccountName"] == "store-sa"
    account = usual.object("ServiceAccount", "store-sa", "back")
    assert account.manifest["automountServiceAccountToken"] is False


def test_servers_can_read_what_downloads_write(in_config: World) -> None:
    for job in jobs(in_config).values():
        context = job.containers[0]["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"], job.pod["securityContext"]["fsGroup"]) == (
            20002,
            20003,
            20003,
        )
    assert in_config.object("Deployment", "mind", "back").pod["securityContext"]["fsGroup"] == 20003


def test_downloads_have_the_resources_of_the_cache_and_write_to_nothing_but_weights_and_tmp(usual: World) -> None:
    resources = fetch(usual)["resources"]
    assert (resources["requests"]["cpu"], resources["requests"]["memory"]) == ("100m", "128Mi")
    assert (resources["limits"]["cpu"], resources["limits"]["memory"]) == ("200m", "256Mi")
    writable = {m["mountPath"] for m in fetch(usual)["volumeMounts"] if not m.get("readOnly")}
    assert writable == {"/weights", "/tmp"}
    assert all(value.startswith("/tmp") for key, value in env(usual).items() if key in ("HOME", "HF_HOME"))
    assert {"HOME", "HF_HOME"} <= set(env(usual))


def test_the_script_is_the_file_byte_for_byte_and_is_what_runs(usual: World) -> None:
    script = Path(weights_cache.__file__).parent / "fetch_weights.py"
    config = usual.object("ConfigMap", "store-fetch", "back")
    assert config.manifest["data"] == {"fetch_weights.py": script.read_bytes().decode()}
    assert fetch(usual)["command"] == [LOADER_PYTHON, "/scripts/fetch_weights.py"]
    for job in jobs(usual).values():
        volumes = {volume["name"]: volume for volume in job.pod["volumes"]}
        assert volumes["scripts"]["configMap"]["name"] == "store-fetch"
        assert {"name": "scripts", "mountPath": "/scripts", "readOnly": True} in job.containers[0]["volumeMounts"]
        assert config.resource.urn in job.resource.dependencies


# The order


def test_volume_then_downloads_then_servers(twins: World) -> None:
    claim = twins.object("PersistentVolumeClaim", "store", "back").resource.urn
    account = twins.object("ServiceAccount", "store-sa", "back").resource.urn
    for job in jobs(twins).values():
        assert {claim, account} <= set(job.resource.dependencies)
    for name in ("mind", "twin"):
        server = twins.object("Deployment", name, "back")
        folders = server.init_containers[0]["args"]
        own = {job.resource.urn for job in jobs(twins).values() if job.containers[0]["args"][2] in folders}
        assert len(own) == len(folders)
        assert {claim, *own} <= set(server.resource.dependencies)


def test_all_of_it_is_in_the_caches_namespace_and_carries_its_app(usual: World) -> None:
    own = [
        *jobs(usual).values(),
        usual.object("ConfigMap", "store-fetch"),
        usual.object("PersistentVolumeClaim", "store"),
        usual.object("ServiceAccount", "store-sa"),
        usual.object("ExternalSecret", "store-token"),
    ]
    assert {thing.namespace for thing in own} == {"back"}
    assert {(thing.labels["app"], thing.labels["component"]) for thing in own} == {("store", "weights")}
    for job in jobs(usual).values():
        assert job.pod_labels["app"] == "store", "what its network policy selects"


def test_one_revision_is_fetched_once_whoever_says_its_size(deploy: Deploy) -> None:
    """Two models of one revision, of which one says a size, made the same Job twice."""
    judge = {
        "namespace": "back",
        "engine": "vllm",
        "source": {"hub": "mistralai/Mistral-7B-Instruct-v0.3", "size": "14Gi"},
        "pool": "gpu",
        "replicas": 1,
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "200m", "memory": "3Gi"}},
        "scratch": "64Mi",
        "cache": "store",
        "start_up": {"image": "60s", "warm_up": "30s"},
    }
    roomy = {"limits": {"cpu": "20", "memory": "40Gi"}, "pods": 20}
    world = deploy(models__judge=judge, namespaces__back__quota=roomy)
    assert len([job for job in world.graph.of_kind("Job") if "mistral-7b-instruct" in job.name]) == 1
