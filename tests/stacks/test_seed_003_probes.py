"""Seed 003: startup, liveness and readiness (S003-39 to 42, 58 to 60, 76, 77)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.seeds import planned_object
from tests.support import STACKS

GATEWAY, QUANT = "Deployment platform/gateway", "Deployment quant/quant-api"
ALL_FOUR = [GATEWAY, QUANT, "Deployment finetune/finetune-api", "Deployment eval/eval-api"]


def probe(stack: str, thing: str, kind: str) -> Any:
    """A probe of the only container of a Deployment."""
    (only,) = planned_object(stack, thing).containers
    return only[f"{kind}Probe"]


def window(found: Any) -> int:
    """Seconds until a probe gives its verdict on a container that never answers."""
    return int(found["initialDelaySeconds"] + found["periodSeconds"] * found["failureThreshold"])


@pytest.mark.requirement("S003-39", "S003-58")
@pytest.mark.parametrize("stack", STACKS)
def test_the_gateway_has_155_seconds_to_start(stack: str) -> None:
    startup = probe(stack, GATEWAY, "startup")
    assert startup == {
        "httpGet": {"path": "/startup", "port": 8000},
        "initialDelaySeconds": 5,
        "periodSeconds": 5,
        "failureThreshold": 30,
        "successThreshold": 1,
        "timeoutSeconds": 1,
    }
    assert window(startup) == 155


@pytest.mark.requirement("S003-76", "S003-85", "S003-86")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("thing", ALL_FOUR[1:])
def test_team_apis_have_190_seconds_to_start(stack: str, thing: str) -> None:
    startup = probe(stack, thing, "startup")
    assert startup == {
        "httpGet": {"path": "/startup", "port": 8000},
        "initialDelaySeconds": 10,
        "periodSeconds": 5,
        "failureThreshold": 36,
        "successThreshold": 1,
        "timeoutSeconds": 1,
    }
    assert window(startup) == 190


@pytest.mark.requirement("S003-40", "S003-59", "S003-77")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("thing", ALL_FOUR)
def test_a_container_that_hangs_is_found_in_45_seconds(stack: str, thing: str) -> None:
    liveness = probe(stack, thing, "liveness")
    assert liveness == {
        "httpGet": {"path": "/health", "port": 8000},
        "initialDelaySeconds": 0,
        "periodSeconds": 15,
        "failureThreshold": 3,
        "successThreshold": 1,
        "timeoutSeconds": 5,
    }
    assert window(liveness) == 45


@pytest.mark.requirement("S003-41", "S003-60", "S003-77")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("thing", ALL_FOUR)
def test_a_pod_that_is_not_ready_leaves_its_service_in_15_seconds(stack: str, thing: str) -> None:
    readiness = probe(stack, thing, "readiness")
    assert readiness == {
        "httpGet": {"path": "/ready", "port": 8000},
        "initialDelaySeconds": 0,
        "periodSeconds": 5,
        "failureThreshold": 3,
        "successThreshold": 1,
        "timeoutSeconds": 3,
    }
    assert window(readiness) == 15


@pytest.mark.requirement("S003-42")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("thing", ALL_FOUR)
def test_probes_come_in_order(stack: str, thing: str) -> None:
    """A startup probe holds the other two back; and a pod is out of its Service well before it is restarted."""
    startup, liveness, readiness = (probe(stack, thing, kind) for kind in ("startup", "liveness", "readiness"))
    assert startup["failureThreshold"] > 0
    assert liveness["initialDelaySeconds"] == readiness["initialDelaySeconds"] == 0
    assert window(readiness) < window(liveness) < window(startup)
