"""The first pass: does the merged YAML have the shape of PlatformSettings? Every fault of it, in the user's words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings.annotations import annotation_at, choices_at, kinds_at, models_at, named_at, sample
from settings.merge import SHORTHANDS, Merged
from settings.model import PlatformSettings
from settings.problems import Path, Problem, nearest, one_of, shown, suggest
from settings.types import kind_of

_FROM_TIER = {"quota", "limit_range"}
"""What a namespace need not say, since its tier does."""


def parse(merged: Merged) -> tuple[PlatformSettings | None, list[Problem]]:
    """The settings, or every fault of their shape."""
    try:
        # JSON, since that is also how the engine hands the overlay over: one behaviour for both ways in.
        return PlatformSettings.model_validate_json(json.dumps(merged.data)), []
    except ValidationError as error:
        return None, _problems(error.errors(include_url=False), merged)


def _problems(errors: Iterable[ErrorDetails], merged: Merged) -> list[Problem]:
    placed = [(_path_of(error, merged.data), error) for error in errors]
    paths = {path for path, _ in placed}
    out: list[Problem] = []
    missing: dict[Path, list[str]] = {}
    for path, error in placed:
        tier = merged.inherited(path) or ()
        if any(tier[:end] in paths for end in range(1, len(tier) + 1)):
            continue  # said once, where the tier has it
        if error["type"] == "missing":
            missing.setdefault(path[:-1], []).append(str(path[-1]))
        else:
            reason, fix = _explain(error, path, merged.data)
            out.append(Problem(path=path, reason=reason, fix=fix))
    for parent, names in missing.items():  # at the root, some keys belong into one file and some into the other
        out += [_missing(merged, parent, group) for group in ([names] if parent else [[name] for name in names])]
    return [merged.located(problem) for problem in out]


def _missing(merged: Merged, parent: Path, names: list[str]) -> Problem:
    if len(parent) == 2 and parent[0] == "namespaces" and "tier" in names:
        names = ["tier"]  # the rest follows from it
    given = ", ".join(f"{name}: {sample(annotation_at((*parent, name), merged.data))}" for name in names)
    if len(parent) == 2 and parent[0] == "namespaces" and set(names) <= _FROM_TIER:
        tiers = merged.data.get("tiers")
        tier = merged.data["namespaces"][parent[1]].get("tier")
        if isinstance(tiers, dict) and isinstance(tier, str) and tier not in tiers:
            return Problem(path=(*parent, "tier"), reason=f"there is no tier {shown(tier)}", fix=suggest(tier, tiers))
    siblings = merged.base.get(parent[:-1])
    if (
        isinstance(siblings, dict)
        and siblings
        and named_at(parent[:-1], merged.data)
        and merged.only_in_overlay(parent)
    ):
        reason = f"exists only in {merged.overlay.name} and lacks {', '.join(names)}"
        fix = f"{suggest(str(parent[-1]), siblings)}; if it is new, give {given}"
        return Problem(path=parent, reason=reason, fix=fix)
    if len(names) == 1:
        return Problem(path=(*parent, names[0]), reason="is missing", fix=f"for example {given}")
    return Problem(path=parent, reason=f"lacks {', '.join(names)}", fix=f"for example {given}")


def _path_of(error: ErrorDetails, data: Any) -> Path:
    path, value = _user_path(error["loc"], data), error.get("input")
    if error["type"] not in ("union_tag_invalid", "union_tag_not_found") or not isinstance(value, dict):
        return path
    misspelt = [key for key in value if "kind" not in value and nearest(key, [*_keys(path, data), "kind"]) == "kind"]
    return (*path, misspelt[0] if misspelt else "kind")


def _user_path(loc: tuple[int | str, ...], data: Any) -> Path:
    """Pydantic's location without the tags of unions and key markers, which no user has written."""
    out: list[int | str] = []
    here = data
    for part in loc:
        known = isinstance(here, dict) and part in here
        if not known and (part == "[key]" or (isinstance(here, dict) and part == here.get("kind"))):
            continue
        listed = isinstance(here, list) and isinstance(part, int) and part < len(here)
        here = here[part] if known or listed else None
        out.append(part)
    return tuple(out)


def _explain(error: ErrorDetails, path: Path, data: Any) -> tuple[str, str]:
    """Reason and fix of one pydantic error."""
    context = error.get("ctx", {})
    value = error.get("input")
    match error["type"]:
        case "setting":
            return context["reason"], context["fix"]
        case "extra_forbidden":
            return "there is no such key here", suggest(str(path[-1]), _keys(path[:-1], data))
        case "literal_error":
            known = choices_at(path, data)
            fix = suggest(value, known) if isinstance(value, str) else f"use one of: {one_of(known)}"
            return f"{kind_of(value)} is not a choice", fix
        case "union_tag_not_found" if isinstance(value, dict) and path[-1] != "kind":
            return "there is no such key here", "did you mean kind?"
        case "union_tag_not_found" if isinstance(value, dict):
            return "is missing", f"use one of: {one_of(kinds_at(path[:-1], data))}"
        case "union_tag_invalid":
            tag = value.get("kind") if isinstance(value, dict) else None
            known = kinds_at(path[:-1], data)
            fix = suggest(tag, known) if isinstance(tag, str) else f"use one of: {one_of(known)}"
            return f"{kind_of(tag)} is no kind of {path[-2]}", fix
        case "bool_type" | "bool_parsing":
            return f"{kind_of(value)} is no truth value", "write true or false, without quotes"
        case _:
            wanted = "a list" if error["type"] == "tuple_type" else "a map"
            return f"{kind_of(value)} stands where {wanted} is expected", _example(path, data)


def _example(path: Path, data: Any) -> str:
    annotation = annotation_at(path, data)
    return f"for example {sample(annotation)}" if annotation is not None else "mind the indentation"


def _keys(path: Path, data: Any) -> list[str]:
    """Every key that may stand in the map at `path`."""
    fields = [name for model in models_at(path, data) for name in model.model_fields]
    return [*fields, *SHORTHANDS.get(str(path[0]), ())] if len(path) == 2 else fields
