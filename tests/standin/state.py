"""What the stand-in has made, and the journal of what it was asked for: files, for tests and the next run to read."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.standin.identity import digest
from tests.standin.values import Properties, from_json, to_json


@dataclass(frozen=True)
class Made:
    """A resource that is there."""

    urn: str
    type: str
    id: str
    arn: str
    inputs: Properties
    outputs: Properties


@dataclass(frozen=True)
class Entry:
    """A line of the journal."""

    call: str
    """create, update or delete."""
    urn: str
    id: str
    time: float
    refused: str | None = None

    @property
    def type(self) -> str:
        """Without the types of the components above."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        return self.urn.split("::")[3]


class State:
    """A folder with one JSON file per resource and the journal. Several processes may use it at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = folder / "made"
        self._journal = folder / "journal.jsonl"
        self._made.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While looking and then changing: one provider process at a time."""
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def file(self, type_: str, identity: str) -> Path:
        """Where a resource is kept. Deleting it is deleting the resource behind the engine's back."""
        return self._made / f"{type_.rpartition(':')[2]}-{digest(type_, identity)[:16]}.json"

    def put(self, made: Made) -> None:
        document = {
            "urn": made.urn,
            "type": made.type,
            "id": made.id,
            "arn": made.arn,
            "inputs": to_json(made.inputs),
            "outputs": to_json(made.outputs),
        }
        self.file(made.type, made.id).write_text(json.dumps(document, indent=1, sort_keys=True), encoding="utf-8")

    def get(self, type_: str, identity: str) -> Made | None:
        file = self.file(type_, identity)
        return _read(file) if file.exists() else None

    def remove(self, type_: str, identity: str) -> None:
        self.file(type_, identity).unlink(missing_ok=True)

    def all(self) -> list[Made]:
        return [_read(file) for file in sorted(self._made.glob("*.json"))]

    def write(self, call: str, urn: str, identity: str, *, refused: str | None = None) -> None:
        """Adds to the journal."""
        line = {"call": call, "urn": urn, "id": identity, "time": time.time(), "refused": refused}
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def journal(self, call: str | None = None) -> list[Entry]:
        """What was asked for, in this order; of one call only."""
        if not self._journal.exists():
            return []
        lines = self._journal.read_text(encoding="utf-8").splitlines()
        return [entry for entry in (Entry(**json.loads(line)) for line in lines) if call in (None, entry.call)]


def _read(file: Path) -> Made:
    document = json.loads(file.read_text(encoding="utf-8"))
    values = {key: from_json(document.pop(key)) for key in ("inputs", "outputs")}
    return Made(**document, **values)
