"""Rules run on whatever a program registers, and never fail: not on what is missing, unknown, or of the wrong type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.graph import Graph, Resource, undecided
from policy.rules import RULES, check
from policy.rules.finding import Finding
from policy.rules.reachability import Edge, reachability
from tests.policy.support import added, graph_of
from tests.support import REMOVE

Path = tuple[str | int, ...]

MUTATIONS: dict[str, Any] = {
    "taken out": REMOVE,
    "null": None,
    "an empty map": {},
    "an empty list": [],
    "an empty text": "",
    "zero": 0,
    "a text": "x",
    "a marker": "${aws:eks/cluster:Cluster main.endpoint}",
    "a list of junk": [None, 0, "x", [], {}],
    "a map of junk": {"name": {}, "port": [], "matchLabels": 0, "x": None},
}

LABELS = {"app": "batch", "app.kubernetes.io/managed-by": "pulumi", "environment": "prod"}
POD = {
    "metadata": {"labels": LABELS},
    "spec": {
        "containers": [{"name": "batch", "image": "x:1", "env": [{"name": "A", "valueFrom": {
            "secretKeyRef": {"name": "keys", "key": "a", "optional": False}}}]}],
        "initContainers": [{"name": "fetch", "image": "x:1", "envFrom": [{"secretRef": {"name": "keys"}}]}],
        "imagePullSecrets": [{"name": "keys"}],
        "priorityClassName": "urgent",
        "volumes": [
            {"name": "cache", "persistentVolumeClaim": {"claimName": "cache"}},
            {"name": "keys", "projected": {"sources": [{"secret": {"name": "keys", "items": [{"key": "a"}]}}]}},
        ],
    },
}  # fmt: skip


def _named(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "platform", "labels": LABELS},
        **more,
    }


UNCOMMON = [
    _named("PersistentVolumeClaim", "cache", spec={"accessModes": ["ReadWriteOnce"]}),
    _named("Secret", "keys", stringData={"a": "[secret]"}),
    _named("CronJob", "nightly", spec={"jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}}),
    _named("StatefulSet", "store", spec={"replicas": 2, "selector": {"matchLabels": LABELS}, "template": POD}),
    _named("Pod", "lone", spec={"containers": [{"name": "lone", "image": "x:1"}]}),
    _named("ScaledObject", "store", spec={
        "scaleTargetRef": {"kind": "StatefulSet", "name": "store"}, "minReplicaCount": 1, "maxReplicaCount": 2,
        "triggers": [{"type": "cpu"}]}),
    _named("Ingress", "extra", spec={
        "tls": [{"secretName": "keys"}], "defaultBackend": {"service": {"name": "gateway", "port": {"name": "http"}}}}),
    _named("NetworkPolicy", "wide", spec={
        "podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["batch"]}]},
        "ingress": [{"from": [{"podSelector": {}, "namespaceSelector": {"matchLabels": {"tier": "team"}}}],
                     "ports": [{"port": 9000, "endPort": 9010}, {"port": "http"}]}],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]}),
]  # fmt: skip
"""Objects with the parts that rules read and prod does not have yet."""


@pytest.fixture(scope="module")
def graph() -> Graph:
    """One namespace of prod with everything in it, and uncommon objects beside."""
    from tests.conftest import planned

    prod = planned("prod").graph
    outside = [t.resource for t in prod.objects if (t.namespace or t.name) != "platform"]
    left = Graph.of([r for r in prod.resources if r not in outside])
    return added(left, *UNCOMMON)


ALIKE = ("annotations", "data", "default", "defaultRequest", "hard", "labels", "limits", "max", "min", "requests")
"""Maps whose keys are read alike."""
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every key, item and leaf."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def mutated(value: Any, path: Path, new: Any) -> Any:
    """A copy of nested data with one place changed; what is not on the way is shared."""
    key, *rest = path
    if isinstance(value, Mapping):
        inner = mutated(value[key], tuple(rest), new) if rest else new
        return {k: inner if k == key else v for k, v in value.items() if k != key or inner is not REMOVE}
    inner = mutated(value[key], tuple(rest), new) if rest else new
    return [inner if i == key else v for i, v in enumerate(value) if i != key or inner is not REMOVE]


def samples(graph: Graph) -> list[tuple[Resource, Path]]:
    """One place of each shape: that of a Deployment's image, not those of all Deployments' images."""
    found = {}
    for thing in graph.objects:
        for path in places(thing.manifest):
            found.setdefault((thing.kind, *map(_shape, ("", *path), path)), (thing.resource, path))
    return list(found.values())


def _shape(parent: str | int, part: str | int) -> str:
    return "*" if isinstance(part, int) or parent in ALIKE else "Probe" if part in PROBES else part


@pytest.mark.parametrize("new", MUTATIONS.values(), ids=MUTATIONS)
def test_no_rule_fails_on_any_change_of_one_place(graph, new) -> None:
    tried = samples(graph)
    kinds: dict[str, list[tuple[Resource, Path]]] = {}
    for resource, path in tried:
        kinds.setdefault(str(resource.inputs["kind"]), []).append((resource, path))
    for together in zip_longest(*kinds.values()):  # one place of each kind at a time: as strict, and faster
        broken = {r.urn: replace(r, inputs=mutated(r.inputs, path, new)) for r, path in filter(None, together)}
        survive(Graph.of([broken.get(r.urn, r) for r in graph.resources]), str([t and t[1] for t in together]))
    assert len(tried) > 250


def survive(graph: Graph, what: str) -> None:
    try:
        findings = [finding for found in check(graph).values() for finding in found]
        edges = reachability(graph, ["10.0.0.0/18"])
        texts = [str(finding) for finding in findings] + [str(thing) for thing in graph.objects]
    except Exception as error:
        raise AssertionError(f"a rule fails on {what}") from error
    assert all(isinstance(finding, Finding) and isinstance(finding.reason, str) for finding in findings), what
    assert all(isinstance(edge, Edge) for edge in edges), what
    assert all(texts), what


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 70000) | st.floats(allow_nan=False) | st.text("ax${}/:.", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "metadata", "name", "namespace", "labels", "spec", "template", "containers", "ports", "port", "selector",
        "matchLabels", "matchExpressions", "key", "operator", "values", "ingress", "egress", "from", "to", "ipBlock",
        "cidr", "except", "podSelector", "namespaceSelector", "policyTypes", "resources", "requests", "cpu",
    ]), inner, max_size=4),
    max_leaves=25,
)  # fmt: skip
KINDS = ("Deployment", "Service", "NetworkPolicy", "Namespace", "PodDisruptionBudget", "Ingress", "CronJob", "Pod")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(["metadata", "spec"]), JUNK))))
def test_no_rule_fails_on_junk(objects) -> None:
    survive(graph_of(*({**junk, "kind": kind} for kind, junk in objects)), "junk")


def test_a_graph_of_other_things_than_kubernetes_breaks_no_rule() -> None:
    bucket = Resource(urn="urn:b", type="aws:s3/bucket:Bucket", name="b", custom=True, inputs={"kind": "Bucket"})
    component = Resource(urn="urn:c", type="kubernetes:x:Component", name="c", custom=False, inputs={"kind": "x"})
    assert not any(check(Graph.of([bucket, component])).values())


def test_other_templates_than_those_of_pods_make_no_workload() -> None:
    pool = {"kind": "NodePool", "metadata": {"name": "gpu"}, "spec": {"template": {"spec": {"requirements": []}}}}
    assert graph_of(pool).workloads == ()


def test_what_is_undecided_is_listed_with_its_path() -> None:
    inputs = {"a": ["${t n.p}", {"b": "x${t n.p}y"}], "c": "[secret]", "d": "$(env)", "e": 1, "f": "${unclosed"}
    assert undecided(inputs) == ["a[0]", "a[1].b", "c"]


def test_findings_come_in_the_same_order_whatever_the_order_of_keys(graph) -> None:
    broken = [replace(r, inputs=backwards({**r.inputs, "metadata": {}})) for r in graph.resources]
    straight = [replace(r, inputs={**r.inputs, "metadata": {}}) for r in graph.resources]
    for rule in RULES:
        assert sorted(rule.check(Graph.of(broken))) == sorted(rule.check(Graph.of(straight)))


def backwards(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: backwards(item) for key, item in reversed(value.items())}
    return [backwards(item) for item in value] if isinstance(value, list) else value
