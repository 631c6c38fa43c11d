"""Scenario 1: the whole platform goes Ready on the nodes that the plan says it needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from settings.instances import instance_types
from settings.names import POOL_LABEL
from tests.live.live import Live, is_ready
from workbench.localcluster.nodes import allocatable, counts

pytestmark = pytest.mark.live
GPU = "nvidia.com/gpu"
LATE = "pod has unbound immediate PersistentVolumeClaims"
"""The scheduler of a claim whose Bound its cache has not heard of yet: of one that stays so, a pod is Pending."""


def on_gpu_nodes(live: Live) -> dict[str, list[str]]:
    """GPU node -> the platform's pods on it."""
    gpu = [n["metadata"]["name"] for n in live.nodes.all() if GPU in n["status"]["allocatable"]]
    return {name: [pod["metadata"]["labels"]["app"] for pod in live.nodes.pods(name)] for name in gpu}


@pytest.mark.requirement("S003-19", "S003-20", "S003-10", "S003-113")
@pytest.mark.parametrize("stack", ["local", "prod"])
def test_the_whole_platform_is_ready_without_a_warning(live: Callable[..., Live], stack: str) -> None:
    here = live(stack)
    report = here.up()
    assert report.warnings == []
    pods = [pod for pod in here.api.list("Pod") if pod["metadata"]["namespace"] != "kube-system"]
    assert {pod["status"]["phase"] for pod in pods} == {"Running", "Succeeded"}
    assert all(is_ready(pod) for pod in pods if pod["status"]["phase"] == "Running")
    for namespace in here.settings.namespaces:
        unplaced = [why for why in here.events(namespace, "FailedScheduling") if LATE not in why]
        assert (here.refused(namespace), unplaced) == ([], [])

    known = instance_types()
    for node in here.nodes.all():
        labels = node["metadata"]["labels"]
        kind = known[labels["node.kubernetes.io/instance-type"]]
        assert node["status"]["allocatable"] == allocatable(here.settings.node_pools[labels[POOL_LABEL]], kind)

    models = {name for name, model in here.settings.models.items()}
    for name, apps in on_gpu_nodes(here).items():
        assert len(apps) == 1, f"{name}: {apps}"
    with_gpu = {
        (pod["metadata"]["labels"]["app"], pod["spec"]["nodeSelector"][POOL_LABEL])
        for pod in pods
        if GPU in pod["spec"]["containers"][0]["resources"].get("requests", {})
    }
    assert {app for app, _ in with_gpu} - {"gpu-spot-headroom"} == models
    assert {pool for _, pool in with_gpu} == {"gpu-spot"}
    assert here.up().done == {"unchanged": len(here.steps())}, "a second up changes nothing"


def test_with_one_node_less_than_the_plan_says_a_pod_stays_pending(live: Callable[..., Live]) -> None:
    here = live("prod", nodes=False)
    need = counts(here.settings)
    assert need["gpu-spot"] == here.settings.node_pools["gpu-spot"].max == 8
    here.nodes.add("general", need["general"], ready=True)
    here.nodes.add("gpu-spot", need["gpu-spot"] - 1, ready=True)
    here.nodes.wait_ready()
    here.apply()

    def one_waits() -> bool:
        pods = here.pods("llm-baseline")
        waiting = [p for p in pods if p["status"]["phase"] == "Pending" and not p["spec"].get("nodeName")]
        assert len(waiting) == 1
        return all(is_ready(p) or p["status"]["phase"] == "Succeeded" for p in pods if p is not waiting[0])

    here.until("one waiting pod, all others ready", one_waits, simulated=900)
    assert any("Insufficient nvidia.com/gpu" in e for e in here.events("llm-baseline", "FailedScheduling"))
    here.holds("it goes on waiting", one_waits)


def test_a_pod_without_the_toleration_never_lands_on_a_gpu_node(live: Callable[..., Live]) -> None:
    """The red twin of one model a node: what keeps others off is the taint alone."""
    here = live("local")

    def nowhere_else(manifest: dict) -> dict:  # type: ignore[type-arg]
        if manifest["kind"] == "Deployment":
            manifest["spec"]["template"]["spec"]["nodeSelector"] = {POOL_LABEL: "gpu-spot"}
        return manifest

    here.apply(only=lambda m: m["metadata"].get("namespace") in (None, "quant"), change=nowhere_else)
    here.until("refused pods", lambda: "untolerated taint" in " ".join(here.events("quant", "FailedScheduling")))
    assert all(apps == [] for apps in on_gpu_nodes(here).values())
    for node in here.nodes.all("gpu-spot"):
        here.api.merge("Node", node["metadata"]["name"], None, {"spec": {"taints": None}})
    here.until("pods on GPU nodes", lambda: any(apps for apps in on_gpu_nodes(here).values()))
