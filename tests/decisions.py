"""Reads the tables of docs/decisions: rows that name items of docs/requirements.md which we decided otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DECISIONS = Path(__file__).parent.parent / "docs" / "decisions"
LEFT_OUT = "left out"
"""Stands in a table where a side has no value."""
ENVIRONMENTS = ("dev", "staging", "prod")
"""What `all` means in the column `stacks`."""


@dataclass(frozen=True)
class Row:
    """One row of a table whose first column is `id`."""

    file: str
    line: int
    ids: tuple[str, ...]
    cells: Mapping[str, str]
    """Column -> text, without the backticks."""

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks that it is about."""
        words = self.cells["stacks"]
        return ENVIRONMENTS if words == "all" else tuple(words.split(", "))

    @property
    def seed(self) -> Any:
        """The seed's value, written as JSON."""
        return _value(self.cells["seed"])

    @property
    def ours(self) -> Any:
        """Our value, written as JSON."""
        return _value(self.cells["ours"])

    def is_about(self, stack: str, thing: str, path: str) -> bool:
        """True if it names this value. `Deployment *` is every Deployment, `*` every object."""
        named = self.cells["object"]
        same = named in (thing, "*", f"{thing.split(maxsplit=1)[0]} *")
        return stack in self.stacks and same and path == self.cells["path"]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {', '.join(self.ids)} {self.cells.get('object', '')}"


def _value(cell: str) -> Any:
    return LEFT_OUT if cell == LEFT_OUT else json.loads(cell)


def rows(folder: Path = DECISIONS) -> list[Row]:
    """Every row of every decision."""
    return [row for path in sorted(folder.glob("[0-9]*.md")) for row in rows_of(path.read_text("utf-8"), path.name)]


def values(folder: Path = DECISIONS) -> list[Row]:
    """The rows that give a value of a seed's YAML and ours: those of tables with a column `path`."""
    return [row for row in rows(folder) if "path" in row.cells]


def rows_of(text: str, file: str) -> Iterator[Row]:
    """The rows in one decision."""
    columns: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not columns:
            columns = cells
        elif columns[0] == "id" and not set(line) <= set("|-: "):
            assert len(cells) == len(columns), f"{file}:{number}: {len(cells)} cells under {len(columns)} columns"
            ids = tuple(re.findall(r"S\d{3}-\d+", cells[0]))
            bare = {column: cell.replace("`", "") for column, cell in zip(columns, cells, strict=True)}
            yield Row(file, number, ids, bare)
