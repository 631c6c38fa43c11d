"""One stack, planned: its settings, the graph that the program registers, and every verdict on both."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from policy import rules as graph_rules
from policy.graph import Graph, undecided
from policy.rules.finding import Finding
from policy.rules.reachability import Edge, reachability
from settings.addresses import cut
from settings.flows import Addresses, Peer, Pods, dns, flows, quiet
from settings.model import PlatformSettings
from settings.pins import Supply, supplies
from settings.problems import Problem
from settings.resolve import Resolved, resolve_stack
from settings.stack_file import KUBECONFIG_KEY, NAMESPACE, StackFile, read_stack_file
from settings.yaml_reader import Document
from workbench.plan.recorder import record

ROOT = Path(__file__).parent.parent.parent
"""The project's folder."""
PROJECT = NAMESPACE
"""Name of the project in Pulumi.yaml."""


@dataclass(frozen=True)
class Plan:
    """What a stack would make, and what was checked."""

    stack: str
    settings: PlatformSettings
    advice: tuple[Problem, ...]
    """What prod would refuse, and this environment does not."""
    graph: Graph
    findings: Mapping[str, list[Finding]]
    """Graph rule -> what it found; empty lists where all is well."""
    messages: tuple[tuple[str, str], ...]
    """Warnings and errors that the program logged: (severity, text)."""

    @property
    def refused(self) -> bool:
        """True if a graph rule found something."""
        return any(self.findings.values())

    @property
    def incomplete(self) -> dict[str, list[str]]:
        """URN -> paths that are markers or masked."""
        found = {r.urn: undecided(r.inputs) for r in self.graph.resources}
        return {urn: paths for urn, paths in found.items() if paths}

    @property
    def unpinned(self) -> list[Supply]:
        """What comes from outside and could move."""
        return [supply for supply in supplies(self.settings) if not supply.pinned]


def stacks() -> list[str]:
    """The stacks that have a file."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in ROOT.glob("Pulumi.*.yaml"))


def read(stack: str, platform: str | None = None) -> tuple[StackFile, Resolved]:
    """The stack's file and its settings.

    Args:
        stack: name of the stack.
        platform: another base than the stack file names.

    Raises:
        SettingsError: they are refused.
    """
    file = read_stack_file(ROOT / f"Pulumi.{stack}.yaml")
    overlay = file.overlay
    if platform is not None and isinstance(overlay.data, dict):
        overlay = Document(overlay.name, {**overlay.data, "base": platform}, overlay.lines)
        file = replace(file, overlay=overlay)
    return file, resolve_stack(file)


def plan(stack: str, platform: str | None = None) -> Plan:
    """Plans a committed stack offline.

    Raises:
        SettingsError: the settings are refused.
        ProgramError: the program failed.
    """
    file, resolved = read(stack, platform)
    return plan_file(stack, file, resolved)


def plan_file(stack: str, file: StackFile, resolved: Resolved) -> Plan:
    """Plans what a stack's file says, whether or not it is the committed one.

    Raises:
        ProgramError: the program failed.
    """
    graph, messages = run_program(stack, file)
    return judged(stack, resolved, graph, tuple(messages))


def run_program(stack: str, file: StackFile, *, unknowns: bool = False) -> tuple[Graph, list[tuple[str, str]]]:
    """Runs the real `__main__.py` on a stack file's overlay and records it."""

    def program() -> None:
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    secrets = tuple(f"{NAMESPACE}:{key}" for key in sorted({*file.secrets, KUBECONFIG_KEY}))
    config = {f"{NAMESPACE}:platform": file.overlay.data}
    return record(program, project=PROJECT, stack=stack, config=config, secrets=secrets, unknowns=unknowns)


def judged(stack: str, resolved: Resolved, graph: Graph, messages: tuple[tuple[str, str], ...] = ()) -> Plan:
    """A plan with every graph rule's verdict."""
    findings = graph_rules.check(graph)
    aws = resolved.settings.aws
    pods = cut(aws.vpc_cidr, len(aws.zones)).private
    findings["reachability"] = compare(reachability(graph, pods), expected_edges(resolved.settings))
    return Plan(stack, resolved.settings, resolved.advice, graph, findings, messages)


def expected_edges(settings: PlatformSettings) -> frozenset[Edge]:
    """The connections that the settings ask for, as the policies should allow them."""
    edges, pods = set(), set(quiet(settings))
    for flow in flows(settings):
        pods |= {end for end in (flow.source, flow.target) if isinstance(end, Pods)}
        port = f"{flow.protocol} {flow.port}"
        edges |= {Edge(s, t, port) for s in _names(flow.source) for t in _names(flow.target)}
    pods |= {Pods(service.namespace, name) for name, service in settings.services.items()}
    for pod in pods:
        server, protocols = dns()
        edges |= {Edge(name, target, f"{p} 53") for name in _names(pod) for target in _names(server) for p in protocols}
    return frozenset(edges)


def _names(peer: Peer) -> list[str]:
    if isinstance(peer, Addresses):
        suffix = f" except {', '.join(peer.excluded)}" if peer.excluded else ""
        return [cidr + suffix for cidr in peer.cidrs]
    return [f"{peer.namespace}/{peer.app}"]


def compare(found: frozenset[Edge], expected: frozenset[Edge]) -> list[Finding]:
    """Missing and extra connections."""
    missing = [Finding(str(e), "is needed, and the network policies deny it", "allow it") for e in expected - found]
    extra = [Finding(str(e), "is possible, and nothing needs it", "deny it") for e in found - expected]
    return sorted([*missing, *extra])
