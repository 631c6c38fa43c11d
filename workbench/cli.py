"""The command line: parses, calls, prints. Exit codes: 0 done, 1 refused or failed, 2 wrong usage."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from settings.problems import Problem, SettingsError, dotted, suggest
from workbench.deploy.commands import register

OK, REFUSED, USAGE = 0, 1, 2
INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C ended."""
PLANNING = ("manifests", "plan")
"""Commands that need no cluster."""
ROOT = Path(__file__).parent.parent
"""The project's folder."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\n{self.format_usage()}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m workbench", description="Works on the platform without deploying it.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, about in (
        ("plan", "show and check what a stack would make; write out/STACK/"),
        ("manifests", "write a stack's Kubernetes manifests only, and list them"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("stack", metavar="STACK", help="a stack: dev, staging, prod, local")
        command.add_argument("--platform", metavar="NAME", help="another platform file than the stack's `base`")
        command.add_argument("--out", type=Path, metavar="DIR", help="folder to write to (default: out/STACK)")
        command.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = _parser().parse_args(arguments)
    if args.command not in PLANNING:
        return _live(args)
    from workbench.plan import stack as planning  # late: `--help` must not wait for the SDK

    if _unknown(args.stack, planning.stacks()):
        return USAGE
    gc.disable()  # a plan makes much and drops little: collecting in the middle of it is an eighth of its time
    try:
        return _plan(args, planning)
    except SettingsError as error:
        _refuse(args, str(error), [_problem(p) for p in error.problems])
    except _program_error() as error:
        _refuse(args, f"the program failed: {_cause(error)}", [])
    except OSError as error:
        _refuse(args, f"cannot write: {error}", [])
    finally:
        gc.enable()
    return REFUSED


def _unknown(stack: str, known: Sequence[str]) -> bool:
    """Says so where there is no such stack."""
    if stack not in known:
        print(f'there is no stack "{stack}": {suggest(stack, known)}', file=sys.stderr)
    return stack not in known


def _live(args: argparse.Namespace) -> int:
    from workbench.deploy import commands
    from workbench.localcluster import interrupts
    from workbench.localcluster.errors import ClusterError
    from workbench.plan import stack as planning

    if "stack" in args and _unknown(args.stack, planning.stacks()):
        return USAGE
    try:
        with interrupts.kept():
            commands.run(args, lambda line: print(line, flush=True))
    except (SettingsError, ClusterError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except _program_error() as error:
        print(f"the program failed: {_cause(error)}", file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"cannot be done: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("interrupted; `make down` removes what is left, `make up` goes on", file=sys.stderr)
        return INTERRUPTED
    return OK


def _plan(args: argparse.Namespace, planning: Any) -> int:
    from workbench.plan import manifests, report

    plan = planning.plan(args.stack, args.platform)
    out = args.out or Path("out") / args.stack
    files = [] if plan.refused else manifests.write(plan, out)
    if args.json:
        print(json.dumps(_json(plan, out, files), indent=2, sort_keys=True))
    elif args.command == "manifests" and not plan.refused:
        for path in files:
            print(out / path)
    else:
        print(report.text(plan, out, len(files)), end="")
    return REFUSED if plan.refused else OK


def _json(plan: Any, out: Path, files: Sequence[Path]) -> dict[str, Any]:
    from workbench.plan import manifests

    return {
        **manifests.plan_json(plan),
        "advice": [_problem(p) for p in plan.advice],
        "files": [str(out / path) for path in files],
        "findings": {rule: [vars(f) for f in found] for rule, found in plan.findings.items()},
        "ok": not plan.refused,
        "unpinned": [{"reason": s.reason, "value": s.value, "what": s.what} for s in plan.unpinned],
    }


def _refuse(args: argparse.Namespace, message: str, problems: list[dict[str, Any]]) -> None:
    if args.json:
        document = {"message": message, "ok": False, "problems": problems, "stack": args.stack}
        print(json.dumps(document, indent=2, sort_keys=True))
    print(message, file=sys.stderr)


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "fix": problem.fix,
        "line": problem.line,
        "path": dotted(problem.path),
        "reason": problem.reason,
        "rule": problem.rule,
    }


def _program_error() -> type[Exception]:
    from workbench.plan.recorder import ProgramError

    return ProgramError


def _cause(error: BaseException) -> str:
    """What failed and where in our own code, without the SDK's frames."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    ours = [f for f in traceback.extract_tb(cause.__traceback__) if _inside(Path(f.filename))]
    where = f" ({Path(ours[-1].filename).resolve().relative_to(ROOT)}:{ours[-1].lineno})" if ours else ""
    return f"{type(cause).__name__}: {cause}{where}" if str(cause) else f"{type(cause).__name__}{where}"


def _inside(file: Path) -> bool:
    path = file.resolve()
    return path.is_relative_to(ROOT) and ".venv" not in path.parts and "workbench" not in path.parts
