"""Breaks every leaf and key of the committed files in turn, and takes what is still valid all the way to a plan.

`python -m tests.judges.mutants [--plan-one-in N]`: every mutant of every stack file and of the platform file under
every stack ends as valid settings or as problems with path and file; of the valid ones that differ, one in N is planned
and judged (the rest would take an hour). Exit code 1 with the mutants that did anything else.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
import zlib

import pulumi

from components.llm_platform import LlmPlatform, LlmPlatformArgs
from settings.problems import SettingsError
from settings.resolve import Resolved, secret_keys
from tests.settings.mutation import mutants
from tests.settings.test_mutations import complete, outcome
from tests.support import STACKS
from workbench.plan.recorder import record
from workbench.plan.stack import PROJECT, judged


def planned(stack: str, resolved: Resolved) -> list[str]:
    """What the plan of these settings is refused for; empty if it holds."""

    def program() -> None:
        secrets = {key: pulumi.Output.secret("masked") for key in secret_keys(resolved.settings)}
        kubeconfig = pulumi.Output.secret("masked")
        args = LlmPlatformArgs(settings=resolved.settings, secrets=secrets, kubeconfig=kubeconfig)
        LlmPlatform(resolved.settings.name, args)

    graph, _ = record(program, project=PROJECT, stack=stack, config={})
    findings = judged(stack, resolved, graph).findings
    return [f"{rule}: {finding}" for rule, found in findings.items() for finding in found]


def run(stack: str, one_in: int) -> tuple[dict[str, int], list[str]]:
    """Counts, and what went wrong, of one stack's mutants."""
    counts = {"mutants": 0, "refused": 0, "valid": 0, "planned": 0}
    wrong: list[str] = []
    seen: set[str] = set()
    for mutant in mutants(stack, full=True):
        counts["mutants"] += 1
        try:
            found = outcome(stack, mutant)
            if isinstance(found, SettingsError):
                counts["refused"] += 1
                if not found.problems or not all(map(complete, found.problems)):
                    wrong.append(f"{mutant.description}: a problem without path, file, reason or fix: {found}")
                continue
            counts["valid"] += 1
            text = found.settings.model_dump_json()
            if text in seen or zlib.crc32(text.encode()) % one_in:
                continue
            seen.add(text)
            counts["planned"] += 1
            wrong += [f"{mutant.description}: valid settings, refused plan: {f}" for f in planned(stack, found)]
        except Exception:  # noqa: BLE001  # an exception is what this looks for
            wrong.append(f"{mutant.description}: {traceback.format_exc()}")
    return counts, wrong


def main() -> int:
    """Runs all stacks and prints the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan-one-in", type=int, default=10, metavar="N")
    one_in = parser.parse_args().plan_one_in
    faults: list[str] = []
    for stack in STACKS:
        start = time.perf_counter()
        counts, wrong = run(stack, one_in)
        said = ", ".join(f"{count} {what}" for what, count in counts.items())
        print(f"{stack}: {said} (1 in {one_in} of the valid that differ), {len(wrong)} wrong", end="")
        print(f", {time.perf_counter() - start:.0f} s", flush=True)
        faults += wrong
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
