"""Lays a stack file over a platform file.

Named things are maps and merge by key; lists and scalars replace; a map whose `kind` changes is replaced whole; a
shorthand becomes its map before the merge; `null` removes an existing entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from settings.annotations import kinds_at
from settings.problems import Path, Problem, nearest, suggest
from settings.yaml_reader import Document

_Written: TypeAlias = Mapping[Path, Path]
"""Path in full -> path as the user wrote it."""


class _TwoOwnersError(Exception):
    """Raised by a shorthand that meets what it is short for."""


def _image(entry: dict[str, Any]) -> _Written:
    if not isinstance(entry["image"], str):
        return {}
    entry["image"] = {"repository": entry["image"]}
    return {("image", "repository"): ("image",)}


def _engine(entry: dict[str, Any]) -> _Written:
    if not isinstance(entry["engine"], str):
        return {}
    entry["engine"] = {"kind": entry["engine"]}
    return {("engine", "kind"): ("engine",)}


def _replicas(entry: dict[str, Any]) -> _Written:
    count = entry.pop("replicas")
    if entry.get("scaling") is not None:
        if count is None:  # makes way for the scaling beside it, which replaces a fixed count anyway
            return {}
        raise _TwoOwnersError("`replicas` is short for fixed scaling, and `scaling` stands beside it")
    entry["scaling"] = None if count is None else {"kind": "fixed", "replicas": count}
    return {("scaling", *rest): ("replicas",) for rest in ((), ("kind",), ("replicas",))}


SHORTHANDS: Mapping[str, Mapping[str, Callable[[dict[str, Any]], _Written]]] = {
    "models": {"engine": _engine, "replicas": _replicas},
    "services": {"image": _image, "replicas": _replicas},
}
"""Root key -> key of its entries -> writes it out in place, and says which paths it stands for."""


@dataclass(frozen=True)
class _Layer:
    """One of the two files with its shorthands written out."""

    document: Document
    """The data in full; the lines as in the file."""
    written: _Written


@dataclass(frozen=True)
class Merged:
    """The two files as one, and where each part came from."""

    data: dict[str, Any]
    base: Document
    overlay: Document
    _layers: tuple[_Layer, ...] = field(repr=False, default=())

    def located(self, problem: Problem) -> Problem:
        """The problem with file, line, and its path as the user wrote it.

        The place is that of the path or its nearest ancestor; in the stack file where that says something about it.
        What a namespace has from its tier is to be changed there.
        """
        path = problem.path
        tier = self.inherited(path)
        if tier is not None and any(layer.document.has(tier) for layer in self._layers):
            return self.located(replace(problem, path=tier))
        for end in range(len(path), 0, -1):
            for layer in self._layers:
                written = layer.written.get(path[:end])
                if written is not None or layer.document.has(path[:end]):
                    shown = written if written is not None and end == len(path) else path
                    line = layer.document.line_of(written or path[:end])
                    return replace(problem, path=shown, file=layer.document.name, line=line)
        document = self.overlay if path[:1] in ((), ("environment",), ("base",)) else self.base
        return replace(problem, file=document.name, line=document.line_of(()))

    def only_in_overlay(self, path: Path) -> bool:
        """True if the platform file has nothing at `path`, and the stack file has."""
        return self.overlay.has(path) and not self.base.has(path)

    def inherited(self, path: Path) -> Path | None:
        """Where the tier of a namespace says what neither file says at `path`; None if it does not come from there."""
        if len(path) < 3 or path[0] != "namespaces" or any(layer.document.has(path) for layer in self._layers):
            return None
        tier = _map(_map(self.data, "namespaces"), path[1]).get("tier")
        return ("tiers", tier, *path[2:]) if isinstance(tier, str) else None


def merge(base: Document, overlay: Document) -> tuple[Merged, list[Problem]]:
    """The overlay over the base, the tiers under the namespaces, and every problem met on the way."""
    problems: list[Problem] = []
    below, above = _expand(base, problems), _expand(overlay, problems)
    _refuse_nulls(below.document.data, (), below, problems)
    data = _over(below.document.data, above.document.data, (), above, problems)
    _tiers_under_namespaces(data)
    return Merged(data, below.document, overlay, (above, below)), problems


def _expand(document: Document, problems: list[Problem]) -> _Layer:
    """The document's data, copied, with every shorthand written out."""
    data: dict[str, Any] = _copy(document.data)
    written: dict[Path, Path] = {}
    for root, shorthands in SHORTHANDS.items():
        for name, entry in _map(data, root).items():
            for key, expand in shorthands.items() if isinstance(entry, dict) else ():
                path: Path = (root, name, key)
                try:
                    short = expand(entry) if key in entry else {}
                except _TwoOwnersError as error:
                    fix, line = "keep one of the two", document.line_of(path)
                    problems.append(Problem(path=path, reason=str(error), fix=fix, file=document.name, line=line))
                else:
                    written |= {(root, name, *long): (root, name, *as_is) for long, as_is in short.items()}
    return _Layer(Document(document.name, data, document.lines), written)


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copy(value) if isinstance(value, dict | list) else value for key, value in data.items()}
    return [_copy(item) for item in data] if isinstance(data, list) else data


