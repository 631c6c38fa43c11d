"""A small program with the real engine and the stand-in of the AWS provider: its life, and what it gets wrong."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.standin.install import install
from tests.standin.settings import DELAY, FAILS, STATE
from tests.standin.state import Made, State
from tests.standin.values import plain, wrapped
from tests.support import ROOT
from workbench.deploy.engine import surroundings, why_not
from workbench.localcluster.api import wait

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engine")]

PROGRAM = '''\
"""A VPC, a subnet, a role, a cluster."""
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
aws_ = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-west-2", allowed_account_ids=["000000000000"],
    default_tags={"tags": {"team": config.get("team") or "ml"}}, skip_credentials_validation=True))
vpc = aws.ec2.Vpc("main", cidr_block=config.get("cidr") or "10.0.0.0/16", enable_dns_hostnames=True, opts=aws_)
subnet = aws.ec2.Subnet("a", vpc_id=vpc.id, cidr_block="10.0.0.0/20", opts=aws_)
trust = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
role = aws.iam.Role(f"cluster{config.get('role') or ''}", assume_role_policy=trust, opts=aws_)
cluster = aws.eks.Cluster("main", name="small", role_arn=role.arn, version=config.get("version") or "1.34",
    vpc_config={"subnet_ids": [subnet.id], "endpoint_private_access": True}, opts=aws_)
if config.get("pool"):
    size = {"desired_size": 1, "min_size": 1, "max_size": config.require_int("pool")}
    keep = pulumi.ResourceOptions(ignore_changes=["scalingConfig.desiredSize"])
    aws.eks.NodeGroup("pool", cluster_name=cluster.name, node_role_arn=role.arn, subnet_ids=[subnet.id],
        scaling_config=size, opts=pulumi.ResourceOptions.merge(aws_, keep))
hidden = aws.ssm.Parameter("key", type="SecureString", value=config.get_secret("hidden") or "x", opts=aws_)
if config.get("typo"):
    class Misspelt(pulumi.CustomResource):
        def __init__(self):
            super().__init__("aws:eks/addon:Addon", "cni", {"clusterName": cluster.name, "addonName": "vpc-cni",
                "podIdentityAssociations": [{"roleArn": role.arn, "serviceAcount": "x"}]}, aws_)
    Misspelt()
pulumi.export("endpoint", cluster.endpoint)
pulumi.export("issuer", cluster.identities[0].oidcs[0].issuer)
pulumi.export("tags", vpc.tags_all)
'''
WITHOUT_COLOUR = ("--non-interactive", "--color", "never")


class Small:
    """The small program, in a folder of its own."""

    def __init__(self, folder: Path, **given: str) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        (folder / "backend").mkdir()
        (self.project / "__main__.py").write_text(PROGRAM)
        (self.project / ".venv").symlink_to(sys.prefix)
        (self.project / "Pulumi.yaml").write_text(
            "name: small\nruntime: {name: python, options: {virtualenv: .venv}}\n"
        )
        self.environment = {
            **surroundings(folder / "backend", "a test's"),
            **install(folder / "standin", **given),
        }
        self.state = State(Path(self.environment[STATE]))
        self.run("stack", "init", "test")

    def set(self, **config: str) -> None:
        for key, value in config.items():
            self.run("config", "set", f"small:{key}", value)

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Output of `pulumi ...`."""
        done = subprocess.run(
            ["pulumi", *arguments, *WITHOUT_COLOUR],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        text = done.stdout + done.stderr
        assert bool(done.returncode) == fails, text
        return text

    def up(self) -> str:
        return self.run("up", "--yes", "--skip-preview")

    def made(self, call: str | None = None) -> list[str]:
        """What the journal says, as "create Vpc"."""
        return [f"{e.call} {e.type.rpartition(':')[2]}" for e in self.state.journal(call) if e.refused is None]

    def resources(self) -> dict[str, Any]:
        """Type -> its state, as the engine keeps it."""
        document = json.loads(self.run("stack", "export"))
        return {r["type"]: r for r in document["deployment"]["resources"]}


@pytest.fixture
def small(tmp_path: Path) -> Small:
    if missing := why_not():
        pytest.skip(f"DID NOT RUN: {missing}")
    return Small(tmp_path, ENDPOINT="https://127.0.0.1:6443", CA="Q0E=")


def test_its_whole_life(small: Small) -> None:
    assert "+ 7 to create" in small.run("preview")
    assert small.state.journal() == []  # a preview makes nothing
    assert "+ 7 created" in small.up()
    assert small.made() == [f"create {kind}" for kind in ordered(small)]
    outputs = json.loads(small.run("stack", "output", "--json"))
    assert outputs["endpoint"] == "https://127.0.0.1:6443"
    assert outputs["tags"] == {"team": "ml"}
    small.run("preview", "--expect-no-changes")
    assert "7 unchanged" in small.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert "7 deleted" in small.run("destroy", "--yes", "--skip-preview")
    deleted = small.made("delete")
    assert sorted(deleted) == sorted(f"delete {kind}" for kind in ("Vpc", "Subnet", "Role", "Cluster", "Parameter"))
    assert deleted.index("delete Cluster") < deleted.index("delete Subnet") < deleted.index("delete Vpc")
    assert deleted.index("delete Cluster") < deleted.index("delete Role")
    assert [e for e in small.state.journal() if e.refused] == []
    assert small.state.all() == []


def ordered(small: Small) -> list[str]:
    """What was made, in its order; parents first."""
    kinds = [line.removeprefix("create ") for line in small.made("create")]
    assert kinds.index("Vpc") < kinds.index("Subnet") < kinds.index("Cluster")
    assert kinds.index("Role") < kinds.index("Cluster")
    return kinds


def test_a_misspelt_field_fails_the_preview_with_its_name(small: Small) -> None:
    small.set(typo="yes")
    said = small.run("preview", fails=True)
    assert "podIdentityAssociations[0].serviceAcount: there is no such field" in said
    assert "podIdentityAssociations[0].serviceAccount: is required and missing" in said
    assert small.state.journal() == []


def test_changes_in_place_and_with_a_new_resource(small: Small) -> None:
    small.up()
    small.set(version="1.35", team="web")  # of the cluster; of the provider, and so of everything that has tags
    assert '~ version: "1.34" => "1.35"' in small.run("preview", "--diff")
    assert "6 updated" in small.up()
    assert json.loads(small.run("stack", "output", "--json"))["tags"] == {"team": "web"}
    before = len(small.state.journal())
    small.set(role="2")  # another name of its own: another role, so another cluster, whose name is taken
    small.up()
    assert small.made()[before:] == ["create Role", "delete Cluster", "create Cluster", "delete Role"]


def test_drift_is_seen_and_mended(small: Small) -> None:
    small.up()
    role = next(made for made in small.state.all() if made.type == "aws:iam/role:Role")
    small.state.file(role.type, role.id).unlink()
    assert "1 deleted" in small.run("refresh", "--yes", "--skip-preview")
    assert "+ 1 created" in small.up()


def test_a_look_first_keeps_the_count_that_an_autoscaler_owns(small: Small) -> None:
    """Without it a change of `max` sends the count of the state along, and shrinks the pool."""
    asked = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["options"]
    small.set(pool="10")
    small.up()

    def group() -> Made:
        return next(made for made in small.state.all() if made.type == "aws:eks/nodeGroup:NodeGroup")

    def count_after(most: int) -> int:
        there = group()
        size = wrapped({**plain(there.outputs["scalingConfig"]), "desiredSize": 5})  # the autoscaler's work
        scaled = {part: {**getattr(there, part), "scalingConfig": size} for part in ("inputs", "outputs")}
        small.state.put(replace(there, **scaled))
        small.set(pool=str(most))
        small.up()
        after = plain(group().outputs["scalingConfig"])
        assert after["maxSize"] == most
        return int(after["desiredSize"])

    assert count_after(11) == 1, "the red twin"
    with (small.project / "Pulumi.yaml").open("a", encoding="utf-8") as file:
        file.write(yaml.safe_dump({"options": asked}))
    assert count_after(12) == 5


def test_what_aws_refuses_is_made_by_the_next_up(small: Small) -> None:
    small.environment[FAILS] = "cluster"
    said = small.run("up", "--yes", "--skip-preview", fails=True)
    assert "LimitExceededException: no more Roles" in said
    assert "server.py" not in said  # our own traceback; the program has one when it is cut short
    assert "create Cluster" not in small.made()
    del small.environment[FAILS]
    assert "+ 2 created" in small.up()
    assert small.made()[-2:] == ["create Role", "create Cluster"]


def test_it_does_not_outlive_its_engine(small: Small) -> None:
    """It would finish what it had begun, unseen, while somebody repairs what the engine left."""
    command = ["pulumi", "up", "--yes", "--skip-preview", *WITHOUT_COLOUR]
    environment = {**small.environment, DELAY: "60"}
    with subprocess.Popen(command, cwd=small.project, env=environment, stdout=subprocess.DEVNULL) as engine:
        wait("a plugin", lambda: plugins(small), 60)
        engine.kill()
    wait("no plugin", lambda: not plugins(small), 30)
    assert small.state.journal() == []
    for left in processes(small):  # the language host waits for minutes
        left.kill()


def plugins(small: Small) -> list[psutil.Process]:
    """Processes of the stand-in that work for this program."""
    return [process for process, command in processes(small).items() if "tests.standin" in command]


def processes(small: Small) -> dict[psutil.Process, list[str]]:
    """All processes that work for this program, and their command lines."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(STATE) == small.environment[STATE]:
                found[process] = process.cmdline()
    return found


def test_what_is_still_used_stops_a_destroy(small: Small) -> None:
    small.up()
    vpc = small.resources()["aws:ec2/vpc:Vpc"]
    said = small.run(
        "state", "delete", small.resources()["aws:ec2/subnet:Subnet"]["urn"], "--yes", "--target-dependents"
    )
    said = small.run("destroy", "--yes", "--skip-preview", fails=True)
    assert f"DependencyViolation: {vpc['id']} has a dependent object: Subnet a (subnet-" in said
    assert "Traceback" not in said
    assert "server.py" not in said


def test_a_secret_stays_one(small: Small) -> None:
    small.run("config", "set", "--secret", "small:hidden", "quite secret")
    small.up()
    kept = small.resources()["aws:ssm/parameter:Parameter"]
    assert "ciphertext" in kept["inputs"]["value"]
    assert "ciphertext" in kept["outputs"]["value"]


def test_credentials_of_another_account_stop_the_preview(tmp_path: Path) -> None:
    if missing := why_not():
        pytest.skip(f"DID NOT RUN: {missing}")
    small = Small(tmp_path, ACCOUNT="999999999999")
    assert "AWS account ID not allowed: 999999999999" in small.run("preview", fails=True)


def test_the_command_line_gives_a_token(tmp_path: Path) -> None:
    environment = {**os.environ, **install(tmp_path, TOKEN="t0ken")}
    command = ["aws", "eks", "get-token", "--cluster-name", "small", "--region", "us-west-2", "--output", "json"]
    path = environment["PATH"]
    program = str(Path(path.partition(os.pathsep)[0]) / "aws")
    done = subprocess.run([program, *command[1:]], env=environment, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["kind"] == "ExecCredential"
    assert answer["status"]["token"] == "t0ken"
    refused = subprocess.run([program, "s3", "ls"], env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
