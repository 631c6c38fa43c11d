"""What the plan expects of the cluster: only what these settings need."""

from __future__ import annotations

from typing import Any

from settings.expected import expected
from tests.support import resolved, tiny


def told(**changes: Any) -> str:
    return "\n".join(thing.what for thing in expected(resolved(tiny(**changes)).settings))


def test_gpus_are_expected_where_a_model_runs_on_them() -> None:
    without: dict[str, Any] = {"models__mind": None, "caches__store": None, "services__worker__calls": []}
    without |= {"services__door__routes__work__variants": None}
    for part in ("NVIDIA driver", "device plugin", "root volumes of at least 100Gi"):
        assert part in told(), part
        assert part not in told(**without), part


def test_a_node_autoscaler_is_expected_where_counts_differ() -> None:
    fixed = {
        "node_pools__gpu__min": 3,
        "node_pools__gpu__max": 3,
        "node_pools__cheap": None,
        "node_pools__general__max": 2,
    }
    assert "a node autoscaler" in told()
    assert "a node autoscaler" not in told(**fixed, node_pools__general__min=2)


def test_metrics_are_expected_where_an_autoscaler_reads_them() -> None:
    fixed = {"services__worker__scaling": None, "services__worker__replicas": 2}
    assert "metrics-server" in told()
    assert "metrics-server" not in told(**fixed)


def test_a_network_policy_is_worth_what_the_cluster_makes_of_it() -> None:
    assert "a CNI that enforces network policies" in told()
