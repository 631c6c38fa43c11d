"""What is pinned, by whom, and what is not: every image, revision and version that a stack would run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from settings import addons
from settings.model import PlatformSettings
from settings.model_server import HubFiles
from settings.names import image
from settings.node_groups import image as image_of
from settings.problems import Path
from settings.versions import DIGESTS, KUBERNETES, REVISIONS, UNPINNED
from settings.weights import revision
from settings.workload import Image


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


def images(settings: PlatformSettings) -> Iterator[tuple[str, Path, Image]]:
    """Every image that a stack runs: whose, the path that names it, and the image with its tag."""
    yield from ((name, ("services", name, "image"), service.image) for name, service in settings.services.items())
    for name, model in settings.models.items():
        yield name, ("models", name, "engine", "image"), pinned(model.engine.pinned_image)
    for name, cache in settings.caches.items():
        yield f"downloads of {name}", ("caches", name, "image"), pinned(cache.image)


def pinned(spec: Image) -> Image:
    """An image with the digest that settings/versions.py knows for its tag, if it says none itself."""
    cited = DIGESTS.get(f"{spec.host}/{spec.repository}:{spec.tag}")
    return spec.model_copy(update={"digest": cited.value}) if cited and spec.digest is None else spec


def why_unpinned(settings: PlatformSettings, spec: Image) -> str | None:
    """Why an image has no digest; None if nobody says."""
    if spec.host is None:
        return spec.unpinned or settings.registry.unpinned
    return spec.unpinned or UNPINNED.get(f"{spec.host}/{spec.repository}")


def supplies(settings: PlatformSettings) -> list[Supply]:
    """Everything that comes from outside, pinned or not, in the order of the settings."""
    return [_kubernetes(settings), *_cluster(settings), *_images(settings), *_weights(settings)]


def _kubernetes(settings: PlatformSettings) -> Supply:
    version = settings.cluster.version
    cited = KUBERNETES.source if version == KUBERNETES.value else "the settings name it"
    return Supply("Kubernetes", ("cluster", "version"), version, True, cited)


def _cluster(settings: PlatformSettings) -> Iterator[Supply]:
    """What this program installs into a cluster that it makes."""
    if settings.cluster.kind != "eks":
        return
    for name, pool in settings.node_pools.items():
        path: Path = ("node_pools", name, "ami_release")
        newest = f"EKS's newest for {settings.cluster.version} when the pool is made or its Kubernetes changes"
        value, reason = (pool.ami_release, "the settings name it") if pool.ami_release else (image_of(pool), newest)
        yield Supply(f"system of nodes of {name}", path, value, pool.ami_release is not None, reason)
    for addon in (*addons.BEFORE_NODES, *addons.after_nodes(settings)):
        pin = addons.pin(settings, addon.name)
        value = pin.value if pin else "EKS's default"
        why = pin.source if pin else f"no public file states one for Kubernetes {settings.cluster.version}"
        yield Supply(f"add-on {addon.name}", ("cluster", "version"), value, pin is not None, why)


def _images(settings: PlatformSettings) -> Iterator[Supply]:
    for whose, path, spec in images(settings):
        reason = "its digest" if spec.digest else why_unpinned(settings, spec)
        yield Supply(f"image of {whose}", path, image(settings, spec), spec.digest is not None, reason)


def _weights(settings: PlatformSettings) -> Iterator[Supply]:
    for name, model in settings.models.items():
        yield _files(f"weights of {name}", ("models", name, "source"), model.source)
        for key, adapter in model.adapters.items():
            yield _files(f"adapter {key} of {name}", ("models", name, "adapters", key), adapter)


def _files(what: str, path: Path, files: HubFiles) -> Supply:
    commit = revision(files)
    if commit is None:
        return Supply(what, path, files.hub, False, files.unpinned)
    by = "the settings name it" if files.revision else REVISIONS[files.hub].source
    return Supply(what, path, f"{files.hub}@{commit}", True, by)
