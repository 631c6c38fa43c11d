"""The drain inequality: what is solved holds, and more time to answer never means less time to leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from settings import drain
from settings.types import Duration
from settings.workloads import hosts
from tests.settings.support import QUICK
from tests.support import STACKS, problems, resolved, stack_settings, tiny


def seconds(text: Duration | None) -> int:
    assert text is not None
    return text.seconds


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.requirement("S003-54", "S003-73")
def test_every_committed_service_leaves_without_losing_a_request(stack: str) -> None:
    settings = stack_settings(stack).settings
    for name in settings.services:
        solved = drain.solve(settings, name)
        settle = drain.LOAD_BALANCER_SETTLE if settings.services[name].ingress else drain.CLUSTER_SETTLE
        assert solved.pre_stop.seconds >= settle
        assert solved.grace.seconds >= solved.pre_stop.seconds + solved.longest.seconds + drain.BUFFER
        for route in settings.services[name].routes.values():
            assert solved.longest >= route.timeout
            assert drain.longest_request(settings, route.to) >= route.timeout
        for pool in hosts(settings, settings.services[name].pool).values():
            assert solved.grace.seconds <= drain.promise(pool)


def test_behind_a_load_balancer_it_waits_longer_and_tells_the_load_balancer() -> None:
    settings = resolved(tiny()).settings
    door, worker = drain.solve(settings, "door"), drain.solve(settings, "worker")
    assert (door.longest, door.pre_stop, door.grace) == (Duration(30), Duration(25), Duration(60))
    assert (door.deregistration, door.idle) == (Duration(30), Duration(40))
    assert (worker.longest, worker.pre_stop, worker.grace) == (Duration(30), Duration(15), Duration(50))
    assert worker.deregistration is None
    assert worker.idle is None


def test_a_service_without_a_way_in_of_the_platform_is_behind_no_load_balancer() -> None:
    overlay = tiny(ingress=None, services__door__ingress=None, observability__grafana=None)
    settings = resolved(overlay).settings
    assert not drain.behind_load_balancer(settings, "door")
    assert drain.settle(settings, "door") == Duration(15)


@hypothesis_settings(QUICK, max_examples=40)
@given(st.integers(1, 900), st.integers(1, 900))
def test_a_longer_request_never_gives_a_shorter_grace_and_what_is_taken_fits(short: int, long: int) -> None:
    short, long = sorted((short, long))
    graces = []
    for timeout in (short, long):
        overlay = tiny(
            services__door__routes__work__timeout=f"{timeout}s",
            services__worker__sagemaker=None,
            node_pools__gpu__capacity="on-demand",
        )
        if found := problems(overlay):
            assert {p.rule for p in found} == {"drain"}
            assert timeout > min(900 - 25 - 5, 900 - 15 - 5, 900 - 15 - 15)
            graces.append(10**9)
            continue
        settings = resolved(overlay).settings
        server = drain.solve_model(settings, "mind")
        assert server.pre_stop.seconds + timeout + drain.MODEL_BUFFER <= server.grace.seconds <= drain.ON_DEMAND_PROMISE
        solved = drain.solve(settings, "door")
        assert solved.pre_stop.seconds + timeout + drain.BUFFER <= solved.grace.seconds <= drain.ON_DEMAND_PROMISE
        assert seconds(solved.deregistration) >= timeout
        assert seconds(solved.idle) > timeout
        assert seconds(solved.deregistration) <= 3600
        assert seconds(solved.idle) <= 4000
        graces.append(solved.grace.seconds)
    assert graces == sorted(graces)


def test_the_longest_request_is_what_is_said_or_the_longest_that_is_known() -> None:
    longest = [
        drain.longest_request(resolved(tiny(**changes)).settings, "worker").seconds
        for changes in (
            {},
            {"services__worker__longest_request": "2m", "models__mind__longest_request": "30s"},
            {"services__door__routes__work__timeout": "45s"},
            {"services__door__routes": None},
            {"services__door__routes": None, "services__worker__sagemaker": None},
        )
    ]
    assert longest == [30, 120, 45, 20, drain.UNKNOWN_REQUEST.seconds]


def test_every_time_that_is_known_comes_with_the_setting_that_says_it() -> None:
    settings = resolved(tiny()).settings
    route = ("services", "door", "routes", "work", "timeout")
    assert drain.known_requests(settings, "door") == {route: Duration(30)}
    assert drain.known_requests(settings, "worker") == {
        route: Duration(30),
        ("services", "worker", "sagemaker", "timeout"): Duration(20),
    }


def test_a_service_lands_on_its_pool_or_on_any_that_repels_nobody() -> None:
    settings = resolved(tiny()).settings
    assert list(hosts(settings, settings.services["door"].pool)) == ["general"]
    anywhere = resolved(tiny(services__door__pool=None)).settings
    assert list(hosts(anywhere, anywhere.services["door"].pool)) == ["general"]
    both = resolved(tiny(services__door__pool=None, node_pools__cheap__taints=[])).settings
    assert set(hosts(both, both.services["door"].pool)) == {"general", "cheap"}
    soft = [{"key": "a", "effect": "PreferNoSchedule"}]
    also = resolved(tiny(services__door__pool=None, node_pools__cheap__taints=soft)).settings
    assert set(hosts(also, also.services["door"].pool)) == {"general", "cheap"}
    assert not hosts(settings, "nowhere")


def test_a_spot_node_promises_less_than_its_notice_and_an_on_demand_node_what_eks_waits() -> None:
    pools = resolved(tiny()).settings.node_pools
    notice = 120
    assert drain.promise(pools["cheap"]) < notice
    assert drain.promise(pools["general"]) == 15 * 60
