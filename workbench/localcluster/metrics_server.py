"""Serves metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io, as a process of its own.

Autoscalers reach it as they reach metrics-server and adapters: through the API server's aggregation, which proves
itself with its front-proxy certificate. Pods, labels and requests are read from the cluster; the values are those of
`metrics`.
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kubernetes.utils.quantity import parse_quantity

from workbench.localcluster.api import Api, ApiError, Manifest
from workbench.localcluster.metrics import Metrics, Usage

GROUPS = {
    "metrics.k8s.io": "v1beta1",
    "custom.metrics.k8s.io": "v1beta2",
    "external.metrics.k8s.io": "v1beta1",
}
"""API group -> the version that is served, the newest that autoscalers ask for."""
WINDOW = 15
"""Simulated seconds over which a usage is taken (metrics-server's resolution). An autoscaler takes no CPU of a pod that
became ready within it.
"""
_quantity: Callable[..., Decimal] = parse_quantity  # the client has no types
RESOURCES = {
    "metrics.k8s.io": [
        {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get", "list"]},
        {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]},
    ]
}


class Values:
    """Answers the paths of the three APIs."""

    def __init__(self, state: Path, factor: int) -> None:
        self._state = state
        self._window = f"{WINDOW / factor:g}s"
        self._api = Api(state / "conf" / "metrics.kubeconfig")

    def answer(self, path: str, selector: str) -> Manifest | None:
        """The document at a path; None if there is none."""
        routes: list[tuple[str, Callable[..., Manifest]]] = [
            (r"/apis/([a-z0-9.]+)/v\w+", self._discovery),
            (r"/apis/metrics\.k8s\.io/v1beta1/pods", lambda: self._pods(None, None, selector)),
            (
                r"/apis/metrics\.k8s\.io/v1beta1/namespaces/([^/]+)/pods(?:/([^/]+))?",
                lambda ns, name: self._pods(ns, name, selector),
            ),
            (r"/apis/metrics\.k8s\.io/v1beta1/nodes(?:/([^/]+))?", self._nodes),
            (
                r"/apis/custom\.metrics\.k8s\.io/v1beta2/namespaces/([^/]+)/([^/]+)/([^/]+)/([^/]+)",
                lambda ns, resource, name, metric: self._custom(ns, resource, name, metric, selector),
            ),
            (
                r"/apis/external\.metrics\.k8s\.io/v1beta1/namespaces/([^/]+)/([^/]+)",
                lambda ns, metric: self._external(ns, metric, selector),
            ),
        ]
        for pattern, route in routes:
            if found := re.fullmatch(pattern, path):
                return route(*found.groups())
        return None

    def _discovery(self, group: str) -> Manifest:
        version = GROUPS.get(group)
        if version is None:
            raise ApiError(404, "NotFound", f"no group {group}")
        resources: list[Manifest] = list(RESOURCES.get(group, []))
        metrics = Metrics.read(self._state)
        if group == "custom.metrics.k8s.io":
            names = sorted({f"{row.resource}/{row.metric}" for row in metrics.custom})
            resources = [_metric(name, "MetricValueList") for name in names]
        if group == "external.metrics.k8s.io":
            resources = [
                _metric(name, "ExternalMetricValueList") for name in sorted({r.metric for r in metrics.external})
            ]
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{group}/{version}",
            "resources": resources,
        }

    def _pods(self, namespace: str | None, name: str | None, selector: str) -> Manifest:
        metrics = Metrics.read(self._state)
        items = [m for pod in self._running(namespace, selector, name) if (m := self._pod_metrics(pod, metrics))]
        if name is not None:
            if not items:
                raise ApiError(404, "NotFound", f"no metrics of pod {name}")
            return items[0]
        return {"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}

    def _nodes(self, name: str | None) -> Manifest:
        metrics = Metrics.read(self._state)
        used: dict[str, tuple[int, int]] = {n["metadata"]["name"]: (0, 0) for n in self._api.list("Node")}
        for pod in self._running(None, "", None):
            cpu, memory = used.get(pod["spec"]["nodeName"], (0, 0))
            for container in (self._pod_metrics(pod, metrics) or {}).get("containers", ()):
                cpu += _milli(container["usage"].get("cpu"))
                memory += _bytes(container["usage"].get("memory"))
            used[pod["spec"]["nodeName"]] = (cpu, memory)
        items = [
            {**self._stamp("NodeMetrics", {"name": node}), "usage": {"cpu": f"{cpu}m", "memory": str(memory)}}
            for node, (cpu, memory) in sorted(used.items())
            if name in (None, node)
        ]
        if name is not None:
            if not items:
                raise ApiError(404, "NotFound", f"no metrics of node {name}")
            return items[0]
        return {"kind": "NodeMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}

    def _custom(self, namespace: str, resource: str, name: str, metric: str, selector: str) -> Manifest:
        rows = [
            r
            for r in Metrics.read(self._state).custom
            if (r.namespace, r.resource, r.metric) == (namespace, resource, metric)
        ]
        items: list[Manifest] = []
        if resource == "pods":
            for pod in self._running(namespace, selector, None if name == "*" else name):
                labels = pod["metadata"].get("labels", {})
                items += [_value(r.value, metric, "Pod", pod["metadata"]) for r in rows if _within(r.labels, labels)]
        else:
            items = [_value(r.value, metric, resource, {"namespace": namespace, "name": name}) for r in rows]
        if not items:
            raise ApiError(404, "NotFound", f"nobody has {metric} of {resource}/{name} in {namespace}")
        return {
            "kind": "MetricValueList",
            "apiVersion": "custom.metrics.k8s.io/v1beta2",
            "metadata": {},
            "items": items,
        }

    def _external(self, namespace: str, metric: str, selector: str) -> Manifest:
        wanted = dict(part.split("=", 1) for part in selector.split(",") if "=" in part)
        items = [
            {"metricName": metric, "metricLabels": dict(row.labels), "timestamp": _now(), "value": row.value}
            for row in Metrics.read(self._state).external
            if (row.namespace, row.metric) == (namespace, metric) and _within(wanted, row.labels)
        ]
        return {
            "kind": "ExternalMetricValueList",
            "apiVersion": "external.metrics.k8s.io/v1beta1",
            "metadata": {},
            "items": items,
        }

    def _running(self, namespace: str | None, selector: str, name: str | None) -> Iterator[Manifest]:
        query = {"fieldSelector": "status.phase=Running", **({"labelSelector": selector} if selector else {})}
        for pod in self._api.call("GET", self._api.path("Pod", None, namespace), query=query).object["items"]:
            if name in (None, pod["metadata"]["name"]):
                yield pod

    def _pod_metrics(self, pod: Manifest, metrics: Metrics) -> Manifest | None:
        labels, namespace = pod["metadata"].get("labels", {}), pod["metadata"]["namespace"]
        stated = next((u for u in metrics.usage if u.namespace == namespace and _within(u.labels, labels)), None)
        if stated is None and metrics.idle is None:
            return None
        containers = pod["spec"]["containers"]
        usage = [_idle(c, metrics.idle or 0) if stated is None else _share(stated, len(containers)) for c in containers]
        return {
            **self._stamp("PodMetrics", {"name": pod["metadata"]["name"], "namespace": namespace, "labels": labels}),
            "containers": [{"name": c["name"], "usage": u} for c, u in zip(containers, usage, strict=True)],
        }

    def _stamp(self, kind: str, metadata: Mapping[str, Any]) -> Manifest:
        head = {"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": dict(metadata)}
        return {**head, "timestamp": _now(), "window": self._window}


def _metric(name: str, kind: str) -> Manifest:
    return {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": ["get"]}


def _idle(container: Manifest, percent: int) -> dict[str, str]:
    requests = container.get("resources", {}).get("requests", {})
    return {
        "cpu": f"{_milli(requests.get('cpu')) * percent // 100}m",
        "memory": str(_bytes(requests.get("memory")) * percent // 100),
    }


def _share(usage: Usage, containers: int) -> dict[str, str]:
    """What one of the pod's containers uses; they share alike."""
    out = {}
    if usage.cpu is not None:
        out["cpu"] = f"{_milli(usage.cpu) // containers}m"
    if usage.memory is not None:
        out["memory"] = str(_bytes(usage.memory) // containers)
    return out


def _milli(text: str | None) -> int:
    return int(_quantity(text or 0) * 1000)


def _bytes(text: str | None) -> int:
    return int(_quantity(text or 0))


def _value(value: str, metric: str, kind: str, of: Mapping[str, Any]) -> Manifest:
    described = {"kind": kind, "namespace": of["namespace"], "name": of["name"], "apiVersion": "/v1"}
    return {"describedObject": described, "metric": {"name": metric}, "timestamp": _now(), "value": value}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _within(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the API server keeps its connections
    values: Values

    def do_GET(self) -> None:  # the library's name
        """Answers one request; whatever goes wrong becomes a Status, as an API server's would."""
        url = urlsplit(self.path)
        selector = parse_qs(url.query).get("labelSelector", [""])[0]
        try:
            document = self.values.answer(unquote(url.path).rstrip("/"), selector)
            status = 200 if document else 404
        except ApiError as error:
            status, document = error.status, _failure(error.status, error.reason, str(error))
        except Exception as error:  # noqa: BLE001  # the cluster must not lose its metrics to one request
            status, document = 500, _failure(500, "InternalError", f"{type(error).__name__}: {error}")
        body = json.dumps(document or _failure(404, "NotFound", f"no {url.path}")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
        """Says nothing of each request."""


def _failure(code: int, reason: str, message: str) -> Manifest:
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**head, "code": code, "reason": reason, "message": message}


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # the library's five are too few for a controller's burst
    daemon_threads = True


def serve(state: Path, port: int, factor: int) -> None:
    """Serves until it is ended. Only the API server may ask: it shows its front-proxy certificate."""
    pki = state / "pki"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "metrics.crt", pki / "metrics.key")
    context.load_verify_locations(pki / "front-ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    _Handler.values = Values(state, factor)
    server = _Server(("127.0.0.1", port), _Handler)
    # do_handshake_on_connect=False: the handshake happens in the request's own thread, and one that is never finished
    # holds up nobody else.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
