"""Outside judges over the AWS resources of every stack with a cluster of its own, and of the shapes that no committed
stack has (buckets, a hosted zone, Pod Identity, a public endpoint): `python -m tests.judges.aws`.

checkov reads them as a Terraform plan, parliament their IAM documents, botocore's models their enumerations and bounds.
Each has a virtual environment of its own (`make aws-judges`), and none reaches a network. What is waived stands in
waivers.yaml with its reason. Exit code 1 if anything else is found, if a waiver waives nothing, if a judge breaks, and
if a judge would have to decide on a value that only a deployment knows.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from policy.graph import Graph
from tests.judges import checkov, documents, shapes
from tests.judges.aws_findings import Judgement, Waiver, idle, split, waivers
from tests.judges.aws_types import UnknownTypeError
from tests.judges.terraform_plan import TerraformPlan, terraform_plan
from tests.judges.venvs import NOT_THERE, JudgeError, are_there
from tests.policy.variants import changed, variant
from tests.support import STACKS, stack_settings
from workbench.plan.stack import plan


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What all judges say of a plan."""

    plan: TerraformPlan
    checked: checkov.Checked
    found: Sequence[Judgement]
    documents: Mapping[str, int]
    """Stack -> how many IAM documents were linted."""
    seconds: Mapping[str, float]
    """Judge -> how long it took."""


def judge(graphs: Mapping[str, Graph]) -> Verdict:
    """Every judge over every graph; checkov runs once, beside the others.

    Raises:
        JudgeError: a judge itself failed.
        UnknownTypeError: an AWS type is known to no judge.
    """
    planned = terraform_plan(graphs)
    every = documents.documents(planned)
    seconds: dict[str, float] = {}

    def timed(name: str, work):
        start = time.perf_counter()
        result = work()
        seconds[name] = time.perf_counter() - start
        return result

    with ThreadPoolExecutor(2) as two:  # as many cores as there are
        checking = two.submit(timed, "checkov", lambda: checkov.check(planned))
        found = timed("parliament", lambda: documents.lint(every))
        found += timed("botocore", lambda: shapes.hold(planned, shapes.models()))
        checked = checking.result()
    return Verdict(
        plan=planned,
        checked=checked,
        found=[*checked.judgements(planned), *found],
        documents=Counter(document.stack for document in every),
        seconds=seconds,
    )


def report(stack: str, verdict: Verdict, known: Sequence[Waiver]) -> tuple[list[str], int]:
    """What is printed of a stack, and how many problems it has."""
    mine = [judgement for judgement in verdict.found if judgement.stack == stack]
    standing, excused = split(mine, known)
    undecided = verdict.plan.undecided[stack]
    size = sum(of == stack for of, _ in verdict.plan.resources.values())
    passed = sum(verdict.plan.resources[address][0] == stack for _, address in verdict.checked.passed)
    counts = f"{size} AWS resources, {verdict.documents.get(stack, 0)} IAM documents; {passed} checks passed"
    verdicts = f"{len(standing)} findings, {len(excused)} waived, {len(undecided)} undecided"
    lines = [f"{stack}: {counts}, {verdicts}"]
    if not size:
        lines.append("  there is nothing to judge")
    lines += [f"  {judgement}" for judgement in standing]
    lines += [f"  undecided: {place}" for place in undecided]
    return lines, len(standing) + len(undecided) + (not size)


def waived(found: Sequence[Judgement], known: Sequence[Waiver]) -> list[str]:
    """A line for each waiver: how often it was needed, and why."""
    needed = Counter(waiver for _, waiver in split(found, known)[1])
    return [f"waived: {count} x {waiver}: {waiver.reason}" for waiver in known if (count := needed[waiver])]


def eks_stacks() -> list[str]:
    """The committed stacks that make a cluster of their own."""
    return [stack for stack in STACKS if stack_settings(stack).settings.cluster.kind == "eks"]


def shapes_of_none() -> dict[str, Graph]:
    """What no committed stack has, and others may: judged alike."""
    public = changed("dev", cluster__endpoint={"public_cidrs": ["203.0.113.0/24"]})
    of_prod = ("a zone and certificates", "buckets and an access log", "pod identity", "further entries")
    return {"dev with a public endpoint": public, **{f"prod with {name}": variant(name) for name in of_prod}}


def run(graphs: Mapping[str, Graph], known: Sequence[Waiver]) -> tuple[list[str], int]:
    """What is printed of graphs, and how many problems they have."""
    verdict = judge(graphs)
    lines, problems = [], 0
    for stack in graphs:
        said, count = report(stack, verdict, known)
        lines, problems = lines + said, problems + count
    lines += waived(verdict.found, known)
    unjudged = verdict.checked.unjudged(verdict.plan)
    none = [type_ for type_ in unjudged if type_ in checkov.UNCHECKED]
    lost = [f"no check of checkov ran on {type_}" for type_ in unjudged if type_ not in checkov.UNCHECKED]
    general = [*verdict.checked.broken, *lost, *idle(verdict.found, known)]
    if none:
        lines.append(f"checkov has no check of {', '.join(none)}")
    took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in sorted(verdict.seconds.items()))
    return [*lines, *general, f"({took})"], problems + len(general)


def main() -> int:
    """Judges every committed stack with a cluster of its own, and the other shapes."""
    if not are_there():
        print(NOT_THERE)
        return 1
    try:
        lines, problems = run({stack: plan(stack).graph for stack in eks_stacks()} | shapes_of_none(), waivers())
    except (JudgeError, UnknownTypeError, ValueError) as error:
        lines, problems = [str(error)], 1
    print("\n".join(lines))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
