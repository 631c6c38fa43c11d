"""Writes a graph as files: plan.json, and one manifest per Kubernetes object, ready for `kubectl apply -R`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from policy.graph import Graph, KubernetesObject, Resource, undecided
from workbench.plan.stack import PROJECT, Plan

_BaseDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_BaseDumper):  # type: ignore[misc]  # the base is chosen at run time
    """Writes texts of several lines as blocks, so that a JSON value in a ConfigMap can be read and diffed."""


def _text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def to_yaml(manifest: Mapping[str, Any]) -> str:
    """One manifest; keys sorted, so that the same object is the same bytes."""
    text: str = yaml.dump(
        manifest, Dumper=_Dumper, sort_keys=True, default_flow_style=False, allow_unicode=True, width=10_000
    )
    return text


def path_of(thing: KubernetesObject) -> Path:
    """Where its manifest goes: cluster-scoped objects first, then a folder per namespace.

    What cannot be applied as it is goes to `incomplete/`, beside `manifests/`, so that `kubectl apply -R` takes the
    one folder and never meets the other.
    """
    folder = "incomplete" if undecided(thing.manifest) else "manifests"
    return Path(folder) / (thing.namespace or "_cluster") / f"{thing.kind.lower()}-{thing.name}.yaml"


def manifests(graph: Graph) -> dict[Path, str]:
    """Path -> text of every manifest, sorted by path."""
    return dict(sorted((path_of(thing), to_yaml(thing.manifest)) for thing in graph.objects))


def plan_json(plan: Plan) -> dict[str, Any]:
    """The graph as plain data, sorted by URN."""
    stack = f"urn:pulumi:{plan.stack}::{PROJECT}::pulumi:pulumi:Stack::{PROJECT}-{plan.stack}"
    return {
        "incomplete": plan.incomplete,
        "outputs": plan.graph.outputs,
        "project": PROJECT,
        "resources": [_resource(resource, stack) for resource in plan.graph.resources],
        "stack": plan.stack,
    }


def _resource(resource: Resource, stack: str) -> dict[str, Any]:
    return {
        "custom": resource.custom,
        "customTimeouts": dict(resource.timeouts),
        "deletedWith": resource.deleted_with,
        "dependencies": list(resource.dependencies),
        "inputs": resource.inputs,
        "name": resource.name,
        "parent": resource.parent or stack,
        "propertyDependencies": {k: list(v) for k, v in resource.property_dependencies.items()},
        "protect": resource.protect,
        "provider": resource.provider,
        "type": resource.type,
        "urn": resource.urn,
    }


def write(plan: Plan, out: Path) -> list[Path]:
    """Writes plan.json, manifests/ and incomplete/ into `out`; returns the paths, sorted.

    What an earlier plan left there is replaced. Everything is written beside `out` first, so that a plan that is
    interrupted leaves the old one whole.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    files = manifests(plan.graph)
    files[Path("plan.json")] = json.dumps(plan_json(plan), indent=2, sort_keys=True) + "\n"
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        fresh = Path(temporary) / "new"
        for path, text in files.items():
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).write_text(text, encoding="utf-8")
        out.mkdir(exist_ok=True)
        for name in ("manifests", "incomplete", "plan.json"):
            old = out / name
            if old.is_dir():
                shutil.rmtree(old)
            if (fresh / name).exists():
                (fresh / name).replace(old)
    return sorted(files)
