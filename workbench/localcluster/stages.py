"""What a kubelet and a cloud would answer, as kwok Stages: each moves one object on when its time has come.

Everything here is simulated, and nothing else on the cluster is. Pods pull, start, load, get ready, restart, complete
and end after the times that the settings state; claims get volumes; Ingresses and load balancers get addresses;
ExternalSecrets get Secrets. Faults are asked for by name: of a running pod by the annotation FAULT, of a version by
its image's tag.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from settings import start_up
from settings.model import PlatformSettings
from settings.weights import of_cache
from workbench.localcluster.clock import Clock

FAULT = "llmplatform.dev/fault"
"""Annotation of a running pod: what is wrong with it from now on."""
LIVENESS, READINESS = "liveness", "readiness"
"""Its values: the liveness probe fails (until the container restarts); readiness fails (until it is taken off)."""
NEVER_READY = "never-ready"
"""In the tag of an image: a version whose readiness probe never succeeds."""
LOST = "llmplatform.dev/lost"
"""Annotation of a node whose kubelet is gone, and of its pods: nothing answers for them any more."""
READY_AFTER = "llmplatform.dev/ready-after"
"""Annotation of a new node: a Go duration until its kubelet reports Ready."""
JOB_LABEL = "batch.kubernetes.io/job-name"
GROUP = "kwok.x-k8s.io/v1alpha1"
When: TypeAlias = Mapping[str, str | Sequence[str] | bool]


@dataclass(frozen=True)
class Times:
    """Simulated seconds that pods take; what is not named takes what its own probes say, and pulls at once."""

    image: Mapping[str, float] = field(default_factory=dict)
    """`<namespace>/<app>` -> pulling its image."""
    loading: Mapping[str, float] = field(default_factory=dict)
    """`<namespace>/<app>` -> from the container's start to the first successful start-up probe."""
    job: Mapping[str, float] = field(default_factory=dict)
    """Name of a Job -> its run."""
    zones: Sequence[str] = ()
    """The zones that a volume may be in."""

    @classmethod
    def of(cls, settings: PlatformSettings) -> Times:
        """As the settings state them: start-up budgets of models, sizes of downloads."""
        budgets = {f"{m.namespace}/{name}": start_up.budget(settings, name) for name, m in settings.models.items()}
        downloads = [download for cache in settings.caches for download in of_cache(settings, cache)]
        return cls(
            image={key: budget.image.seconds for key, budget in budgets.items()},
            loading={key: budget.loading.seconds for key, budget in budgets.items()},
            # A hub gives one client about what a cache gives one reader; an adapter's size is not known, and little.
            job={d.job: d.size.bytes / start_up.READ_RATE.bytes if d.size else 5 for d in downloads},
            zones=settings.aws.zones,
        )


def stages(times: Times, clock: Clock) -> str:
    """All stages, as one file for kwok."""
    made = [*_nodes(), *_pods(times, clock), *_volumes(times.zones), *_cloud()]
    return yaml.safe_dump_all(made, sort_keys=False)