def _map(data: Any, key: str | int) -> dict[str, Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _refuse_nulls(data: dict[str, Any], path: Path, layer: _Layer, problems: list[Problem]) -> None:
    for key, value in list(data.items()):
        if value is None:
            reason = "is null, and nothing lies under it that null could remove"
            problems.append(_null((*path, key), reason, "give a value, or leave the key out", layer))
            del data[key]
        elif isinstance(value, dict):
            _refuse_nulls(value, (*path, key), layer, problems)


def _null(path: Path, reason: str, fix: str, layer: _Layer) -> Problem:
    shown, document = layer.written.get(path, path), layer.document
    return Problem(path=shown, reason=reason, fix=fix, file=document.name, line=document.line_of(shown))


def _over(below: Any, above: Any, path: Path, layer: _Layer, problems: list[Problem]) -> Any:
    if not isinstance(above, dict):
        return above
    keep = isinstance(below, dict) and not _other_kind(below, above, path)
    out: dict[str, Any] = dict(below) if keep else {}
    for key, value in above.items():
        here = (*path, key)
        if value is not None:
            out[key] = _over(out.get(key), value, here, layer, problems)
        elif key in out:
            del out[key]
        else:
            reason = "null removes what the platform file has, and it has nothing here"
            problems.append(_null(here, reason, _null_fix(here, out), layer))
    return out


def _null_fix(path: Path, known: Mapping[str, Any]) -> str:
    if path[0] == "namespaces" and len(path) > 2 and nearest(str(path[-1]), known) is None:
        return "leave the line out; what a namespace has from its tier is changed there"
    return suggest(str(path[-1]), known) if known else "leave the line out"


def _other_kind(below: dict[str, Any], above: dict[str, Any], path: Path) -> bool:
    """True if `above` makes something of another kind: nothing of `below` has a meaning there."""
    kinds = (below.get("kind"), above.get("kind"))
    return None not in kinds and kinds[0] != kinds[1] and bool(kinds_at(path))


def _tiers_under_namespaces(data: dict[str, Any]) -> None:
    """Gives each namespace its tier's quota, limit range and level, with its own values over them."""
    if not isinstance(data.get("namespaces"), dict):
        return
    namespaces = data["namespaces"] = dict(data["namespaces"])
    for name, namespace in namespaces.items():
        if isinstance(namespace, dict):
            tier = namespace.get("tier")
            inherited = _copy(_map(_map(data, "tiers"), tier)) if isinstance(tier, str) else {}
            inherited.setdefault("pod_security", "restricted")
            namespaces[name] = _over(inherited, namespace, (), _Layer(Document("", None), {}), [])
