"""Scenario 2: a quota stops a Deployment at the right count, and what a namespace's guards admit and refuse.

Quotas, limit ranges and pod security are the API server's own; only the pods' kubelet is simulated. The gateway's
autoscaler is left out: how far it may go is asked here, not when it does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.live.live import SLACK, Change, Live, within
from workbench.deploy import apply
from workbench.deploy.ready import conditions
from workbench.localcluster.api import LOST_RACE, ApiError, Manifest

pytestmark = pytest.mark.live
STOPPED = (
    "exceeded quota: quant-quota, requested: limits.cpu=2,limits.memory=4Gi, "
    "used: limits.cpu=16,limits.memory=32Gi, limited: limits.cpu=16,limits.memory=32Gi"
)
SETTLES = 30.0
"""Simulated seconds for which a count that has stopped is watched."""


def used(live: Live, namespace: str) -> dict[str, str]:
    """What the quota's status says is used."""
    found: dict[str, str] = live.api.get("ResourceQuota", f"{namespace}-quota", namespace)["status"].get("used", {})
    return found


def without(kind: str, name: str) -> Change:
    """Leaves an object out."""
    return lambda m: None if m["kind"] == kind and m["metadata"]["name"] == name else m


def bare(name: str, namespace: str, **container: Any) -> Manifest:
    """A pod that no controller made, hardened as pod security demands."""
    confined = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    user = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "containers": [{"name": "a", "image": "a", "securityContext": confined, **container}],
            "securityContext": user,
        },
    }


def refusal(live: Live, manifest: Manifest) -> str:
    """What the API server says when it refuses an object; empty if it takes it."""
    said: list[str] = []

    def answered() -> bool:
        try:
            live.api.create(manifest)
        except ApiError as error:
            if error.status != 403:
                raise
            said.append(str(error))
        return True

    live.until("an answer", answered)  # no answer: its count of the quota was overtaken by the controller's
    return "".join(said)


@pytest.mark.requirement("S003-35", "S003-46", "S003-47")
def test_quant_api_scaled_to_50_stops_at_8_and_running_pods_are_left_alone(live: Callable[..., Live]) -> None:
    here = live("local")
    here.up(only=within("quant"))
    before = {pod["metadata"]["uid"]: pod for pod in here.ready_pods("quant", "quant-api")}
    assert len(before) == 2
    here.scale("quant-api", "quant", 50)
    here.until("8 ready pods", lambda: len(here.ready_pods("quant", "quant-api")) == 8, simulated=60)
    here.until("a refusal with its sum", lambda: any(STOPPED in e for e in here.refused("quant")))
    here.holds("8 pods", lambda: len(here.pods("quant", "quant-api")) == 8, simulated=SETTLES)

    def counted() -> dict[str, Any]:
        status: dict[str, Any] = here.deployment("quant-api", "quant")["status"]
        assert (status["replicas"], status["readyReplicas"], status.get("unavailableReplicas")) == (8, 8, 42)
        return status

    status = here.until("8 of 50 in the status", counted)
    failure = conditions({"metadata": {}, "status": status})["ReplicaFailure"]
    assert (failure["status"], failure["reason"]) == ("True", "FailedCreate")
    assert any(why in failure["message"] for why in (STOPPED, LOST_RACE)), "the first failure's, and not renewed"
    expected = {"limits.cpu": "16", "limits.memory": "32Gi", "requests.cpu": "4", "requests.memory": "8Gi", "pods": "8"}
    assert used(here, "quant") == expected
    after = {pod["metadata"]["uid"]: pod for pod in here.ready_pods("quant", "quant-api")}
    for uid, pod in before.items():
        assert uid in after, f"{pod['metadata']['name']} was replaced"
        assert after[uid]["status"]["containerStatuses"][0]["restartCount"] == 0
        assert conditions(after[uid])["Ready"] == conditions(pod)["Ready"], "ready all the time"
    here.until("8 in its Service", lambda: len(here.endpoints("quant", "quant-api")) == 8)

    here.scale("quant-api", "quant", 2)
    here.until_ready("Deployment", "quant-api", "quant")
    here.until("what 2 pods use", lambda: used(here, "quant")["limits.cpu"] == "4", simulated=120)
    assert len(here.ready_pods("quant", "quant-api")) == 2


def test_without_its_quota_one_team_takes_every_node(live: Callable[..., Live]) -> None:
    """The red twin: nothing stops the same 50, and they fill the pool that all share."""
    here = live("local")
    here.up(only=within("quant"), change=without("ResourceQuota", "quant-quota"))
    here.scale("quant-api", "quant", 50)
    here.until("50 pods", lambda: len(here.pods("quant", "quant-api")) == 50)
    full = "3 Insufficient cpu"
    here.until("full nodes", lambda: any(full in e for e in here.events("quant", "FailedScheduling")))
    assert here.refused("quant") == []
    here.until("more than a quota's 8", lambda: len(here.ready_pods("quant", "quant-api")) > 8, simulated=60)


