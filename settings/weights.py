"""Which files of the hub lie where: one download per revision, whoever serves it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from settings.gpu_memory import weights_size
from settings.model import PlatformSettings
from settings.model_server import HubFiles
from settings.types import Memory
from settings.versions import REVISIONS

MOUNT = "/weights"
"""Where the cache lies in every container that has it."""
MOVING = "main"
"""What stands for the revision of what is not pinned: the hub's default branch."""
JOB_LIMIT = 52
"""Longest name of a Job: its pods append 11 characters to it, and a label takes 63."""


@dataclass(frozen=True)
class Download:
    """One revision of one repository, in one cache."""

    cache: str
    hub: str
    revision: str
    skip: tuple[str, ...]
    size: Memory | None
    """What it takes; None where nobody says it (an adapter: little)."""

    @property
    def folder(self) -> str:
        """Its folder, from the root of the volume. Other files of the same revision are another folder."""
        return (
            f"{self.hub.replace('/', '--')}/{self.revision}{f'-{self._digest(list(self.skip))}' if self.skip else ''}"
        )

    @property
    def path(self) -> str:
        """Its folder, as containers see it."""
        return f"{MOUNT}/{self.folder}"

    @property
    def job(self) -> str:
        """Name of its Job: another revision is another Job, since a Job's pods cannot be changed."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.hub.rpartition("/")[2].lower()).strip("-")
        digest = self._digest([self.hub, self.revision, *self.skip])
        return f"{f'{self.cache}-{slug}'[: JOB_LIMIT - 9].rstrip('-')}-{digest}"

    @staticmethod
    def _digest(parts: list[str]) -> str:
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]


def revision(files: HubFiles) -> str | None:
    """The commit of the files: as set, else the cited one of settings/versions.py."""
    cited = REVISIONS.get(files.hub)
    return files.revision or (cited.value if cited else None)


def download(settings: PlatformSettings, model: str, adapter: str | None = None) -> Download:
    """What a model's weights, or one of its adapters, are fetched as."""
    spec = settings.models[model]
    files: HubFiles = spec.source if adapter is None else spec.adapters[adapter]
    size = weights_size(spec.source) if adapter is None else None
    return Download(spec.cache, files.hub, revision(files) or MOVING, tuple(sorted(files.skip)), size)


def of_model(settings: PlatformSettings, model: str) -> list[Download]:
    """Everything that a model needs before it can start: weights first, then adapters by name."""
    adapters = [download(settings, model, adapter) for adapter in sorted(settings.models[model].adapters)]
    return [download(settings, model), *adapters]


def of_cache(settings: PlatformSettings, cache: str) -> list[Download]:
    """What a cache is filled with, each once, sorted."""
    users = [name for name, model in settings.models.items() if model.cache == cache]
    found: dict[str, Download] = {}
    for wanted in (d for name in users for d in of_model(settings, name)):
        known = found.get(wanted.folder)
        # Of two that say a size, the larger: whoever says none, or less, needs no more room.
        if known is None or (known.size or Memory(0)) < (wanted.size or Memory(0)):
            found[wanted.folder] = wanted
    return [found[folder] for folder in sorted(found)]


def size_of(settings: PlatformSettings, cache: str) -> int:
    """Bytes that a cache must hold: everything once, the largest twice, since a new revision comes beside the old."""
    sizes = [d.size.bytes for d in of_cache(settings, cache) if d.size]
    return sum(sizes) + max(sizes, default=0)
