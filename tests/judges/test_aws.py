"""The outside judges of AWS resources: each planted fault is caught by its id, the good copy by none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pytest

from policy.graph import Graph
from tests.judges import aws, checkov, documents, shapes
from tests.judges.aws_findings import WAIVERS, Judgement, Waiver, idle, split, waivers
from tests.judges.aws_sample import sample
from tests.judges.faults import Fault, labelled
from tests.judges.planted import BOTOCORE, CHECKOV, GAPS, PARLIAMENT
from tests.judges.terraform_plan import terraform_plan
from tests.judges.test_terraform_plan import made
from tests.judges.venvs import NOT_THERE, JudgeError, are_there

needs_venvs = pytest.mark.skipif(not are_there(), reason=NOT_THERE)


def graphs(faults: Mapping[str, Fault]) -> dict[str, Graph]:
    """A graph of each fault, and the good one."""
    return {"good": sample(), **{label: fault.graph() for label, fault in faults.items()}}


def caught(found: Iterable[Judgement], label: str, fault: Fault) -> set[str]:
    """The ids that were found where a fault lies, and that the good copy is free of."""
    ids: dict[str, set[str]] = {"good": set(), label: set()}
    for judgement in found:
        if judgement.stack in ids and (judgement.type, judgement.name) == fault.place:
            ids[judgement.stack].add(judgement.id)
    return ids[label] - ids["good"]


def missed(found: list[Judgement], faults: Mapping[str, Fault]) -> list[str]:
    """The faults that their id did not catch."""
    return [label for label, fault in faults.items() if fault.id not in caught(found, label, fault)]


@needs_venvs
def test_every_planted_fault_is_caught_and_every_gap_is_one() -> None:
    """One run of checkov over all, since it takes seconds to start.

    One cluster breaks a check of its own, by an empty list of logs: it counts as nothing, and must be seen.
    """
    faults, gaps = labelled(CHECKOV), {f"gap-{label}": fault for label, fault in labelled(GAPS).items()}
    broken = Graph.of([made("aws:eks/cluster:Cluster", enabledClusterLogTypes=[])])
    verdict = aws.judge({**graphs(faults), **graphs(gaps), "broken": broken})
    assert missed(list(verdict.found), faults) == []
    assert len(verdict.checked.broken) == 1
    assert "CKV_AWS_37" in verdict.checked.broken[0]
    assert "aws_eks_cluster.broken__it" in verdict.checked.broken[0]
    found = {label: caught(verdict.found, label, gap) for label, gap in gaps.items()}
    closed = [label for label, gap in gaps.items() if (gap.id in found[label] if gap.id else found[label])]
    assert closed == [], "a judge catches these by now"
    good = {judgement.id for judgement in verdict.found if judgement.stack == "good"}
    assert good == {"CKV_AWS_144", "CKV2_AWS_62"}  # what the waivers are for
    assert set(verdict.checked.unjudged(verdict.plan)) == checkov.UNCHECKED
    every = {check for check, address in verdict.checked.passed if ".good__" in address}
    assert every - {fault.id for fault in CHECKOV} == {
        # They ask for what this program has none of, and so hold anywhere.
        "CKV2_AWS_35",  # a route through an instance
        "CKV2_AWS_44",  # a peering
        "CKV_AWS_19",  # S3 encrypts by itself since 2023
        "CKV_AWS_393",  # GitHub's issuer
        "CKV_AWS_57",  # an ACL
    }


@needs_venvs
@pytest.mark.parametrize("faults", [PARLIAMENT], ids=["parliament"])
def test_parliament_catches_each_fault(faults: tuple[Fault, ...]) -> None:
    every = labelled(faults)
    found = documents.lint(documents.documents(terraform_plan(graphs(every))))
    assert missed(found, every) == []
    assert [judgement for judgement in found if judgement.stack == "good"] == []


@needs_venvs
def test_awss_models_refuse_each_fault() -> None:
    every = labelled(BOTOCORE)
    found = shapes.hold(terraform_plan(graphs(every)), shapes.models())
    assert missed(found, every) == []
    assert [judgement for judgement in found if judgement.stack == "good"] == []


@needs_venvs
@pytest.mark.parametrize(
    ("row", "said"),
    [
        (shapes.Shape("aws:eks/cluster:Cluster", "name", "eks", "NoShape"), "no shape eks NoShape"),
        (shapes.Shape("aws:eks/cluster:Cluster", "name", "eksx", "ClusterName"), "no shape eksx ClusterName"),
        (shapes.Shape("aws:eks/cluster:Cluster", "name", "eks", "CreateClusterRequest.x"), "no shape eks CreateClus"),
        (shapes.Shape("aws:kms/key:Key", "x", "kms", "KeySpec", "up to 11", range(11)), "does not say 'up to 11'"),
    ],
)
def test_a_row_without_a_shape_or_with_a_stale_quotation_is_an_error(monkeypatch, row: shapes.Shape, said: str) -> None:
    monkeypatch.setattr(shapes, "SHAPES", (row,))
    with pytest.raises(JudgeError, match=said):
        shapes.models()


def test_every_row_of_a_shape_is_of_a_known_type_and_most_stand_in_the_sample() -> None:
    plan = terraform_plan({"good": sample()})
    types = {resource.type for _, resource in plan.resources.values()}
    assert {row.type for row in shapes.SHAPES} <= types
    seen = {
        (row.type, row.path)
        for row in shapes.SHAPES
        for address, (_, resource) in plan.resources.items()
        if row.type == resource.type and list(shapes._values(plan.inputs[address], row.path.split(".")))
    }
    assert len(seen) >= 60


@pytest.mark.parametrize(
    ("value", "model", "said"),
    [
        ("a", {"type": "string", "enum": ["b"]}, "'a' is none of b"),
        ("", {"type": "string", "min": 1}, "'' is not within 1.."),
        (11, {"type": "integer", "max": 10}, "11 is not within ..10"),
        ("a b", {"type": "string", "pattern": "a"}, "'a b' does not match a"),
        ("a", {"type": "string", "enum": ["a"], "min": 1, "max": 1, "pattern": "[a-z]"}, None),
    ],
)
def test_a_value_is_held_against_its_model(value: object, model: dict, said: str | None) -> None:
    assert shapes.wrong(value, shapes.Shape("", "", "", ""), model) == said


def test_every_document_of_the_sample_is_linted_as_what_it_is() -> None:
    found = documents.documents(terraform_plan({"good": sample()}))
    kinds = {(document.type, document.name): document.kind for document in found}
    assert kinds["aws:iam/role:Role", "irsa"] == "trust"
    assert kinds["aws:iam/rolePolicy:RolePolicy", "pods"] == kinds["aws:iam/policy:Policy", "read"] == "identity"
    assert kinds["aws:kms/key:Key", "key"] == kinds["aws:s3/bucketPolicy:BucketPolicy", "telemetry"] == "resource"
    assert not any(type_.startswith("aws:ecr") for type_, _ in kinds)
    assert all(isinstance(document.content, dict) for document in found)


def report(**changes: object) -> str:
    """A report of checkov's."""
    summary = {"resource_count": 1, "parsing_errors": 0}
    results = {"passed_checks": [{"check_id": "A", "resource": "x.y"}], "failed_checks": []}
    return json.dumps({"summary": summary, "results": results, **changes})


