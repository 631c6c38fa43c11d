"""From two YAML documents to PlatformSettings: merge, shape, rules; every problem of a pass together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path as FilePath

from settings import rules, shape
from settings.cache import ConfigToken
from settings.merge import merge
from settings.model import PlatformSettings
from settings.problems import Path, Problem, SettingsError, in_order, nearest, one_of, suggest
from settings.screening import screen
from settings.stack_file import NAMESPACE, RESERVED_KEYS, ROOT, StackFile, other_region, unused_secrets
from settings.types import kind_of
from settings.yaml_reader import Document, read_file

PLATFORMS = FilePath(__file__).parent.parent / "platforms"
"""Where the platform files are."""


@dataclass(frozen=True)
class Resolved:
    """Settings that hold, and what would be refused in prod."""

    settings: PlatformSettings
    advice: tuple[Problem, ...]


def resolve(overlay: Document, secrets: Collection[str], platforms: FilePath | None = None) -> Resolved:
    """The settings that a stack's overlay (`llmplatform:platform`) and its platform file say together.

    Args:
        overlay: what the stack says.
        secrets: names of the `secure:` keys beside it.
        platforms: the folder of platform files; PLATFORMS where it is left out.

    Raises:
        SettingsError: with every problem of the first pass that finds one.
    """
    return settle(_base(overlay, platforms or PLATFORMS), overlay, secrets)


def resolve_stack(stack: StackFile) -> Resolved:
    """The settings of a stack, and no key beside its platform that says something else. Raises as `resolve` does."""
    resolved = resolve(stack.overlay, stack.secrets)
    settings = resolved.settings
    beside = [*unused_secrets(stack, secret_keys(settings)), *other_region(stack, settings.aws.region)]
    if beside:
        raise SettingsError(beside)
    return resolved


def settle(base: Document, overlay: Document, secrets: Collection[str]) -> Resolved:
    """As `resolve`, with the platform file at hand. Raises as it does."""
    screened = [*screen(base), *screen(overlay)]
    if screened:
        raise SettingsError(screened)
    merged, problems = merge(base, overlay)
    problems += _misplaced(base)
    settings, faults = shape.parse(merged)
    if settings is None or problems:
        raise SettingsError([*problems, *faults])
    found = in_order(merged.located(p) for p in [*rules.check(settings), *_secrets(settings, secrets)])
    binding = [p for p in found if settings.prod or not p.strict]
    if binding:
        raise SettingsError(binding)
    return Resolved(settings, found)


def _base(overlay: Document, platforms: FilePath) -> Document:
    if not isinstance(overlay.data, dict):
        reason = f"{kind_of(overlay.data)} stands where the platform is expected"
        fix = "give base, environment, and what differs from the platform file"
        raise SettingsError([Problem(path=ROOT, file=overlay.name, line=overlay.line_of(()), reason=reason, fix=fix)])
    known = sorted(path.stem for path in platforms.glob("*.yaml"))
    base = overlay.data.get("base")
    misspelt = [key for key in overlay.data if nearest(key, [*PlatformSettings.model_fields]) == "base" != key]
    if base is None and misspelt:
        path: Path = (misspelt[0],)
        fix, line = "did you mean base?", overlay.line_of(path)
        reason = "there is no such key here"
        raise SettingsError([Problem(path=path, file=overlay.name, line=line, reason=reason, fix=fix)])
    if not isinstance(base, str) or base not in known:
        reason = "is missing" if base is None else f"there is no platform file for {kind_of(base)}"
        fix = suggest(base, known) if isinstance(base, str) else f"use one of: {one_of(known)}"
        line = overlay.line_of(("base",))
        raise SettingsError([Problem(path=("base",), file=overlay.name, line=line, reason=reason, fix=fix)])
    document = read_file(platforms / f"{base}.yaml", f"platforms/{base}.yaml")
    if not isinstance(document.data, dict):
        fix = "give it name, prefix, aws, cluster, tiers, namespaces, node_pools"
        raise SettingsError([Problem(path=(), file=document.name, line=1, reason="is no map", fix=fix)])
    return document


def _misplaced(base: Document) -> list[Problem]:
    """What only a stack file says."""
    return [
        Problem(
            path=(key,),
            file=base.name,
            line=base.line_of((key,)),
            reason="belongs into the stack file: a platform file serves every environment",
            fix=f"say it under {ROOT[1]} of Pulumi.<stack>.yaml",
        )
        for key in ("base", "environment")
        if base.has((key,))
    ]


def _named_secrets(settings: PlatformSettings) -> dict[Path, str]:
    """Every `secure:` key that the settings name, by the path that names it."""
    out: dict[Path, str] = {
        ("services", name, "secrets", file, "config"): secret.config
        for name, service in settings.services.items()
        for file, secret in service.secrets.items()
    }
    if isinstance(settings.hub.token, ConfigToken):
        out["hub", "token", "key"] = settings.hub.token.key
    return out


def _secrets(settings: PlatformSettings, available: Collection[str]) -> list[Problem]:
    """Every secret that the settings name is in the stack file, and is a secret of its own."""
    out = []
    for path, key in _named_secrets(settings).items():
        if key in RESERVED_KEYS:
            reason = f"{key} is the platform's own config key, not a secret of a service"
            out.append(Problem(path=path, reason=reason, fix="name another key", rule="secrets"))
        elif key not in available:
            fix = f"pulumi config set --secret {NAMESPACE}:{key}"
            near = nearest(key, available)
            fix += f" (or did you mean {near}?)" if near else ""
            reason = f'the stack has no secure key "{key}"'
            out.append(Problem(path=path, reason=reason, fix=fix, rule="secrets"))
    return out


def secret_keys(settings: PlatformSettings) -> tuple[str, ...]:
    """The `secure:` keys that the settings name, sorted."""
    return tuple(sorted(set(_named_secrets(settings).values())))
