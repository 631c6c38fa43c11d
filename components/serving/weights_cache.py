"""A cache of weights: a volume, and one download Job for each revision that somebody serves from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.crds import EXTERNAL_SECRETS, external_secret
from components.kubernetes.labels import Labels
from components.kubernetes.placement import tolerations
from components.kubernetes.pods import (
    SCRATCH_PATH,
    claimed,
    evictable,
    patience,
    pull_policy,
    scratch,
    unawaited,
    variables,
)
from components.kubernetes.resources import requirements
from components.kubernetes.security import restricted_container, restricted_pod
from components.kubernetes.wires import NamespaceRef, NodePlacement, WeightsVolume
from settings.cache import Cache, ExternalToken
from settings.names import HUB_FILE, cache_account, fetch_script, hub_secret
from settings.versions import LOADER_PYTHON
from settings.weights import MOUNT, Download

SCRIPT = Path(__file__).parent / "fetch_weights.py"
SCRIPT_PATH = "/scripts"
TOKEN_PATH = "/etc/hugging-face"  # noqa: S105  # where the file is
TRIES = 4
"""Pods of one download: with the Job's growing delays (10, 20, 40 s) a hub that is busy for a minute is waited out, and
an address that it limits (429 is per address) is not hammered on (NVIDIA/aicr#1116)."""
SCRATCH_SIZE = "512Mi"


@dataclass(frozen=True, kw_only=True)
class HubToken:
    """The hub's token: what the Secret is made from."""

    external: ExternalToken | None
    """Read by External Secrets; None: `value` is the token."""
    key: str | None
    """Name in the store."""
    value: pulumi.Input[str] | None
    """The token itself."""


@dataclass(frozen=True, kw_only=True)
class WeightsCacheArgs:
    """What a cache is made of."""

    spec: Cache
    """Volume and downloads."""
    downloads: Sequence[Download]
    """What it is filled with."""
    image: str
    """The whole image reference of the downloads."""
    labels: Labels
    """Labels of all its objects; `app` selects its pods."""
    placement: NodePlacement
    """Nodes of the downloads."""
    namespace: NamespaceRef
    """Where it is."""
    token: HubToken | None
    """For what is gated or private."""
    priority: pulumi.Resource | None
    """The PriorityClass that the downloads name."""
    storage: Sequence[pulumi.Resource] = ()
    """What makes its volume, and clears it away."""
    secrets: Sequence[pulumi.Resource] = ()
    """What brings in a token from outside."""
    cluster: pulumi.Resource | None = None
    """What all goes with that holds no volume, if the program makes it; the rest is the caller's to say, by `opts`."""


class WeightsCache(pulumi.ComponentResource):
    """A shared volume, filled once per revision; servers never talk to the hub."""

    volume: WeightsVolume
    """What model servers mount."""

    def __init__(self, name: str, args: WeightsCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:WeightsCache", name, None, opts)
        self._cache = name
        self._args = args
        self._inside = pulumi.ResourceOptions(
            parent=self, depends_on=list(args.namespace.guards), deleted_with=args.cluster
        )
        claim = self._claim()
        parts: list[pulumi.Resource] = [claim, self._account(), self._script()]
        if args.token is not None:
            parts.append(self._token(args.token))
        if args.priority is not None:
            parts.append(args.priority)
        self._first = pulumi.ResourceOptions(
            parent=self,
            depends_on=[*args.namespace.guards, *parts],
            custom_timeouts=patience(args.spec.deadline.seconds),
        )
        jobs = {download.path: self._job(download) for download in args.downloads}
        self.volume = WeightsVolume(claim=name, resource=claim, downloads=jobs)
        self.register_outputs({"claim": name})

    def _metadata(self, name: str, annotations: dict[str, str] | None = None) -> k8s.meta.v1.ObjectMetaArgs:
        labels, namespace = self._args.labels.all, self._args.namespace.name
        return k8s.meta.v1.ObjectMetaArgs(name=name, namespace=namespace, labels=labels, annotations=annotations)

    def _claim(self) -> k8s.core.v1.PersistentVolumeClaim:
        spec = self._args.spec
        size = k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": str(spec.size)})
        return k8s.core.v1.PersistentVolumeClaim(
            f"{self._cache}-claim",
            # The engine would wait until it is bound; a class that binds at the first pod never would be.
            metadata=self._metadata(self._cache, unawaited()),
            spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
                access_modes=[spec.access_mode], resources=size, storage_class_name=spec.storage_class
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._args.namespace.guards, *self._args.storage]),
        )

    def _account(self) -> k8s.core.v1.ServiceAccount:
        return k8s.core.v1.ServiceAccount(
            f"{self._cache}-service-account",
            metadata=self._metadata(cache_account(self._cache)),
            automount_service_account_token=False,
            opts=self._inside,
        )

    def _script(self) -> k8s.core.v1.ConfigMap:
        return k8s.core.v1.ConfigMap(
            f"{self._cache}-fetch",
            metadata=self._metadata(fetch_script(self._cache)),
            data={SCRIPT.name: SCRIPT.read_text(encoding="utf-8")},
            opts=self._inside,
        )

    def _token(self, token: HubToken) -> pulumi.Resource:
        metadata = self._metadata(hub_secret(self._cache))
        if token.external is None:
            return k8s.core.v1.Secret(
                f"{self._cache}-token",
                metadata=metadata,
                string_data={HUB_FILE: token.value} if token.value is not None else {},
                type="Opaque",
                opts=self._inside,
            )
        source = {"key": token.key or "", **({"property": token.external.field} if token.external.field else {})}
        return k8s.apiextensions.CustomResource(
            f"{self._cache}-token",
            api_version=EXTERNAL_SECRETS,
            kind="ExternalSecret",
            metadata=metadata,
            spec=external_secret(
                hub_secret(self._cache), token.external.store, {HUB_FILE: source}, token.external.refresh.seconds
            ),
            opts=pulumi.ResourceOptions.merge(
                self._inside, pulumi.ResourceOptions(depends_on=list(self._args.secrets))
            ),
        )

    def _job(self, download: Download) -> k8s.batch.v1.Job:
        spec = self._args.spec
        never = k8s.batch.v1.PodFailurePolicyOnExitCodesRequirementArgs(operator="In", values=[2])
        drained = k8s.batch.v1.PodFailurePolicyOnPodConditionsPatternArgs(status="True", type="DisruptionTarget")
        return k8s.batch.v1.Job(
            download.job,
            metadata=self._metadata(download.job),
            spec=k8s.batch.v1.JobSpecArgs(
                active_deadline_seconds=spec.deadline.seconds,
                backoff_limit=TRIES - 1,
                pod_failure_policy=k8s.batch.v1.PodFailurePolicyArgs(
                    rules=[
                        # A pod that a drain or a preemption takes is no try.
                        k8s.batch.v1.PodFailurePolicyRuleArgs(action="Ignore", on_pod_conditions=[drained]),
                        k8s.batch.v1.PodFailurePolicyRuleArgs(action="FailJob", on_exit_codes=never),
                    ]
                ),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=self._args.labels.all, annotations=evictable()),
                    spec=self._pod(download),
                ),
            ),
            opts=self._first,
        )

    def _pod(self, download: Download) -> k8s.core.v1.PodSpecArgs:
        args, spec = self._args, self._args.spec
        volumes, mounts = self._volumes()
        container = k8s.core.v1.ContainerArgs(
            name="fetch",
            image=args.image,
            image_pull_policy=pull_policy(args.image),
            command=[LOADER_PYTHON, f"{SCRIPT_PATH}/{SCRIPT.name}"],
            args=[download.hub, download.revision, download.path, *download.skip],
            env=variables(self._environment()),
            resources=requirements(spec.resources),
            security_context=restricted_container(spec.security),
            volume_mounts=mounts,
        )
        return k8s.core.v1.PodSpecArgs(
            automount_service_account_token=False,
            containers=[container],
            enable_service_links=False,
            node_selector=dict(args.placement.selector) or None,
            priority_class_name=spec.priority,
            restart_policy="Never",
            security_context=restricted_pod(spec.security, claims=True),
            service_account_name=cache_account(self._cache),
            tolerations=tolerations(args.placement) or None,
            volumes=volumes,
        )

    def _volumes(self) -> tuple[list[k8s.core.v1.VolumeArgs], list[k8s.core.v1.VolumeMountArgs]]:
        script = k8s.core.v1.ConfigMapVolumeSourceArgs(name=fetch_script(self._cache))
        parts = [
            claimed("weights", self._cache, MOUNT, read_only=False),
            scratch(SCRATCH_SIZE),
            (
                k8s.core.v1.VolumeArgs(name="scripts", config_map=script),
                k8s.core.v1.VolumeMountArgs(name="scripts", mount_path=SCRIPT_PATH, read_only=True),
            ),
        ]
        if self._args.token is not None:
            secret = k8s.core.v1.SecretVolumeSourceArgs(secret_name=hub_secret(self._cache), default_mode=0o440)
            mount = k8s.core.v1.VolumeMountArgs(name="token", mount_path=TOKEN_PATH, read_only=True)
            parts.append((k8s.core.v1.VolumeArgs(name="token", secret=secret), mount))
        return [volume for volume, _ in parts], [mount for _, mount in parts]

    def _environment(self) -> dict[str, str]:
        out = {
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HOME": f"{SCRATCH_PATH}/hugging-face",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",  # some builds keep up to 10 GB beside what they fetch
            "HOME": SCRATCH_PATH,
        }
        if self._args.token is not None:
            out["HF_TOKEN_PATH"] = f"{TOKEN_PATH}/{HUB_FILE}"
        return out
