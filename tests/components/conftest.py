"""A small platform, deployed with one thing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.llm_platform import LlmPlatform, LlmPlatformArgs
from tests.components.eks import VARIANTS
from tests.components.served import FLOORED, HEADROOM, MAXED, TUNED
from tests.support import EKS, TINY_SECRETS, World, kept, resolved, tiny


@pytest.fixture
def deploy(world: World) -> Callable[..., World]:
    """Deploys tests/data/tiny.yaml; changes are given as `tests.support.tiny` takes them."""

    def run(**changes: Any) -> World:
        settings = resolved(tiny(**changes)).settings

        def program() -> None:
            secrets = {key: pulumi.Output.secret("masked") for key in TINY_SECRETS}
            args = LlmPlatformArgs(settings=settings, secrets=secrets, kubeconfig=pulumi.Output.secret("masked"))
            LlmPlatform("tiny", args)

        world.deploy(program)
        return world

    return run


@pytest.fixture
def usual(deploy: Callable[..., World]) -> World:
    """tests/data/tiny.yaml as it is."""
    return kept(deploy)


@pytest.fixture
def tuned(deploy: Callable[..., World]) -> World:
    """With everything set that has a default."""
    return kept(deploy, **TUNED)


@pytest.fixture
def floored(deploy: Callable[..., World]) -> World:
    """With one replica on a spot pool and one on another."""
    return kept(deploy, **FLOORED)


@pytest.fixture
def roomy(deploy: Callable[..., World]) -> World:
    """With a placeholder that keeps a node ready."""
    return kept(deploy, **HEADROOM)


@pytest.fixture
def maxed(deploy: Callable[..., World]) -> World:
    """Served by MAX."""
    return kept(deploy, **MAXED)


@pytest.fixture
def eks(deploy: Callable[..., World]) -> World:
    """On a cluster of its own."""
    return kept(deploy, **EKS)


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest, deploy: Callable[..., World]) -> World:
    """Each variant of the platform on a cluster of its own."""
    return kept(deploy, **VARIANTS[request.param])
