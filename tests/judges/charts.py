"""Outside judge over the Helm values: `CHARTS=<folder> python -m tests.judges.charts`.

Each release's values are held against the values.yaml of the chart at its pinned version, since Helm takes a misspelt
key without a word. Then the real chart is rendered with them, for the stack's Kubernetes. $CHARTS holds the charts'
sources, one folder each at any depth; they are nobody's to commit. What is missing is said, and is no fault.
"""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from policy.graph import Graph
from settings.charts import CHARTS
from settings.resolve import resolve_stack
from settings.yaml_reader import Document
from tests.support import stack_file
from workbench.plan.stack import plan_file

DID_NOT_RUN = "DID NOT RUN: "
NAMESPACE = "kube-system"
FREE = frozenset(
    {
        "affinity",
        "annotations",
        "containerSecurityContext",
        "env",
        "extraArgs",
        "extraEnv",
        "labels",
        "nodeSelector",
        "podAnnotations",
        "podDisruptionBudget",
        "podLabels",
        "podSecurityContext",
        "resources",
        "securityContext",
        "tolerations",
        "topologySpreadConstraints",
    }
)
"""Maps that a chart hands on as they are: what stands in them is Kubernetes' or the program's to judge."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One chart, at the version and with the values that a stack installs."""

    chart: str
    version: str
    values: Mapping[str, Any]
    kubernetes: str
    """Minor of the stack's cluster."""


def check(releases: Iterable[Release], charts: Path | None) -> list[str]:
    """What is wrong with the releases, and what could not be looked at: those lines begin with DID NOT RUN."""
    found = missing(charts)
    if found or charts is None:
        return found
    folders = chart_folders(charts)
    return [
        line
        for release in releases
        for line in (
            against_chart(release, folders[release.chart])
            if release.chart in folders
            else [f"{DID_NOT_RUN}{release.chart}: $CHARTS has no folder of it"]
        )
    ]


def missing(charts: Path | None) -> list[str]:
    """What this judge needs and does not have."""
    out = [] if shutil.which("helm") else [f"{DID_NOT_RUN}helm is not on the PATH"]
    return out if charts and charts.is_dir() else [*out, f"{DID_NOT_RUN}$CHARTS names no folder of charts"]


def chart_folders(charts: Path) -> dict[str, Path]:
    """Name of each chart under the folder -> where it is; of charts inside charts, the outer one."""
    files = sorted(charts.rglob("Chart.yaml"), key=lambda file: len(file.parts), reverse=True)
    return {read(file)["name"]: file.parent for file in files}


def read(file: Path) -> dict[str, Any]:
    """A YAML file that holds a map, or nothing."""
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {}


def against_chart(release: Release, folder: Path) -> list[str]:
    """What is wrong with one release."""
    name, there = release.chart, str(read(folder / "Chart.yaml")["version"])
    if there != release.version:
        return [f"{name}: $CHARTS has {there}, the release is of {release.version}"]
    pin = CHARTS.get(name)
    pinned = [f"{name}: {there} is not the pin, {pin.version}"] if pin and pin.version != there else []
    strange = [f"{name}: values.yaml has no {path}" for path in unknown(release.values, read(folder / "values.yaml"))]
    return [*pinned, *strange, *(f"{name}: {line}" for line in rendered(release, folder)[1])]


def unknown(ours: Mapping[str, Any], theirs: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of the keys that we set and the chart does not know; an empty map of the chart's takes anything."""
    for key, value in ours.items():
        here = f"{path}.{key}" if path else key
        if key not in theirs:
            yield here
        elif key not in FREE and isinstance(value, Mapping) and isinstance(theirs[key], Mapping) and theirs[key]:
            yield from unknown(value, theirs[key], here)


def rendered(release: Release, folder: Path) -> tuple[str, list[str]]:
    """What Helm makes of the chart, and what is wrong with it."""
    with tempfile.TemporaryDirectory() as temporary:
        place, values = Path(temporary) / release.chart, Path(temporary) / "values.yaml"
        shutil.copytree(folder, place)
        leave_out(place, release.values)
        values.write_text(yaml.safe_dump(plain(release.values)), encoding="utf-8")
        command = ["helm", "template", release.chart, str(place), "--values", str(values), "--namespace", NAMESPACE]
        command += ["--kube-version", f"{release.kubernetes}.0", "--include-crds"]
        run = subprocess.run(command, capture_output=True, check=False, text=True)
        if run.returncode:
            said = run.stderr.strip().replace(f"{temporary}/", "").splitlines()
            return "", [" ".join(line for line in said if not line.startswith(("Use --debug", "WARNING"))) or "fails"]
        documents = [d for d in yaml.safe_load_all(run.stdout) if d]
    return run.stdout, [] if documents else ["renders nothing"]


def leave_out(chart: Path, values: Mapping[str, Any]) -> None:
    """Drops the dependencies that are off and not there: a chart's source, unlike its package, comes without them."""
    about, defaults = read(chart / "Chart.yaml"), read(chart / "values.yaml")
    there = [d for d in about.get("dependencies", ()) if wanted(chart, d, values, defaults)]
    if there != about.get("dependencies", []):
        (chart / "Chart.yaml").write_text(yaml.safe_dump(about | {"dependencies": there}), encoding="utf-8")
        (chart / "Chart.lock").unlink(missing_ok=True)


def wanted(chart: Path, dependency: Mapping[str, Any], values: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    """True of a dependency that is there, or that a condition asks for."""
    conditions = [c for c in str(dependency.get("condition", "")).split(",") if c]
    here = any(file.name.startswith(dependency["name"]) for file in (chart / "charts").glob("*"))
    return here or not conditions or any(at(values, c, at(defaults, c, False)) for c in conditions)


def at(values: Any, path: str, otherwise: Any) -> Any:
    """What stands at a dotted path."""
    for part in path.split("."):
        if not isinstance(values, Mapping) or part not in values:
            return otherwise
        values = values[part]
    return values


def plain(value: Any) -> Any:
    """A value as YAML can say it: what is known only later stands there as its text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def of_graph(graph: Graph, kubernetes: str) -> list[Release]:
    """The releases of a planned stack; what only AWS knows is a marker, which every chart takes for a text."""
    return [
        Release(
            chart=str(resource.inputs["name"]),
            version=str(resource.inputs["version"]),
            values=resource.inputs["values"],
            kubernetes=kubernetes,
        )
        for resource in graph.releases
    ]


def everything() -> list[Release]:
    """The releases of prod, with the one that only a hosted zone brings."""
    file = stack_file("prod")
    overlay = copy.deepcopy(file.overlay.data)
    overlay["cluster"]["dns"] = {"zone": "llmplatform.dev", "zone_id": "Z0123456789ABCDEFGHIJ"}
    file = replace(file, overlay=Document(file.overlay.name, overlay))
    found = plan_file("prod", file, resolve_stack(file))
    return of_graph(found.graph, found.settings.cluster.version)


def main() -> int:
    """Judges the releases of prod."""
    charts = os.environ.get("CHARTS")
    releases = everything()
    assert {release.chart for release in releases} == set(CHARTS), "a chart that no stack installs"
    found = check(releases, Path(charts) if charts else None)
    for line in found:
        print(line)
    faults = [line for line in found if not line.startswith(DID_NOT_RUN)]
    if not missing(Path(charts) if charts else None):
        ran = len(releases) - (len(found) - len(faults))
        print(f"{ran} of {len(releases)} charts rendered and held against: {len(faults)} findings")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
