"""Outside judges over the manifests of every committed stack: `python -m tests.judges.manifests`.

kubernetes-validate holds every manifest against Kubernetes' own OpenAPI schemas, strictly and at the stack's version.
Custom resources are held against their controllers' own CRDs, which come by Go; without it, that is said. What schemas
are known to miss is looked at besides. Then each stack is planned twice with different hash seeds: the files must be
the same bytes. Exit code 1 if anything is found.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from kubernetes_validate import utils as schemas

from policy.graph import Graph, leaves
from tests.judges import crds
from tests.support import ROOT, STACKS
from workbench.plan.manifests import manifests
from workbench.plan.stack import Plan, plan

# It reads its schemas anew for every manifest; a stack has dozens.
schemas.schema_contents = cache(schemas.schema_contents)
schemas.all_versions = cache(schemas.all_versions)

QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?")
LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
DNS_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
SERVICE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAMES = {"Namespace": DNS_LABEL, "Service": SERVICE}
"""What metadata.name must be; any DNS name for the other kinds."""
TEXTS = ("annotations", "data", "labels", "matchLabels", "nodeSelector", "selector")
"""Maps of the API whose values are strings, where YAML would like numbers and booleans."""
CUSTOM = frozenset({("external-secrets.io/v1", "ClusterSecretStore"), ("external-secrets.io/v1", "ExternalSecret")})
"""Custom resources that we make: group and version, and kind. Whatever else has no schema is a finding."""


def judge(manifest: Mapping[str, Any], version: str) -> list[str]:
    """What is wrong with one manifest."""
    schema = crds.against_crd(manifest) if is_custom(manifest) else against_schema(manifest, version)
    return [*schema, *beyond_schema(manifest)]


def is_custom(manifest: Mapping[str, Any]) -> bool:
    """True for a custom resource that we know: its API group is none of Kubernetes' own."""
    return (manifest.get("apiVersion"), manifest.get("kind")) in CUSTOM


def against_schema(manifest: Mapping[str, Any], version: str) -> list[str]:
    """What Kubernetes' own schema says, with no field that it does not know."""
    known = [schemas.major_minor(v) for v in schemas.all_versions()]
    if schemas.major_minor(version) not in known:  # it would take an older one, and say nothing
        return [f"there are no schemas of Kubernetes {version}: they go from {known[0]} to {known[-1]}"]
    try:
        schemas.validate(dict(manifest), version, strict=True)
    except schemas.ValidationError as error:
        return [f"{'.'.join(str(part) for part in error.path) or '(root)'}: {error.message}"]
    except schemas.SchemaNotFoundError as error:
        return [error.message]
    return []


def beyond_schema(manifest: Mapping[str, Any]) -> list[str]:
    """What the API server refuses although the schema takes it."""
    return [*_numbers(manifest), *_names(manifest), *_texts(manifest), *_quantities(manifest), *_pods(manifest)]


def _numbers(manifest: Mapping[str, Any]) -> Iterator[str]:
    for path, leaf in leaves(manifest):
        if isinstance(leaf, float):
            yield f"{path}: {leaf} is no whole number, and the API has no other"
        if leaf is None:
            yield f"{path}: null"


def _names(manifest: Mapping[str, Any]) -> Iterator[str]:
    metadata = manifest.get("metadata", {})
    name = metadata.get("name", "")
    if not NAMES.get(manifest["kind"], DNS_NAME).fullmatch(name):
        yield f"metadata.name: {name!r} is no name for a {manifest['kind']}"
    if "namespace" in metadata and not DNS_LABEL.fullmatch(metadata["namespace"]):
        yield f"metadata.namespace: {metadata['namespace']!r} is no name of a namespace"


