"""The first pass: does the merged YAML have the shape of PlatformSettings? Every fault of it, in the user's words."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from settings.merge import Merged
from settings.model import PlatformSettings
from settings.problems import Path, Problem, one_of, suggest
from settings.types import kind_of


def parse(merged: Merged) -> tuple[PlatformSettings | None, list[Problem]]:
    """The settings, or every fault of their shape."""
    try:
        # JSON, since that is also how the engine hands the overlay over: one behaviour for both ways in.
        return PlatformSettings.model_validate_json(json.dumps(merged.data)), []
    except ValidationError as error:
        return None, _problems(error.errors(include_url=False), merged)


def _problems(errors: Iterable[ErrorDetails], merged: Merged) -> list[Problem]:
    out: list[Problem] = []
    missing: dict[Path, list[str]] = {}
    for error in errors:
        path = _user_path(error["loc"], merged.data)
        if error["type"] == "missing":
            missing.setdefault(path[:-1], []).append(str(path[-1]))
        else:
            reason, fix = _explain(error, path, merged.data)
            out.append(_placed(merged, path, reason, fix))
    for parent, names in missing.items():
        out.append(_missing(merged, parent, names))
    return out


def _placed(merged: Merged, path: Path, reason: str, fix: str) -> Problem:
    file, line = merged.place(path)
    return Problem(path=path, reason=reason, fix=fix, file=file, line=line)


def _missing(merged: Merged, parent: Path, names: list[str]) -> Problem:
    models = _models_at(parent, merged.data)
    fields = {name: model.model_fields[name].annotation for model in models for name in names}
    sample = ", ".join(f"{name}: {_sample(fields.get(name))}" for name in names)
    if len(parent) >= 2 and merged.only_in_overlay(parent):
        siblings = merged.base.data
        for part in parent[:-1]:
            siblings = siblings.get(part, {}) if isinstance(siblings, dict) else {}
        known = list(siblings) if isinstance(siblings, dict) else []
        if known:
            reason = f"exists only in {merged.overlay.name} and lacks {', '.join(names)}"
            return _placed(merged, parent, reason, f"{suggest(str(parent[-1]), known)} If it is new, give {sample}")
    if len(names) == 1:
        return _placed(merged, (*parent, names[0]), "is missing", f"for example {sample}")
    return _placed(merged, parent, f"lacks {', '.join(names)}", f"for example {sample}")


def _user_path(loc: tuple[int | str, ...], data: Any) -> Path:
    """Pydantic's location without the tags of unions and key markers, which no user has written."""
    out: list[int | str] = []
    here = data
    for part in loc:
        if part == "[key]":
            continue
        if isinstance(here, dict) and part not in here and part == here.get("kind"):
            continue
        known = isinstance(here, dict) and part in here
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
            known = [name for model in _models_at(path[:-1], data) for name in model.model_fields]
            return "there is no such key here", suggest(str(path[-1]), known)
        case "literal_error":
            known = _choices(path, data)
            fix = suggest(value, known) if isinstance(value, str) else f"use one of: {one_of(known)}"
            return f"{kind_of(value)} is not a choice", fix
        case "union_tag_not_found":
            return "its `kind` is missing", f"give kind: one of {one_of(_kinds(path, data))}"
        case "union_tag_invalid":
            tag = str(context.get("tag", ""))
            return f'"{tag}" is no kind of {path[-1]}', suggest(tag, _kinds(path, data))
        case "bool_type" | "bool_parsing":
            return f"{kind_of(value)} is no truth value", "write true or false"
        case _:
            annotation = _annotation_at(path, data)
            wanted = {"tuple_type": "a list", "string_type": "a text"}.get(error["type"], "a map")
            return f"{kind_of(value)} stands where {wanted} is expected", f"for example {_sample(annotation)}"


def _unwrap(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, without None and Annotated."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrap(get_args(annotation)[0]) if _is_union(get_args(annotation)[0]) else [annotation]
    if _is_union(annotation):
        return [a for arg in get_args(annotation) if arg is not type(None) for a in _unwrap(arg)]
    return [annotation]


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _annotation_at(path: Path, data: Any) -> Any:
    """The annotation of the field or entry at `path`, or None where the path leaves the model."""
    annotation: Any = PlatformSettings
    here = data
    for part in path:
        choices = _of_kind(_unwrap(annotation), here)
        annotation = None
        for choice in choices:
            origin = get_origin(choice)
            if isinstance(choice, type) and issubclass(choice, BaseModel) and part in choice.model_fields:
                field = choice.model_fields[str(part)]
                annotation = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
            elif origin is dict:
                annotation = get_args(choice)[1]
            elif origin is tuple:
                annotation = get_args(choice)[0]
        here = here.get(part) if isinstance(here, dict) else None
    return annotation


def _of_kind(choices: list[Any], data: Any) -> list[Any]:
    """Of several models, the one whose `kind` the data names; all where it names none."""
    kind = data.get("kind") if isinstance(data, dict) else None
    tagged = [c for c in choices if kind is not None and kind in _kind_of_model(c)]
    return tagged or choices


def _kind_of_model(model: Any) -> tuple[str, ...]:
    fields = getattr(model, "model_fields", {})
    return get_args(fields["kind"].annotation) if "kind" in fields else ()


def _models_at(path: Path, data: Any) -> list[type[BaseModel]]:
    annotation = _annotation_at(path, data) if path else PlatformSettings
    here = data
    for part in path:
        here = here.get(part) if isinstance(here, dict) else None
    choices = _of_kind(_unwrap(annotation), here) if annotation is not None else []
    return [c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)]


def _choices(path: Path, data: Any) -> list[str]:
    return [str(v) for a in _unwrap(_annotation_at(path, data)) if get_origin(a) is Literal for v in get_args(a)]


def _kinds(path: Path, data: Any) -> list[str]:
    return [kind for choice in _unwrap(_annotation_at(path, data)) for kind in _kind_of_model(choice)]


def _sample(annotation: Any) -> str:
    """A small YAML value that the annotation takes."""
    if annotation is None:
        return "{...}"
    choice = _unwrap(annotation)[0]
    for metadata in getattr(choice, "__metadata__", ()):
        if hasattr(metadata, "example"):
            return str(metadata.example)
    if hasattr(choice, "example"):
        return str(choice.example)
    origin = get_origin(choice)
    if origin is Literal:
        return str(get_args(choice)[0])
    if origin is tuple:
        return f"[{_sample(get_args(choice)[0])}]"
    if origin is dict:
        return "{<name>: " + _sample(get_args(choice)[1]) + "}"
    if choice is bool:
        return "true"
    if isinstance(choice, type) and issubclass(choice, BaseModel):
        fields = [
            (name, Annotated[(f.annotation, *f.metadata)] if f.metadata else f.annotation)
            for name, f in choice.model_fields.items()
            if f.is_required()
        ] or [(name, f.annotation) for name, f in list(choice.model_fields.items())[:1]]
        return "{" + ", ".join(f"{name}: {_sample(a)}" for name, a in fields) + "}"
    return "..."
