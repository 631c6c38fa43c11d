"""Walks the model beside the data: which annotation, model or choice stands at a path, and a sample of it."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from settings.model import PlatformSettings
from settings.problems import Path


def annotation_at(path: Path, data: Any = None) -> Any:
    """The annotation of the field or entry at `path`, or None where the path leaves the model.

    `data` decides between the alternatives of a union; without it, all of them are tried.
    """
    annotation: Any = PlatformSettings
    here = data
    for part in path:
        choices = _of_kind(_unwrap(annotation), here)
        annotation = None
        for choice in choices:
            origin = get_origin(choice)
            if is_model(choice) and part in choice.model_fields:
                annotation = _whole(choice.model_fields[str(part)])
            elif origin is dict:
                annotation = get_args(choice)[1]
            elif origin is tuple:
                annotation = get_args(choice)[0]
        here = _child(here, part)
    return annotation


def models_at(path: Path, data: Any) -> list[type[BaseModel]]:
    """The models that the map at `path` may be."""
    here = data
    for part in path:
        here = _child(here, part)
    annotation = annotation_at(path, data)
    return [c for c in _of_kind(_unwrap(annotation), here) if is_model(c)] if annotation is not None else []


def choices_at(path: Path, data: Any) -> list[str]:
    """The words that may stand at `path`."""
    return [str(v) for a in _unwrap(annotation_at(path, data)) if get_origin(a) is Literal for v in get_args(a)]


def kinds_at(path: Path, data: Any = None) -> list[str]:
    """The kinds of the union at `path`; empty where there is none."""
    return [kind for choice in _unwrap(annotation_at(path, data)) for kind in _kinds(choice)]


def named_at(path: Path, data: Any) -> bool:
    """True if the map at `path` holds entries under names of the user's own."""
    return any(get_origin(choice) is dict for choice in _unwrap(annotation_at(path, data)))


def is_model(annotation: Any) -> bool:
    """True for a class of fields."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def sample(annotation: Any) -> str:
    """A small YAML value that the annotation takes."""
    if annotation is None:
        return "{...}"
    choice = _unwrap(annotation)[0]
    for holder in (*getattr(annotation, "__metadata__", ()), *getattr(choice, "__metadata__", ()), choice):
        if hasattr(holder, "example"):
            return str(holder.example)
    origin = get_origin(choice)
    if origin is Literal:
        return str(get_args(choice)[0])
    if origin is tuple:
        return f"[{sample(get_args(choice)[0])}]"
    if origin is dict:
        name, value = get_args(choice)
        return f"{{{sample(name)}: {sample(value)}}}"
    if choice is bool:
        return "true"
    return _sample_of_model(choice) if is_model(choice) else "..."


def _sample_of_model(model: type[BaseModel]) -> str:
    fields = list(model.model_fields.items())
    needed = [(name, field) for name, field in fields if field.is_required()] or fields[:1]
    return "{" + ", ".join(f"{name}: {sample(_whole(field))}" for name, field in needed) + "}"


@dataclass(frozen=True)
class _Example:
    """The sample of one field, where that of its type would mislead."""

    example: str


def _whole(field: FieldInfo) -> Any:
    """A field's annotation with what pydantic has split off, its own example first."""
    extra = [*(_Example(str(word)) for word in (field.examples or ())[:1]), *field.metadata]
    return Annotated[(field.annotation, *extra)] if extra else field.annotation


def _child(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None


def _unwrap(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, without None and Annotated."""
    if get_origin(annotation) is Annotated:
        inner = get_args(annotation)[0]
        return _unwrap(inner) if _is_union(inner) else [annotation]
    if _is_union(annotation):
        return [a for arg in get_args(annotation) if arg is not type(None) for a in _unwrap(arg)]
    return [annotation]


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _of_kind(choices: list[Any], data: Any) -> list[Any]:
    """Of several models, the one whose `kind` the data names; all where it names none."""
    kind = data.get("kind") if isinstance(data, dict) else None
    tagged = [c for c in choices if isinstance(kind, str) and kind in _kinds(c)]
    return tagged or choices


def _kinds(model: Any) -> tuple[str, ...]:
    fields = getattr(model, "model_fields", {})
    return get_args(fields["kind"].annotation) if "kind" in fields else ()
