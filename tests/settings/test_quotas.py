"""What counts against which of the account's quotas."""

from __future__ import annotations

import pytest

from settings.instances import instance_types
from settings.quotas import CODES, family, quota, shares
from tests.support import on_eks, resolved, stack_settings


@pytest.mark.parametrize(
    ("kind", "capacity", "key"),
    [
        ("m6i.xlarge", "on-demand", "standard"),
        ("t3.large", "spot", "standard_spot"),
        ("g6.xlarge", "spot", "g_spot"),
        ("g4dn.xlarge", "on-demand", "g"),
        ("gr6.4xlarge", "on-demand", "g"),
        ("p5.48xlarge", "on-demand", None),
        ("inf2.xlarge", "spot", None),
    ],
)
def test_a_type_counts_against_the_quota_of_its_family(kind: str, capacity: str, key: str | None) -> None:
    assert quota(kind, capacity) == key


def test_every_type_of_the_table_has_a_family_of_letters_and_only_p_has_no_quota() -> None:
    assert {family(kind) for kind in instance_types() if quota(kind, "spot") is None} == {"p"}


def test_a_pool_counts_at_its_most_and_with_two_nodes_per_zone_for_an_update() -> None:
    assert shares(resolved(on_eks()).settings) == {
        "standard": {"general": (4 + 2 * 2) * 4},
        "standard_spot": {"cheap": (4 + 2 * 2) * 4},
        "g_spot": {"gpu": (3 + 2 * 2) * 4},
    }
    one_zone = resolved(
        on_eks(node_pools__gpu__zones=["us-west-2a"], models__mind__accept_outage="nobody waits for it in a test")
    ).settings
    assert shares(one_zone)["g_spot"] == {"gpu": (3 + 2) * 4}


def test_prod_declares_what_its_pools_may_need() -> None:
    settings = stack_settings("prod").settings
    assert {key: sum(pools.values()) for key, pools in shares(settings).items()} == {"standard": 72, "g_spot": 56}
    assert set(CODES) == set(type(settings.aws.quotas).model_fields)
