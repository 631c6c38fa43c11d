"""How long a plan takes: `python -m tests.benchmarks.plan [STACK]`.

Each run is a process of its own on a copy of the project in which one setting has just been edited, as a reviewer
would run it. The ratio is to a process that only imports the packages that the program uses: machines differ, the
ratio does not. Budget (design section 9): the largest stack in at most 2 s warm on 2 cores.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RUNS = 7
PACKAGES = "import pulumi, pydantic, yaml; import pulumi_kubernetes as k; k.core.v1.Pod, k.apps.v1.Deployment"


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    wall: float
    cpu: float
    memory: float
    """Peak resident memory in MiB."""


def cost(command: Sequence[str], folder: Path) -> Cost:
    """Runs a command to its end and measures it."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def edited(project: Path, stack: str, run: int) -> None:
    """Changes one setting of the stack, so that no run meets what an earlier one left."""
    file = project / f"Pulumi.{stack}.yaml"
    text = (ROOT / file.name).read_text()
    file.write_text(text.replace("base: llm-optimization\n", f"base: llm-optimization\n    name: edited-{run}\n"))


def main(stack: str = "prod") -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as temporary:
        ignore = shutil.ignore_patterns(".*", "out", "tests", "docs")
        project = Path(shutil.copytree(ROOT, Path(temporary) / "project", ignore=ignore))
        plan = [sys.executable, "-m", "workbench", "plan", stack, "--out", str(Path(temporary) / "out")]
        imports = [sys.executable, "-c", PACKAGES]
        cost(plan, project)  # makes the byte code
        cost(imports, project)
        plans, bare = [], []
        for run in range(RUNS):
            edited(project, stack, run)
            plans.append(cost(plan, project))
            bare.append(cost(imports, project))
        resources = len(json.loads((Path(temporary) / "out" / "plan.json").read_text())["resources"])
    report(stack, resources, plans, bare)


def report(stack: str, resources: int, plans: list[Cost], bare: list[Cost]) -> None:
    """Prints medians, the spread, and the ratios."""
    print(f"plan of {stack}, {resources} resources, {RUNS} runs after an edit each; median (least to most)")
    for name, unit in (("wall", "s"), ("cpu", "s"), ("memory", "MiB")):
        ours, theirs = [getattr(c, name) for c in plans], [getattr(c, name) for c in bare]
        middle, floor = statistics.median(ours), statistics.median(theirs)
        print(
            f"  {name:6} {middle:7.2f} {unit} ({min(ours):.2f} to {max(ours):.2f}), "
            f"packages alone {floor:.2f} {unit}, ratio {middle / floor:.2f}"
        )
    more = statistics.median(p.cpu for p in plans) - statistics.median(b.cpu for b in bare)
    print(f"  cost per resource {1000 * more / resources:.1f} ms CPU above the packages")


if __name__ == "__main__":
    main(*sys.argv[1:2])
