"""The outside judge finds nothing in the committed stacks, and does find what is wrong: each kind of it once."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest

from tests.conftest import planned
from tests.judges import crds
from tests.judges import manifests as judges
from tests.policy.support import edited, subject_of
from tests.support import REMOVE, STACKS

GATEWAY = "Deployment platform/gateway"
TOKEN = "ExternalSecret llm-baseline/weights-token"
CONTAINER = "spec template spec containers 0"


@pytest.fixture(autouse=True)
def no_go(monkeypatch) -> None:
    """What is known without the CRDs is looked at here; tests/judges/test_crds.py looks at them."""
    monkeypatch.setattr(crds, "folder", lambda _: (None, "there is no Go in this test"))
    monkeypatch.setattr(crds, "validator", lambda *_: None)


@pytest.mark.parametrize("stack", STACKS)
def test_every_manifest_holds_against_kubernetes_schemas_and_beyond(stack) -> None:
    plan = planned(stack)
    every = judges.written(plan.graph)
    left_out = [str(thing) for thing in plan.graph.objects if str(thing) == "StorageClass efs"]
    assert left_out == ([] if stack == "local" else ["StorageClass efs"]), "its file system has no id before it is made"
    assert len(every) == len(plan.graph.objects) - len(left_out)
    assert judges.findings(plan) == []
    custom = [path.stem for path, manifest in every.items() if judges.is_custom(manifest)]
    assert custom == (
        [] if stack == "local" else ["clustersecretstore-platform-secrets", "externalsecret-weights-token"]
    )


def verdict(subject: str, path: str, value: Any) -> list[str]:
    """What the judge says of an object of prod with one thing changed."""
    graph = edited(planned("prod").graph, subject, path, value)
    thing = next(t for t in graph.objects if t.resource.urn == subject_of(planned("prod").graph, subject).urn)
    return judges.judge(thing.manifest, "1.35")


SCHEMA = {
    "a misspelt field": (
        GATEWAY,
        "spec template spec terminationGracePeriod",
        30,
        "'terminationGracePeriod' was unexp",
    ),
    "a misspelt field deep inside": (GATEWAY, f"{CONTAINER} readinessProbe httpget", {}, "'httpget' was unexpected"),
    "a text for a number": (GATEWAY, "spec progressDeadlineSeconds", "600", "'600' is not of type 'integer'"),
    "a required field left out": (GATEWAY, "spec selector", REMOVE, "'selector' is a required property"),
    "another version": (GATEWAY, "apiVersion", "apps/v1beta1", "Couldn't find schema for kind Deployment"),
    "another kind": (GATEWAY, "kind", "Deploiment", "Couldn't find schema for kind Deploiment"),
    "another group": (GATEWAY, "apiVersion", "external-secrets.io/v1", "Couldn't find schema for kind Deployment"),
    "another kind of a custom resource": (
        TOKEN,
        "kind",
        "ExternalSekret",
        "Couldn't find schema for kind ExternalSekr",
    ),
    "another version of a custom resource": (
        TOKEN,
        "apiVersion",
        "external-secrets.io/v1beta1",
        "Couldn't find schema for kind ExternalSecret",
    ),
}
BEYOND = {
    "a number with a point": (GATEWAY, "spec progressDeadlineSeconds", 600.0, "600.0 is no whole number"),
    "null": (GATEWAY, "spec template spec nodeSelector", None, "null"),
    "an amount": (GATEWAY, f"{CONTAINER} resources limits cpu", "1 core", "'1 core' is no quantity"),
    "a byte too many": (GATEWAY, f"{CONTAINER} resources limits memory", "1GiB", "'1GiB' is no quantity"),
    "the size of a volume": (
        GATEWAY,
        "spec template spec volumes 0 emptyDir sizeLimit",
        "64MB",
        "'64MB' is no quantity",
    ),
    "a quota": ("ResourceQuota quant/quant-quota", "spec hard pods", "many", "'many' is no quantity"),
    "a limit range": ("LimitRange quant/quant-limits", "spec limits 0 max cpu", "4x", "'4x' is no quantity"),
    "a label's value": ("Service quant/quant-api", "metadata labels team", "the team", "team=the team is no label"),
    "a label's length": ("Service quant/quant-api", "metadata labels team", "t" * 64, "is no label"),
    "a label's key": ("Service quant/quant-api", "metadata labels -team", "x", "-team=x is no label"),
    "a label of a pod": (GATEWAY, "spec template metadata labels team", "-", "team=- is no label"),
    "a selector": (GATEWAY, "spec selector matchLabels app", "a b", "app=a b is no label"),
    "a selector of a Service": ("Service quant/quant-api", "spec selector app", "a b", "app=a b is no label"),
    "a name": (
        "ConfigMap quant/quant-config",
        "metadata name",
        "quant_config",
        "'quant_config' is no name for a Config",
    ),
    "a Service's name": ("Service quant/quant-api", "metadata name", "1-quant", "'1-quant' is no name for a Service"),
    "a Service's dots": (
        "Service quant/quant-api",
        "metadata name",
        "quant.api",
        "'quant.api' is no name for a Service",
    ),
    "a namespace's name": ("Namespace quant", "metadata name", "q.uant", "'q.uant' is no name for a Namespace"),
    "a home": ("Service quant/quant-api", "metadata namespace", "Quant", "'Quant' is no name of a namespace"),
    "a container's name": (GATEWAY, f"{CONTAINER} name", "gate_way", "container 'gate_way' has no name"),
    "a variable's name": (GATEWAY, f"{CONTAINER} env", [{"name": "1A", "value": "x"}], "'1A' is no name of a variable"),
    "a port's name": (GATEWAY, f"{CONTAINER} ports 0 name", "http-of-gateway-x", "is no name of a port"),
    "a port": (GATEWAY, f"{CONTAINER} ports 0 containerPort", 80000, "80000 is no port"),
    "a number of a custom resource": (TOKEN, "spec refreshInterval", 3600.0, "3600.0 is no whole number"),
    "a custom resource's name": (TOKEN, "metadata name", "hugging_face", "'hugging_face' is no name for a External"),
    "a custom resource's label": (TOKEN, "metadata labels team", "the team", "team=the team is no label"),
}
TWICE = {
    "a variable's value": (GATEWAY, f"{CONTAINER} env", [{"name": "A", "value": 1}], "variable A is 1, no text"),
    "an annotation": (GATEWAY, "spec template metadata annotations prometheus.io/port", 8000, "is 8000, no text"),
    "a value of a ConfigMap": ("ConfigMap quant/quant-config", "data PORT", 8000, "'PORT' is 8000, no text"),
}
"""What both see."""


@pytest.mark.parametrize(("subject", "path", "value", "says"), SCHEMA.values(), ids=SCHEMA)
def test_the_schema_refuses(subject, path, value, says) -> None:
    assert [says in found for found in verdict(subject, path, value)] == [True]


@pytest.mark.parametrize(("subject", "path", "value", "says"), BEYOND.values(), ids=BEYOND)
def test_what_the_schema_misses_is_refused(subject, path, value, says) -> None:
    assert [says in found for found in verdict(subject, path, value)] == [True]


@pytest.mark.parametrize(("subject", "path", "value", "says"), TWICE.values(), ids=TWICE)
def test_both_refuse_what_is_no_text(subject, path, value, says) -> None:
    assert any(says in found for found in verdict(subject, path, value))


@pytest.mark.parametrize("amount", ["1", "0.5", "500m", "1Gi", "1e3", ".5", 2])
def test_amounts_in_every_spelling_are_taken(amount) -> None:
    assert verdict("ResourceQuota quant/quant-quota", "spec hard requests.cpu", str(amount)) == []


def test_a_version_without_a_schema_is_no_pass() -> None:
    manifest = subject_of(planned("prod").graph, GATEWAY).inputs
    for version in ("1.24", "1.99"):
        assert f"no schemas of Kubernetes {version}" in judges.against_schema(manifest, version)[0]


@cache
def pods() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every workload of every stack, as it is written: stack and pod template's spec."""
    return {
        f"{stack} {path.stem}": (stack, copy.deepcopy(dict(manifest["spec"]["template"]["spec"])))
        for stack in STACKS
        for path, manifest in judges.written(planned(stack).graph).items()
        if "template" in manifest.get("spec", {})
    }


