"""A plan as text: what a user reads after `make plan`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policy.graph import HELM_RELEASE, Graph, KubernetesObject, Resource, undecided
from policy.rules import RULES as GRAPH_RULES
from settings import capacity, drain
from settings.costs import Cost, at_rest
from settings.demand import of_pool
from settings.expected import expected
from settings.problems import Problem, dotted
from settings.quantities import Cpu
from settings.rooms import rooms
from settings.rules import RULES as SETTINGS_RULES
from workbench.plan.models import models
from workbench.plan.stack import Plan

AWS, PROVIDERS = "aws:", "pulumi:providers:"
REACHABILITY = "every connection that is needed is possible, and no other"


def text(plan: Plan, out: Path, files: int) -> str:
    """The whole report."""
    costs = at_rest(plan.settings)
    sections = [
        _head(plan),
        ["Resources", *_indent(tree(plan.graph)), "", *_indent(_counts(plan.graph))],
        ["Capacity at the ceilings, with surge", *_indent(_capacity(plan))],
        ["Models", *_indent(models(plan.settings))],
        ["Drain", *_indent(_drain(plan))],
        *([["At rest, in a month", *_indent(_costs(costs))]] if costs else []),
        ["Checks", *_indent(_checks(plan))],
        ["Expected of the cluster, made by others", *_indent(_expected(plan))],
        ["Unknown until deployment, or secret", *_indent(_incomplete(plan))],
        ["Not pinned", *_indent(_unpinned(plan))],
        ["Outputs", *_indent(_outputs(plan.graph.outputs))],
        _tail(plan, out, files),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _indent(lines: Iterator[str] | list[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]


def _head(plan: Plan) -> list[str]:
    settings = plan.settings
    cluster = f"{settings.cluster.kind} cluster, Kubernetes {settings.cluster.version}"
    platform = f"{settings.name} (platforms/{settings.base}.yaml)"
    return [f"Plan of stack {plan.stack}: {platform}, {settings.environment}, {cluster}"]


def tree(graph: Graph) -> list[str]:
    """The resources by component."""
    lines: list[str] = []

    def walk(parent: str | None, prefix: str) -> None:
        children = sorted(graph.children(parent), key=lambda r: (not r.custom, _label(r)))
        for index, child in enumerate(children):
            last = index == len(children) - 1
            lines.append(f"{prefix}{'└─ ' if last else '├─ '}{_label(child)}")
            walk(child.urn, prefix + ("   " if last else "│  "))

    walk(None, "")
    return lines


def _label(resource: Resource) -> str:
    if resource.custom and "kind" in resource.inputs:
        mark = "  (incomplete)" if undecided(resource.inputs) else ""
        return str(KubernetesObject(resource)) + mark
    if resource.type == HELM_RELEASE:
        return f"Release {resource.inputs.get('namespace')}/{resource.name} {resource.inputs.get('version')}"
    kind = resource.type.rsplit(":", 1)[-1]
    return f"provider {kind}" if resource.type.startswith(PROVIDERS) else f"{kind} {resource.name}"


def _counts(graph: Graph) -> Iterator[str]:
    kinds = Counter(o.kind for o in graph.objects)
    made = Counter(r.type.rsplit(":", 1)[-1] for r in graph.resources if r.custom and r.type.startswith(AWS))
    releases = len(graph.releases)
    components = sum(1 for r in graph.resources if not r.custom)
    objects, in_account = sum(kinds.values()), sum(made.values())
    providers = sum(1 for r in graph.resources if r.type.startswith(PROVIDERS))
    parts = [(components, "component"), (in_account, "in the AWS account"), (releases, "Helm release")]
    parts += [(objects, "object"), (providers, "provider")]
    shown = [f"{count} {_plural(what, count)}" for count, what in parts if count]
    yield f"{len(graph.resources)} resources: {', '.join(shown)}"
    if made:
        yield "AWS: " + ", ".join(f"{count} {kind}" for kind, count in sorted(made.items()))
    yield ("Kubernetes: " if made else "") + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _plural(what: str, count: int) -> str:
    return what if count == 1 or " " in what.removeprefix("Helm ") else f"{what}s"


def _capacity(plan: Plan) -> Iterator[str]:
    settings = plan.settings
    for name in settings.namespaces:
        lines = capacity.quota_lines(settings, name)
        busy = [line for line in lines if line.needed]
        shown = ", ".join(str(line) for line in busy) or "nothing runs here yet"
        yield f"namespace {name}: {shown}"
    for name in settings.node_pools:
        yield from _pool(plan, name)


def _pool(plan: Plan, name: str) -> Iterator[str]:
    settings, pool = plan.settings, plan.settings.node_pools[name]
    here = of_pool(settings, name)
    smallest, need = rooms(settings, name)[0], capacity.pool_need(settings, name)
    pods = ", ".join(f"{d.pods} x {d.name}" for d in here)
    if need is None:
        yield f"pool {name}: nothing runs here yet (up to {pool.max} nodes)"
    else:
        yield f"pool {name}: {need.nodes} of {pool.max} nodes of {need.instance_type} ({pods})"
    room = f"{Cpu(smallest.cpu)} CPU, {smallest.memory >> 20}Mi, {smallest.pods} pods"
    types = f"each pod fits at least {max(1, pool.min_fitting_types)} of its {len(pool.instance_types)} instance types"
    yield f"  its smallest node offers {room} after daemonsets and takes {pool.node_start_up} to come; {types}"


def _drain(plan: Plan) -> Iterator[str]:
    for name in plan.settings.services:
        solved = drain.solve(plan.settings, name)
        behind = f", load balancer waits {solved.deregistration}" if solved.deregistration else ""
        yield (
            f"{name}: {solved.pre_stop} until no request arrives + longest request {solved.longest} + "
            f"{drain.BUFFER}s = grace {solved.grace}{behind}"
        )
    for name in plan.settings.models:
        server = drain.solve_model(plan.settings, name)
        by = "" if server.shutdown.seconds else " (by the pre-stop wait: this engine cuts its requests)"
        yield (
            f"{name}: {drain.CLUSTER_SETTLE}s until no request arrives + longest request {server.longest}{by} + "
            f"{drain.MODEL_BUFFER}s = grace {server.grace}"
        )


def _costs(lines: list[Cost]) -> Iterator[str]:
    for line in lines:
        yield f"{line.monthly:>9,.2f} USD  {line.count} {line.what}"
    whole = sum(line.monthly for line in lines)
    yield f"{whole:>9,.2f} USD  in all, at list prices; traffic, logs, keys and stored data beside"


def _expected(plan: Plan) -> Iterator[str]:
    for thing in expected(plan.settings):
        yield f"{thing.what} ({thing.why})"


def _checks(plan: Plan) -> Iterator[str]:
    advice: dict[str, list[Problem]] = {}
    for problem in plan.advice:
        advice.setdefault(problem.rule, []).append(problem)
    for rule in SETTINGS_RULES:
        found = advice.get(rule.id, [])
        yield f"{'advice ' if found else 'ok     '} {rule.id}: {rule.holds}"
        for problem in found:
            place = f"{problem.file}:{problem.line}" if problem.line else problem.file
            yield f"          {dotted(problem.path)} ({place}): {problem.reason}"
            yield f"          prod refuses this; fix: {problem.fix}"
    statements = {rule.id: rule.holds for rule in GRAPH_RULES} | {"reachability": REACHABILITY}
    for rule_id, findings in plan.findings.items():
        yield f"{'REFUSED' if findings else 'ok     '} {rule_id}: {statements[rule_id]}"
        for finding in findings:
            yield f"          {finding.subject}: {finding.reason}; fix: {finding.fix}"
    for severity, message in plan.messages:
        yield f"{severity}: {message}"


def _incomplete(plan: Plan) -> Iterator[str]:
    if not plan.incomplete:
        yield "nothing"
    in_account = 0
    for urn, paths in plan.incomplete.items():
        resource = plan.graph.by_urn[urn]
        if resource.type.startswith(AWS):
            in_account += 1
            continue
        shown = _label(resource).removesuffix("  (incomplete)")
        yield f"{shown}: {', '.join(paths)}"
    if in_account:
        yield f"{in_account} resources in the AWS account: ids and ARNs that AWS gives; plan.json names each"


def _unpinned(plan: Plan) -> Iterator[str]:
    if not plan.unpinned:
        yield "nothing"
    for supply in plan.unpinned:
        yield f"{supply.what}: {supply.value} ({supply.reason or 'nobody says why'})"


def _outputs(value: Any, prefix: str = "") -> Iterator[str]:
    for key, item in sorted(value.items()):
        if isinstance(item, dict) and item:
            yield f"{prefix}{key}:"
            yield from _outputs(item, prefix + "  ")
        else:
            yield f"{prefix}{key}: {_inline(item)}"


def _inline(item: Any) -> str:
    if isinstance(item, list):
        return "[" + ", ".join(_inline(i) for i in item) + "]"
    if isinstance(item, dict):
        return "{" + ", ".join(f"{k}: {_inline(v)}" for k, v in sorted(item.items())) + "}"
    return "none" if item is None else str(item)


def _tail(plan: Plan, out: Path, files: int) -> list[str]:
    verdict = "refused" if plan.refused else "holds"
    pieces = len(plan.advice)
    advice = f", {pieces} piece{'s' if pieces > 1 else ''} of advice" if pieces else ""
    lines = [f"Verdict: {verdict}{advice}."]
    if not plan.refused:
        incomplete = sum(1 for o in plan.graph.objects if undecided(o.manifest))
        beside = f"; incomplete/ holds {incomplete} more that need a value first" if incomplete else ""
        lines.append(f"Written: {files} files in {out}/ (plan.json, manifests/{beside}).")
        lines.append(f"Apply:   kubectl apply --server-side -R -f {out}/manifests")
    return lines
