"""The engine waits for what takes long: its own ten minutes would call a rollout failed that is going well."""

from __future__ import annotations

import pytest

from components.kubernetes.pods import rollout_time
from policy.graph import KubernetesObject
from tests.conftest import planned
from tests.support import STACKS


def seconds(thing: KubernetesObject, kind: str) -> int:
    return int(thing.resource.timeouts[kind].removesuffix("s"))


@pytest.mark.parametrize("stack", STACKS)
def test_the_engine_is_more_patient_than_what_it_waits_for(stack: str) -> None:
    graph = planned(stack).graph
    waited = [d for d in graph.of_kind("Deployment") if "pulumi.com/skipAwait" not in d.metadata.get("annotations", {})]
    assert len(waited) >= 8
    for deployment in waited:
        rolling = deployment.spec["strategy"]["rollingUpdate"]
        pods = deployment.spec.get("replicas") or 10  # the gateway's ceiling, where an autoscaler counts
        batches = -(-pods // (rolling["maxSurge"] + rolling["maxUnavailable"]))
        for kind in ("create", "update"):
            assert seconds(deployment, kind) >= batches * deployment.spec["progressDeadlineSeconds"] > 0
    jobs = graph.of_kind("Job")
    assert len(jobs) == 5
    assert all(seconds(job, "create") > job.spec["activeDeadlineSeconds"] for job in jobs)


def test_what_the_engine_does_not_wait_for_has_a_reason_to_be_let_go() -> None:
    graph = planned("prod").graph
    services = {str(thing) for thing in graph.of_kind("Service")}  # their pods' Deployments are waited for, see below
    skipped = sorted(
        str(thing)
        for thing in graph.objects
        if (thing.metadata.get("annotations") or {}).get("pulumi.com/skipAwait") == "true"
        and str(thing) not in services
    )
    assert skipped == [
        "Deployment llm-baseline/gpu-spot-headroom",  # waits for a spare node
        "Ingress observability/grafana-ingress",  # somebody else makes its backend
        "PersistentVolumeClaim llm-baseline/weights",  # may be bound by its first pod only
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_no_wait_of_ten_seconds_is_on_the_way_and_requests_come_only_when_pods_are_ready(stack: str) -> None:
    graph = planned(stack).graph
    services = graph.of_kind("Service")
    assert len(services) == 8
    assert all(thing.metadata["annotations"] == {"pulumi.com/skipAwait": "true"} for thing in services)
    for ingress in graph.of_kind("Ingress"):
        before = {graph.by_urn[urn].name for urn in ingress.resource.dependencies}
        for rule in ingress.spec["rules"]:
            backend = rule["http"]["paths"][0]["backend"]["service"]["name"]
            if f"Service/{backend}" not in ingress.external:
                assert {f"{backend}-service", f"{backend}-deployment"} <= before


@pytest.mark.parametrize(
    ("deadline", "replicas", "step", "whole"),
    [(600, 1, 1, 600), (600, 3, 1, 1800), (600, 3, 2, 1200), (600, 2, 0, 1200)],
)
def test_a_rollout_takes_its_batches(deadline: int, replicas: int, step: int, whole: int) -> None:
    assert rollout_time(deadline, replicas, step) == whole
