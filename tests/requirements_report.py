"""Prints which items of docs/requirements.md are proven, decided otherwise or open; exits 1 if that cannot be."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator

from tests.requirements import IN_PART, Status, problems, shorten, status

STATUSES = ("proven", "decided", "in part", "open")


def lines(now: Status) -> Iterator[str]:
    """The report."""
    yield "Items proven by a test, decided otherwise (docs/decisions), shown in part, open:"
    for seed in sorted({item[:4] for item in now.items}):
        mine = [item for item in now.items if item.startswith(seed)]
        counts = ", ".join(f"{len(now.those(s, mine))} {s}" for s in STATUSES)
        yield f"  {seed}: {len(mine)} items: {counts}"
    yield ""
    yield "Decided otherwise:"
    by_file: dict[str, list[str]] = {}
    for item in now.those("decided"):
        for file in now.decided[item]:
            by_file.setdefault(file, []).append(item)
    for file, items in sorted(by_file.items()):
        yield from _wrapped(f"  docs/decisions/{file}: {shorten(items)}")
    yield ""
    yield "Shown in part:"
    for item in now.those("in part"):
        yield f"  {item}: {IN_PART[item]}"
    yield ""
    yield "By room:"
    for room, items in now.rooms.items():
        yield f"  {room}"
        for word in STATUSES:
            if found := now.those(word, items):
                yield from _wrapped(f"    {word}: {shorten(found)}")


def _wrapped(line: str) -> list[str]:
    indent = len(line) - len(line.lstrip()) + 2
    return textwrap.wrap(line, 120, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)


def main() -> int:
    """Prints the report and every problem; returns the exit code."""
    now = status()
    print("\n".join(lines(now)))
    found = problems(now)
    for problem in found:
        print(f"WRONG: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
