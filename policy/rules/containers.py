"""What every container states: its share of a node, its probes, its image's version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policy.graph import Graph, KubernetesObject, container_ports
from policy.reading import at, mapping, quantity, text
from policy.rules.finding import Finding
from policy.rules.wiring import opens, shown_ports

LASTING = ("DaemonSet", "Deployment", "StatefulSet")
"""Workloads whose pods run until somebody stops them."""
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def resources(graph: Graph) -> list[Finding]:
    """CPU and memory are requested and limited, and no request is above its limit: the API server refuses that pod,
    not the Deployment that makes it.
    """
    return [
        Finding(_subject(workload, container), reason, fix)
        for workload in graph.workloads
        for container in (*workload.init_containers, *workload.containers)
        for reason, fix in _resources(container)
    ]


def _subject(workload: KubernetesObject, container: Mapping[str, Any]) -> str:
    return f"container {text(container.get('name')) or '(no name)'} of {workload}"


def _resources(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    requests, limits = (mapping(at(container, "resources", part)) for part in ("requests", "limits"))
    for what, amounts in (("requests", requests), ("limits", limits)):
        missing = [resource for resource in ("cpu", "memory") if amounts.get(resource) is None]
        if missing:
            yield f"its {what} lack {' and '.join(missing)}", f"set resources.{what}"
    for resource, amount in requests.items():
        asked, limit = quantity(amount), quantity(limits.get(resource))
        if asked is not None and limit is not None and asked > limit:
            yield f"it requests {amount} {resource} and is limited to {limits[resource]}", "raise the limit"


def probes(graph: Graph) -> list[Finding]:
    """A container that serves is asked whether it has started, is ready and is alive, on a port that it opens."""
    return [
        Finding(_subject(workload, container), reason, fix)
        for workload in graph.of_kind(*LASTING)
        for container in workload.containers
        if container.get("ports")
        for reason, fix in _probes(container)
    ]


def _probes(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ports = container_ports(container)
    for name in PROBES:
        probe = mapping(container.get(name))
        handlers = [handler for handler in HANDLERS if isinstance(probe.get(handler), Mapping)]
        if not handlers:
            yield f"it has no {name}", "add one"
        for handler in handlers:
            port = at(probe, handler, "port")
            if handler != "exec" and not opens(ports, port, "TCP"):
                yield f"its {name} asks on port {port}, which it does not open", shown_ports(ports)


def images(graph: Graph) -> list[Finding]:
    """Every image names its version; `latest`, or no tag, is another program after the next push."""
    return [
        Finding(_subject(workload, container), reason, "give a version's tag, or a digest")
        for workload in graph.workloads
        for container in (*workload.init_containers, *workload.containers)
        for reason in _image(text(container.get("image")))
    ]


def _image(image: str) -> Iterator[str]:
    known = _PLACEHOLDER.sub("", image)
    if image and not known:
        return  # nothing of it is known yet
    name, _, digest = known.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if digest:
        if not _DIGEST.fullmatch(digest):
            yield f"its image {image} has a digest that is none"
    elif not tag:
        yield f"its image {image or '(none)'} has no tag"
    elif tag == "latest":
        yield f"its image {image} is whatever latest is"
