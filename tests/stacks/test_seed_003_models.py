"""Seed 003: the four models (S003-03, 17 to 20, 22, 23, 28, 70), and Grafana's way in (S003-12, 92)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from policy.graph import KubernetesObject, leaves
from policy.rules.reachability import Edge, reachability
from settings import start_up
from settings.expected import expected
from settings.instances import instance_types
from settings.types import Duration, Memory
from settings.vllm import VllmImage
from tests.conftest import planned
from tests.seeds import planned_object
from tests.support import STACKS
from workbench.plan.models import models as told

HOME = "llm-baseline"
MODELS = ["mistral-7b", "mistral-7b-awq", "mistral-7b-lora", "judge"]
EKS = ["dev", "staging", "prod"]
ALB = "alb.ingress.kubernetes.io/"
BASELINE = "mistralai--Mistral-7B-Instruct-v0.3"
SERVES = {
    "mistral-7b": BASELINE,
    "mistral-7b-awq": "solidrust--Mistral-7B-Instruct-v0.3-AWQ",
    "mistral-7b-lora": BASELINE,
    "judge": "prometheus-eval--prometheus-7b-v2.0",
}
"""Model -> the folder of its weights."""
CALLS = {
    "quant/quant-config": {"MISTRAL_7B_URL": "mistral-7b", "MISTRAL_7B_AWQ_URL": "mistral-7b-awq"},
    "finetune/finetune-config": {"MISTRAL_7B_URL": "mistral-7b", "MISTRAL_7B_LORA_URL": "mistral-7b-lora"},
    "eval/eval-config": {"MISTRAL_7B_URL": "mistral-7b", "JUDGE_URL": "judge"},
}
"""Every team: the baseline, and a model of its own."""
PUBLIC = ["10.0.192.0/21", "10.0.200.0/21", "10.0.208.0/21"]
INTRA = ["10.0.216.0/21", "10.0.224.0/21", "10.0.232.0/21"]


@cache
def connections(stack: str) -> frozenset[Edge]:
    """Every connection that the network policies leave possible."""
    return frozenset(reachability(planned(stack).graph))


def deployment(stack: str, model: str) -> KubernetesObject:
    return planned_object(stack, f"Deployment {HOME}/{model}")


def server(stack: str, model: str) -> Any:
    (only,) = deployment(stack, model).containers
    return only


def downloads(stack: str) -> list[KubernetesObject]:
    return [job for job in planned(stack).graph.of_kind("Job") if job.namespace == HOME]


def secrets(stack: str) -> list[KubernetesObject]:
    """What holds, or brings in, anything secret of the models."""
    found = planned(stack).graph.of_kind("Secret", "ExternalSecret", "SealedSecret")
    return [secret for secret in found if secret.namespace == HOME]


def lines_of(stack: str, model: str) -> list[str]:
    """What the plan says of a model."""
    every = list(told(planned(stack).settings))
    first = next(index for index, line in enumerate(every) if line.startswith(f"{model}: "))
    end = next((i for i, line in enumerate(every) if i > first and not line.startswith(" ")), len(every))
    return every[first:end]


def grafana(stack: str) -> KubernetesObject:
    return planned_object(stack, "Ingress observability/grafana-ingress")


def annotations(stack: str, ingress: str) -> dict[str, str]:
    """The annotations of an Ingress for the AWS Load Balancer Controller."""
    found = planned_object(stack, f"Ingress {ingress}").metadata["annotations"]
    return {key.removeprefix(ALB): value for key, value in found.items() if key.startswith(ALB)}


# The four models


@pytest.mark.requirement("S003-17")
@pytest.mark.parametrize("stack", STACKS)
def test_the_baseline_is_mistral_7b_on_vllm_in_llm_baseline(stack: str) -> None:
    only = server(stack, "mistral-7b")
    assert only["image"].startswith(f"docker.io/{VllmImage().repository}:v")
    assert only["command"] == ["vllm", "serve"]
    folder, *arguments = only["args"]
    assert folder.startswith(f"/weights/{BASELINE}/")
    assert "--served-model-name=mistral-7b" in arguments
    assert planned_object(stack, f"Service {HOME}/mistral-7b").spec["selector"] == {"app": "mistral-7b"}


@pytest.mark.requirement("S003-18")
@pytest.mark.parametrize("stack", STACKS)
def test_there_are_four_models_and_each_serves_its_own_weights_under_its_own_name(stack: str) -> None:
    found = [d.name for d in planned(stack).graph.of_kind("Deployment") if d.labels["component"] == "model-server"]
    assert sorted(found) == sorted(MODELS)
    for model, weights in SERVES.items():
        folder, *arguments = server(stack, model)["args"]
        assert folder.startswith(f"/weights/{weights}/"), model
        assert f"--served-model-name={model}" in arguments
        assert ("--enable-lora" in arguments) == (model == "mistral-7b-lora"), model


@pytest.mark.requirement("S003-18")
@pytest.mark.parametrize("stack", STACKS)
def test_every_team_calls_the_baseline_and_a_model_of_its_own_by_an_endpoint_of_its_own(stack: str) -> None:
    for config, calls in CALLS.items():
        data = planned_object(stack, f"ConfigMap {config}").manifest["data"]
        known = {key: value for key, value in data.items() if HOME in value}
        assert known == {key: f"http://{model}.{HOME}.svc.cluster.local:8000/v1" for key, model in calls.items()}
        for model in calls.values():
            assert planned_object(stack, f"Service {HOME}/{model}").spec["ports"][0]["port"] == 8000
    gateway = planned_object(stack, "ConfigMap platform/gateway-config").manifest["data"]
    assert not [key for key, value in gateway.items() if HOME in value], "the gateway calls team APIs only"


@pytest.mark.requirement("S003-18")
@pytest.mark.parametrize("stack", STACKS)
def test_nobody_but_its_callers_reaches_a_model(stack: str) -> None:
    edges = connections(stack)
    for model in MODELS:
        apis = {config.replace("-config", "-api") for config, calls in CALLS.items() if model in calls.values()}
        assert {edge.source for edge in edges if edge.target == f"{HOME}/{model}"} == {
            *apis,
            "observability/prometheus",
        }


@pytest.mark.requirement("S003-70")
@pytest.mark.parametrize("stack", STACKS)
def test_the_adapters_are_exactly_the_variants_of_the_gateways_ab_test(stack: str) -> None:
    arguments = server(stack, "mistral-7b-lora")["args"]
    at = arguments.index("--lora-modules")
    modules = [argument for argument in arguments[at + 1 :] if not argument.startswith("--")]
    served = {name: folder for name, _, folder in (module.partition("=") for module in modules)}
    assert "--max-loras=2" in arguments
    route = json.loads(planned_object(stack, "ConfigMap platform/gateway-config").manifest["data"]["ROUTE_TABLE"])
    variants = route["finetune"]["ab_variants"]
    assert variants == {"lora-v1": {"weight": 80}, "lora-v2": {"weight": 20}}
    assert set(served) == set(variants)
    assert route["finetune"]["url"] == "http://finetune-api.finetune.svc.cluster.local", "which calls that model"
    fetched = {job.containers[0]["args"][2] for job in downloads(stack)}
    assert set(served.values()) <= fetched, "adapters come from the cache, so a restart loses none"


@pytest.mark.requirement("S003-03")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("model", MODELS)
def test_a_model_server_has_all_three_probes_on_the_one_path_that_vllm_has(stack: str, model: str) -> None:
    """The seed has three paths for three questions; vLLM answers on one."""
    only = server(stack, model)
    probes = [only[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
    assert [probe["httpGet"] for probe in probes] == [{"path": "/health", "port": 8000}] * 3
    startup, live, ready = (probe["periodSeconds"] * probe["failureThreshold"] for probe in probes)
    assert ready < live, "out of its Service before it is restarted"
    loading = planned(stack).settings.models[model].start_up
    assert loading.weights is not None
    assert startup - probes[0]["periodSeconds"] >= loading.weights.seconds + loading.warm_up.seconds


# Their nodes


@pytest.mark.requirement("S003-19")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("model", MODELS)
def test_models_have_spot_nodes_with_gpus_to_themselves(stack: str, model: str) -> None:
    pod = deployment(stack, model).pod
    assert pod["nodeSelector"] == {"llmplatform.dev/pool": "gpu-spot"}
    assert pod["tolerations"] == [
        {"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Equal", "value": "present"}
    ]
    pool = planned(stack).graph.outputs["node_pools"]["gpu-spot"]
    assert pool["capacity"] == "spot"
    assert pool["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    others = [
        workload
        for workload in planned(stack).graph.workloads
        if workload.pod.get("nodeSelector") != pod["nodeSelector"]
    ]
    assert others
    for workload in others:
        keys = {toleration["key"] for toleration in workload.pod.get("tolerations", ())}
        assert "nvidia.com/gpu" not in keys, str(workload)


@pytest.mark.requirement("S003-19")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("model", MODELS)
def test_the_plan_says_what_a_reclaim_costs_each_model(stack: str, model: str) -> None:
    """A start on a new node, unless another replica goes on serving: the notice is used up by the drain."""
    settings = planned(stack).settings
    spec = settings.models[model]
    (said,) = [line.strip() for line in lines_of(stack, model) if "losing a node" in line]
    replicas = deployment(stack, model).spec["replicas"]
    if replicas > 1:
        assert said == "losing a node: others go on serving"
        return
    loading = start_up.weights_time(None, spec.start_up.weights).seconds + spec.start_up.warm_up.seconds
    pool = settings.node_pools[spec.pool]
    cold = loading if pool.headroom else pool.node_start_up.seconds + spec.start_up.image.seconds + loading
    assert said.startswith(f"losing a node: a reclaim of its spot node takes it away for {Duration(cold)} (")


@pytest.mark.requirement("S003-19")
def test_prod_keeps_every_model_through_a_reclaim_or_says_why_it_need_not() -> None:
    replicas = {model: deployment("prod", model).spec["replicas"] for model in MODELS}
    assert replicas == {"mistral-7b": 2, "mistral-7b-awq": 2, "mistral-7b-lora": 2, "judge": 1}
    zones = planned("prod").graph.outputs["node_pools"]["gpu-spot"]["zones"]
    assert len(set(zones)) > 1, "two replicas in one zone are reclaimed together"
    for model in MODELS:
        (spread,) = deployment("prod", model).pod["topologySpreadConstraints"]
        assert (spread["topologyKey"], spread["maxSkew"]) == ("topology.kubernetes.io/zone", 1)
    (said,) = [line for line in lines_of("prod", "judge") if "losing a node" in line]
    assert said.endswith("; accepted: evaluations are queued and run again; nobody waits for one")
    assert not [problem for problem in planned("prod").advice if problem.rule == "outage"]


@pytest.mark.requirement("S003-19")
def test_prod_keeps_a_node_ready_for_the_next_replica_and_a_model_may_take_it() -> None:
    placeholder = deployment("prod", "gpu-spot-headroom")
    (only,) = placeholder.containers
    assert placeholder.pod["nodeSelector"] == {"llmplatform.dev/pool": "gpu-spot"}
    assert only["image"] in {server("prod", model)["image"] for model in MODELS}
    needs = [server("prod", model)["resources"]["requests"] for model in MODELS]
    for key in ("cpu", "memory", "nvidia.com/gpu"):
        assert only["resources"]["requests"][key] in [need[key] for need in needs]
    largest = max(Memory.parse(need["memory"]).bytes for need in needs)
    assert Memory.parse(only["resources"]["requests"]["memory"]).bytes == largest
    values = {c.name: c.manifest["value"] for c in planned("prod").graph.of_kind("PriorityClass")}
    own = values[placeholder.pod["priorityClassName"]]
    assert all(own < values[deployment("prod", model).pod["priorityClassName"]] for model in MODELS)
    for stack in ("dev", "staging", "local"):
        assert not [d for d in planned(stack).graph.of_kind("Deployment") if d.name == "gpu-spot-headroom"]


@pytest.mark.requirement("S003-19")
@pytest.mark.parametrize("stack", ["dev", "staging", "local"])
def test_other_stacks_are_told_what_prod_would_refuse(stack: str) -> None:
    advised = {problem.path for problem in planned(stack).advice if problem.rule == "outage"}
    assert advised == {("models", model) for model in MODELS}


@pytest.mark.requirement("S003-20")
@pytest.mark.parametrize("stack", STACKS)
def test_one_gpu_a_node_keeps_models_apart_and_no_required_anti_affinity_does(stack: str) -> None:
    """Each pod takes a GPU, each node has one. A required anti-affinity would do the same, and keep the autoscaler
    from ever removing a node.
    """
    for model in MODELS:
        resources = server(stack, model)["resources"]
        assert (resources["requests"]["nvidia.com/gpu"], resources["limits"]["nvidia.com/gpu"]) == ("1", "1")
        affinity = deployment(stack, model).pod["affinity"]
        assert list(affinity) == ["podAntiAffinity"], model
        assert list(affinity["podAntiAffinity"]) == ["preferredDuringSchedulingIgnoredDuringExecution"], model
    pool = planned(stack).graph.outputs["node_pools"]["gpu-spot"]
    assert len(pool["instance_types"]) > 1
    assert {instance_types()[kind].gpus for kind in pool["instance_types"]} == {1} == {pool["gpus"]}


@pytest.mark.requirement("S003-19")
@pytest.mark.parametrize("stack", STACKS)
def test_a_rollout_needs_no_node_that_the_pool_does_not_have(stack: str) -> None:
    pool = planned(stack).graph.outputs["node_pools"]["gpu-spot"]
    pods = 0
    for workload in planned(stack).graph.of_kind("Deployment"):
        if workload.pod.get("nodeSelector") == {"llmplatform.dev/pool": "gpu-spot"}:
            surge = workload.spec["strategy"]["rollingUpdate"]["maxSurge"]
            assert surge == 0, str(workload)
            pods += workload.spec["replicas"] + surge
    assert pods <= pool["max"]


# Their objects


@pytest.mark.requirement("S003-22")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_deployment_and_a_service_and_mounts_the_one_claim_that_all_share(
    stack: str, model: str
) -> None:
    """The seed lists a claim beside each; one that several nodes mount holds each revision once."""
    assert planned_object(stack, f"Service {HOME}/{model}").spec["type"] == "ClusterIP"
    (claim,) = [c for c in planned(stack).graph.of_kind("PersistentVolumeClaim") if c.namespace == HOME]
    assert claim.name == "weights"
    assert claim.spec["accessModes"] == ["ReadWriteMany"]
    volumes = {volume["name"]: volume for volume in deployment(stack, model).pod["volumes"]}
    assert volumes["weights"]["persistentVolumeClaim"] == {"claimName": "weights", "readOnly": True}


@pytest.mark.requirement("S003-22")
@pytest.mark.parametrize(("stack", "storage"), [*((stack, "efs") for stack in EKS), ("local", None)])
def test_the_claim_is_on_efs_and_locally_on_what_the_cluster_has(stack: str, storage: str | None) -> None:
    spec = planned_object(stack, f"PersistentVolumeClaim {HOME}/weights").spec
    assert spec.get("storageClassName") == storage
    assert "storageClassName" in spec or storage is None
    assert any(f"StorageClass {storage}" if storage else "a default StorageClass" in e.what for e in told_others(stack))


def told_others(stack: str) -> list[Any]:
    """What the plan expects of others."""
    return expected(planned(stack).settings)


@pytest.mark.requirement("S003-22")
@pytest.mark.parametrize("stack", STACKS)
def test_the_baselines_weights_are_fetched_once_for_both_models_that_serve_them(stack: str) -> None:
    folders = [job.containers[0]["args"][2] for job in downloads(stack)]
    assert len(folders) == len(set(folders)) == 5, "three models and two adapters"
    assert server(stack, "mistral-7b")["args"][0] == server(stack, "mistral-7b-lora")["args"][0]
    for model in MODELS:
        (wait,) = deployment(stack, model).init_containers
        assert set(wait["args"]) <= set(folders)
        needed = {job.resource.urn for job in downloads(stack) if job.containers[0]["args"][2] in wait["args"]}
        assert needed <= set(deployment(stack, model).resource.dependencies), "and before it starts"


@pytest.mark.requirement("S003-23", "S003-28")
@pytest.mark.parametrize("stack", EKS)
def test_the_token_comes_from_a_store_outside_one_secret_for_each_environment(stack: str) -> None:
    """The seed seals it into the repository, in files that no overlay names."""
    (secret,) = secrets(stack)
    assert str(secret) == f"ExternalSecret {HOME}/weights-token"
    assert secret.spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "platform-secrets"}
    (item,) = secret.spec["data"]
    assert item == {"secretKey": "token", "remoteRef": {"key": f"llmplatform-{stack}/hugging-face-token"}}
    assert secret.spec["target"]["name"] == "weights-token"
    for job in downloads(stack):
        volumes = {volume["name"]: volume for volume in job.pod["volumes"]}
        assert volumes["token"]["secret"]["secretName"] == "weights-token"
    put_there = f"secret llmplatform-{stack}/hugging-face-token in AWS Secrets Manager"
    assert put_there in [e.what for e in told_others(stack)]


@pytest.mark.requirement("S003-23")
@pytest.mark.parametrize("stack", STACKS)
def test_no_model_server_sees_the_token(stack: str) -> None:
    for model in MODELS:
        found = [path for path, leaf in leaves(deployment(stack, model).manifest) if "weights-token" in str(leaf)]
        assert found == [], model
        values = {variable["name"]: variable["value"] for variable in server(stack, model)["env"]}
        assert values["HF_HUB_OFFLINE"] == "1"


@pytest.mark.requirement("S003-28")
def test_the_local_stack_has_no_token_and_needs_no_store() -> None:
    assert secrets("local") == []
    for job in downloads("local"):
        assert "HF_TOKEN_PATH" not in {variable["name"] for variable in job.containers[0]["env"]}
    assert not [e for e in told_others("local") if "Secret" in e.what]


# Who goes first


@pytest.mark.parametrize("stack", STACKS)
def test_whoever_answers_users_goes_before_downloads_and_placeholders(stack: str) -> None:
    values = {c.name: c.manifest["value"] for c in planned(stack).graph.of_kind("PriorityClass")}
    assert values["control-plane"] > values["serving"] > 0 > values["batch"] > values["headroom"]
    assert not [c.name for c in planned(stack).graph.of_kind("PriorityClass") if c.manifest["globalDefault"]]
    takes = {
        str(workload): workload.pod.get("priorityClassName")
        for workload in planned(stack).graph.workloads
        if workload.namespace in (HOME, "platform", "quant", "finetune", "eval")
    }
    due = {
        **{f"Deployment {HOME}/{model}": "serving" for model in MODELS},
        **{f"Deployment {api}": "serving" for api in ("platform/gateway", "quant/quant-api", "finetune/finetune-api")},
        "Deployment eval/eval-api": "serving",
        **{str(job): "batch" for job in downloads(stack)},
    }
    if stack == "prod":
        due[f"Deployment {HOME}/gpu-spot-headroom"] = "headroom"
    assert takes == due


@pytest.mark.parametrize("stack", STACKS)
def test_only_what_must_evict_others_does(stack: str) -> None:
    policies = {c.name: c.manifest["preemptionPolicy"] for c in planned(stack).graph.of_kind("PriorityClass")}
    assert policies == {
        "control-plane": "PreemptLowerPriority",
        "serving": "PreemptLowerPriority",
        "batch": "Never",
        "headroom": "Never",
    }


# Grafana's way in


@pytest.mark.requirement("S003-92")
@pytest.mark.parametrize("stack", STACKS)
def test_grafana_shares_the_gateways_load_balancer_and_agrees_with_it(stack: str) -> None:
    """What belongs to the load balancer must be the same on every Ingress of a group, or the controller refuses it."""
    ours, gateways = (
        annotations(stack, "observability/grafana-ingress"),
        annotations(stack, "platform/platform-ingress"),
    )
    assert grafana(stack).spec["ingressClassName"] == "alb"
    assert ours["group.name"] == "llmplatform"
    own = ("healthcheck-path", "target-group-attributes")
    assert {key: value for key, value in ours.items() if key not in own} == {
        key: value for key, value in gateways.items() if key not in own
    }
    assert ours["target-type"] == "ip"
    assert ours["healthcheck-path"] == "/api/health", "the path that answers without a login"
    assert "healthcheck-port" not in ours


@pytest.mark.requirement("S003-92")
@pytest.mark.parametrize(
    ("stack", "scheme", "host"),
    [
        ("dev", "internal", "grafana.dev.llmplatform.dev"),
        ("staging", "internal", "grafana.staging.llmplatform.dev"),
        ("prod", "internet-facing", "grafana.llmplatform.dev"),
    ],
)
def test_grafana_has_its_own_host_and_is_never_reached_in_clear(stack: str, scheme: str, host: str) -> None:
    found = annotations(stack, "observability/grafana-ingress")
    assert found["scheme"] == scheme
    assert found["certificate-arn"].startswith("arn:aws:acm:us-west-2:111122223333:certificate/")
    assert found["ssl-redirect"] == "443"
    assert found["listen-ports"] == '[{"HTTP": 80}, {"HTTPS": 443}]'
    assert found["ssl-policy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    backend = {"service": {"name": "grafana", "port": {"number": 3000}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    assert grafana(stack).spec["rules"] == [{"host": host, "http": {"paths": paths}}]


@pytest.mark.requirement("S003-92")
@pytest.mark.parametrize("stack", STACKS)
def test_the_ingress_and_the_plan_say_that_somebody_else_runs_grafana(stack: str) -> None:
    """The seed's Service `grafana` is in no list of its base; ours comes with the observability work."""
    assert grafana(stack).external == {"Service/grafana"}
    assert not [service for service in planned(stack).graph.of_kind("Service") if service.name == "grafana"]
    (thing,) = [e for e in told_others(stack) if e.what == "Service grafana:3000"]
    assert "run by somebody else" in thing.why
    (host,) = [rule["host"] for rule in grafana(stack).spec["rules"]]
    assert host in thing.why


