"""Each scenario has a cluster of its own, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.live import Live, begin
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.programs import CONTROL_PLANE, ensure


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Builds what is not built yet; a scenario that cannot run is a failure, never a silent skip."""
    try:
        ensure(CONTROL_PLANE, print)
    except ClusterError as error:
        pytest.exit(f"the live scenarios DID NOT RUN: {error}", returncode=1)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Stack -> a new cluster for it."""
    begun: list[Live] = []

    def make(stack: str, **how: object) -> Live:
        found = begin(stack, tmp_path / f"cluster-{len(begun)}", **how)  # type: ignore[arg-type]
        begun.append(found)
        return found

    yield make
    for one in begun:
        one.cluster.down()