def _stage(
    name: str,
    kind: str,
    when: When,
    steps: Iterable[Mapping[str, Any]],
    *,
    group: str = "v1",
    delay: str | None = None,
) -> dict[str, Any]:
    """One stage.

    Args:
        name: of the stage.
        kind: of the objects.
        when: jq expression -> True: has a value; False: has none; a text or several: is one of these; a text that
            begins with "!": is not this.
        steps: what is done, in order.
        group: API group and version.
        delay: jq expression of a Go duration.
    """
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": group, "kind": kind},
        "selector": {"matchExpressions": [{"key": key, **_operator(value)} for key, value in when.items()]},
        "steps": list(steps),
    }
    if delay is not None:
        spec["delay"] = {"durationMilliseconds": 0, "durationFrom": {"expressionFrom": delay}}
    return {"apiVersion": GROUP, "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def _operator(value: str | Sequence[str] | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"operator": "Exists" if value else "DoesNotExist"}
    if isinstance(value, str) and value.startswith("!"):
        return {"operator": "NotIn", "values": [value[1:]]}
    return {"operator": "In", "values": [value] if isinstance(value, str) else list(value)}


def _status(template: str) -> dict[str, Any]:
    return {"patch": {"subresource": "status", "root": "status", "template": template}}


def _event(type_: str, reason: str, message: str) -> dict[str, Any]:
    return {"event": {"type": type_, "reason": reason, "message": message}}


DELETED = ".metadata.deletionTimestamp"
_LOST = f'.metadata.annotations["{LOST}"]'
_FAULT = f'.metadata.annotations["{FAULT}"]'


def _nodes() -> list[dict[str, Any]]:
    conditions = """
{{ $now := Now }}
phase: Running
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
addresses:
- type: InternalIP
  address: {{ NodeIP | Quote }}
- type: Hostname
  address: {{ .metadata.name | Quote }}
nodeInfo:
  architecture: {{ index .metadata.labels "kubernetes.io/arch" | Quote }}
  operatingSystem: linux
  kubeletVersion: simulated
  containerRuntimeVersion: simulated
  kernelVersion: simulated
  kubeProxyVersion: simulated
  osImage: simulated
  bootID: ""
  machineID: ""
  systemUUID: ""
"""
    return [
        _stage(
            "node-ready",
            "Node",
            {DELETED: False, ".status.phase": "!Running", _LOST: False},
            [_status(conditions)],
            delay=f'.metadata.annotations["{READY_AFTER}"]',
        )
    ]


# --- pods

_CONTAINERS = """
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: %(ready)s
  started: %(started)s
  restartCount: 0
  state: %(state)s
{{ end }}
"""
_CONDITION = """
- type: {type}
  status: "{status}"
  lastTransitionTime: {{{{ Now | Quote }}}}
"""
_PLACE = """
{{ with NodeIPWith .spec.nodeName }}
hostIP: {{ . | Quote }}
hostIPs: [{ip: {{ . | Quote }}}]
{{ end }}
{{ with PodIPWith .spec.nodeName (or .spec.hostNetwork false) .metadata.uid .metadata.name .metadata.namespace }}
podIP: {{ . | Quote }}
podIPs: [{ip: {{ . | Quote }}}]
{{ end }}
"""
_INIT = """
{{ if .spec.initContainers }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  started: {{ eq (or .restartPolicy "") "Always" }}
  restartCount: 0
  state:
    {{ if eq (or .restartPolicy "") "Always" }}
    running: {startedAt: {{ Now | Quote }}}
    {{ else }}
    terminated: {exitCode: 0, reason: Completed, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}
    {{ end }}
{{ end }}
{{ end }}
"""
_KEEP = """
{{ $root := . }}
containerStatuses:
{{ range $index, $spec := .spec.containers }}
{{ $was := index $root.status.containerStatuses $index }}
- name: {{ $spec.name | Quote }}
  image: {{ $spec.image | Quote }}
  imageID: ""
  ready: %(ready)s
  started: %(started)s
  restartCount: %(restarts)s
  state: %(state)s
  lastState: %(last)s
{{ end }}
"""
_WAS, _LAST = "{{ YAML $was.state 2 }}", '{{ YAML (default (dict) (get $was "lastState")) 2 }}'
_SAME = "{{ $was.restartCount }}"
_BEGUN = "startedAt: {{ $was.state.running.startedAt | Quote }}"
_ENDED = "{terminated: {exitCode: %s, reason: %s, " + _BEGUN + ", finishedAt: {{ Now | Quote }}}}"


def _conditions(**status: bool) -> str:
    return "conditions:" + "".join(_CONDITION.format(type=name, status=value) for name, value in status.items())


def _pods(times: Times, clock: Clock) -> list[dict[str, Any]]:
    alive: When = {DELETED: False, _LOST: False}
    up: When = {**alive, ".status.phase": "Running"}
    container = ".status.containerStatuses[0]"
    lives: When = {".spec.restartPolicy": "Always"}
    # Without a readiness probe nobody asks: a container that has started is ready, whatever is wrong with it.
    bad_version = f'.spec.containers[0] | has("readinessProbe") and (.image | test("{NEVER_READY}"))'
    app = '(.metadata.namespace + "/" + (.metadata.labels.app // ""))'
    job = f'(.metadata.labels["{JOB_LABEL}"] // "")'

    def after(jq: str) -> str:
        """The jq of a Go duration for so many simulated seconds."""
        return f'((({jq}) // 0) / {clock.factor} | tostring) + "s"'

    def look_up(table: Mapping[str, float], key: str, otherwise: str) -> str:
        return f"({json.dumps(dict(sorted(table.items())))})[{key}] // ({otherwise})"

    def probed(probe: str) -> When:
        """A probe that the container has; what it has not cannot fail."""
        return {f".spec.containers[0].{probe}": True}

    def window(probe: str) -> str:
        """A probe that fails from now on is believed after so many calls."""
        return f".spec.containers[0].{probe} | (.periodSeconds * .failureThreshold)"

    first = ".spec.containers[0].startupProbe.initialDelaySeconds // 0"
    return [
        _stage(
            "pod-created",
            "Pod",
            {**alive, ".status.phase": "Pending", container: False},
            [
                _status(
                    _conditions(Initialized=True, Ready=False, ContainersReady=False)
                    + _CONTAINERS
                    % {"ready": "false", "started": "false", "state": "{waiting: {reason: ContainerCreating}}"}
                    + "startTime: {{ Now | Quote }}\n"
                )
            ],
        ),
        _stage(
            "pod-running",
            "Pod",
            {**alive, ".status.phase": "Pending", container: True},
            [
                _event("Normal", "Started", "Started container (simulated)"),
                _status(
                    "phase: Running\n"
                    + _CONTAINERS
                    % {"ready": "false", "started": "false", "state": "{running: {startedAt: {{ Now | Quote }}}}"}
                    + _INIT
                    + _PLACE
                ),
            ],
            delay=after(look_up(times.image, app, "0")),
        ),
        _stage(
            "pod-started",
            "Pod",
            {**up, **lives, f"{container}.started": "!true", bad_version: "!true"},
            [_status(_conditions(Ready=True, ContainersReady=True) + _kept(ready=True, started=True))],
            delay=after(look_up(times.loading, app, first)),
        ),
        _stage(
            "pod-started-but-not-ready",
            "Pod",
            {**up, **lives, f"{container}.started": "!true", bad_version: "true"},
            [_status(_kept(ready=False, started=True))],
            delay=after(look_up(times.loading, app, first)),
        ),
        _stage(
            "pod-liveness-failed",
            "Pod",
            {**up, **lives, **probed("livenessProbe"), f"{container}.started": "true", _FAULT: LIVENESS},
            [
                _event("Warning", "Unhealthy", "Liveness probe failed (simulated)"),
                _event("Normal", "Killing", "Container failed liveness probe, will be restarted (simulated)"),
                _status(
                    _conditions(Ready=False, ContainersReady=False)
                    + _KEEP
                    % {
                        "ready": "false",
                        "started": "false",
                        "restarts": "{{ add1 $was.restartCount }}",
                        "state": "{running: {startedAt: {{ Now | Quote }}}, terminated: null}",
                        "last": _ENDED % (137, "Error"),
                    }
                ),
                # A deadlock ends with its process.
                {"patch": {"root": "", "type": "merge", "template": f"metadata: {{annotations: {{{FAULT}: null}}}}"}},
            ],
            delay=after(window("livenessProbe")),
        ),
        _stage(
            "pod-readiness-failed",
            "Pod",
            {**up, **probed("readinessProbe"), f"{container}.ready": "true", _FAULT: READINESS},
            [
                _event("Warning", "Unhealthy", "Readiness probe failed (simulated)"),
                _status(_conditions(Ready=False, ContainersReady=False) + _kept(ready=False, started=True)),
            ],
            delay=after(window("readinessProbe")),
        ),
        _stage(
            "pod-ready-again",
            "Pod",
            {
                **up,
                **lives,
                f"{container}.started": "true",
                f"{container}.ready": "!true",
                _FAULT: False,
                bad_version: "!true",
            },
            [_status(_conditions(Ready=True, ContainersReady=True) + _kept(ready=True, started=True))],
            delay=after(".spec.containers[0].readinessProbe | (.periodSeconds * .successThreshold)"),
        ),
        _stage(
            "pod-succeeded",
            "Pod",
            {**up, ".spec.restartPolicy": ("Never", "OnFailure")},
            [
                _status(
                    "phase: Succeeded\n"
                    + _KEEP
                    % {
                        "ready": "false",
                        "started": "false",
                        "restarts": _SAME,
                        "state": _ENDED.replace("}}}}", "}}}, running: null}") % (0, "Completed"),
                        "last": "{}",
                    }
                )
            ],
            delay=after(look_up(times.job, job, "0")),
        ),
        # A pod is taken to use all of its grace; one whose container never ran ends at once.
        _stage(
            "pod-ended",
            "Pod",
            {DELETED: True, _LOST: False},
            [{"delete": True}],
            delay=after('if .status.phase == "Running" then .metadata.deletionGracePeriodSeconds else 0 end'),
        ),
    ]


def _kept(*, ready: bool, started: bool) -> str:
    values = {"ready": str(ready).lower(), "started": str(started).lower()}
    return _KEEP % {**values, "restarts": _SAME, "state": _WAS, "last": _LAST}


# --- volumes

_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
DRIVER = "local.llmplatform.dev"
"""The provisioner of the cluster's StorageClasses."""
_VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-{{ .metadata.uid }}
  annotations: {%(by)s: %(driver)s}
spec:
  accessModes: {{ YAML .spec.accessModes 1 }}
  capacity: {storage: {{ .spec.resources.requests.storage | Quote }}}
  claimRef:
    apiVersion: v1
    kind: PersistentVolumeClaim
    name: {{ .metadata.name | Quote }}
    namespace: {{ .metadata.namespace | Quote }}
    uid: {{ .metadata.uid | Quote }}
  csi: {driver: %(driver)s, volumeHandle: {{ .metadata.uid | Quote }}}
  persistentVolumeReclaimPolicy: Delete
  storageClassName: {{ .spec.storageClassName | Quote }}
  volumeMode: Filesystem
%(zone)s"""
_ZONE = """  nodeAffinity:
    required:
      nodeSelectorTerms:
      - matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [%s]}]
