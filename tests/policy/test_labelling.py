"""Labels: red cases and green neighbours."""

from __future__ import annotations

import pytest

from tests.policy.support import added, edited, said
from tests.support import REMOVE

GATEWAY = "Deployment platform/gateway"
MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"

RED = {
    "one label": (("Service quant/quant-api", "metadata labels environment", REMOVE), "lacks the labels environment"),
    "an empty label": (("Service quant/quant-api", "metadata labels environment", ""), "lacks the labels environment"),
    "every label": (
        ("Service quant/quant-api", "metadata labels", REMOVE),
        f"lacks the labels {MANAGED_BY}, {PART_OF}, environment",
    ),
    "no metadata": (
        ("Service quant/quant-api", "metadata", {"name": "quant-api", "namespace": "quant"}),
        f"lacks the labels {MANAGED_BY}, {PART_OF}, environment",
    ),
    "the seed's manager": (
        ("Namespace quant", f"metadata labels {MANAGED_BY}", "kustomize"),
        f"{MANAGED_BY} says kustomize, Pulumi manages it",
    ),
}


@pytest.mark.parametrize(("change", "reason"), RED.values(), ids=RED)
def test_an_object_that_does_not_say_what_it_belongs_to_is_named(prod, change, reason) -> None:
    assert said("labels", edited(prod, *change)) == [f"{change[0]}: {reason}"]


def test_pods_say_what_they_belong_to(prod) -> None:
    graph = edited(prod, GATEWAY, f"spec template metadata labels {PART_OF}", REMOVE)
    assert said("labels", graph) == [f"pods of {GATEWAY}: lacks the labels {PART_OF}"]


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"app": "gateway", "environment": "prod"}},
        {"matchLabels": {"app": "gateway"}, "matchExpressions": [{"key": "environment", "operator": "Exists"}]},
    ],
    ids=["by label", "by expression"],
)
def test_a_selector_that_would_have_to_change_is_named(prod, selector) -> None:
    graph = edited(prod, GATEWAY, "spec selector", selector)
    assert said("labels", graph) == [
        f"{GATEWAY}: its selector holds environment, which can change and a selector cannot"
    ]


@pytest.mark.parametrize("selector", [REMOVE, {"matchLabels": {"app": "gatway"}}, {"matchLabels": "${x y.z}"}])
def test_a_workload_that_does_not_find_its_own_pods_is_named(prod, selector) -> None:
    graph = edited(prod, GATEWAY, "spec selector", selector)
    assert said("labels", graph) == [f"{GATEWAY}: its selector does not match its own pods"]


@pytest.mark.parametrize("selector", [{}, {"matchLabels": {}}])
def test_a_workload_that_takes_every_pod_is_named(prod, selector) -> None:
    graph = edited(prod, GATEWAY, "spec selector", selector)
    assert said("labels", graph) == [f"{GATEWAY}: its selector takes every pod of the namespace"]


def test_a_longer_selector_of_labels_that_stay_is_left_alone(prod) -> None:
    selector = {"matchLabels": {"app": "gateway", "component": "api"}}
    assert said("labels", edited(prod, GATEWAY, "spec selector", selector)) == []


def test_a_job_needs_no_selector(prod) -> None:
    labels = {MANAGED_BY: "pulumi", PART_OF: "x", "environment": "prod"}
    metadata = {"name": "batch", "namespace": "platform", "labels": labels}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "batch"}]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}
    assert said("labels", added(prod, job)) == []
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "labels": {}}, "spec": template["spec"]}
    assert said("labels", added(prod, pod)) == [
        f"Pod platform/batch: lacks the labels {MANAGED_BY}, {PART_OF}, environment"
    ]