def gateway_by_hand(limits_cpu: str | None = None) -> Change:
    """The gateway without its autoscaler, and, where it is given, with another quota."""

    def change(manifest: Manifest) -> Manifest | None:
        if manifest["kind"] == "HorizontalPodAutoscaler":
            return None
        if manifest["kind"] == "ResourceQuota" and limits_cpu is not None:
            manifest["spec"]["hard"]["limits.cpu"] = limits_cpu
        return manifest

    return change


@pytest.mark.requirement("S003-31", "S003-103")
def test_the_gateway_reaches_the_ceiling_of_its_autoscaler(live: Callable[..., Live]) -> None:
    here = live("prod")
    scaler = next(s.manifest for s in here.steps() if s.manifest["kind"] == "HorizontalPodAutoscaler")
    most = scaler["spec"]["maxReplicas"]
    assert most == 10
    here.up(only=within("platform"), change=gateway_by_hand())
    here.scale("gateway", "platform", most)
    here.until_ready("Deployment", "gateway", "platform")
    surge = here.deployment("gateway", "platform")["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    left = int(here.api.get("ResourceQuota", "platform-quota", "platform")["spec"]["hard"]["limits.cpu"]) - most
    assert used(here, "platform")["limits.cpu"] == str(most)
    assert left >= surge == 1
    assert here.refused("platform") == []


@pytest.mark.requirement("S003-31")
def test_with_the_quota_of_the_seed_the_gateway_stops_at_8(live: Callable[..., Live]) -> None:
    """The red twin: S003-31 as it stands gives 8 CPU of limits."""
    here = live("prod")
    here.up(only=within("platform"), change=gateway_by_hand(limits_cpu="8"))
    here.scale("gateway", "platform", 10)
    stopped = "exceeded quota: platform-quota, requested: limits.cpu=1, used: limits.cpu=8, limited: limits.cpu=8"
    here.until("a refusal", lambda: any(stopped in e for e in here.refused("platform")))
    here.until("8 ready pods", lambda: len(here.ready_pods("platform", "gateway")) == 8, simulated=60)
    here.holds("8 pods", lambda: len(here.pods("platform", "gateway")) == 8, simulated=SETTLES)


@pytest.mark.requirement("S003-04", "S003-36")
def test_what_a_limit_range_gives_and_refuses(live: Callable[..., Live]) -> None:
    """With its red twin: without it, the quota refuses a pod that says nothing, and nobody refuses a large one."""
    here = live("local")
    here.up(only=within("quant"))
    assert refusal(here, bare("silent", "quant")) == ""
    given = here.api.get("Pod", "silent", "quant")["spec"]["containers"][0]["resources"]
    assert given["limits"] == {"cpu": "1", "memory": "2Gi"}
    assert given["requests"] == {"cpu": "250m", "memory": "512Mi"}

    five = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "5", "memory": "1Gi"}}
    little = {"requests": {"cpu": "50m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    large = "maximum cpu usage per Container is 4, but limit is 5"
    assert large in refusal(here, bare("large", "quant", resources=five))
    small = "minimum cpu usage per Container is 100m, but request is 50m"
    assert small in refusal(here, bare("small", "quant", resources=little))

    here.api.delete("LimitRange", "quant-limits", "quant")
    silent = "must specify limits.cpu for: a; limits.memory for: a; requests.cpu for: a; requests.memory for: a"

    def refused() -> bool:
        """The plugin learns by a watch that the limit range is gone."""
        said = refusal(here, bare("silent-2", "quant"))
        if not said:
            here.api.delete("Pod", "silent-2", "quant", grace=0)
        return silent in said

    here.until("a refused pod that says nothing", refused)
    assert refusal(here, bare("large", "quant", resources=five)) == ""


@contextmanager
def busy(live: Live, namespace: str) -> Iterator[None]:
    """Others write a quota all the time: what the API server last knew of it is old when it counts a new object."""
    done = threading.Event()

    def write(name: str) -> None:
        for number in count():
            if done.is_set():
                return
            note = {"metadata": {"annotations": {name: str(number)}}}
            live.api.merge("ResourceQuota", f"{namespace}-quota", namespace, note)

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write, name) for name in ("one", "two")]
        try:
            yield
        finally:
            done.set()
    for writer in writers:
        writer.result()


