"""The schemas of custom resources: those of the controllers' own CRDs, from their Go modules, with every object closed.

A module is taken from the Go module proxy into Go's own cache. Where there is no Go, or the proxy cannot be reached,
`why_not` says so and nothing is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

from workbench.localcluster.errors import ClusterError
from workbench.localcluster.programs import CRDS, crd_folder


@cache
def folder(group: str) -> tuple[Path | None, str]:
    """Where the CRDs of a group are, or why they cannot be had."""
    try:
        return crd_folder(group)
    except ClusterError as error:
        return None, str(error).partition("\n")[0]


@cache
def validator(api_version: str, kind: str) -> Draft7Validator | None:
    """A strict validator of one kind; None if its CRDs cannot be had, or do not serve it."""
    group, _, version = api_version.partition("/")
    place = folder(group)[0] if group in CRDS else None
    for file in sorted(place.glob("*.yaml")) if place else ():
        crd = yaml.load(file.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if crd["spec"]["group"] == group and crd["spec"]["names"]["kind"] == kind:
            served = [v for v in crd["spec"]["versions"] if v["name"] == version and v["served"]]
            return Draft7Validator(strict(served[0]["schema"]["openAPIV3Schema"])) if served else None
    return None


def strict(schema: Any) -> Any:
    """The schema with every object closed: what the API server would prune is an error."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        out["type"] = ["integer", "string"]
    if "properties" in schema and isinstance(schema["properties"], dict) and schema.get("type") == "object":
        top = {"apiVersion", "kind", "metadata"} <= set(schema["properties"])
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            out["additionalProperties"] = False
        if top:
            out["properties"] = {**out["properties"], "metadata": {"type": "object"}}
    return out


def against_crd(manifest: Mapping[str, Any]) -> list[str]:
    """What the CRD's own schema says of a custom resource; nothing where it cannot be had (see `why_not`)."""
    judge = validator(str(manifest["apiVersion"]), str(manifest["kind"]))
    if judge is None:
        group = str(manifest["apiVersion"]).partition("/")[0]
        known = group in CRDS and folder(group)[0] is not None
        return [f"no CRD of {CRDS[group][0]} serves {manifest['apiVersion']} {manifest['kind']}"] if known else []
    return [
        f"{'.'.join(str(part) for part in error.absolute_path) or '(root)'}: {error.message}"
        for error in sorted(judge.iter_errors(dict(manifest)), key=lambda e: [str(p) for p in e.absolute_path])
    ]


def why_not(manifest: Mapping[str, Any]) -> str | None:
    """Why a custom resource was held against no schema; None if it was."""
    group = str(manifest["apiVersion"]).partition("/")[0]
    if group not in CRDS:
        return f"nobody knows where the CRDs of {group} are"
    place, said = folder(group)
    return None if place else said
