"""What `up` and `cluster status` show: what runs where, how to look, how to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any

from settings.names import POOL_LABEL
from workbench.deploy.ready import conditions
from workbench.deploy.up import Up
from workbench.localcluster.api import Api
from workbench.localcluster.cluster import DEFAULT_STATE, Cluster
from workbench.localcluster.nodes import ZONE_LABEL, is_ready
from workbench.localcluster.programs import CONTROL_PLANE

SYSTEM = "kube-system"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned text; the first is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def workloads(api: Api) -> list[Sequence[str]]:
    """Namespace, workload, pods and nodes of everything but the system's own."""
    pods: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for pod in api.list("Pod"):
        namespace = pod["metadata"]["namespace"]
        if namespace != SYSTEM:
            labels = pod["metadata"].get("labels", {})
            name = labels.get("batch.kubernetes.io/job-name") or labels.get("app") or pod["metadata"]["name"]
            pods.setdefault((namespace, name), []).append(pod)
    rows: list[Sequence[str]] = [("NAMESPACE", "WORKLOAD", "PODS", "NODES")]
    for (namespace, name), group in sorted(pods.items()):
        states = Counter(_state(pod) for pod in group)
        nodes = sorted({pod["spec"].get("nodeName") or "none" for pod in group})
        rows.append((namespace, name, ", ".join(f"{n} {state}" for state, n in states.items()), ", ".join(nodes)))
    return rows


def _state(pod: Mapping[str, Any]) -> str:
    status = pod.get("status", {})
    if "deletionTimestamp" in pod["metadata"]:
        return "ending"
    if status.get("phase") == "Running":
        return "ready" if conditions(pod).get("Ready", {}).get("status") == "True" else "not ready"
    return {"Succeeded": "done"}.get(str(status.get("phase")), str(status.get("phase", "unknown")).lower())


def nodes(api: Api) -> list[Sequence[str]]:
    """Node, pool, zone, type, state."""
    rows: list[Sequence[str]] = [("NODE", "POOL", "ZONE", "TYPE", "STATE")]
    for node in sorted(api.list("Node"), key=lambda n: str(n["metadata"]["name"])):
        labels = node["metadata"]["labels"]
        state = "ready" if is_ready(node) else "not ready"
        state += ", closed" if node["spec"].get("unschedulable") else ""
        kind = labels.get("node.kubernetes.io/instance-type", "")
        rows.append((node["metadata"]["name"], labels.get(POOL_LABEL, ""), labels.get(ZONE_LABEL, ""), kind, state))
    return rows


def text(up: Up) -> str:
    """What `up` ends with."""
    cluster, stack = up.cluster, up.likeness.stack
    where = "" if cluster.state == DEFAULT_STATE else f" --state {quote(str(cluster.state))}"
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in up.took)
    lines = [
        "",
        *table(workloads(cluster.api)),
        "",
        f"{stack} is up by {up.how}: {up.changes} ({times})",
        "The control plane and its controllers are real; nodes, kubelets and a cloud's answers are simulated, their",
        f"durations {cluster.clock} (docs/local-cluster.md).",
        "",
        f"  look:  export KUBECONFIG={quote(str(cluster.kubeconfig))}",
        f"         python -m workbench cluster status|nodes|logs{where}",
        f"  try:   python -m workbench cluster reclaim NODE{where}, lose-zone ZONE, fail POD",
        f"  stop:  {'make down' if not where else f'python -m workbench down{where}'}",
    ]
    return "\n".join(lines) + "\n"


def status(cluster: Cluster) -> str:
    """What runs, and what does not."""
    layout, here = cluster.layout, cluster.running()
    names = sorted({*here, *CONTROL_PLANE.programs, "metrics"})
    platform = f" on platform {layout.platform}" if layout.platform else ""
    lines = [f"cluster of stack {layout.stack}{platform} in {cluster.state}, simulated time {cluster.clock}", ""]
    lines += [
        f"  {name}: {f'pid {here[name]}' if name in here else 'ENDED (make up starts it again)'}" for name in names
    ]
    if "kube-apiserver" in here and "etcd" in here:
        lines += ["", *table(nodes(cluster.api)), "", *table(workloads(cluster.api))]
    return "\n".join(lines) + "\n"
