"""The Kubernetes API as this workbench uses it: plain manifests in, plain dicts out, warnings kept.

Discovery, transport and authentication are the Kubernetes Python client's; its object classes are not used, since they
drop what they do not know and hide the server's warnings.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import load_kube_config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError

from workbench.localcluster import interrupts
from workbench.localcluster.errors import ClusterError

Manifest = dict[str, Any]
T = TypeVar("T")

MANAGER = "llmplatform-local"
"""The field manager of what the workbench applies."""
_load: Callable[..., None] = load_kube_config  # the client has no types
_discover: Callable[..., DynamicClient] = DynamicClient
VERSIONS = {
    "APIService": "apiregistration.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Ingress": "networking.k8s.io/v1",
    "Job": "batch/v1",
    "Lease": "coordination.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
}
"""Kind -> API version, where it is not v1: what callers may leave out."""
POLL = 0.1
"""Seconds between two looks while waiting."""
LOST_RACE = "the object has been modified; please apply your changes to the latest version and try again"
"""How the API server says that somebody else wrote first. Also of a quota in which it counts a new object."""


class ApiError(ClusterError):
    """Raised when the API server refuses; `status` and `reason` are its own."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    @property
    def passing(self) -> bool:
        """Nothing was done, and the same request may be taken in a moment: the server is busy, or just starts, or
        somebody else wrote first.
        """
        return self.status in (429, 500, 503, 504) or (self.status == 409 and LOST_RACE in str(self))


class UnreachableError(ClusterError):
    """Raised when the API server does not answer."""

    passing = True
    """As `ApiError.passing`: it may be back in a moment."""


@dataclass(frozen=True)
class Answer:
    """What the API server says."""

    object: Manifest
    warnings: tuple[str, ...] = ()
    """Its Warning headers: deprecations, pod security, fields that it does not know."""


