"""When an object has become what it is to be: what `up` waits for before it goes on to those that depend on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.localcluster.errors import ClusterError

ANEW = "take it and who mounts it out of the settings, `up`, and put both back"
"""How a volume claim is made anew, on purpose."""
SKIP = "pulumi.com/skipAwait"
"""The annotation by which an object says that nobody is to wait for it; the engine reads it too."""


class FailedError(ClusterError):
    """Raised when an object says that it will not get ready."""


def pending(live: Mapping[str, Any]) -> str | None:
    """What an object still waits for; None if it is ready.

    Raises:
        FailedError: it has given up.
    """
    if live["metadata"].get("annotations", {}).get(SKIP) == "true":
        return None
    look = _LOOKS.get(live["kind"])
    return look(live) if look else None


def conditions(live: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Type -> condition."""
    return {c["type"]: c for c in live.get("status", {}).get("conditions") or []}


def _deployment(live: Mapping[str, Any]) -> str | None:
    status, wanted = live.get("status", {}), live["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < live["metadata"]["generation"]:
        return "is not yet seen by its controller"
    progressing = conditions(live).get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        raise FailedError(f"{name_of(live)}: {progressing['message']}")
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    surplus = status.get("replicas", 0) - updated
    if updated < wanted or available < wanted or surplus:
        return f"{available} of {wanted} pods available, {updated} up to date{f', {surplus} old' if surplus else ''}"
    return None


def _job(live: Mapping[str, Any]) -> str | None:
    found = conditions(live)
    if found.get("Failed", {}).get("status") == "True":
        raise FailedError(f"{name_of(live)}: {found['Failed'].get('message', 'failed')}")
    return None if found.get("Complete", {}).get("status") == "True" else "runs"


def _set(live: Mapping[str, Any]) -> str | None:
    status, wanted = live.get("status", {}), live["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < live["metadata"]["generation"]:
        return "is not yet seen by its controller"
    ready = min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0))
    return None if ready >= wanted else f"{ready} of {wanted} pods ready"


def _daemonset(live: Mapping[str, Any]) -> str | None:
    status = live.get("status", {})
    wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    seen = status.get("observedGeneration", 0) >= live["metadata"]["generation"]
    return None if seen and ready >= wanted else f"{ready} of {wanted} pods ready"


def _ingress(live: Mapping[str, Any]) -> str | None:
    return None if live.get("status", {}).get("loadBalancer", {}).get("ingress") else "has no address"


def _volume_claim(live: Mapping[str, Any]) -> str | None:
    if "deletionTimestamp" in live["metadata"]:
        why = "somebody has deleted it; it goes with the last that mounts it"
        raise FailedError(f"{name_of(live)}: {why}\n  fix: {ANEW}")
    return None if live.get("status", {}).get("phase") == "Bound" else "is not bound"


def _quota(live: Mapping[str, Any]) -> str | None:
    """As the engine waits for it: what its status does not have yet, it does not count."""
    return None if live.get("status", {}).get("hard") == live["spec"].get("hard") else "does not count yet"


def _service(live: Mapping[str, Any]) -> str | None:
    if live["spec"].get("type") != "LoadBalancer":
        return None  # a Deployment's own wait says that the pods are there, a policy that the selector meets them
    return _ingress(live)


_LOOKS: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = {
    "DaemonSet": _daemonset,
    "Deployment": _deployment,
    "Ingress": _ingress,
    "Job": _job,
    "PersistentVolumeClaim": _volume_claim,
    "ResourceQuota": _quota,
    "Service": _service,
    "StatefulSet": _set,
}


def name_of(live: Mapping[str, Any]) -> str:
    """Kind, namespace and name, for people."""
    namespace = live["metadata"].get("namespace")
    return f"{live['kind']} {namespace + '/' if namespace else ''}{live['metadata']['name']}"
