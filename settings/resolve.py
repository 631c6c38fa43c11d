"""From two YAML documents to PlatformSettings: merge, shape, rules; every problem of a pass together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from settings import rules, shape
from settings.merge import Merged, merge
from settings.model import PlatformSettings
from settings.problems import Path, Problem, SettingsError, suggest
from settings.yaml_reader import Document, read_file

PLATFORMS = FilePath(__file__).parent.parent / "platforms"
"""Where the platform files are."""


@dataclass(frozen=True)
class Resolved:
    """Settings that hold, and what would be refused in prod."""

    settings: PlatformSettings
    advice: tuple[Problem, ...]


def resolve(overlay: Document, secrets: Collection[str], platforms: FilePath = PLATFORMS) -> Resolved:
    """The settings that a stack's overlay (`llmplatform:platform`) and its platform file say together.

    Args:
        overlay: what the stack says.
        secrets: names of the `secure:` keys beside it.
        platforms: the folder of platform files.

    Raises:
        SettingsError: with every problem of the first pass that finds one.
    """
    base = _base(overlay, platforms)
    merged, problems = merge(base, overlay)
    problems += _secure_values(overlay.data, (), overlay)
    settings, faults = shape.parse(merged)
    if settings is None or problems:
        raise SettingsError([*problems, *faults])
    found = [_placed(p, merged) for p in [*rules.check(settings), *_secrets(settings, secrets)]]
    binding = [p for p in found if settings.prod or not p.strict]
    if binding:
        raise SettingsError(binding)
    return Resolved(settings, tuple(found))


def _base(overlay: Document, platforms: FilePath) -> Document:
    if not isinstance(overlay.data, dict):
        reason = "is no map" if overlay.data is not None else "is empty"
        fix = "give base, environment, and what differs from the platform file"
        raise SettingsError([Problem(path=(), file=overlay.name, line=overlay.line_of(()), reason=reason, fix=fix)])
    known = sorted(path.stem for path in platforms.glob("*.yaml"))
    base = overlay.data.get("base")
    if not isinstance(base, str) or base not in known:
        reason = "is missing" if "base" not in overlay.data else f"there is no platform file for {base!r}"
        fix = suggest(base, known) if isinstance(base, str) else f"one of: {', '.join(known)}"
        line = overlay.line_of(("base",))
        raise SettingsError([Problem(path=("base",), file=overlay.name, line=line, reason=reason, fix=fix)])
    document = read_file(platforms / f"{base}.yaml", f"platforms/{base}.yaml")
    if not isinstance(document.data, dict):
        raise SettingsError([Problem(path=(), file=document.name, reason="is no map", fix="give it namespaces, ...")])
    return document


def _placed(problem: Problem, merged: Merged) -> Problem:
    file, line = merged.place(problem.path)
    return replace(problem, file=file, line=line)


def _secure_values(data: Any, path: Path, overlay: Document) -> list[Problem]:
    """A `secure:` value inside the platform would arrive in clear text in every place that prints settings."""
    if isinstance(data, list):
        return [p for index, item in enumerate(data) for p in _secure_values(item, (*path, index), overlay)]
    if not isinstance(data, dict):
        return []
    if set(data) == {"secure"}:
        fix = "make it a key of its own beside llmplatform:platform, and name that key here"
        line = overlay.line_of(path)
        reason = "a secret may not stand inside the platform"
        return [Problem(path=path, file=overlay.name, line=line, reason=reason, fix=fix)]
    return [p for key, value in data.items() for p in _secure_values(value, (*path, key), overlay)]


def _secrets(settings: PlatformSettings, available: Collection[str]) -> list[Problem]:
    """Every secret that a service mounts is in the stack file."""
    out = []
    for key, path in secret_keys(settings).items():
        if key not in available:
            fix = f"pulumi config set --secret llmplatform:{key}"
            if available:
                fix += f" ({suggest(key, available)})"
            reason = f'the stack has no secure key "{key}"'
            out.append(Problem(path=path, reason=reason, fix=fix, rule="secrets"))
    return out


def secret_keys(settings: PlatformSettings) -> Mapping[str, Path]:
    """The `secure:` keys that the settings name, each with a path that names it."""
    return {
        secret.config: ("services", name, "secrets", file, "config")
        for name, service in settings.services.items()
        for file, secret in service.secrets.items()
    }