def _texts(value: Any, path: str = "") -> Iterator[str]:
    """Maps of texts hold texts; labels, and what selects by them, hold what a label may hold."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        here = f"{path}.{key}" if path else str(key)
        if key in TEXTS and isinstance(item, Mapping) and "matchLabels" not in item:
            yield from (f"{here}: {name!r} is {text!r}, no text" for name, text in item.items() if not _text(text))
            if key not in ("annotations", "data"):
                yield from (
                    f"{here}: {name}={text} is no label"
                    for name, text in item.items()
                    if not LABEL_KEY.fullmatch(name) or (_text(text) and not LABEL.fullmatch(text))
                )
        else:
            yield from _texts(item, here)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _quantities(value: Any, path: str = "") -> Iterator[str]:
    """Amounts, wherever they stand."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _quantities(item, f"{path}[{index}]")
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        here = f"{path}.{key}" if path else str(key)
        if key in ("default", "defaultRequest", "hard", "limits", "max", "min", "requests") and isinstance(
            item, Mapping
        ):
            yield from (
                f"{here}.{resource}: {amount!r} is no quantity"
                for resource, amount in item.items()
                if not QUANTITY.fullmatch(str(amount))
            )
        elif key == "sizeLimit" and not QUANTITY.fullmatch(str(item)):
            yield f"{here}: {item!r} is no quantity"
        else:
            yield from _quantities(item, here)


def _pods(manifest: Mapping[str, Any]) -> Iterator[str]:
    for container in containers(manifest):
        name = container.get("name", "")
        if not DNS_LABEL.fullmatch(name):
            yield f"container {name!r} has no name that is a DNS label"
        for variable in container.get("env", ()):
            if not VARIABLE.fullmatch(variable.get("name", "")):
                yield f"container {name}: {variable.get('name')!r} is no name of a variable"
            if "value" in variable and not _text(variable["value"]):
                yield f"container {name}: variable {variable['name']} is {variable['value']!r}, no text"
        for port in container.get("ports", ()):
            if "name" in port and not PORT_NAME.fullmatch(port["name"]):
                yield f"container {name}: {port['name']!r} is no name of a port"
            if not 1 <= port.get("containerPort", 0) <= 65535:
                yield f"container {name}: {port.get('containerPort')} is no port"


def containers(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every container of a manifest's pod template."""
    pod = manifest.get("spec", {}).get("template", {}).get("spec", {})
    return [*pod.get("initContainers", ()), *pod.get("containers", ())]


def written(graph: Graph) -> dict[Path, Mapping[str, Any]]:
    """The manifests as kubectl would read them: as the YAML that is written. What is incomplete is not applied."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = {path: text for path, text in manifests(graph).items() if path.parts[0] == "manifests"}
    return {path: yaml.load(text, loader) for path, text in files.items()}


def findings(planned: Plan) -> list[str]:
    """What is wrong with a stack's manifests."""
    version = planned.settings.cluster.version
    return [
        f"{path}: {found}" for path, manifest in written(planned.graph).items() for found in judge(manifest, version)
    ]


def unjudged(every: Iterable[Mapping[str, Any]]) -> str:
    """What is said of manifests that no schema was there for, before the verdict."""
    reasons = [why for manifest in every if is_custom(manifest) and (why := crds.why_not(manifest))]
    count = len(reasons)
    which = f"{count} custom resource{'' if count == 1 else 's'}"
    return f"schemas of {which} DID NOT RUN ({'; '.join(sorted(set(reasons)))}), " if count else ""


def files_of(stack: str, seed: str, folder: Path) -> dict[str, bytes]:
    """What `workbench plan` writes, in a process of its own with this hash seed."""
    command = [sys.executable, "-m", "workbench", "plan", stack, "--out", str(folder)]
    run = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=False)
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    printed = run.stdout.replace(str(folder).encode(), b"OUT")
    return found | {"(exit code)": str(run.returncode).encode(), "(printed)": printed, "(errors)": run.stderr}


def unsteady(stack: str) -> list[str]:
    """What differs between two plans that differ in nothing but the hash seed."""
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(2) as both:
        one, two = both.map(lambda seed: files_of(stack, seed, Path(temporary) / seed), ("1", "2"))
    if one["(exit code)"] != b"0":
        return [f"planning ends with exit code {one['(exit code)'].decode()}: {one['(errors)'].decode()}"]
    return [f"{file}: differs with the hash seed" for file in sorted(one | two) if one.get(file) != two.get(file)]


def main() -> int:
    """Judges every committed stack."""
    failed = False
    for stack in STACKS:
        start = time.perf_counter()
        planned = plan(stack)
        found = [*findings(planned), *unsteady(stack)]
        seconds = time.perf_counter() - start
        verdict = f"{len(found)} findings" if found else "ok"
        every, version = written(planned.graph), planned.settings.cluster.version
        without = unjudged(every.values())
        print(f"{stack}: {len(every)} manifests, Kubernetes {version}, {without}{verdict} ({seconds:.1f} s)")
        for line in found:
            print(f"  {line}")
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
