"""Breaks the committed settings in every way that a hand or a script could: one leaf or key at a time."""

from __future__ import annotations

import copy
import re
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from settings.problems import Path, dotted
from settings.stack_file import StackFile
from settings.yaml_reader import Document, read_file
from tests.support import ROOT, stack_file

OF_STACKS, OF_PLATFORM = 2, 40
"""By default one in so many is run: of the mutants of a stack file, and of the platform file, which stacks share."""

_ANY: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "negative": -1,
    "fraction": 0.5,
    "huge number": 10**12,
    "number beyond any": 10**30,
    "infinity": float("inf"),
    "empty text": "",
    "blank": " ",
    "emoji": "😀",
    "two lines": "a\nb",
    "half a character": "\ud800",
    "long text": "x" * 5000,
    "dangling name": "nowhere",
    "upper case": "NOWHERE",
    "template": "${aws:account}",
    "everything": "0.0.0.0/0",
    "list": [],
    "list of null": [None],
    "list of itself": [[[]]],
    "map": {},
    "map of null": {"a": None},
    "map of maps": {"a": {"b": {"c": {}}}},
    "secret": {"secure": "v1:abc"},
    "another kind": {"kind": "hpa"},
}
"""What may stand anywhere by mistake."""


class Mutant(NamedTuple):
    """One broken pair of files."""

    description: str
    overlay: Any
    base: Any


@cache
def committed(stack: str) -> StackFile:
    """A committed stack's file; read once."""
    return stack_file(stack)


@cache
def platform_file() -> Document:
    """The platform file of every committed stack."""
    return read_file(ROOT / "platforms" / "llm-optimization.yaml", "platforms/llm-optimization.yaml")


def mutants(stack: str, *, full: bool = False) -> Iterator[Mutant]:
    """Every mutant of a committed stack file, then those of its platform file.

    Args:
        stack: name of the stack.
        full: every mutant of both files; otherwise a sample that hangs on the descriptions alone, so that it is the
            same in every run, and other ones of the platform file for each stack.
    """
    overlay, base = committed(stack).overlay.data, platform_file().data
    for description, data in _mutated(overlay):
        if full or _chosen(description, OF_STACKS):
            yield Mutant(f"Pulumi.{stack}.yaml {description}", data, base)
    for description, data in _mutated(base):
        if full or _chosen(stack + description, OF_PLATFORM):
            yield Mutant(f"platform {description} under {stack}", overlay, data)


def _chosen(description: str, one_in: int) -> bool:
    return zlib.crc32(description.encode("utf-8", "replace")) % one_in == 0


def _mutated(data: Any) -> Iterator[tuple[str, Any]]:
    for path in _paths(data, ()):
        where = dotted(path)
        value = _at(data, path)
        for what, other in _others(value):
            if other != value:
                yield f"{where}: {what}", _with(data, path, other)
        if isinstance(path[-1], str):
            for what, key in _other_keys(path[-1]):
                yield f"{where}: {what}", _renamed(data, path, key)
            yield f"{where}: removed", _removed(data, path)
        if isinstance(value, dict):
            yield f"{where}: a key too many", _with(data, (*path, "zzz"), 1)


def _others(value: Any) -> Iterator[tuple[str, Any]]:
    """What could stand there instead."""
    yield from _ANY.items()
    match value:
        case str():
            yield "a typo", value[:-1] + ("x" if value[-1:] != "x" else "y")
            yield "a letter too many", value + value[-1:]
            yield "with blanks", f" {value} "
            yield from _other_units(value)
            yield "in a list", [value]
            yield "in a map", {"value": value}
        case bool():
            yield "the other truth", not value
        case int():
            yield "one more", value + 1
            yield "one less", value - 1
            yield "a thousand times", value * 1000
            yield "with a minus", -value
            yield "as text", str(value)
        case list():
            yield "twice over", value * 2
            yield "the first only", value[:1]
            yield "backwards", value[::-1]
            yield "its first item", value[0] if value else "x"
            yield "as a map", {str(index): item for index, item in enumerate(value)}
        case dict():
            yield "its keys as a list", list(value)
            yield "its first value", next(iter(value.values()), "x")
            yield "one level deeper", {"more": value}


def _other_units(text: str) -> Iterator[tuple[str, str]]:
    match = re.fullmatch(r"([0-9.]+)([A-Za-z%]*)", text)
    if match is None:
        return
    number, unit = match.groups()
    for other in ("", "s", "h", "m", "Mi", "Gi", "G", "Ti", "%", "ms"):
        if other != unit:
            yield f"in {other or 'no unit'}", number + other
    yield "a thousandth of it", f"0.00{number.replace('.', '')}{unit}"
    yield "a thousand times", f"{number}000{unit}"


def _other_keys(key: str) -> Iterator[tuple[str, str]]:
    yield "typo in the key", key[:-1] + ("q" if key[-1:] != "q" else "z")
    yield "key in upper case", key.upper() if key != key.upper() else key.lower()
    yield "key with an emoji", f"{key}😀"
    yield "empty key", ""


def _paths(data: Any, path: Path) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _paths(value, (*path, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from _paths(item, (*path, index))


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _with(data: Any, path: Path, value: Any) -> Any:
    """A copy of the data with another value at `path`; what is not on the way there is shared."""
    if not path:
        return copy.deepcopy(value)
    copied = list(data) if isinstance(data, list) else dict(data)
    inner = copied[path[0]] if isinstance(copied, list) else copied.get(path[0])  # type: ignore[index, arg-type]
    copied[path[0]] = _with(inner, path[1:], value)  # type: ignore[index]
    return copied


def _renamed(data: Any, path: Path, name: str) -> Any:
    parent = _at(data, path[:-1])
    return _with(data, path[:-1], {(name if key == path[-1] else key): value for key, value in parent.items()})


def _removed(data: Any, path: Path) -> Any:
    return _with(data, path[:-1], {key: value for key, value in _at(data, path[:-1]).items() if key != path[-1]})
