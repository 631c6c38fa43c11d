"""Lays a stack file over a platform file.

Named things are maps and merge by key; lists and scalars replace; a map whose `kind` changes is replaced whole; a
shorthand becomes its map before the merge; `null` removes an existing entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from settings.problems import Path, Problem, suggest
from settings.yaml_reader import Document

_Shorthand: TypeAlias = Callable[[dict[str, Any]], str | None]
"""Changes an entry in place; returns why it cannot, or None."""


def _image(entry: dict[str, Any]) -> str | None:
    if isinstance(entry.get("image"), str):
        entry["image"] = {"repository": entry["image"]}
    return None


def _replicas(entry: dict[str, Any]) -> str | None:
    if "replicas" not in entry:
        return None
    if "scaling" in entry:
        return "`replicas` is short for fixed scaling, and `scaling` stands beside it: two owners of one count"
    entry["scaling"] = {"kind": "fixed", "replicas": entry.pop("replicas")}
    return None


SHORTHANDS: Mapping[str, tuple[tuple[str, _Shorthand], ...]] = {
    "services": (("image", _image), ("replicas", _replicas)),
}
"""Root key -> shorthands of each of its entries."""


@dataclass(frozen=True)
class Merged:
    """The two files as one, and where each part came from."""

    data: dict[str, Any]
    base: Document
    overlay: Document

    def place(self, path: Path) -> tuple[str, int | None]:
        """File and line of `path` or its nearest ancestor: the stack file's where it says something about it."""
        for end in range(len(path), 0, -1):
            for document in (self.overlay, self.base):
                if document.has(path[:end]):
                    return document.name, document.line_of(path[:end])
        return self.overlay.name, self.overlay.line_of(())

    def only_in_overlay(self, path: Path) -> bool:
        """True if the platform file has nothing at `path`."""
        return _get(self.base.data, path) is _NOTHING


_NOTHING = object()


def _get(data: Any, path: Path) -> Any:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return _NOTHING
        data = data[part]
    return data


def merge(base: Document, overlay: Document) -> tuple[Merged, list[Problem]]:
    """The overlay over the base, the tiers under the namespaces, and every problem met on the way."""
    problems: list[Problem] = []
    below = _expand(base, problems)
    above = _expand(overlay, problems)
    _refuse_nulls(below, (), base, problems)
    data = _over(below, above, (), overlay, problems)
    _tiers_under_namespaces(data)
    return Merged(data, Document(base.name, below, base.lines), overlay), problems


def _expand(document: Document, problems: list[Problem]) -> dict[str, Any]:
    """A copy of the document's data with every shorthand written out."""
    data: dict[str, Any] = _copy(document.data)
    for root, shorthands in SHORTHANDS.items():
        entries = data.get(root)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if not isinstance(entry, dict):
                continue
            for key, expand in shorthands:
                reason = expand(entry)
                if reason:
                    path = (root, name, key)
                    problems.append(
                        Problem(
                            path=path,
                            reason=reason,
                            fix="keep one of the two",
                            file=document.name,
                            line=document.line_of(path),
                        )
                    )
                    entry.pop(key)
    return data


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copy(value) for key, value in data.items()}
    return [_copy(item) for item in data] if isinstance(data, list) else data


def _refuse_nulls(data: Any, path: Path, document: Document, problems: list[Problem]) -> None:
    for key, value in list(data.items()) if isinstance(data, dict) else ():
        if value is None:
            here = (*path, key)
            problems.append(
                Problem(
                    path=here,
                    reason="is null, and nothing lies under it that null could remove",
                    fix="give a value, or leave the key out",
                    file=document.name,
                    line=document.line_of(here),
                )
            )
            del data[key]
        else:
            _refuse_nulls(value, (*path, key), document, problems)


def _over(below: Any, above: Any, path: Path, document: Document, problems: list[Problem]) -> Any:
    if not isinstance(above, dict):
        return above
    changed_kind = isinstance(below, dict) and "kind" in above and above["kind"] != below.get("kind", above["kind"])
    out: dict[str, Any] = dict(below) if isinstance(below, dict) and not changed_kind else {}
    for key, value in above.items():
        here = (*path, key)
        if value is not None:
            out[key] = _over(out.get(key), value, here, document, problems)
        elif key in out:
            del out[key]
        else:
            problems.append(
                Problem(
                    path=here,
                    reason="null removes what the platform file has, and it has nothing here",
                    fix=suggest(key, out) if out else "leave the line out",
                    file=document.name,
                    line=document.line_of(here),
                )
            )
    return out


def _tiers_under_namespaces(data: dict[str, Any]) -> None:
    """Gives each namespace its tier's quota, limit range and level, with its own values over them."""
    tiers, namespaces = data.get("tiers"), data.get("namespaces")
    if not isinstance(tiers, dict) or not isinstance(namespaces, dict):
        return
    for name, namespace in namespaces.items():
        if isinstance(namespace, dict):
            tier = namespace.get("tier")
            known = tiers.get(tier) if isinstance(tier, str) else None
            inherited = _copy(known) if isinstance(known, dict) else {}
            inherited.setdefault("pod_security", "restricted")
            namespaces[name] = _over(inherited, namespace, (), Document("", None), [])
