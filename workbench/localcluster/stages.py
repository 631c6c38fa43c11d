"""What a kubelet and a cloud would answer, as kwok Stages: each moves one object on when its time has come.

Everything here is simulated, and nothing else on the cluster is. Pods take the times that the settings state
(`pod_stages`); claims get volumes; Ingresses and load balancers get addresses; ExternalSecrets get Secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from workbench.localcluster.clock import Clock
from workbench.localcluster.pod_stages import Times, pods
from workbench.localcluster.stage import DELETED, IS_LOST, READY, When, stage, status

READY_AFTER = "llmplatform.dev/ready-after"
"""Annotation of a new node: a Go duration until its kubelet reports Ready."""


def stages(times: Times, clock: Clock) -> str:
    """All stages, as one file for kwok."""
    made = [*_nodes(), *pods(times, clock), *_volumes(times.zones), *_cloud()]
    return yaml.safe_dump_all(made, sort_keys=False)


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
        stage(
            "node-ready",
            "Node",
            {DELETED: False, ".status.phase": "!Running", IS_LOST: False},
            [status(conditions)],
            delay=f'.metadata.annotations["{READY_AFTER}"]',
        ),
        # kwok was away longer than the controller manager waits for a word of a node (it died, or was stopped).
        stage(
            "node-ready-again",
            "Node",
            {DELETED: False, f"({READY}).status": "Unknown", IS_LOST: False},
            [status(conditions)],
        ),
    ]


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
        stage("claim-shared", "PersistentVolumeClaim", {**open_, shared: "true"}, [volume()]),
        *(
            stage(
                f"claim-in-{zone}",
                "PersistentVolumeClaim",
                {**open_, shared: "false", f'{selected} | contains("{zone}")': "true"},
                [volume(zone)],
            )
            for zone in zones
        ),
        stage(
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
        stage("ingress-address", "Ingress", unaddressed, [status(_ADDRESS)], group="networking.k8s.io/v1"),
        stage("service-address", "Service", {**unaddressed, ".spec.type": "LoadBalancer"}, [status(_ADDRESS)]),
        stage(
            "external-secret",
            "ExternalSecret",
            {DELETED: False, '.status.conditions[]? | select(.type == "Ready") | .status': "!True"},
            [{"apply": {"template": _EXTERNAL}}, status(_SYNCED)],
            group="external-secrets.io/v1",
        ),
    ]
