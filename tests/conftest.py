"""Fixtures of all tests."""

from __future__ import annotations

import gc
from functools import cache

import pytest

from policy.graph import Graph
from tests.support import World
from workbench.plan.stack import Plan, plan

gc.set_threshold(200_000, 20, 20)  # plans make much and drop little: collecting as often as by default costs a fifth


@pytest.fixture
def world() -> World:
    """A fresh world."""
    return World()


@cache
def planned(stack: str) -> Plan:
    """The plan of a committed stack; made once, since nothing changes it."""
    return plan(stack)


@pytest.fixture
def plan_of() -> object:
    """Stack -> its plan."""
    return planned


@pytest.fixture
def prod() -> Graph:
    """The graph of the prod stack."""
    return planned("prod").graph
