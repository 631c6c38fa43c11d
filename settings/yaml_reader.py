"""Reads our YAML files as YAML 1.2 core, remembers the line of every path, refuses what the engine reads otherwise.

Pulumi's engine reads the same stack file with a Go library. The two agree on the 1.2 core schema (`on`, `yes` and
`9:00` are strings), so this reader uses that; the few plain scalars on which they differ (`0755`, `1_000`,
`2024-01-01`, merge keys) are refused with "write it in quotes" instead of meaning one thing in a plan and another in
`pulumi up`. tests/settings/engine_scalars.json holds what the engine made of each.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from settings.problems import Path, Problem, SettingsError, shown

_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is 8 times faster, where the wheel has it


class _Core12Loader(_BaseLoader):  # type: ignore[misc]  # the base is chosen at run time
    """A loader that composes nodes with the implicit types of the YAML 1.2 core schema."""

    yaml_implicit_resolvers: Mapping[str, Any] = {}


_Core12Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        [*"-+0123456789."],
    ),
):
    _Core12Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _first)

_AMBIGUOUS = re.compile(
    r"[-+]?0[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?0[bB][01]+|[-+]?0[XO][0-9a-fA-F]+|[-+]0[xo][0-9a-fA-F]+"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"
)
"""Plain scalars that Pulumi's YAML reader (yaml.v3) takes for octals, binaries, signed or capital bases, or dates."""

_SEPARATED = re.compile(r"[-+]?[0-9][0-9a-fA-FxXoO.+-]*")
"""What may be a number for it once its separators (_) are gone."""

_FORMS = {
    "null": re.compile(r"~|null|Null|NULL|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?[0-9]{1,400}|0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}"),
}
"""What a scalar with one of these tags may look like; an explicit tag says nothing about its text."""

EXACT = 1 << 53
"""From here on the engine hands numbers over rounded (JSON numbers are doubles)."""

_MAX_NODES = 100_000
"""More than any platform needs; a file that expands beyond it by aliases is refused instead of filling memory."""

_MANY_OPENERS = 5_000
"""Characters that can begin a list or map, from which on the depth is counted before anything is built."""

MAX_DEPTH = 64
"""Levels of maps and lists; the settings have ten."""


