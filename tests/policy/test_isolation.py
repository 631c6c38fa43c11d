"""Default deny, and a policy for every pod: red cases and green neighbours."""

from __future__ import annotations

import pytest

from tests.policy.support import edited, said, without
from tests.support import REMOVE

DENY = "NetworkPolicy quant/default-deny"
OWN = "NetworkPolicy quant/quant-api"
QUANT = "Deployment quant/quant-api"
OPEN = "Namespace quant: nothing denies traffic by default"

RED = {
    "one direction": ("spec policyTypes", ["Ingress"]),
    "the default, which is ingress": ("spec policyTypes", REMOVE),
    "some pods": ("spec podSelector", {"matchLabels": {"app": "quant-api"}}),
    "pods without a label": ("spec podSelector", {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}),
    "pods that are not known yet": ("spec podSelector", "${x y.z}"),
    "an opening": ("spec egress", [{}]),
    "another namespace": ("metadata namespace", "eval"),
}


def test_a_namespace_without_default_deny_is_named(prod) -> None:
    assert said("isolation", without(prod, DENY)) == [OPEN]


@pytest.mark.parametrize("change", RED.values(), ids=RED)
def test_a_default_deny_that_is_none_is_named(prod, change) -> None:
    assert OPEN in said("isolation", edited(prod, DENY, *change))


@pytest.mark.parametrize("change", [("spec podSelector", REMOVE), ("spec ingress", []), ("spec egress", None)])
def test_default_deny_in_other_words_is_left_alone(prod, change) -> None:
    assert said("isolation", edited(prod, DENY, *change)) == []


def test_a_workload_without_a_policy_of_its_own_is_named(prod) -> None:
    assert said("isolation", without(prod, OWN)) == [
        f"{QUANT}: no policy of its own says what its egress traffic is",
        f"{QUANT}: no policy of its own says what its ingress traffic is",
    ]


def test_a_policy_of_one_direction_leaves_the_other(prod) -> None:
    assert said("isolation", edited(prod, OWN, "spec policyTypes", ["Ingress"])) == [
        f"{QUANT}: no policy of its own says what its egress traffic is"
    ]


def test_policy_types_may_be_left_out_where_there_are_egress_rules(prod) -> None:
    assert said("isolation", edited(prod, OWN, "spec policyTypes", REMOVE)) == []
    silent = edited(edited(prod, OWN, "spec policyTypes", REMOVE), OWN, "spec egress", [])
    assert said("isolation", silent) == [f"{QUANT}: no policy of its own says what its egress traffic is"]


WIDE = f"{OWN}: it opens more than DNS to every pod of the namespace"


ALMOST = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["other"]}]}


@pytest.mark.parametrize("selector", [{}, {"matchLabels": {}}, REMOVE, ALMOST])
def test_a_policy_for_one_app_that_takes_every_pod_is_named(prod, selector) -> None:
    assert WIDE in said("isolation", edited(prod, OWN, "spec podSelector", selector))


@pytest.mark.parametrize("ports", [REMOVE, [], [{"port": 53}, {"port": 443}], [{"protocol": "UDP"}], [{"port": {}}]])
def test_a_policy_for_dns_that_opens_more_is_named(prod, ports) -> None:
    dns = "NetworkPolicy quant/allow-dns"
    assert said("isolation", edited(prod, dns, "spec egress 0 ports", ports)) == [WIDE.replace(OWN, dns)]


@pytest.mark.parametrize(("kind", "name"), [("ResourceQuota", "quota"), ("LimitRange", "limits")])
def test_a_namespace_without_bounds_is_named(prod, kind, name) -> None:
    subject = f"{kind} quant/quant-{name}"
    assert said("bounded", without(prod, subject)) == [f"Namespace quant: it has no {kind}"]
    assert said("bounded", edited(prod, subject, "spec", {})) == [f"Namespace quant: it has no {kind}"]
    assert said("bounded", edited(prod, subject, "metadata namespace", "eval")) == [
        f"Namespace quant: it has no {kind}"
    ]