def test_a_check_of_checkovs_own_that_breaks_is_seen() -> None:
    log = "2026-01-01 WARNING Failed to run check CKV_AWS_37 on /plan.json:aws_eks_cluster.prod__cluster"
    assert checkov.read(report(), log, expected=1).broken == (log,)
    assert checkov.read(report(), "some other line", expected=1).broken == ()


@pytest.mark.parametrize(
    ("stdout", "said"),
    [
        ("", "checkov printed no report: why"),
        (report(summary={"resource_count": 1, "parsing_errors": 1}), "checkov read 1 of 1 resources"),
        (report(summary={"resource_count": 0, "parsing_errors": 0}), "checkov read 0 of 1 resources"),
    ],
)
def test_what_checkov_did_not_read_is_not_judged(stdout: str, said: str) -> None:
    with pytest.raises(JudgeError, match=said):
        checkov.read(stdout, "why", expected=1)


def found(stack: str = "dev", id_: str = "A", name: str = "b") -> Judgement:
    """A judgement."""
    return Judgement(judge="checkov", id=id_, stack=stack, type="aws:s3/bucket:Bucket", name=name, text="why")


def waiver(**changes: object) -> Waiver:
    """A waiver of it."""
    return Waiver(**{"id": "A", "type": "aws:s3/*", "reason": "so", **changes})


def test_a_waiver_waives_what_it_names_and_nothing_else() -> None:
    assert split([found()], [waiver()]) == ([], [(found(), waiver())])
    others = [{"id": "B"}, {"type": "aws:ec2/*"}, {"name": "c*"}, {"text": "x*"}, {"stacks": ("prod",)}]
    for other in others:
        assert split([found()], [waiver(**other)]) == ([found()], [])


def test_a_waiver_that_waives_nothing_is_a_problem() -> None:
    assert idle([found()], [waiver()]) == []
    assert idle([], [waiver()]) == ["the waiver A of aws:s3/* * waives nothing: remove it"]
    both = waiver(stacks=("dev", "prod"))
    assert idle([found()], [both]) == ["the waiver A of aws:s3/* * in dev, prod waives nothing in prod: remove it"]


