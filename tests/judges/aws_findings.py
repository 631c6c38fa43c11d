"""What an outside judge found, and what is waived.

`waivers.yaml` is the one place for waivers. One that matches nothing is itself a problem: what it was for is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

WAIVERS = Path(__file__).parent / "waivers.yaml"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Something wrong with one resource of one stack."""

    judge: str
    id: str
    """What the judge calls it."""
    stack: str
    type: str
    name: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.judge} {self.id}: {self.type} {self.name}" + (f": {self.text}" if self.text else "")


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """What is known, and stays."""

    id: str
    type: str
    """Pattern of Pulumi's type."""
    reason: str
    name: str = "*"
    """Pattern of the resource's name."""
    text: str = "*"
    """Pattern of what the judge says besides."""
    stacks: tuple[str, ...] = ()
    """In these stacks only, and in each of them; empty: anywhere."""

    def covers(self, found: Judgement) -> bool:
        """True if it waives this."""
        pairs = ((found.type, self.type), (found.name, self.name), (found.text, self.text))
        here = not self.stacks or found.stack in self.stacks
        return found.id == self.id and here and all(fnmatchcase(value, pattern) for value, pattern in pairs)

    def __str__(self) -> str:
        where = f" in {', '.join(self.stacks)}" if self.stacks else ""
        return f"{self.id} of {self.type} {self.name}{where}"


def waivers(file: Path = WAIVERS) -> list[Waiver]:
    """The waivers of a file.

    Raises:
        ValueError: one has no reason, or is none.
    """
    return [_waiver(entry) for entry in yaml.safe_load(file.read_text(encoding="utf-8")) or ()]


def _waiver(entry: dict[str, Any]) -> Waiver:
    if not str(entry.get("reason") or "").strip():
        raise ValueError(f"the waiver {entry.get('id')} has no reason")
    try:
        return Waiver(**{**entry, "stacks": tuple(entry.get("stacks", ()))})
    except TypeError as error:
        raise ValueError(f"the waiver {entry.get('id')}: {error}") from error


def split(
    found: Iterable[Judgement], known: Sequence[Waiver]
) -> tuple[list[Judgement], list[tuple[Judgement, Waiver]]]:
    """What stands, and what is waived with its waiver."""
    standing: list[Judgement] = []
    waived: list[tuple[Judgement, Waiver]] = []
    for judgement in found:
        waiver = next((waiver for waiver in known if waiver.covers(judgement)), None)
        if waiver is None:
            standing.append(judgement)
        else:
            waived.append((judgement, waiver))
    return standing, waived


def idle(found: Sequence[Judgement], known: Iterable[Waiver]) -> list[str]:
    """The waivers that waive nothing, and in which stacks."""
    out = []
    for waiver in known:
        stacks = {judgement.stack for judgement in found if waiver.covers(judgement)}
        missing = [stack for stack in waiver.stacks if stack not in stacks]
        if missing:
            out.append(f"the waiver {waiver} waives nothing in {', '.join(missing)}: remove it")
        elif not stacks:
            out.append(f"the waiver {waiver} waives nothing: remove it")
    return out
