"""Every version of some objects that the API server had: what was so for a moment only is not missed.

`Live.seen` looks again and again; this is told, by a watch. For what must never have been so, however briefly.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import yaml

from tests.live.live import Live, is_ready
from workbench.localcluster.api import Manifest, wait

HOURS = 6 * 3600
"""Seconds that a watch may last: one that names none is ended by the server after 30 to 60 minutes (kube-apiserver,
--min-request-timeout), sooner than a drain of every GPU node in undivided time.
"""
CAUGHT_UP = 10
"""Seconds in which the watch must have told what the server has."""


@dataclass(frozen=True)
class Version:
    """One version of an object."""

    seconds: float
    """Simulated seconds after the beginning at which it was told: at that time at the latest it was so."""
    object: Manifest
    gone: bool
    """The last one: it was deleted."""

    @property
    def revision(self) -> int:
        """Orders the versions of all objects of a cluster."""
        return int(self.object["metadata"]["resourceVersion"])

    @property
    def name(self) -> str:
        """Its object's."""
        return str(self.object["metadata"]["name"])


class History:
    """`with History(live, "Pod", "quant") as pods`: the versions of what is there and comes, in their order."""

    def __init__(self, live: Live, kind: str, namespace: str, *, labels: str = "") -> None:
        self._live, self._what = live, f"{kind} {namespace} {labels}".strip()
        self._path = live.api.path(kind, None, namespace)
        self._labels = {"labelSelector": labels} if labels else {}
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._ended = False
        self._problem: Exception | None = None
        self.versions: list[Version] = []

    @property
    def now(self) -> float:
        """Simulated seconds since the beginning."""
        return (time.monotonic() - self._begin) * self._live.clock.factor

    def of(self, name: str) -> list[Version]:
        """Those of one object."""
        return [version for version in self.versions if version.name == name]

    def __enter__(self) -> History:
        config = yaml.safe_load(self._live.cluster.kubeconfig.read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        server = urlsplit(cluster["server"])
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        tls = ssl.create_default_context(cadata=authority)
        self._connection = http.client.HTTPSConnection(str(server.hostname), server.port, context=tls)
        query = urlencode({"watch": "1", "timeoutSeconds": HOURS, **self._labels})
        self._connection.request("GET", f"{self._path}?{query}", headers={"Authorization": f"Bearer {user['token']}"})
        self._begin = time.monotonic()
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read()
        self._thread.start()
        self._catch_up()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._catch_up()
        finally:
            self._ended = True
            self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(CAUGHT_UP)
            self._connection.close()

    def _catch_up(self) -> None:
        """Until it has told everything that the server has now, and the end of everything that it has no longer."""

        def told() -> bool:
            assert self._problem is None, self._problem
            items = self._live.api.call("GET", self._path, query=self._labels).object["items"]
            now = {_identity(item) for item in items}
            last = {version.object["metadata"]["uid"]: version for version in self.versions}
            return now == {_identity(version.object) for version in last.values() if not version.gone}

        wait(f"watch of {self._what}", told, CAUGHT_UP, poll=0.02)

    def _listen(self) -> None:
        try:
            for line in self._answer:
                event = json.loads(line)
                assert event["type"] in ("ADDED", "MODIFIED", "DELETED"), event
                self.versions.append(Version(self.now, event["object"], event["type"] == "DELETED"))
            assert self._ended, "the server ended the watch"
        except Exception as error:  # noqa: BLE001  # it is raised where somebody waits
            if not self._ended:
                self._problem = error


def _identity(item: Manifest) -> tuple[str, str]:
    return item["metadata"]["uid"], item["metadata"]["resourceVersion"]


def serving(version: Version) -> set[str]:
    """The pods that take requests, in one version of an EndpointSlice."""
    every = version.object.get("endpoints") or []
    return {e["targetRef"]["name"] for e in every if e.get("conditions", {}).get("ready")}


def first_ready(pods: History) -> dict[str, int]:
    """Pod -> revision at which it was ready for the first time."""
    out: dict[str, int] = {}
    for version in pods.versions:
        if is_ready(version.object):
            out.setdefault(version.name, version.revision)
    return out


def first_leaving(pods: History) -> dict[str, int]:
    """Pod -> revision from which it was on its way out."""
    out: dict[str, int] = {}
    for version in pods.versions:
        if version.gone or "deletionTimestamp" in version.object["metadata"]:
            out.setdefault(version.name, version.revision)
    return out