def test_the_committed_waivers_are_well_formed(tmp_path) -> None:
    assert all(waiver_.reason for waiver_ in waivers(WAIVERS))
    file = tmp_path / "waivers.yaml"
    for entry, said in (("id: A, type: x", "A has no reason"), ("id: A, type: x, reason: y, typ: z", "A: .*typ")):
        file.write_text(f"- {{{entry}}}\n")
        with pytest.raises(ValueError, match=said):
            waivers(file)
    file.write_text("")
    assert waivers(file) == []


@cache
def verdict_of_a_flawed_stack() -> aws.Verdict:
    """What the judges might say of a stack with a finding, a waived one and an undecided place."""
    vpc = "${aws:ec2/vpc:Vpc vpc.x}"
    bucket = made("aws:s3/bucket:Bucket", "b", forceDestroy=vpc)
    plan = terraform_plan({"dev": Graph.of([bucket]), "prod": Graph(())})
    failed = {("A", "aws_s3_bucket.dev__b"): "why", ("B", "aws_s3_bucket.dev__b"): "why not"}
    checked = checkov.Checked(passed=frozenset({("C", "aws_s3_bucket.dev__b")}), failed=failed, broken=())
    judgements = checked.judgements(plan)
    return aws.Verdict(plan=plan, checked=checked, found=judgements, documents={}, seconds={"checkov": 1})


def test_the_report_says_what_it_found_and_counts_the_problems() -> None:
    lines, problems = aws.report("dev", verdict_of_a_flawed_stack(), [waiver()])
    assert lines == [
        "dev: 1 AWS resources, 0 IAM documents; 1 checks passed, 1 findings, 1 waived, 1 undecided",
        "  checkov B: aws:s3/bucket:Bucket b: why not",
        "  undecided: aws:s3/bucket:Bucket b forceDestroy: ${aws:ec2/vpc:Vpc vpc.x}",
    ]
    assert problems == 2
    assert aws.waived(verdict_of_a_flawed_stack().found, [waiver(), waiver(id="Z")]) == [
        "waived: 1 x A of aws:s3/* *: so"
    ]
    lines, problems = aws.report("prod", verdict_of_a_flawed_stack(), [waiver()])
    assert "there is nothing to judge" in lines[1]
    assert problems == 1


def test_problems_of_no_stack_count_too(monkeypatch) -> None:
    """A waiver that waives nothing, a check that broke, a type that lost its checks."""
    flawed = verdict_of_a_flawed_stack()
    plan = terraform_plan({"dev": Graph.of([made("aws:ec2/subnet:Subnet"), made("aws:eks/addon:Addon")])})
    checked = checkov.Checked(passed=frozenset(), failed={}, broken=("it broke",))
    monkeypatch.setattr(aws, "judge", lambda _: replace(flawed, plan=plan, checked=checked, found=[]))
    lines, problems = aws.run({"dev": Graph(())}, [waiver(id="Z")])
    assert lines[1:] == [
        "checkov has no check of aws:eks/addon:Addon",
        "it broke",
        "no check of checkov ran on aws:ec2/subnet:Subnet",
        "the waiver Z of aws:s3/* * waives nothing: remove it",
        "(checkov 1.0 s)",
    ]
    assert problems == 3


def test_the_command_fails_where_its_judges_are_not_there(monkeypatch, capsys) -> None:
    monkeypatch.setattr(aws, "are_there", lambda: False)
    assert aws.main() == 1
    assert capsys.readouterr().out == "DID NOT RUN: .venv-judges is not there (make aws-judges)\n"


def test_the_command_judges_the_stacks_with_a_cluster_of_their_own_and_what_none_has(monkeypatch, capsys) -> None:
    asked = {}
    monkeypatch.setattr(aws, "are_there", lambda: True)
    monkeypatch.setattr(aws, "plan", lambda stack: SimpleNamespace(graph=stack))
    monkeypatch.setattr(aws, "run", lambda graphs_, _: (asked.update(graphs_), (["said"], not asked))[1])
    assert aws.main() == 0
    others = {
        "dev with a public endpoint",
        "prod with a zone and certificates",
        "prod with buckets and an access log",
        "prod with pod identity",
        "prod with further entries",
    }
    assert set(asked) == {"dev", "staging", "prod"} | others
    made_types = {r.type for name in others for r in asked[name].resources}
    assert {
        "aws:s3/bucket:Bucket",
        "aws:route53/record:Record",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    } <= made_types
    assert capsys.readouterr().out == "said\n"
    monkeypatch.setattr(aws, "run", lambda *_: (_ for _ in ()).throw(JudgeError("it broke")))
    assert aws.main() == 1
    assert capsys.readouterr().out == "it broke\n"