def test_every_pod_is_restricted() -> None:
    """The fields of the restricted Pod Security Standard, spelt out: PodSecurity checks pods and not their makers."""
    assert len(pods()) >= (4 + 4 + 5) * len(STACKS)  # services, models, downloads
    volumes = {"name", "configMap", "emptyDir", "persistentVolumeClaim", "secret"}
    for name, (_, pod) in pods().items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        assert {kind for v in pod.get("volumes", ()) for kind in v} <= volumes, name
        for container in judges.containers({"spec": {"template": {"spec": pod}}}):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert context["runAsNonRoot"] is True, name
            assert context["runAsUser"] > 10000, name
            assert context["runAsGroup"] > 10000, name
            # One exception, which the standard leaves open: NVIDIA's hook writes to the root of a container with a GPU.
            gpu = "nvidia.com/gpu" in container["resources"]["limits"]
            assert context["readOnlyRootFilesystem"] is not gpu, name
            assert not context.get("privileged"), name


def test_a_plan_that_differs_with_the_hash_seed_is_found(monkeypatch) -> None:
    monkeypatch.setattr(judges, "files_of", lambda stack, seed, _: {"(exit code)": b"0", stack: seed.encode()})
    assert judges.unsteady("prod") == ["prod: differs with the hash seed"]
    monkeypatch.setattr(judges, "files_of", lambda *_: {"(exit code)": b"1", "(errors)": b"no"})
    assert judges.unsteady("prod") == ["planning ends with exit code 1: no"]


def test_the_command_says_what_it_found_and_fails(monkeypatch, capsys) -> None:
    monkeypatch.setattr(judges, "STACKS", ["local", "prod"])
    monkeypatch.setattr(judges, "plan", planned)
    monkeypatch.setattr(judges, "unsteady", lambda stack: ["x: differs"] if stack == "prod" else [])
    assert judges.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("local: ")
    assert ", ok (" in lines[0]
    assert "custom" not in lines[0]
    assert ", schemas of 2 custom resources DID NOT RUN (there is no Go in this test), 1 findings (" in lines[1]
    assert lines[2] == "  x: differs"
