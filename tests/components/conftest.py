"""A small platform, deployed with one thing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.llm_platform import LlmPlatform, LlmPlatformArgs
from tests.support import TINY_SECRETS, World, resolved, tiny


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
