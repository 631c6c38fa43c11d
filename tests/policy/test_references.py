"""Names of other objects: red cases, each made by breaking one thing of prod, and green neighbours."""

from __future__ import annotations

import pytest

from policy.graph import EXTERNAL, Graph
from tests.policy.support import added, changed, copied, edited, said, subject_of, without
from tests.support import REMOVE

CONTAINER = "spec template spec containers 0"
GATEWAY = "Deployment platform/gateway"
INGRESS = "Ingress platform/platform-ingress"
TOKEN = "ExternalSecret llm-baseline/weights-token"

OBJECTS = {
    "a ConfigMap by another name": (
        (GATEWAY, f"{CONTAINER} envFrom 0 configMapRef name", "gateway-conf"),
        [f"{GATEWAY}: it names ConfigMap gateway-conf, which does not exist"],
    ),
    "a ConfigMap as a volume": (
        (GATEWAY, "spec template spec volumes 1", {"name": "rules", "configMap": {"name": "rules"}}),
        [f"{GATEWAY}: it names ConfigMap rules, which does not exist"],
    ),
    "a key of a ConfigMap that it has not": (
        (
            GATEWAY,
            f"{CONTAINER} env",
            [{"name": "URL", "valueFrom": {"configMapKeyRef": {"name": "gateway-config", "key": "URL"}}}],
        ),
        [f"{GATEWAY}: it reads URL of ConfigMap gateway-config, which is not there"],
    ),
    "an item of a ConfigMap that it has not": (
        (
            GATEWAY,
            "spec template spec volumes 1",
            {"name": "c", "configMap": {"name": "gateway-config", "items": [{"key": "URL", "path": "url"}]}},
        ),
        [f"{GATEWAY}: it reads URL of ConfigMap gateway-config, which is not there"],
    ),
    "a Secret": (
        (GATEWAY, "spec template spec volumes 1", {"name": "keys", "secret": {"secretName": "keys"}}),
        [f"{GATEWAY}: it names Secret keys, which does not exist"],
    ),
    "a Secret among others in a projected volume": (
        (GATEWAY, "spec template spec volumes 1", {"name": "p", "projected": {"sources": [{"secret": {"name": "k"}}]}}),
        [f"{GATEWAY}: it names Secret k, which does not exist"],
    ),
    "a Secret in an init container": (
        (GATEWAY, "spec template spec initContainers", [{"name": "i", "envFrom": [{"secretRef": {"name": "k"}}]}]),
        [f"{GATEWAY}: it names Secret k, which does not exist"],
    ),
    "a Secret to pull images with": (
        (GATEWAY, "spec template spec imagePullSecrets", [{"name": "registry"}]),
        [f"{GATEWAY}: it names Secret registry, which does not exist"],
    ),
    "a certificate": (
        (INGRESS, "spec tls", [{"secretName": "cert"}]),
        [f"{INGRESS}: it names Secret cert, which does not exist"],
    ),
    "a claim": (
        (GATEWAY, "spec template spec volumes 1", {"name": "d", "persistentVolumeClaim": {"claimName": "data"}}),
        [f"{GATEWAY}: it names PersistentVolumeClaim data, which does not exist"],
    ),
    "a ServiceAccount of another namespace": (
        (GATEWAY, "spec template spec serviceAccountName", "quant-sa"),
        [f"{GATEWAY}: it names ServiceAccount quant-sa, which does not exist"],
    ),
    "a priority": (
        (GATEWAY, "spec template spec priorityClassName", "urgent"),
        [f"{GATEWAY}: it names PriorityClass urgent, which does not exist"],
    ),
    "a namespace": (
        ("NetworkPolicy llm-baseline/judge", "metadata namespace", "llm"),
        ["NetworkPolicy llm/judge: it names Namespace llm, which does not exist"],
    ),
}