def test_a_lost_race_for_a_quota_is_no_refusal(live: Callable[..., Live], tmp_path: Path) -> None:
    """With its red twin: who asks only once loses."""
    here = live("local")
    here.up(only=within("quant"))
    here.api.merge("ResourceQuota", "quant-quota", "quant", {"spec": {"hard": {"configmaps": "10000"}}})
    here.until("a quota that counts them", lambda: "configmaps" in used(here, "quant"))
    numbers = count()

    def another() -> Manifest:
        head = {"name": f"another-{next(numbers)}", "namespace": "quant"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": head}

    def lost_by_a_pod() -> bool:
        return any(LOST_RACE in message for message in here.events("quant", "FailedCreate"))

    def ask_once_until_one_loses() -> None:
        deadline = time.monotonic() + SLACK
        while time.monotonic() < deadline:
            here.api.create(another())

    with busy(here, "quant"):
        with pytest.raises(ApiError, match=LOST_RACE) as lost:
            ask_once_until_one_loses()
        assert lost.value.passing
        many = [apply.Step(another(), (), 60) for _ in range(50)]
        assert apply.up(here.api, many, tmp_path, lambda _: None).done == {"created": 50}
        here.scale("quant-api", "quant", 8)
        here.until("a pod that lost", lambda: lost_by_a_pod() or len(here.ready_pods("quant", "quant-api")) == 8)
    here.until_ready("Deployment", "quant-api", "quant")
    assert here.refused("quant") == []


@pytest.mark.requirement("S003-04")
def test_the_eleventh_gpu_pod_is_refused(live: Callable[..., Live]) -> None:
    """With its red twin: `limits.nvidia.com/gpu` in a quota is taken, and never counted."""
    here = live("prod")
    here.apply(only=lambda m: within("llm-baseline")(m) and m["kind"] in ("Namespace", "LimitRange", "ResourceQuota"))
    here.until("a quota that counts", lambda: used(here, "llm-baseline").get("requests.nvidia.com/gpu") == "0")
    one = {"limits": {"nvidia.com/gpu": "1"}}
    for number in range(10):
        assert refusal(here, bare(f"gpu-{number}", "llm-baseline", resources=one)) == ""
    eleven = (
        "exceeded quota: llm-baseline-quota, requested: requests.nvidia.com/gpu=1, "
        "used: requests.nvidia.com/gpu=10, limited: requests.nvidia.com/gpu=10"
    )
    assert eleven in refusal(here, bare("gpu-10", "llm-baseline", resources=one))

    quota = here.api.get("ResourceQuota", "llm-baseline-quota", "llm-baseline")["spec"]["hard"]
    here.api.merge(
        "ResourceQuota",
        "llm-baseline-quota",
        "llm-baseline",
        {
            "spec": {
                "hard": {"requests.nvidia.com/gpu": None, "limits.nvidia.com/gpu": quota["requests.nvidia.com/gpu"]}
            }
        },
    )

    def others_only() -> bool:
        now = used(here, "llm-baseline")
        return bool(now) and "requests.nvidia.com/gpu" not in now

    here.until("a quota without it", others_only)
    assert "limits.nvidia.com/gpu" not in used(here, "llm-baseline")
    here.until("an eleventh", lambda: refusal(here, bare("gpu-10", "llm-baseline", resources=one)) == "")


def as_in_the_seed(manifest: Manifest) -> Manifest:
    """A workload whose pods say nothing of their security, as those of seed 003."""
    if manifest["kind"] == "Deployment":
        pod = manifest["spec"]["template"]["spec"]
        pod.pop("securityContext")
        for container in pod["containers"]:
            container.pop("securityContext")
    return manifest


@pytest.mark.requirement("S003-79")
def test_a_pod_without_a_security_context_is_refused_and_ours_gets_no_warning(live: Callable[..., Live]) -> None:
    """With its red twin: in a namespace that does not enforce, the same pods run."""
    here = live("local")
    assert here.up(only=within("quant")).warnings == []
    here.api.delete("Deployment", "quant-api", "quant")
    here.until("no pods", lambda: here.api.list("Pod", "quant") == [], simulated=60)

    only_deployment = within("quant")
    seed = here.steps(only=lambda m: only_deployment(m) and m["kind"] == "Deployment", change=as_in_the_seed)
    (warning,) = here.api.apply(seed[0].manifest).warnings
    assert 'would violate PodSecurity "restricted' in warning
    assert "seccompProfile" in warning
    refused = 'is forbidden: violates PodSecurity "restricted'
    here.until("a refusal", lambda: any(refused in e for e in here.refused("quant")))
    here.holds("no pod", lambda: here.api.list("Pod", "quant") == [], simulated=SETTLES)

    labels = {"pod-security.kubernetes.io/enforce": None}
    here.api.merge("Namespace", "quant", None, {"metadata": {"labels": labels}})
    here.api.delete("Deployment", "quant-api", "quant")
    here.api.apply(seed[0].manifest)
    here.until("running pods", lambda: len(here.ready_pods("quant", "quant-api")) == 2, simulated=60)
