"""checkov over a plan: what passed, what failed, and which of checkov's own checks broke."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.judges.aws_findings import Judgement
from tests.judges.terraform_plan import TerraformPlan
from tests.judges.venvs import CHECKOV, JudgeError, offline

BROKEN = "Failed to run check"
"""What checkov logs when a check of its own raises: nothing was judged, and nothing failed."""
UNCHECKED = frozenset(
    {
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:autoscaling/tag:Tag",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",  # its VPC is checked for having one, with no rules
        "aws:ec2/flowLog:FlowLog",  # its VPC for having one
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:efs/backupPolicy:BackupPolicy",
        "aws:efs/mountTarget:MountTarget",
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:eks/addon:Addon",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:kms/alias:Alias",
        "aws:route53/record:Record",  # A records alone
        "aws:s3/bucketLogging:BucketLogging",  # this and the next two: their bucket for having one
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
    }
)
"""Types of which checkov 3.3.30 has no check. Of any other at least one runs, or its row is wrong."""
OPTIONS = ("--framework", "terraform_plan", "--compact", "--skip-download", "--output", "json")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What checkov says of a plan."""

    passed: frozenset[tuple[str, str]]
    """(id, address) of each check that passed."""
    failed: Mapping[tuple[str, str], str]
    """(id, address) of each that failed -> its name."""
    broken: tuple[str, ...]

    def judgements(self, plan: TerraformPlan) -> list[Judgement]:
        """What failed, by the program's own names."""
        out = []
        for (check, address), text in sorted(self.failed.items()):
            stack, resource = plan.resources[address]
            found = {"id": check, "stack": stack, "type": resource.type, "name": resource.name, "text": text}
            out.append(Judgement(judge="checkov", **found))
        return out

    def unjudged(self, plan: TerraformPlan) -> list[str]:
        """The types of a plan on which no check ran."""
        seen = {plan.resources[address][1].type for _, address in (*self.passed, *self.failed)}
        return sorted({resource.type for _, resource in plan.resources.values()} - seen)


def check(plan: TerraformPlan) -> Checked:
    """Runs checkov once; it takes about three seconds to start.

    Raises:
        JudgeError: it failed, or did not read the plan.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(plan.document), encoding="utf-8")
        command = [str(CHECKOV), "--file", str(file), *OPTIONS]
        run = subprocess.run(command, cwd=folder, env=offline(), capture_output=True, text=True, check=False)
    return read(run.stdout, run.stderr, expected=len(plan.resources))


def read(stdout: str, stderr: str, *, expected: int) -> Checked:
    """What checkov printed.

    Args:
        stdout: its report.
        stderr: its log.
        expected: how many resources the plan has.

    Raises:
        JudgeError: that is no report, or one of fewer resources.
    """
    try:
        report = json.loads(stdout)
    except json.JSONDecodeError:
        raise JudgeError(f"checkov printed no report: {stderr.strip() or stdout.strip()}") from None
    # Of an empty plan it prints the summary alone.
    summary = report.get("summary", report)
    if summary["resource_count"] != expected or summary["parsing_errors"]:
        raise JudgeError(f"checkov read {summary['resource_count']} of {expected} resources")
    results = report.get("results", {"passed_checks": [], "failed_checks": []})
    broken = tuple(line for line in (*stderr.splitlines(), *stdout.splitlines()) if BROKEN in line)
    return Checked(
        passed=frozenset((found["check_id"], found["resource"]) for found in results["passed_checks"]),
        failed={(found["check_id"], found["resource"]): found["check_name"] for found in results["failed_checks"]},
        broken=broken,
    )
