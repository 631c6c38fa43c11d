"""What of docs/requirements.md is proven by a test, decided otherwise, or open. Reads files only, runs nothing.

A test proves an item by `@pytest.mark.requirement("S003-31")`, with the ids written out, on itself, its class, its
module (`pytestmark`) or one of its cases (`pytest.param`). Tests that are skipped or expected to fail prove nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import decisions

ROOT = Path(__file__).parent.parent

CLAIMED = "S000-17, 18; S001-69..73, 76..78; S003-01..09, 11..13, 15..23, 25..42, 50..112"
"""What is finished: namespaces, services, models, their scaling, the plan, the AWS half. It has to stay proven or
decided.
"""

IN_PART: Mapping[str, str] = {
    "S003-110": "the offline plan; `pulumi preview` itself needs the engine (tests/engine)",
}
"""Items of which a test shows only so much."""


@dataclass(frozen=True)
class Status:
    """Where every item stands."""

    items: Sequence[str]
    rooms: Mapping[str, Sequence[str]]
    """Room -> the items that it builds."""
    marks: Mapping[str, Sequence[str]]
    """Item -> the tests that name it."""
    decided: Mapping[str, Sequence[str]]
    """Item -> the decisions that name it."""
    faults: Sequence[str] = field(default=())
    """Marks that cannot be read."""

    def of(self, item: str) -> str:
        """proven, decided, in part or open."""
        if item in self.decided:
            return "decided"
        if item not in self.marks:
            return "open"
        return "in part" if item in IN_PART else "proven"

    def those(self, status: str, items: Iterable[str] | None = None) -> list[str]:
        """The items of a status."""
        return [item for item in (self.items if items is None else items) if self.of(item) == status]


def status(root: Path = ROOT) -> Status:
    """Reads requirements, decisions and tests."""
    text = (root / "docs" / "requirements.md").read_text(encoding="utf-8")
    decided: dict[str, list[str]] = {}
    for row in decisions.rows(root / "docs" / "decisions"):
        for item in row.ids:
            files = decided.setdefault(item, [])
            files += [row.file] if row.file not in files else []
    marks: dict[str, list[str]] = {}
    faults: list[str] = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        found = marks_of(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
        faults += found.faults
        for item, test in found.pairs:
            marks.setdefault(item, []).append(test)
    return Status(items_of(text), rooms_of(text), marks, decided, faults)


def problems(now: Status, claimed: str = CLAIMED) -> list[str]:
    """What must not be: unknown ids, unreadable marks, decisions that nothing shows, finished items that are open."""
    known, finished = set(now.items), expand(claimed)
    lost = [item for item in finished if now.of(item) == "open"]
    silent = [item for item in sorted(now.decided) if item not in now.marks]
    return [
        *now.faults,
        *(f"{tests[0]} proves {item}, which is no item" for item, tests in now.marks.items() if item not in known),
        *(f"{files[0]} decides {item}, which is no item" for item, files in now.decided.items() if item not in known),
        *(f"{now.decided[item][0]} decides {item}, and no test shows what we ship instead" for item in silent),
        *([f"finished, and no test or decision names them any more: {shorten(lost)}"] if lost else []),
        *(f"IN_PART names {item}, which no test shows" for item in IN_PART if item not in now.marks),
    ]


def items_of(text: str) -> list[str]:
    """The ids of docs/requirements.md, in its order."""
    return re.findall(r"^\| (S\d{3}-\d+) \|", text, re.MULTILINE)


def rooms_of(text: str) -> dict[str, list[str]]:
    """Room -> the items that it builds: the second column of the table at the end of docs/requirements.md."""
    table = text.partition("\n## Where each item belongs\n")[2]
    found = re.findall(r"^\| ([a-z/]+) \| (S[^|]*) \|", table, re.MULTILINE)
    return {room: expand(ids) for room, ids in found}


def expand(ids: str) -> list[str]:
    """Ids out of their short form.

    >>> expand("S000-08..10, 29; S001-01")
    ['S000-08', 'S000-09', 'S000-10', 'S000-29', 'S001-01']
    """
    out: list[str] = []
    for group in ids.split("; "):
        seed, _, numbers = group.partition("-")
        for part in numbers.split(", "):
            first, _, last = part.partition("..")
            out += [f"{seed}-{number:02}" for number in range(int(first), int(last or first) + 1)]
    return out


def shorten(ids: Iterable[str]) -> str:
    """The reverse of `expand`."""
    groups: dict[str, list[list[int]]] = {}
    for item in sorted(set(ids), key=lambda i: (i[:4], int(i[5:]))):
        runs, number = groups.setdefault(item[:4], []), int(item[5:])
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return "; ".join(
        f"{seed}-"
        + ", ".join(f"{a:02}..{b:02}" if b - a > 1 else ", ".join(f"{n:02}" for n in range(a, b + 1)) for a, b in runs)
        for seed, runs in groups.items()
    )


@dataclass
class Marks:
    """What one test module says."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    """(item, test)."""
    faults: list[str] = field(default_factory=list)


def marks_of(source: str, file: str) -> Marks:
    """The requirement marks of a test module that count."""
    tree = ast.parse(source)
    constants = dict(_assignments(tree.body))
    module = _listed(constants.get("pytestmark"))
    out = Marks()
    if _is_skipped(module, tree.body):
        return out
    for holder, test in _tests(tree.body):
        marks = [*module, *(holder.decorator_list if holder else ()), *test.decorator_list]
        if _is_skipped(marks, test.body):
            continue
        name = f"{file}::{test.name}"
        for mark in [*marks, *_case_marks(test.decorator_list, constants)]:
            if isinstance(mark, ast.Call) and _name(mark) == "pytest.mark.requirement":
                for argument in mark.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        out.pairs.append((argument.value, name))
                    else:
                        out.faults.append(f"{file}:{mark.lineno}: write the ids of a requirement mark out")
    return out


def _assignments(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield statement.target.id, statement.value


def _tests(body: Iterable[ast.stmt]) -> Iterator[tuple[ast.ClassDef | None, ast.FunctionDef]]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef) and statement.name.startswith("test"):
            yield None, statement
        elif isinstance(statement, ast.ClassDef) and statement.name.startswith("Test"):
            for _, test in _tests(s for s in statement.body if isinstance(s, ast.FunctionDef)):
                yield statement, test


def _case_marks(decorators: Iterable[ast.expr], constants: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    """The marks of `pytest.param`s in `parametrize`, where the case itself is not skipped."""
    for decorator in decorators:
        if not (isinstance(decorator, ast.Call) and _name(decorator) == "pytest.mark.parametrize"):
            continue
        for argument in decorator.args:
            named = [constants[n.id] for n in ast.walk(argument) if isinstance(n, ast.Name) and n.id in constants]
            for node in (n for tree in (argument, *named) for n in ast.walk(tree)):
                if isinstance(node, ast.Call) and _name(node) == "pytest.param":
                    marks = [m for keyword in node.keywords if keyword.arg == "marks" for m in _listed(keyword.value)]
                    if not _is_skipped(marks, ()):
                        yield from marks


def _is_skipped(marks: Iterable[ast.expr], body: Iterable[ast.stmt]) -> bool:
    """True if marks or a statement of the body itself (no branch of it) say that the test never runs to its end."""
    for mark in marks:
        arguments = mark.args if isinstance(mark, ast.Call) else []
        always = bool(arguments) and isinstance(arguments[0], ast.Constant) and bool(arguments[0].value)
        empty = len(arguments) > 1 and isinstance(arguments[1], ast.List | ast.Tuple) and not arguments[1].elts
        match _name(mark):
            case "pytest.mark.skip" | "pytest.mark.xfail":
                return True
            case "pytest.mark.skipif" if always:
                return True
            case "pytest.mark.parametrize" if empty:
                return True
    calls = [s.value for s in body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    return any(_name(call) in ("pytest.skip", "pytest.xfail") for call in calls)


def _listed(expression: ast.expr | None) -> list[ast.expr]:
    if isinstance(expression, ast.List | ast.Tuple):
        return expression.elts
    return [] if expression is None else [expression]


def _name(expression: ast.expr) -> str:
    return ast.unparse(expression.func if isinstance(expression, ast.Call) else expression)
