"""The EKS stacks as they are, from nothing to nothing, with the real engine: its cluster is a local one, with the
stack's nodes, and AWS is a stand-in that refuses what the SDK's classes do not know and what is still in use.

Nothing is downloaded: each controller's chart is a stub with one ConfigMap in it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from policy.graph import Graph
from settings.charts import CHARTS
from settings.resolve import resolve_stack
from settings.yaml_reader import Document
from tests.live.live import Live
from tests.standin.install import install
from tests.standin.settings import STATE
from tests.standin.state import State
from workbench.deploy.engine import Engine, why_not
from workbench.deploy.likeness import NO_ACCOUNT, Likeness, replaced
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.surroundings import DEFAULT_CLASS, objects
from workbench.plan.stack import plan_file, read

pytestmark = [pytest.mark.live, pytest.mark.engine]


class OnEks(Engine):
    """The engine for a stack that makes its own cluster; AWS and its command line are stand-ins."""

    def __init__(self, alike: Likeness, here: Live, standin: dict[str, str]) -> None:
        nowhere = here.cluster.state / "no-kubeconfig"  # the program's own is the only way in
        super().__init__(alike, here.cluster.state, nowhere)
        self._environment.update(standin)
        self.aws = State(Path(standin[STATE]))

    def destroy_after_a_look(self) -> None:
        """As people run it: the preview before it meets what is protected, and nothing is deleted. `--skip-preview`
        deletes all that nothing protected depends on (nodes, workloads) before it meets it.
        """
        self.run("destroy", *self._stack, "--yes")

    def unprotect(self) -> None:
        """What an operator does before a `destroy`: cluster, VPC, keys, images and weights may go."""
        self.run("state", "unprotect", "--all", *self._stack, "--yes")


@dataclass(frozen=True)
class Stack:
    """A stack on EKS, and all that stands for EKS."""

    here: Live
    driver: OnEks
    graph: Graph

    @property
    def total(self) -> int:
        """Resources of the program, with the stack itself."""
        return len(self.graph.resources) + 1


def as_it_is(stack: str, charts: Path) -> Likeness:
    """The stack with all of its AWS half; only the example account and the source of charts are others."""
    file, resolved = read(stack)
    overlay = replaced(copy.deepcopy(file.overlay.data), resolved.settings.aws.account or "", NO_ACCOUNT)
    overlay["cluster"]["charts"] = str(charts)
    alike = replace(file, overlay=Document(file.overlay.name, overlay, file.overlay.lines))
    return Likeness(stack, alike, resolve_stack(alike), ())


def stub_charts(folder: Path) -> None:
    """A chart for each that is installed: its name and version, and one ConfigMap."""
    for chart in CHARTS.values():
        templates = folder / chart.name / "templates"
        templates.mkdir(parents=True)
        head = {"apiVersion": "v2", "name": chart.name, "version": chart.version, "description": "a stub, for a test"}
        (folder / chart.name / "Chart.yaml").write_text(yaml.safe_dump(head))
        stub = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{chart.name}-stub"}}
        (templates / "stub.yaml").write_text(
            yaml.safe_dump({**stub, "data": {"values": "{{ toJson .Values | quote }}"}})
        )
    print(f"charts are stubs: {', '.join(CHARTS)}")


@pytest.fixture
def on_eks(live: Callable[..., Live], tmp_path: Path) -> Callable[[str], Stack]:
    """Stack -> a new cluster for it, that stands for EKS's."""
    if missing := why_not():
        pytest.skip(f"DID NOT RUN: {missing}")

    def make(stack: str) -> Stack:
        here = live(stack)
        stub_charts(tmp_path / "charts")
        alike = as_it_is(stack, tmp_path / "charts")
        graph = plan_file(stack, alike.file, alike.resolved).graph
        only_what_eks_has(here, graph)
        kubeconfig = yaml.safe_load(here.cluster.kubeconfig.read_text())
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        standin = install(
            tmp_path / "standin",
            ENDPOINT=cluster["server"],
            CA=cluster["certificate-authority-data"],
            TOKEN=user["token"],
        )
        driver = OnEks(alike, here, standin)
        driver.prepare()
        return Stack(here, driver, graph)

    return make


def only_what_eks_has(here: Live, graph: Graph) -> None:
    """Takes away what stands on a local cluster for what this stack makes itself."""
    planned = {(r.inputs.get("kind"), r.inputs.get("metadata", {}).get("name")) for r in graph.resources}
    for one in objects(here.settings):
        kind, name = one["kind"], one["metadata"]["name"]
        if (kind, name) in planned or name == DEFAULT_CLASS:
            here.api.delete(kind, name)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_an_eks_stack_from_nothing_to_nothing(on_eks: Callable[[str], Stack], stack: str) -> None:
    one = on_eks(stack)
    driver, here = one.driver, one.here
    driver.preview()
    done = driver.up(here.api, one.graph)
    assert done.changes == {"created": one.total}
    installed = {r.inputs["name"] for r in one.graph.resources if r.type == "kubernetes:helm.sh/v3:Release"}
    stubs = {m["metadata"]["name"] for m in here.api.list("ConfigMap", "kube-system")}
    assert {f"{chart}-stub" for chart in installed} <= stubs  # by the program's own kubeconfig: there is no other
    assert driver.preview("--expect-no-changes").changes == {"unchanged": one.total}
    assert driver.preview("--refresh", "--expect-no-changes").changes == {"unchanged": one.total}
    made = {entry.urn for entry in driver.aws.journal("create")}
    assert made == {r.urn for r in one.graph.resources if r.type.startswith("aws:")}
    if any(resource.protect for resource in one.graph.resources):
        with pytest.raises(ClusterError, match="protect"):
            driver.destroy_after_a_look()
        assert driver.aws.journal("delete") == []
        driver.unprotect()
    gone = driver.destroy()
    assert gone.changes == {"deleted": one.total}
    assert here.api.list("Ingress") == []  # else its load balancer would outlive the cluster
    assert here.api.list("Deployment", "platform") != []  # what goes with the cluster, nobody asks it to delete
    print(f"{stack}: {one.total} resources, up {done.seconds:.0f} s, destroy {gone.seconds:.0f} s")
    assert driver.aws.all() == []
    assert [entry for entry in driver.aws.journal() if entry.refused] == []
    deleted_after_what_needs_them(driver.aws, one.graph)


def deleted_after_what_needs_them(aws: State, graph: Graph) -> None:
    """Whatever depends on a resource was deleted before it."""
    places = {entry.urn: place for place, entry in enumerate(aws.journal("delete"))}
    for resource in graph.resources:
        for needed in resource.dependencies:
            if resource.urn in places and needed in places:
                assert places[resource.urn] < places[needed], f"{needed} before {resource.urn}"