class Api:
    """One user's access to a cluster. May be used from several threads."""

    def __init__(self, kubeconfig: Path) -> None:
        configuration = Configuration()
        _load(str(kubeconfig), client_configuration=configuration)
        configuration.retries = urllib3.Retry(0, redirect=0)  # who waits says so, with its own deadline
        configuration.connection_pool_maxsize = 16
        self._client = ApiClient(configuration)
        self._discovery_file = kubeconfig.with_name(f"{kubeconfig.name}.discovery.json")
        self._dynamic: DynamicClient | None = None
        self.server = str(configuration.host)

    # --- reading

    def get(self, kind: str, name: str, namespace: str | None = None, *, version: str | None = None) -> Manifest:
        """One object.

        Raises:
            ApiError: it is not there (status 404), or may not be read.
        """
        return self.call("GET", self.path(kind, name, namespace, version)).object

    def find(
        self, kind: str, name: str, namespace: str | None = None, *, version: str | None = None
    ) -> Manifest | None:
        """One object, or None."""
        try:
            return self.get(kind, name, namespace, version=version)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(
        self, kind: str, namespace: str | None = None, *, labels: Mapping[str, str] | None = None, fields: str = ""
    ) -> list[Manifest]:
        """All objects of a kind, in one namespace or everywhere, with these labels and field selector."""
        query = {"labelSelector": ",".join(f"{k}={v}" for k, v in (labels or {}).items()), "fieldSelector": fields}
        answer = self.call("GET", self.path(kind, None, namespace), query={k: v for k, v in query.items() if v})
        items: list[Manifest] = answer.object["items"]
        return items

    # --- writing

    def apply(
        self, manifest: Mapping[str, Any], *, manager: str = MANAGER, force: bool = True, dry_run: bool = False
    ) -> Answer:
        """Server-side apply with strict validation: an unknown or doubled field is an error."""
        metadata = manifest["metadata"]
        path = self.path(manifest["kind"], metadata["name"], metadata.get("namespace"), manifest["apiVersion"])
        query = {"fieldManager": manager, "fieldValidation": "Strict", "force": str(force).lower()}
        if dry_run:
            query["dryRun"] = "All"
        return self.call("PATCH", path, manifest, query, "application/apply-patch+yaml")

    def create(self, manifest: Mapping[str, Any]) -> Answer:
        """Creates an object; one that is there already is an error (409)."""
        path = self.path(manifest["kind"], None, manifest["metadata"].get("namespace"), manifest["apiVersion"])
        return self.call("POST", path, manifest, {"fieldManager": MANAGER, "fieldValidation": "Strict"})

    def merge(
        self,
        kind: str,
        name: str,
        namespace: str | None,
        patch: Mapping[str, Any],
        *,
        sub: str = "",
        manager: str = MANAGER,
    ) -> Manifest:
        """A JSON merge patch of an object, or of a subresource of it."""
        path = self.path(kind, name, namespace) + (f"/{sub}" if sub else "")
        return self.call("PATCH", path, patch, {"fieldManager": manager}, "application/merge-patch+json").object

    def delete(self, kind: str, name: str, namespace: str | None = None, *, grace: int | None = None) -> bool:
        """Deletes an object with what belongs to it; False if it was not there."""
        options: Manifest = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            self.call("DELETE", self.path(kind, name, namespace), options)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def evict(self, pod: Manifest) -> None:
        """Asks for an eviction, as `kubectl drain` does.

        Raises:
            ApiError: a disruption budget forbids it (status 429).
        """
        metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        self.call("POST", self.path("Pod", metadata["name"], metadata["namespace"]) + "/eviction", body)

    # --- the rest

    def path(self, kind: str, name: str | None, namespace: str | None, version: str | None = None) -> str:
        """Where the API server has a kind, or one object."""
        try:
            if self._dynamic is None:
                self._dynamic = _discover(self._client, cache_file=str(self._discovery_file))
            resource = self._dynamic.resources.get(api_version=version or VERSIONS.get(kind, "v1"), kind=kind)
        except ResourceNotFoundError:
            what = f"{version or VERSIONS.get(kind, 'v1')} {kind}"
            raise ApiError(404, "NotFound", f"the cluster has no {what}") from None
        except (DynamicApiError, ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._refused(error) from error
        path: str = resource.path(name=name, namespace=namespace)
        return path

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
        *,
        accept: str = "application/json",
        timeout: float = 30,
    ) -> Answer:
        """One request, which may take so many seconds.

        Raises:
            ApiError: the server refuses.
            UnreachableError: it does not answer.
        """
        try:
            request = self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": accept, "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
            )
            response = self._client.call_api(*request, _request_timeout=timeout)
            data: bytes = response.response.read()
        except (ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._refused(error) from error
        if not 200 <= response.status <= 299:
            raise _api_error(response.status, data, f"{method} {path}")
        parsed = json.loads(data) if data[:1] in (b"{", b"[") else {"text": data.decode(errors="replace")}
        return Answer(parsed, _warnings(response.response.headers.getlist("Warning")))

    def _refused(self, error: Exception) -> ClusterError:
        status = getattr(error, "status", None)
        if status:
            return _api_error(int(status), getattr(error, "body", b"") or b"", "")
        return UnreachableError(f"{self.server} does not answer: {type(error).__name__}")


def _api_error(status: int, data: bytes | str, what: str) -> ApiError:
    text = data if isinstance(data, str) else data.decode(errors="replace")
    try:
        document = json.loads(text)
        message, reason = str(document.get("message") or text), str(document.get("reason") or "")
        causes = [str(c.get("message")) for c in (document.get("details") or {}).get("causes") or []]
        message = "; ".join([message, *(cause for cause in causes if cause not in message)])
    except ValueError:
        message, reason = text.strip() or f"status {status}", ""
    return ApiError(status, reason, f"{what}: {message}" if what else message)


def _warnings(headers: list[str]) -> tuple[str, ...]:
    texts = (re.match(r'299 \S+ "((?:[^"\\]|\\.)*)"', header) for header in headers)
    return tuple(re.sub(r"\\(.)", r"\1", found[1]) for found in texts if found)


def wait(what: str, look: Callable[[], T | None], seconds: float, *, poll: float = POLL) -> T:
    """Looks until there is an answer that is true, and returns it. A server that is away or busy is waited for, too.

    Args:
        what: is waited for, for the message.
        look: returns something true once it is so. What it raises as AssertionError is the reason why not yet.
        seconds: how long at most.
        poll: seconds between two looks.

    Raises:
        ClusterError: it did not come about.
        ApiError: the server refuses what the look asks for.
    """
    deadline, reason = time.monotonic() + seconds, ""
    while True:
        interrupts.raise_dropped()
        try:
            if found := look():
                return found
            reason = ""
        except AssertionError as error:
            reason = f": {error}"
        except (UnreachableError, ApiError) as error:
            if not error.passing:
                raise
            reason = f": {error}"
        if time.monotonic() > deadline:
            raise ClusterError(f"no {what} within {seconds:g} s{reason}")
        time.sleep(poll)