@dataclass(frozen=True)
class Document:
    """One YAML file: its data, and for each path the line (from 1) that it stands on."""

    name: str
    data: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def at(self, prefix: Path) -> Document:
        """The part of this document under `prefix`, with paths counted from there."""
        size = len(prefix)
        lines = {path[size:]: line for path, line in self.lines.items() if path[:size] == prefix}
        return Document(self.name, self.get(prefix), lines)

    def get(self, path: Path, default: Any = None) -> Any:
        """What stands at `path`."""
        data: Any = self.data
        for part in path:
            here = isinstance(data, dict) and part in data
            listed = isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data)
            if not (here or listed):
                return default
            data = data[part]
        return data

    def has(self, path: Path) -> bool:
        """True if the document itself says something at `path`."""
        return self.get(path, _NOTHING) is not _NOTHING

    def line_of(self, path: Path) -> int | None:
        """The line of `path` or of its nearest ancestor in this file; None where the engine handed it over."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


_NOTHING = object()


def read_file(path: FilePath, name: str | None = None) -> Document:
    """Reads one YAML file.

    Raises:
        SettingsError: the file cannot be read, is no YAML, or holds something that two YAML readers take differently.
    """
    shown = name or path.name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(
            [Problem(path=(), file=shown, reason=f"cannot be read: {reason}", fix="give a readable YAML file")]
        ) from None
    return read_text(text, shown)


def read_text(text: str, name: str) -> Document:
    """Reads YAML text; `name` is what messages call the file. Raises as `read_file` does."""
    if sum(map(text.count, "[{-?")) > _MANY_OPENERS:
        _refuse_depth(text, name)
    try:
        loader = _Core12Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise SettingsError([_syntax(error, text, name)]) from None
    builder = _Builder(name)
    data = builder.build(node, (), frozenset()) if node is not None else None
    if builder.problems:
        raise SettingsError(builder.problems)
    return Document(name, data, builder.lines)


def _refuse_depth(text: str, name: str) -> None:
    """Composing recurses in C, where a file of 200 kB of brackets ends the process; events come one by one."""
    depth = 0
    with contextlib.suppress(yaml.YAMLError):  # the next reader says what is wrong
        for event in yaml.parse(text, Loader=_Core12Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH + 1:
                mark: Any = event.start_mark
                line, reason = mark.line + 1, f"is nested more than {MAX_DEPTH} levels deep"
                raise SettingsError([Problem(path=(), file=name, line=line, reason=reason, fix="flatten it")])


def _syntax(error: yaml.YAMLError, text: str, name: str) -> Problem:
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    line = mark.line + 1 if mark else text[:position].count("\n") + 1 if isinstance(position, int) else None
    parts = [getattr(error, key, None) for key in ("context", "problem", "reason")]
    what = ", ".join(str(part) for part in parts if part) or "it cannot be parsed"
    fix = "mind indentation, colons and quotes on this line and the one before"
    return Problem(path=(), file=name, line=line, reason=f"is no valid YAML: {what}", fix=fix)


class _Builder:
    """Turns composed nodes into plain data, keeping lines and collecting every problem."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def problem(self, node: yaml.Node, path: Path, reason: str, fix: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append(Problem(path=path, file=self.name, line=line, reason=reason, fix=fix))

    def build(self, node: yaml.Node, path: Path, open_nodes: frozenset[int]) -> Any:
        self.nodes += 1
        if self.nodes > _MAX_NODES or id(node) in open_nodes:
            if not any(p.reason.startswith("aliases") for p in self.problems):
                self.problem(node, path, "aliases make this file refer to itself or grow without end", "write it out")
            return None
        self.lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > MAX_DEPTH:
            self.problem(node, path[:3], f"is nested more than {MAX_DEPTH} levels deep", "flatten it")
            return None
        inside = open_nodes | {id(node)}
        if not isinstance(node, yaml.ScalarNode) and node.tag.rsplit(":", 1)[-1] not in ("map", "seq"):
            self.problem(node, path, f"the tag {node.tag} is not supported", "leave the tag out")
            return None
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, inside)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), inside) for index, item in enumerate(node.value)]
        return self.scalar(node, path) if isinstance(node, yaml.ScalarNode) else None

    def mapping(self, node: yaml.MappingNode, path: Path, inside: frozenset[int]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key_node.tag != "tag:yaml.org,2002:str" or _ambiguous(key_node):
                bare = shown(key)[1:-1] if key else ""
                what = f"the key {bare}" if key else "a list or map as key" if key is None else "an empty key"
                self.problem(key_node, path, f"{what} is no text", f'write "{bare}":' if key else "give it a name")
                continue
            if key == "<<" and not key_node.style:
                self.problem(key_node, path, "merge keys (<<) are read differently by Pulumi", "write the keys out")
                continue
            here = (*path, key)
            if key in out:
                self.problem(key_node, here, "the key stands twice in this map", "keep one of the two")
                continue
            out[key] = self.build(value_node, here, inside)
            self.lines[here] = key_node.start_mark.line + 1
        return out

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if _ambiguous(node):
            self.problem(node, path, f"{text} means different things to different YAML readers", f'write "{text}"')
            return None
        if kind == "str":
            return text
        if kind == "float":
            return self.number(node, path, kind)
        if kind not in _FORMS or not _FORMS[kind].fullmatch(text):
            huge = kind == "int" and not node.style
            what = "is a huge number" if huge else f"is not what the tag {node.tag} says"
            self.problem(node, path, f"{shown(text)} {what}", "write it in quotes" if huge else "leave the tag out")
            return None
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case _:
                return self.number(node, path, kind)

    def number(self, node: yaml.ScalarNode, path: Path, kind: str) -> int | float | None:
        """As the engine hands it over: as a double, which shows no fraction where there is none."""
        text: str = node.value
        try:
            number = int(text, 0) if kind == "int" else float(text)
        except ValueError:  # .inf and .nan, and what an explicit !!float stands before
            number = math.nan
        if not math.isfinite(number):
            self.problem(
                node, path, f"{shown(text)} is no finite number", "give a finite number, or write it in quotes"
            )
            return None
        if abs(number) >= EXACT:
            self.problem(node, path, f"{shown(text)} is a huge number", "write it in quotes")
            return None
        return int(number) if number == int(number) else number


def _ambiguous(node: yaml.ScalarNode) -> bool:
    """True if another YAML reader makes something else of this plain scalar."""
    if node.style or (node.tag != "tag:yaml.org,2002:str" and not node.tag.endswith((":int", ":float"))):
        return False
    text: str = node.value
    if "_" in text and _SEPARATED.fullmatch(text.replace("_", "")) and text[0] != "_":
        return True
    return _AMBIGUOUS.fullmatch(text) is not None
