"""Scenario 12: an API server that dies in the middle of an `up`, and an `up` that is killed: the next one converges."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tests.live.live import Live, within
from workbench.deploy import apply
from workbench.localcluster.api import Answer, Manifest
from workbench.localcluster.errors import ClusterError

pytestmark = pytest.mark.live


def test_an_up_outlives_a_restart_of_the_api_server(live: Callable[..., Live]) -> None:
    here = live("local")
    done: list[apply.Report] = []
    run = threading.Thread(target=lambda: done.append(here.up()))
    run.start()
    here.half_way()
    here.outage()
    run.join(here.clock.seconds(1800) + 90)
    assert not run.is_alive()
    assert len(done) == 1
    assert here.ours() == here.planned()
    assert here.up().done == {"unchanged": len(here.steps())}


def test_an_up_without_patience_fails_and_running_it_again_converges(
    live: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The red twin: it is the patience that carries an `up` over the outage."""
    here = live("local")
    monkeypatch.setattr(apply, "OUTAGE", 0)
    calls, made = count(1), here.api.apply

    def dies_at_the_tenth(manifest: Manifest, **how: Any) -> Answer:
        if next(calls) == 10:
            here.cluster.kill("kube-apiserver")
        return made(manifest, **how)

    monkeypatch.setattr(here.api, "apply", dies_at_the_tenth)
    with pytest.raises(ClusterError, match="does not answer"):
        here.up()
    here.cluster.restart("kube-apiserver")
    assert here.ours() < here.planned()
    monkeypatch.undo()
    here.up()
    assert here.ours() == here.planned()
    assert here.up().done == {"unchanged": len(here.steps())}


def test_an_up_that_was_killed_is_finished_by_the_next_one(live: Callable[..., Live]) -> None:
    here = live("local")
    here.kill_up_half_way("--no-engine")
    assert here.ours() < here.planned()
    here.up()
    assert here.ours() == here.planned()
    assert here.up().done == {"unchanged": len(here.steps())}


def test_what_a_killed_up_made_and_the_plan_no_longer_has_is_removed(live: Callable[..., Live]) -> None:
    here = live("local")
    here.kill_up_half_way("--no-engine")
    take = within("quant")
    here.up(only=take)
    assert here.ours() == here.planned(only=take)


def test_without_the_inventory_it_would_be_left_over(live: Callable[..., Live]) -> None:
    """The red twin: nothing but the list that is written first knows of an object that the plan lost."""
    here = live("local")
    here.kill_up_half_way("--no-engine")
    (here.cluster.state / apply.INVENTORY).unlink()
    take = within("quant")
    here.up(only=take)
    assert here.ours() > here.planned(only=take)
