"""A graph's AWS resources in the form of a Terraform plan, which is what checkov reads.

Its framework terraform_plan needs the values, and which resource each of them refers to: some checks ask what a
resource is connected with (a VPC with a flow log, a bucket with its public access block).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.graph import Graph, Resource
from tests.judges.aws_types import FREE_FORM, AwsType, UnknownTypeError, is_aws, row
from tests.judges.markers import Stand, Undecided

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class TerraformPlan:
    """Several graphs as one plan: checkov takes seconds to start."""

    document: Mapping[str, Any]
    """What `terraform show -json` would print of it."""
    resources: Mapping[str, tuple[str, Resource]]
    """Address -> label of its graph, and the resource."""
    inputs: Mapping[str, Mapping[str, Any]]
    """Address -> its inputs without markers, in Pulumi's spelling."""
    undecided: Mapping[str, tuple[Undecided, ...]]
    """Label of a graph -> the places where a marker would decide for a judge."""


def terraform_plan(graphs: Mapping[str, Graph]) -> TerraformPlan:
    """One plan of several graphs, none of whose resources refers to another graph's.

    Args:
        graphs: label -> graph.

    Raises:
        UnknownTypeError: an AWS type, or a list of blocks in one, has no row in tests/judges/aws_types.py.
    """
    resources: dict[str, tuple[str, Resource]] = {}
    planned, changes, configured = [], [], []
    every: dict[str, Mapping[str, Any]] = {}
    undecided: dict[str, tuple[Undecided, ...]] = {}
    for label, graph in graphs.items():
        stand, addresses = Stand(graph), addresses_of(label, graph)
        for resource in graph.resources:
            if resource.urn not in addresses:
                continue
            address, inputs = addresses[resource.urn], stand.inputs(resource)
            resources[address], every[address] = (label, resource), inputs
            values = _block(inputs, row(resource.type), resource.type)
            type_, name = address.split(".")
            head = {"address": address, "mode": "managed", "type": type_, "name": name}
            planned.append({**head, "values": values})
            change = {"actions": ["create"], "before": None, "after": values, "after_unknown": {}}
            changes.append({**head, "change": change})
            configured.append({**head, "expressions": _references(resource, stand, addresses)})
        undecided[label] = tuple(stand.undecided)
    document = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    }
    return TerraformPlan(document=document, resources=resources, inputs=every, undecided=undecided)


def addresses_of(label: str, graph: Graph) -> dict[str, str]:
    """URN -> Terraform's address, of every AWS resource of a graph."""
    found: dict[str, str] = {}
    for resource in graph.resources:
        if not is_aws(resource.type):
            continue
        # Hyphens stay; dots would end the name in a reference.
        name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{label}__{resource.name}")
        address = f"{row(resource.type).terraform}.{name}"
        while address in found.values():
            address += "_"
        found[resource.urn] = address
    return found


def _references(resource: Resource, stand: Stand, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Terraform's name of each property -> the addresses of what it was made from.

    The SDK says so itself; a marker says so where a graph was made by hand.
    """
    known, found = row(resource.type), {}
    named = {(r.type, r.name): r.urn for r in stand.graph.resources}
    for key, value in resource.inputs.items():
        urns = resource.property_dependencies.get(key) or {named.get(it, "") for it in stand.referred(value)}
        targets = sorted(addresses[urn] for urn in set(urns) if urn in addresses)
        if targets:
            found[_name(key, known)] = {"references": targets}
    return found


def _name(key: str, known: AwsType) -> str:
    return known.blocks.get(key) or CAMEL.sub("_", key).lower()


def _block(values: Mapping[str, Any], known: AwsType, type_: str) -> dict[str, Any]:
    return {_name(key, known): _value(key, value, known, type_) for key, value in values.items() if value is not None}


def _value(key: str, value: Any, known: AwsType, type_: str) -> Any:
    if isinstance(value, Mapping):
        return dict(value) if key in FREE_FORM else [_block(value, known, type_)]
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        if key not in known.blocks:
            raise UnknownTypeError(f"{type_}: {key} is a list of blocks without a row in tests/judges/aws_types.py")
        return [_block(item, known, type_) for item in value]
    return value
