"""For every rule: what it refuses on tests/data/tiny.yaml, what it says, and the nearest neighbour that it takes."""

from __future__ import annotations

from collections.abc import Mapping

from tests.settings.red import account, eks, models, platform, references, serving, sizes
from tests.settings.red.case import Red

RED: Mapping[str, tuple[Red, ...]] = {
    **references.RED,
    **sizes.RED,
    **serving.RED,
    **platform.RED,
    **models.RED,
    **eks.RED,
    **account.RED,
}
"""Rule id -> its red cases."""