OBJECTS_GREEN = {
    "optional": (GATEWAY, f"{CONTAINER} envFrom 1", {"secretRef": {"name": "extra", "optional": True}}),
    "not known yet": (GATEWAY, f"{CONTAINER} envFrom 1", {"secretRef": {"name": "${thing x.name}"}}),
    "made by the control plane": (GATEWAY, "spec template spec serviceAccountName", "default"),
    "the cluster's own certificate": (
        GATEWAY,
        "spec template spec volumes 1",
        {"name": "ca", "configMap": {"name": "kube-root-ca.crt"}},
    ),
    "a priority of the system": (GATEWAY, "spec template spec priorityClassName", "system-cluster-critical"),
    "a namespace of the system": ("NetworkPolicy llm-baseline/judge", "metadata namespace", "kube-system"),
    "a key that is there": (
        GATEWAY,
        f"{CONTAINER} env",
        [{"name": "T", "valueFrom": {"configMapKeyRef": {"name": "gateway-config", "key": "ROUTE_TABLE"}}}],
    ),
}


@pytest.mark.parametrize(("change", "finds"), OBJECTS.values(), ids=OBJECTS)
def test_a_name_of_nothing_is_named(prod, change, finds) -> None:
    assert said("objects", edited(prod, *change)) == finds


@pytest.mark.parametrize("change", OBJECTS_GREEN.values(), ids=OBJECTS_GREEN)
def test_a_name_that_needs_nothing_of_ours_is_left_alone(prod, change) -> None:
    assert said("objects", edited(prod, *change)) == []


def test_masked_contents_may_hold_any_key(prod) -> None:
    variable = {"name": "T", "valueFrom": {"configMapKeyRef": {"name": "gateway-config", "key": "ANY"}}}
    graph = edited(prod, GATEWAY, f"{CONTAINER} env", [variable])
    assert said("objects", edited(graph, "ConfigMap platform/gateway-config", "data", "[secret]")) == []


def test_what_is_needed_must_be_made_first(prod) -> None:
    deployment = subject_of(prod, GATEWAY)
    config = subject_of(prod, "ConfigMap platform/gateway-config")
    late = tuple(urn for urn in deployment.dependencies if urn != config.urn)
    reason = "it needs ConfigMap platform/gateway-config, and nothing says that this is made first"
    assert said("objects", changed(prod, GATEWAY, dependencies=late)) == [f"{GATEWAY}: {reason}"]


def test_made_first_may_be_said_by_way_of_another(prod) -> None:
    account = subject_of(prod, "ServiceAccount platform/gateway-sa")
    config = subject_of(prod, "ConfigMap platform/gateway-config")
    priority = subject_of(prod, "PriorityClass serving")
    graph = changed(prod, GATEWAY, dependencies=(account.urn, priority.urn))
    graph = changed(graph, "ServiceAccount platform/gateway-sa", dependencies=(*account.dependencies, config.urn))
    assert said("objects", graph) == []


def test_what_somebody_else_makes_may_be_named_by_whoever_says_so(prod) -> None:
    graph = edited(prod, INGRESS, "spec tls", [{"secretName": "cert"}])
    for stated, finds in (
        ("Secret/cert", 0),
        ("Service/x, Secret/cert", 0),
        ("Secret/other", 1),
        ("ConfigMap/cert", 1),
    ):
        assert len(said("objects", edited(graph, INGRESS, f"metadata annotations {EXTERNAL}", stated))) == finds


def downloads(graph: Graph) -> list[str]:
    """Everything that reads the Secret which TOKEN fills."""
    return [str(job) for job in graph.of_kind("Job")]


def test_a_secret_is_there_if_an_external_secret_fills_it(prod) -> None:
    assert len(downloads(prod)) == 5
    other = edited(prod, TOKEN, "spec target name", "hub")
    missing = "it names Secret weights-token, which does not exist"
    assert said("objects", other) == [f"{job}: {missing}" for job in downloads(prod)]
    assert said("used", other) == [f"{TOKEN}: nothing uses the Secret hub that it fills"]
    by_its_own_name = edited(prod, TOKEN, "spec target name", REMOVE)
    assert said("objects", by_its_own_name) == said("used", by_its_own_name) == []