"""


def _volumes(zones: Sequence[str]) -> list[dict[str, Any]]:
    """A volume for each claim; the real binder binds the two. That of one node lies in the zone of its first pod."""
    open_: When = {DELETED: False, ".spec.volumeName": False, ".spec.storageClassName": True}
    shared = '.spec.accessModes | any(. == "ReadWriteMany" or . == "ReadOnlyMany")'
    selected = '.metadata.annotations["volume.kubernetes.io/selected-node"] // ""'

    def volume(zone: str = "") -> dict[str, Any]:
        text = _VOLUME % {"by": _PROVISIONED_BY, "driver": DRIVER, "zone": _ZONE % zone if zone else ""}
        return {"apply": {"template": text}}

    return [
        _stage("claim-shared", "PersistentVolumeClaim", {**open_, shared: "true"}, [volume()]),
        *(
            _stage(
                f"claim-in-{zone}",
                "PersistentVolumeClaim",
                {**open_, shared: "false", f'{selected} | contains("{zone}")': "true"},
                [volume(zone)],
            )
            for zone in zones
        ),
        _stage(
            "volume-released",
            "PersistentVolume",
            {DELETED: False, ".status.phase": "Released", f'.metadata.annotations["{_PROVISIONED_BY}"]': DRIVER},
            [{"delete": True}],
        ),
    ]


# --- what a cloud's controllers would do

_ADDRESS = """
loadBalancer:
  ingress:
  - hostname: {{ printf "%s-%s.elb.localhost" .metadata.namespace .metadata.name | Quote }}
