"""What the tests of the settings share: fixes read back as values, random settings, one overlay at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel

import settings.types
from settings.annotations import is_model, named_at
from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.yaml_reader import read_text
from tests.support import problems

QUICK = hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
"""Random cases that are the same in every run: a red run can be repeated by anybody."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
"""Whatever a YAML file or an engine can hand over."""

_SUGGESTION = re.compile(r'(?:write|for example|or|,) ("[^"]*"|\[[^]]*\]|\{.*\}|[^\s,;]+)')


def suggested(fix: str) -> list[Any]:
    """The values that a fix names, as YAML reads them: `write 30s`, `for example 500m or 2`."""
    start = re.search(r"write |for example ", fix)
    if start is None:
        return []
    return [read_text(text, "fix").data for text in _SUGGESTION.findall(fix[start.start() :])]


def value_types() -> dict[str, Any]:
    """Every value type of settings.types by name; each has `parse`."""
    out: dict[str, Any] = {}
    for name, thing in vars(settings.types).items():
        if get_origin(thing) is Annotated:
            out[name] = get_args(thing)[1]
        elif name in ("Cpu", "Duration", "Memory", "Percent"):
            out[name] = thing
    return out


def only(overlay: dict[str, Any], **how: Any) -> Problem:
    """The one problem of an overlay."""
    found = problems(overlay, **how)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def fields(data: Any, whole: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every key of `data` that is ours and not a name of the user's own."""
    if isinstance(data, dict):
        ours = not named_at(path, whole)
        for key, value in data.items():
            if ours:
                yield (*path, key)
            yield from fields(value, whole, (*path, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from fields(item, whole, (*path, index))


@cache
def models() -> tuple[tuple[Path, type[BaseModel]], ...]:
    """Every model that the settings are made of, with a path at which it stands."""
    return tuple(_models(PlatformSettings, ()))


def _models(model: type[BaseModel], path: Path) -> Iterator[tuple[Path, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        for inner in _inside(field.annotation):
            yield from _models(inner, (*path, name))


def _inside(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation speaks of, in maps, lists and alternatives."""
    if is_model(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _inside(inner)