def test_a_key_that_an_external_secret_does_not_fill_is_named(prod) -> None:
    job = downloads(prod)[0]
    source = {"secretKeyRef": {"name": "weights-token", "key": "password"}}
    graph = edited(prod, job, f"{CONTAINER} env 0", {"name": "PASSWORD", "valueFrom": source})
    assert said("objects", graph) == [f"{job}: it reads password of Secret weights-token, which is not there"]
    assert said("objects", edited(graph, TOKEN, "spec data 0 secretKey", "password")) == []
    assert said("objects", edited(graph, TOKEN, "spec dataFrom", [{"extract": {"key": "hub"}}])) == []


def test_an_external_secret_must_be_made_first(prod) -> None:
    job = downloads(prod)[0]
    late = tuple(urn for urn in subject_of(prod, job).dependencies if urn != subject_of(prod, TOKEN).urn)
    reason = f"it needs {TOKEN}, and nothing says that this is made first"
    assert said("objects", changed(prod, job, dependencies=late)) == [f"{job}: {reason}"]


def test_objects_that_need_each_other_end_the_search(prod) -> None:
    account, deployment = subject_of(prod, "ServiceAccount platform/gateway-sa"), subject_of(prod, GATEWAY)
    circle = changed(prod, "ServiceAccount platform/gateway-sa", dependencies=(*account.dependencies, deployment.urn))
    assert said("objects", circle) == []


def test_a_config_map_that_nobody_uses_is_named(prod) -> None:
    graph = edited(prod, GATEWAY, f"{CONTAINER} envFrom", REMOVE)
    assert said("used", graph) == ["ConfigMap platform/gateway-config: nothing uses it"]


def test_a_secret_that_nobody_uses_is_named(prod) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "platform"}}
    assert said("used", added(prod, secret)) == ["Secret platform/keys: nothing uses it"]
    volume = {"name": "tmp", "secret": {"secretName": "keys"}}
    mounted = edited(added(prod, secret), GATEWAY, "spec template spec volumes 0", volume)
    assert said("used", mounted) == []


def test_a_service_account_that_nobody_uses_is_named(prod) -> None:
    graph = edited(prod, GATEWAY, "spec template spec serviceAccountName", REMOVE)
    assert said("used", graph) == ["ServiceAccount platform/gateway-sa: nothing uses it"]


def test_a_volume_that_nobody_mounts_is_named(prod) -> None:
    graph = edited(prod, GATEWAY, f"{CONTAINER} volumeMounts", REMOVE)
    assert said("used", graph) == [f"{GATEWAY}: nothing mounts its volume tmp"]
    fetch = [{"name": "fetch", "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}]
    assert said("used", edited(graph, GATEWAY, "spec template spec initContainers", fetch)) == []


def test_a_mount_of_no_volume_is_named(prod) -> None:
    graph = edited(prod, GATEWAY, f"{CONTAINER} volumeMounts 0 name", "temp")
    assert said("objects", graph) == [f"{GATEWAY}: it mounts temp, which is no volume of its pod"]
    claim = [{"metadata": {"name": "temp"}}]
    assert said("objects", edited(graph, GATEWAY, "spec volumeClaimTemplates", claim)) == []


def test_a_config_map_is_used_in_its_own_namespace_only(prod) -> None:
    graph = added(prod, copied(prod, "ConfigMap platform/gateway-config", namespace="quant"))
    assert said("used", graph) == ["ConfigMap quant/gateway-config: nothing uses it"]


def test_an_object_whose_namespace_is_not_made_is_named(prod) -> None:
    graph = without(prod, "Namespace eval")
    assert "Service eval/eval-api: it names Namespace eval, which does not exist" in said("objects", graph)
