"""The stand-in for the AWS provider knows every type that the program registers: what it takes and what it puts out."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi import _types

from tests.conftest import planned
from tests.standin import schema
from tests.standin.driver import Driver
from tests.standin.samples import places, put, sample, without, written
from tests.standin.settings import NO_ACCOUNT
from tests.standin.state import Made
from tests.standin.values import UNKNOWN, plain_map, wrapped_map
from workbench.plan.outputs import resource_class

COMMON = (
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ecr/repository:Repository",
    "aws:efs/fileSystem:FileSystem",
    "aws:eks/addon:Addon",
    "aws:eks/cluster:Cluster",
    "aws:eks/nodeGroup:NodeGroup",
    "aws:iam/role:Role",
    "aws:kms/key:Key",
    "aws:s3/bucket:Bucket",
)
"""Held to the rules whether or not the program has them."""


def every_type() -> list[str]:
    """What the prod stack has of AWS, and what is common."""
    ours = {r.type for r in planned("prod").graph.resources if r.custom and r.type.startswith("aws:")}
    return sorted(ours | set(COMMON))


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path)


@pytest.mark.parametrize("type_", every_type())
def test_every_type_refuses_what_its_classes_do_not_know(driver: Driver, type_: str) -> None:
    shape = schema.arguments(type_)
    inputs = sample(shape)
    assert driver.check(type_, wrapped_map(inputs)) == {}
    for path, nested in places(shape, inputs):
        misspelt = written((*path, "tagz"))
        assert driver.check(type_, wrapped_map(put(inputs, (*path, "tagz"), "x"))) == {
            misspelt: f"{misspelt}: there is no such field"
        }
        for name in nested.required:
            lacking = written((*path, name))
            expected = {lacking: f"{lacking}: is required and missing"}
            assert driver.check(type_, wrapped_map(without(inputs, (*path, name)))) == expected
            assert driver.check(type_, wrapped_map(put(inputs, (*path, name), None))) == expected
        for name, kind in nested.fields.items():
            if schema.members(kind)[0] in (str, bool, int, float) and (name in nested.required or not path):
                wrong = put(inputs, (*path, name), [["no", "such"]])
                assert list(driver.check(type_, wrapped_map(wrong))) == [written((*path, name))]


@pytest.mark.parametrize("type_", every_type())
def test_every_type_takes_what_is_not_known_yet(driver: Driver, type_: str) -> None:
    shape = schema.arguments(type_)
    assert driver.check(type_, dict.fromkeys(shape.fields, UNKNOWN)) == {}
    assert driver.check(type_, {name: UNKNOWN.with_secret(True) for name in shape.required}) == {}
    assert driver.check(type_, {**dict.fromkeys(shape.required, UNKNOWN), "tagz": UNKNOWN}).keys() == {"tagz"}


@pytest.mark.parametrize("type_", every_type())
def test_every_type_puts_out_what_its_class_promises(driver: Driver, type_: str) -> None:
    shape = schema.arguments(type_)
    inputs = {name: value for name, value in sample(shape).items() if name in shape.required}
    for there in {"aws:eks/cluster:Cluster", "aws:iam/role:Role"} - {type_}:  # by the names that the inputs have
        driver.state.put(Made("", there, "text", "", {}, {}))
    out = plain_map(driver.create(type_, "it", inputs).properties)
    found = resource_class(type_)
    assert found is not None
    for name in _types.resource_types(found):
        if name in inputs and isinstance(inputs[name], str | int):
            assert out[name] == inputs[name]
    if "arn" in _types.resource_types(found):
        assert out["arn"].startswith("arn:aws:")
        assert out["arn"].split(":")[4] in ("", NO_ACCOUNT)
    preview = driver.create(type_, "it", inputs, preview=True)
    assert preview.resource_id == ""
    assert set(preview.properties) == set(out)
