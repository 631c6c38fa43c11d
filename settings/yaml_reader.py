"""Reads our YAML files as YAML 1.2 core, remembers the line of every path, refuses what the engine reads otherwise.

Pulumi's engine reads the same stack file with a Go library. The two agree on the 1.2 core schema (`on`, `yes` and
`9:00` are strings), so this reader uses that; the few plain scalars on which they differ (`0755`, `1_000`,
`2024-01-01`, merge keys) are refused with "write it in quotes" instead of meaning one thing in a plan and another in
`pulumi up`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from settings.problems import Path, Problem, SettingsError

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
    r"[-+]?0[0-9]+|[-+]?[0-9][0-9_]*_[0-9_]*|[-+]?0b[01_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"
)
"""Plain scalars that Pulumi's YAML reader (yaml.v3) takes for octals, numbers with separators, binaries or dates."""

_MAX_NODES = 100_000
"""More than any platform needs; a file that expands beyond it by aliases is refused instead of filling memory."""


@dataclass(frozen=True)
class Document:
    """One YAML file: its data, and for each path the line (from 1) that it stands on."""

    name: str
    data: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def at(self, prefix: Path) -> Document:
        """The part of this document under `prefix`, with paths counted from there."""
        data: Any = self.data
        for part in prefix:
            data = data.get(part) if isinstance(data, dict) else None
        size = len(prefix)
        lines = {path[size:]: line for path, line in self.lines.items() if path[:size] == prefix}
        return Document(self.name, data, lines)

    def line_of(self, path: Path) -> int | None:
        """The line of `path` or of its nearest ancestor in this file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None

    def has(self, path: Path) -> bool:
        """True if the file itself says something at `path`."""
        return path in self.lines


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
    try:
        loader = _Core12Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
        raise SettingsError(
            [
                Problem(
                    path=(),
                    file=name,
                    line=mark.line + 1 if mark else None,
                    reason=f"is no valid YAML: {what}",
                    fix="mind indentation, colons and quotes on this line and the one before",
                )
            ]
        ) from None
    except RecursionError:
        raise SettingsError([Problem(path=(), file=name, reason="is nested too deeply", fix="flatten it")]) from None
    builder = _Builder(name)
    data = builder.build(node, (), frozenset()) if node is not None else None
    if builder.problems:
        raise SettingsError(builder.problems)
    return Document(name, data, builder.lines)


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
        inside = open_nodes | {id(node)}
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, inside)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), inside) for index, item in enumerate(node.value)]
        return self.scalar(node, path) if isinstance(node, yaml.ScalarNode) else None

    def mapping(self, node: yaml.MappingNode, path: Path, inside: frozenset[int]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key_node.tag != "tag:yaml.org,2002:str":
                shown = repr(key) if key is not None else "a list or map"
                self.problem(key_node, path, f"the key {shown} is no text", 'write keys as text, for example "1":')
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
        if not node.style and _AMBIGUOUS.fullmatch(text):
            self.problem(node, path, f"{text} means different things to different YAML readers", f'write "{text}"')
            return None
        try:
            match kind:
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text, 0)
                case "float":
                    number = float(text)
                    if not math.isfinite(number):
                        self.problem(node, path, f"{text} is no finite number", "give a finite number")
                        return None
                    return number
        except ValueError:
            pass
        self.problem(node, path, f"the tag {node.tag} is not supported", "leave the tag out")
        return None
