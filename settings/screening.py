"""What may stand nowhere in the platform, whatever its shape: secrets, broken text, numbers that the engine rounds.

The YAML reader refuses most of it by itself, with the line; the overlay that an engine hands over has not met it.
"""

from __future__ import annotations

from typing import Any

from settings.problems import Path, Problem, shown
from settings.yaml_reader import EXACT, MAX_DEPTH, Document


def screen(document: Document) -> list[Problem]:
    """Every such value of the document."""
    found: list[tuple[Path, str, str]] = []
    _walk(document.data, (), found)
    return [
        Problem(path=path, reason=reason, fix=fix, file=document.name, line=document.line_of(path))
        for path, reason, fix in found
    ]


def _walk(data: Any, path: Path, found: list[tuple[Path, str, str]]) -> None:
    match data:
        case dict() | list() if len(path) > MAX_DEPTH:
            found.append((path[:3], f"is nested more than {MAX_DEPTH} levels deep", "flatten it"))
        case {"secure": str()} if len(data) == 1:
            fix = "make it a key of its own beside llmplatform:platform, and name that key here"
            found.append((path, "a secret may not stand inside the platform", fix))
        case dict():
            for key, value in data.items():
                if not key.isascii() and _broken(key):
                    found.append((path, f"the key {shown(key)} is no Unicode text", "write whole characters"))
                _walk(value, (*path, key), found)
        case list():
            for index, item in enumerate(data):
                _walk(item, (*path, index), found)
        case str():
            if not data.isascii() and _broken(data):
                found.append((path, f"{shown(data)} is no Unicode text", "write whole characters"))
        case int() | float():
            if not abs(data) < EXACT:  # nor is what is no number at all
                found.append((path, "is a huge number", "write it in quotes, or give a smaller one"))


def _broken(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)
