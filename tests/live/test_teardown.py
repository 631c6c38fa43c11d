"""Scenario 11: every object goes, dependants first, and nothing hangs on a finalizer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live.live import SLACK, Live, within
from workbench.deploy import apply
from workbench.localcluster.errors import ClusterError

pytestmark = pytest.mark.live
GRACE = 90
"""Seconds that the pods of the platform may take to end."""


@pytest.mark.parametrize("stack", ["local", "prod"])
def test_everything_goes(live: Callable[..., Live], stack: str) -> None:
    here = live(stack)
    here.up()
    assert here.ours() == here.planned()
    assert here.api.list("PersistentVolume") != []
    done = apply.destroy(here.api, here.steps(), here.cluster.state).done
    assert done == {"deleted": len(here.steps())}
    assert here.ours() == set()
    here.until("no pod", lambda: all(p["metadata"]["namespace"] == "kube-system" for p in here.api.list("Pod")))
    here.until("no volume", lambda: here.api.list("PersistentVolume") == [])
    assert here.up().done == {"created": len(here.steps())}, "and can come again"


def test_an_object_that_hangs_on_a_finalizer_is_named(
    live: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = live("local")
    take = within("quant")
    here.up(only=take)
    held = {"metadata": {"finalizers": ["example.com/nobody"]}}
    here.api.merge("ConfigMap", "quant-config", "quant", held)
    gone = here.clock.seconds(GRACE) + SLACK
    monkeypatch.setattr(apply, "GONE", gone)
    with pytest.raises(ClusterError, match=f"no end of ConfigMap quant/quant-config within {gone:g} s"):
        apply.destroy(here.api, here.steps(only=take), here.cluster.state)
    assert ("Namespace", "", "quant") in here.ours(), "what it lives in is still there"
    here.api.merge("ConfigMap", "quant-config", "quant", {"metadata": {"finalizers": None}})
    monkeypatch.undo()
    apply.destroy(here.api, here.steps(only=take), here.cluster.state)
    assert here.ours() == set()
