"""What stands for the values that AWS will give: in the shape of their types, beside what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

from components.llm_platform import LlmPlatform, LlmPlatformArgs
from tests.components.eks import VARIANTS
from tests.support import TINY_SECRETS, World, resolved, tiny
from workbench.plan.outputs import ProviderTypeError, fill, properties, resource_class

CLUSTER = "aws:eks/cluster:Cluster"
OWN = {rpc._special_sig_key: rpc._special_secret_sig, "value": {"subnetIds": ["a"]}}


def filled(type_: str, sent: Mapping[str, Any]) -> Any:
    """The properties once it is made; a value that was not sent is its path in angle brackets."""
    struct = struct_pb2.Struct()
    struct.update(sent)

    def value(path: str) -> struct_pb2.Value:
        return struct_pb2.Value(string_value=f"<{path}>")

    return json_format.MessageToDict(fill(type_, struct, value))


def test_what_was_sent_stays_and_the_rest_is_named_by_its_path() -> None:
    made = filled(CLUSTER, {"name": "tiny-dev", "version": "1.35"})
    assert (made["name"], made["version"]) == ("tiny-dev", "1.35")
    assert (made["arn"], made["endpoint"]) == ("<arn>", "<endpoint>")


def test_what_was_sent_is_left_as_it_was_by_whoever_fills_it_in() -> None:
    struct = struct_pb2.Struct()
    struct.update({"name": "tiny-dev"})
    fill(CLUSTER, struct, lambda _: struct_pb2.Value(string_value="x"))
    assert set(struct.fields) == {"name"}


def test_values_inside_values_and_lists_have_their_shape() -> None:
    made = filled(CLUSTER, {})
    assert made["certificateAuthority"] == {"data": "<certificateAuthority.data>"}
    assert made["identities"][0]["oidcs"][0]["issuer"] == "<identities[0].oidcs[0].issuer>"
    assert filled("aws:ec2/vpc:Vpc", {})["tags"] == {}


def test_what_was_sent_in_part_is_filled_in_inside() -> None:
    config = filled(CLUSTER, {"vpcConfig": {"subnetIds": ["a"]}})["vpcConfig"]
    assert config["subnetIds"] == ["a"]
    assert config["clusterSecurityGroupId"] == "<vpcConfig.clusterSecurityGroupId>"


def test_a_null_is_as_good_as_not_sent() -> None:
    assert filled(CLUSTER, {"version": None})["version"] == "<version>"


def test_a_secret_that_was_sent_whole_gets_nothing_put_beside_it() -> None:
    assert filled(CLUSTER, {"vpcConfig": OWN})["vpcConfig"] == OWN


@pytest.mark.parametrize("type_", ["aws:eks/cluster:Nothing", "aws:nothing/thing:Thing"])
def test_a_type_that_the_sdk_does_not_have_is_an_error(type_: str) -> None:
    with pytest.raises(ProviderTypeError, match="the SDK has no class for"):
        filled(type_, {})


@pytest.mark.parametrize("type_", ["kubernetes:core/v1:Namespace", "pulumi:providers:aws"])
def test_other_providers_answer_with_what_they_were_sent(type_: str) -> None:
    assert resource_class(type_) is None
    assert filled(type_, {"metadata": {"name": "n"}}) == {"metadata": {"name": "n"}}


def test_properties_are_spelt_as_the_provider_spells_them() -> None:
    assert {"vpcConfig", "certificateAuthority", "arn"} <= set(properties(aws.eks.Cluster))
    assert "vpc_config" not in properties(aws.eks.Cluster)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_registers_the_same_with_markers_and_with_true_unknowns(variant: str) -> None:
    """Else a value that only AWS knows would decide whether something is made, and a preview would not show it."""
    with_markers, unknown = (registered(variant, unknowns=unknowns) for unknowns in (False, True))
    assert with_markers == unknown


def registered(variant: str, *, unknowns: bool) -> list[str]:
    settings = resolved(tiny(**VARIANTS[variant])).settings

    def program() -> None:
        secrets = {key: pulumi.Output.secret("masked") for key in TINY_SECRETS}
        LlmPlatform("tiny", LlmPlatformArgs(settings=settings, secrets=secrets, kubeconfig=None))

    return [r.urn for r in World().deploy(program, unknowns=unknowns).resources]
