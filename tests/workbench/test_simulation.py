"""What of the local cluster can be held without one: nodes, times, stages, likeness, order, and what is shown."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.capacity import pool_need
from settings.instances import instance_types
from settings.rooms import room
from tests.conftest import planned
from tests.support import STACKS, stack_settings
from workbench.deploy import apply
from workbench.deploy.engine import Run, mend
from workbench.deploy.likeness import NO_ACCOUNT, likeness
from workbench.deploy.ready import FailedError, pending
from workbench.deploy.summary import table
from workbench.localcluster.clock import Clock
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.metrics import Metrics, Usage
from workbench.localcluster.nodes import Nodes, counts, daemonsets, node
from workbench.localcluster.pod_stages import Times
from workbench.localcluster.stages import stages
from workbench.localcluster.surroundings import objects


@pytest.mark.parametrize("stack", STACKS)
def test_pools_get_the_nodes_that_the_plan_says(stack: str) -> None:
    settings = stack_settings(stack).settings
    for pool, count in counts(settings).items():
        need = pool_need(settings, pool)
        assert need is not None
        assert settings.node_pools[pool].min <= count <= settings.node_pools[pool].max
        assert count >= need.nodes


def test_a_pool_of_less_than_nothing_is_refused() -> None:
    nobody: Any = None  # is not asked
    with pytest.raises(ClusterError, match="a pool has no -1 nodes\n  fix: 0 or more"):
        Nodes(nobody, stack_settings("local").settings, Clock()).scale("general", -1)


def test_a_node_is_what_its_pool_and_its_instance_type_say() -> None:
    settings = stack_settings("prod").settings
    made = [node(settings, "gpu-spot", index) for index in range(6)]
    kinds = {
        (n["metadata"]["labels"]["node.kubernetes.io/instance-type"], n["spec"]["providerID"].split("/")[3])
        for n in made
    }
    assert len(kinds) == 6, "each type in each zone"
    first = made[0]
    assert first["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert first["metadata"]["labels"]["nvidia.com/gpu.present"] == "true"
    assert first["metadata"]["labels"]["llmplatform.dev/pool"] == "gpu-spot"
    assert first["status"]["allocatable"]["nvidia.com/gpu"] == "1"
    assert first["status"]["allocatable"]["memory"] == "14162Mi"
    assert "nvidia.com/gpu" not in node(settings, "general", 0)["status"]["allocatable"]


def test_what_nodes_run_besides_is_what_the_plan_takes_off() -> None:
    settings = stack_settings("prod").settings
    for pool, spec in settings.node_pools.items():
        kind = instance_types()[spec.instance_types[0]]
        cpu = 0
        for daemonset in daemonsets(settings):
            pod = daemonset["spec"]["template"]["spec"]
            terms = pod.get("affinity", {}).get("nodeAffinity", {})
            if terms and pool not in str(terms):
                continue
            cpu += int(pod["containers"][0]["resources"]["requests"].get("cpu", "0m").removesuffix("m"))
        assert room(settings, pool, kind).cpu == kind.cpu.milli - cpu


def test_times_are_those_of_the_start_up_budgets() -> None:
    times = Times.of(stack_settings("local").settings)
    assert times.image["llm-baseline/mistral-7b"] == 330
    assert times.loading["llm-baseline/mistral-7b"] == 90 + 80
    (seconds,) = [s for job, s in times.job.items() if "mistral-7b-instruct-v0-3-8" in job]
    assert seconds == pytest.approx(14496563200 / (100 << 20))


def test_every_stage_is_written_for_the_clock() -> None:
    times = Times.of(stack_settings("local").settings)
    for clock in (Clock(1), Clock(60)):
        every = list(yaml.safe_load_all(stages(times, clock)))
        names = [stage["metadata"]["name"] for stage in every]
        assert len(names) == len(set(names))
        (ended,) = [stage for stage in every if stage["metadata"]["name"] == "pod-ended"]
        assert f"/ {clock.factor} " in ended["spec"]["delay"]["durationFrom"]["expressionFrom"]
    assert [name for name in names if name.startswith("claim-in-")] == [f"claim-in-us-west-2{z}" for z in "abc"]


def test_what_a_platform_expects_of_a_cluster_is_there() -> None:
    made = {(thing["kind"], thing["metadata"]["name"]) for thing in objects(stack_settings("prod").settings)}
    assert made >= {("StorageClass", "efs"), ("IngressClass", "alb"), ("ClusterSecretStore", "platform-secrets")}


def test_a_clock_divides_and_full_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FULL", raising=False)
    assert Clock.from_environment().seconds(300) == 5
    assert Clock.from_environment().flag(15) == "1s"
    monkeypatch.setenv("FULL", "1")
    assert (Clock.from_environment().seconds(300), Clock.from_environment().flag(15)) == (300, "15s")


@pytest.mark.parametrize("stack", STACKS)
def test_the_likeness_of_a_stack_differs_in_what_it_says_and_nothing_else(stack: str) -> None:
    alike, settings = likeness(stack), stack_settings(stack).settings
    ours = alike.resolved.settings
    assert ours.cluster.kind == "existing"
    assert ours.cluster.version == settings.cluster.version
    assert (ours.services.keys(), ours.models, ours.node_pools) == (
        settings.services.keys(),
        settings.models,
        settings.node_pools,
    )
    if settings.aws.account is None:
        assert alike.changed == ()
    else:
        assert ours.aws.account == NO_ACCOUNT
        assert len(alike.changed) == 2
        if ours.ingress and ours.ingress.certificate_arn:
            assert NO_ACCOUNT in ours.ingress.certificate_arn


@pytest.mark.parametrize("stack", ["local", "prod"])
def test_steps_come_after_what_they_depend_on(stack: str) -> None:
    todo = apply.steps(planned("local").graph) if stack == "local" else apply.steps(planned_likeness(stack))
    assert all(place < index for index, step in enumerate(todo) for place in step.after)
    kinds = [step.manifest["kind"] for step in todo]
    names = {(s.manifest["kind"], s.manifest["metadata"]["name"]): i for i, s in enumerate(todo)}
    assert names["Namespace", "quant"] < names["Deployment", "quant-api"]
    server = todo[names["Deployment", "judge"]]
    assert "Job" in {todo[place].manifest["kind"] for place in server.after}, "a server comes after its weights"
    assert kinds.count("Deployment") >= 8
    assert server.timeout > 600, "as the engine would wait"


def planned_likeness(stack: str) -> Any:
    from workbench.plan.stack import plan_file

    alike = likeness(stack)
    return plan_file(stack, alike.file, alike.resolved).graph


def test_what_only_a_deployment_knows_cannot_be_applied() -> None:
    graph = copy.deepcopy(planned("local").graph)
    thing = graph.of_kind("ConfigMap")[0]
    dict.__setitem__(thing.resource.inputs["data"], "ARN", "${aws:x y.arn}")  # type: ignore[arg-type,index]
    with pytest.raises(ClusterError, match=r"data.ARN is known only after a deployment"):
        apply.steps(graph)


DEPLOYMENT: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "a", "namespace": "b", "generation": 2},
    "spec": {"replicas": 2},
    "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({}, None),
        ({"observedGeneration": 1}, "is not yet seen by its controller"),
        ({"availableReplicas": 1}, "1 of 2 pods available, 2 up to date"),
        ({"replicas": 3}, "2 of 2 pods available, 2 up to date, 1 old"),
        ({"updatedReplicas": 1, "replicas": 1}, "2 of 2 pods available, 1 up to date"),
    ],
)
def test_a_deployment_is_ready_when_its_new_pods_serve_and_no_old_one_is_left(
    status: dict[str, int], reason: str | None
) -> None:
    live = {**DEPLOYMENT, "status": {**DEPLOYMENT["status"], **status}}
    assert pending(live) == reason
    assert pending({**live, "metadata": {**live["metadata"], "annotations": {"pulumi.com/skipAwait": "true"}}}) is None


def test_a_quota_is_ready_when_it_counts_what_it_limits() -> None:
    quota = {"kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "b"}, "spec": {"hard": {"pods": "8"}}}
    assert pending(quota) == "does not count yet"
    assert pending({**quota, "status": {"hard": {"pods": "4"}, "used": {"pods": "0"}}}) == "does not count yet"
    assert pending({**quota, "status": {"hard": {"pods": "8"}, "used": {"pods": "0"}}}) is None


def test_what_has_given_up_fails_at_once() -> None:
    over = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    with pytest.raises(FailedError, match="Deployment b/a: timed out"):
        pending({**DEPLOYMENT, "status": {**DEPLOYMENT["status"], "conditions": [over]}})
    failed = {"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}
    with pytest.raises(FailedError, match="Job b/j: BackoffLimitExceeded"):
        pending({"kind": "Job", "metadata": {"name": "j", "namespace": "b"}, "status": {"conditions": [failed]}})


def test_a_claim_that_somebody_has_deleted_is_no_ready_one() -> None:
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "b"}, "status": {"phase": "Bound"}}
    assert pending(claim) is None
    with pytest.raises(FailedError, match=r"b/c: somebody has deleted it.*\n  fix: "):
        pending({**claim, "metadata": {**claim["metadata"], "deletionTimestamp": "2026-11-25T15:13:17Z"}})


def test_the_engines_own_count_is_read() -> None:
    text = "...\nResources:\n    + 29 created\n    +-2 replaced\n    31 changes. 88 unchanged\n\nDuration: 16s\n"
    assert Run(text, 1.0).changes == {"created": 29, "replaced": 2, "unchanged": 88}
    assert str(Run("nothing", 1.0)) == "nothing to do"


def test_a_checkpoint_that_was_cut_off_gives_way_to_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "stacks" / "llmplatform" / "local.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 3}')
    mend(tmp_path, "local")
    assert file.read_text() == '{"version": 3}'
    file.with_name("local.json.bak").write_text('{"version": 2}')
    file.write_text("")
    mend(tmp_path, "local")
    assert file.read_text() == '{"version": 2}'
    file.with_name("local.json.bak").write_text("{")
    file.write_text('{"vers')
    mend(tmp_path, "local")
    assert not file.exists()


def test_attributes_that_were_cut_off_go_and_whole_ones_stay(tmp_path: Path) -> None:
    file = tmp_path / "stacks" / "llmplatform" / "local.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 3}')
    whole, cut, broken = (tmp_path / f"{name}.attrs" for name in ("meta.yaml", "stacks/a", "stacks/llmplatform/local"))
    whole.write_text('{"md5": ""}')
    cut.write_text("")
    broken.write_text('{"md5')
    mend(tmp_path, "local")
    assert [path.exists() for path in (whole, cut, broken, file)] == [True, False, False, True]


def test_metrics_are_kept_in_a_file_and_a_broken_one_is_named(tmp_path: Path) -> None:
    metrics = Metrics(usage=(Usage("a", {"app": "b"}, "10m", None),), idle=None)
    metrics.write(tmp_path)
    assert Metrics.read(tmp_path) == metrics
    (tmp_path / "metrics.json").write_text("[")
    with pytest.raises(ClusterError, match=r"metrics.json cannot be read"):
        Metrics.read(tmp_path)


def test_a_table_is_aligned() -> None:
    assert table([("A", "LONG"), ("abc", "d")]) == ["A    LONG", "abc  d"]