"""
_EXTERNAL = """
apiVersion: v1
kind: Secret
metadata:
  name: {{ or .spec.target.name .metadata.name | Quote }}
  namespace: {{ .metadata.namespace | Quote }}
  labels: {app.kubernetes.io/managed-by: llmplatform-local}
  ownerReferences:
  - apiVersion: {{ .apiVersion | Quote }}
    kind: ExternalSecret
    name: {{ .metadata.name | Quote }}
    uid: {{ .metadata.uid | Quote }}
    controller: true
stringData:
  {{ range .spec.data }}
  {{ .secretKey }}: "stand-in"
  {{ end }}
"""
_SYNCED = """
conditions:
- type: Ready
  status: "True"
  reason: SecretSynced
  message: "simulated: the Secret holds a stand-in"
  lastTransitionTime: {{ Now | Quote }}
"""


def _cloud() -> list[dict[str, Any]]:
    unaddressed: When = {DELETED: False, ".status.loadBalancer.ingress": False}
    return [
        _stage("ingress-address", "Ingress", unaddressed, [_status(_ADDRESS)], group="networking.k8s.io/v1"),
        _stage("service-address", "Service", {**unaddressed, ".spec.type": "LoadBalancer"}, [_status(_ADDRESS)]),
        _stage(
            "external-secret",
            "ExternalSecret",
            {DELETED: False, '.status.conditions[]? | select(.type == "Ready") | .status': "!True"},
            [{"apply": {"template": _EXTERNAL}}, _status(_SYNCED)],
            group="external-secrets.io/v1",
        ),
    ]
