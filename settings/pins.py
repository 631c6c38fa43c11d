"""What is pinned, by whom, and what is not: every image, revision and version that a stack would run."""

from __future__ import annotations

from dataclasses import dataclass

from settings.model import PlatformSettings
from settings.model_server import Source
from settings.names import image
from settings.problems import Path
from settings.versions import KUBERNETES, REVISIONS


@dataclass(frozen=True)
class Supply:
    """One thing that comes from outside."""

    what: str
    """For example "image of gateway"."""
    path: Path
    """Where the settings name it."""
    value: str
    """Reference, revision or version."""
    pinned: bool
    """True if it cannot move."""
    reason: str | None
    """The source of the pin, or why there is none; None if nobody says."""


def revision(source: Source) -> str | None:
    """The commit of the weights: as set, else the cited one of settings/versions.py."""
    cited = REVISIONS.get(source.hub)
    return source.revision or (cited.value if cited else None)


def supplies(settings: PlatformSettings) -> list[Supply]:
    """Everything that comes from outside, pinned or not, in the order of the settings."""
    out = []
    version = settings.cluster.version
    cited = KUBERNETES.source if version == KUBERNETES.value else "the settings name it"
    out.append(Supply("Kubernetes", ("cluster", "version"), version, True, cited))
    for name, service in settings.services.items():
        spec = service.image
        pinned = spec.digest is not None
        reason = "its digest" if pinned else spec.unpinned or settings.registry.unpinned
        path: Path = ("services", name, "image")
        out.append(Supply(f"image of {name}", path, image(settings, service), pinned, reason))
    for name, model in settings.models.items():
        source, commit = model.source, revision(model.source)
        weights: Path = ("models", name, "source")
        if commit is None:
            out.append(Supply(f"weights of {name}", weights, source.hub, False, source.unpinned))
        else:
            by = "the settings name it" if source.revision else REVISIONS[source.hub].source
            out.append(Supply(f"weights of {name}", weights, f"{source.hub}@{commit}", True, by))
        for key, adapter in model.adapters.items():
            at: Path = ("models", name, "adapters", key)
            why = "the settings name it" if adapter.revision else adapter.unpinned
            out.append(
                Supply(f"adapter {key} of {name}", at, adapter.revision or key, adapter.revision is not None, why)
            )
    return out