@pytest.mark.requirement("S003-12", "S003-92")
@pytest.mark.parametrize(("stack", "load_balancers"), [("dev", INTRA), ("staging", INTRA), ("prod", PUBLIC)])
def test_the_load_balancer_reaches_gateway_and_grafana_and_nothing_else(stack: str, load_balancers: list[str]) -> None:
    targets = {
        (edge.source, edge.target, edge.port)
        for edge in connections(stack)
        if edge.source in load_balancers and edge.target != "observability/prometheus-operator"
    }
    assert targets == {
        (block, target, port)
        for block in load_balancers
        for target, port in (("platform/gateway", "TCP 8000"), ("observability/grafana", "TCP 3000"))
    }


@pytest.mark.requirement("S003-12")
@pytest.mark.parametrize("stack", STACKS)
def test_a_rollout_waits_for_the_load_balancer_where_it_sends_requests(stack: str) -> None:
    label = "elbv2.k8s.aws/pod-readiness-gate-inject"
    behind = {n.name for n in planned(stack).graph.of_kind("Namespace") if n.labels.get(label) == "enabled"}
    assert behind == {"platform", "observability"}


# What prod has of its own


def test_prods_models_have_budgets_where_a_pod_may_go_and_no_other_stacks_do() -> None:
    for stack in STACKS:
        guarded = {b.name for b in planned(stack).graph.of_kind("PodDisruptionBudget") if b.namespace == HOME}
        more = {f"{model}-pdb" for model in MODELS if deployment(stack, model).spec["replicas"] > 1}
        assert guarded == more
    assert len({b.name for b in planned("prod").graph.of_kind("PodDisruptionBudget") if b.namespace == HOME}) == 3


@pytest.mark.parametrize("model", MODELS)
def test_prod_serves_what_staging_rehearsed_and_only_the_count_differs(model: str) -> None:
    prod, staging = deployment("prod", model), deployment("staging", model)
    assert prod.pod == staging.pod
    assert {key: value for key, value in prod.spec.items() if key not in ("replicas", "template")} == {
        key: value for key, value in staging.spec.items() if key not in ("replicas", "template")
    }
    assert staging.spec["replicas"] == 1


def test_prods_load_balancer_cannot_be_deleted_by_mistake() -> None:
    for ingress in ("platform/platform-ingress", "observability/grafana-ingress"):
        for stack in STACKS:
            protected = "deletion_protection.enabled=true" in annotations(stack, ingress)["load-balancer-attributes"]
            assert protected == (stack == "prod")
