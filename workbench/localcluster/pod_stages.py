"""What a kubelet would make of a pod: it pulls, starts, loads, is ready, fails its probes, completes and ends.

Faults are asked for by name: of a running pod by the annotation FAULT, of a version by its image's tag.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from settings import start_up
from settings.model import PlatformSettings
from settings.weights import of_cache
from workbench.localcluster.clock import Clock
from workbench.localcluster.stage import DELETED, IS_LOST, READY, When, event, stage, status

FAULT = "llmplatform.dev/fault"
"""Annotation of a running pod: what is wrong with it from now on."""
LIVENESS, READINESS = "liveness", "readiness"
"""Its values: the liveness probe fails (until the container restarts); readiness fails (until it is taken off)."""
NEVER_READY = "never-ready"
"""In the tag of an image: a version whose readiness probe never succeeds."""
JOB_LABEL = "batch.kubernetes.io/job-name"
_FAULT = f'.metadata.annotations["{FAULT}"]'


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


def _conditions(**each: bool) -> str:
    return "conditions:" + "".join(_CONDITION.format(type=name, status=value) for name, value in each.items())


def pods(times: Times, clock: Clock) -> list[dict[str, Any]]:
    """The stages of pods, for the times that they take and the clock that divides them."""
    alive: When = {DELETED: False, IS_LOST: False}
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
        stage(
            "pod-created",
            "Pod",
            {**alive, ".status.phase": "Pending", container: False},
            [
                status(
                    _conditions(Initialized=True, Ready=False, ContainersReady=False)
                    + _CONTAINERS
                    % {"ready": "false", "started": "false", "state": "{waiting: {reason: ContainerCreating}}"}
                    + "startTime: {{ Now | Quote }}\n"
                )
            ],
        ),
        stage(
            "pod-running",
            "Pod",
            {**alive, ".status.phase": "Pending", container: True},
            [
                event("Normal", "Started", "Started container (simulated)"),
                status(
                    "phase: Running\n"
                    + _CONTAINERS
                    % {"ready": "false", "started": "false", "state": "{running: {startedAt: {{ Now | Quote }}}}"}
                    + _INIT
                    + _PLACE
                ),
            ],
            delay=after(look_up(times.image, app, "0")),
        ),
        stage(
            "pod-started",
            "Pod",
            {**up, **lives, f"{container}.started": "!true", bad_version: "!true"},
            [status(_conditions(Ready=True, ContainersReady=True) + _kept(ready=True, started=True))],
            delay=after(look_up(times.loading, app, first)),
        ),
        stage(
            "pod-started-but-not-ready",
            "Pod",
            {**up, **lives, f"{container}.started": "!true", bad_version: "true"},
            [status(_kept(ready=False, started=True))],
            delay=after(look_up(times.loading, app, first)),
        ),
        stage(
            "pod-liveness-failed",
            "Pod",
            {**up, **lives, **probed("livenessProbe"), f"{container}.started": "true", _FAULT: LIVENESS},
            [
                event("Warning", "Unhealthy", "Liveness probe failed (simulated)"),
                event("Normal", "Killing", "Container failed liveness probe, will be restarted (simulated)"),
                status(
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
        stage(
            "pod-readiness-failed",
            "Pod",
            {**up, **probed("readinessProbe"), f"{container}.ready": "true", _FAULT: READINESS},
            [
                event("Warning", "Unhealthy", "Readiness probe failed (simulated)"),
                status(_conditions(Ready=False, ContainersReady=False) + _kept(ready=False, started=True)),
            ],
            delay=after(window("readinessProbe")),
        ),
        stage(
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
            [status(_conditions(Ready=True, ContainersReady=True) + _kept(ready=True, started=True))],
            delay=after(".spec.containers[0].readinessProbe | (.periodSeconds * .successThreshold)"),
        ),
        # The controller manager took it off when it had not heard of the pod's node; the container never stopped.
        stage(
            "pod-heard-of-again",
            "Pod",
            {**up, f"{container}.ready": "true", f"({READY}).status": "False"},
            [status(_conditions(Ready=True))],
        ),
        stage(
            "pod-succeeded",
            "Pod",
            {**up, ".spec.restartPolicy": ("Never", "OnFailure")},
            [
                status(
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
        stage(
            "pod-ended",
            "Pod",
            {DELETED: True, IS_LOST: False},
            [{"delete": True}],
            delay=after('if .status.phase == "Running" then .metadata.deletionGracePeriodSeconds else 0 end'),
        ),
    ]


def _kept(*, ready: bool, started: bool) -> str:
    values = {"ready": str(ready).lower(), "started": str(started).lower()}
    return _KEEP % {**values, "restarts": _SAME, "state": _WAS, "last": _LAST}
