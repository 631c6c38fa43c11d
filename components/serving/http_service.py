"""An HTTP service: ServiceAccount, ConfigMap, Secret, Deployment and Service of one API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.labels import Labels
from components.kubernetes.placement import apart_from, over_zones, tolerations
from components.kubernetes.pods import (
    cluster_ip,
    evictable,
    patience,
    rolling,
    rollout_time,
    scraped,
    scratch,
    sleeping,
    unawaited,
)
from components.kubernetes.probes import http_probe
from components.kubernetes.resources import requirements
from components.kubernetes.security import restricted_container, restricted_pod
from components.kubernetes.wires import NamespaceRef, NodePlacement, ScaleTarget, ServiceAddress
from settings.drain import Drain
from settings.names import ROLE_ANNOTATION, service_url
from settings.service import Service
from settings.types import Duration
from settings.workload import FixedScaling

SECRETS_PATH = "/etc/secrets"
KUBERNETES_DEADLINE = 600
"""Seconds; the API's default for progressDeadlineSeconds, and the least that we set."""


@dataclass(frozen=True, kw_only=True)
class HttpServiceArgs:
    """What a service is made of."""

    spec: Service
    """What its team wrote."""
    labels: Labels
    """Labels and selector."""
    image: str
    """The whole image reference."""
    service_account: str
    """Name of its ServiceAccount."""
    config_map: str
    """Name of its ConfigMap."""
    secret: str
    """Name of its Secret, if it has one."""
    variables: Mapping[str, str]
    """Environment variables; a change rolls the pods."""
    drain: Drain
    """Solved pre-stop wait and grace."""
    placement: NodePlacement
    """Its nodes."""
    node_start_up: Duration
    """How long the slowest node it may wait for takes."""
    role_arn: str | None
    """IAM role of its pods."""
    namespace: NamespaceRef
    """Where it runs."""
    secrets: Mapping[str, pulumi.Input[str]]
    """File name -> value."""
    priority: pulumi.Resource | None
    """The PriorityClass that it names."""
    needs: Sequence[pulumi.Resource] = ()
    """What must be there before its pods: what they are in AWS, where their image is."""


class HttpService(pulumi.ComponentResource):
    """An HTTP API with probes, rollout, drain and the restricted security profile.

    Leaves `replicas` out where an autoscaler owns it.
    """

    address: ServiceAddress
    """What an Ingress takes."""
    scale_target: ScaleTarget
    """What autoscalers and budgets take."""
    url: pulumi.Output[str]
    """In-cluster URL."""

    def __init__(self, name: str, args: HttpServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:HttpService", name, None, opts)
        self._app = name
        self._args = args
        self._inside = pulumi.ResourceOptions(parent=self, depends_on=list(args.namespace.guards))
        parts: list[pulumi.Resource] = [self._service_account(), self._config_map()]
        if args.secrets:
            parts.append(self._secret())
        if args.priority is not None:
            parts.append(args.priority)
        deployment = self._deployment([*parts, *args.needs])
        service = self._service()
        self.scale_target = ScaleTarget.deployment(name, args.namespace.name, args.labels.selector, deployment)
        self.address = ServiceAddress(
            name=name, namespace=args.namespace.name, port=args.spec.service_port, resources=(service, deployment)
        )
        self.url = pulumi.Output.from_input(service_url(name, args.spec))
        self.register_outputs({"url": self.url})

    def _metadata(self, name: str, annotations: Mapping[str, str] | None = None) -> k8s.meta.v1.ObjectMetaArgs:
        return k8s.meta.v1.ObjectMetaArgs(
            name=name,
            namespace=self._args.namespace.name,
            labels=self._args.labels.all,
            annotations=dict(annotations) if annotations else None,
        )

    def _service_account(self) -> k8s.core.v1.ServiceAccount:
        role = self._args.role_arn
        return k8s.core.v1.ServiceAccount(
            f"{self._app}-service-account",
            metadata=self._metadata(self._args.service_account, {ROLE_ANNOTATION: role} if role else None),
            # The pod's own token for AWS is projected by EKS; the API server's is for nobody here.
            automount_service_account_token=False,
            opts=self._inside,
        )

    def _config_map(self) -> k8s.core.v1.ConfigMap:
        return k8s.core.v1.ConfigMap(
            f"{self._app}-config",
            metadata=self._metadata(self._args.config_map),
            data=dict(self._args.variables),
            opts=self._inside,
        )

    def _secret(self) -> k8s.core.v1.Secret:
        return k8s.core.v1.Secret(
            f"{self._app}-secrets",
            metadata=self._metadata(self._args.secret),
            string_data=dict(self._args.secrets),
            type="Opaque",
            opts=self._inside,
        )

    def _service(self) -> k8s.core.v1.Service:
        spec = self._args.spec
        return k8s.core.v1.Service(
            f"{self._app}-service",
            metadata=self._metadata(self._app, unawaited()),  # see cluster_ip
            spec=cluster_ip(self._args.labels.selector, spec.service_port, spec.port),
            opts=self._inside,
        )

    def _deployment(self, parts: list[pulumi.Resource]) -> k8s.apps.v1.Deployment:
        spec, labels = self._args.spec, self._args.labels
        fixed = isinstance(spec.scaling, FixedScaling)
        return k8s.apps.v1.Deployment(
            f"{self._app}-deployment",
            metadata=self._metadata(self._app),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=spec.scaling.floor if fixed else None,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels.selector),
                strategy=rolling(spec.rollout.max_surge, spec.rollout.max_unavailable),
                progress_deadline_seconds=progress_deadline(spec, self._args.node_start_up),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels.all, annotations=self._pod_annotations()),
                    spec=self._pod(),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*self._args.namespace.guards, *parts],
                custom_timeouts=patience(
                    rollout_time(
                        progress_deadline(spec, self._args.node_start_up),
                        spec.scaling.ceiling,
                        spec.rollout.max_surge + spec.rollout.max_unavailable,
                    )
                ),
            ),
        )

    def _pod_annotations(self) -> dict[str, str]:
        spec = self._args.spec
        return {
            **evictable(),
            "llmplatform.dev/config-checksum": checksum(self._args.variables),
            **scraped(spec.metrics_path, spec.port),
        }

    def _pod(self) -> k8s.core.v1.PodSpecArgs:
        args, spec = self._args, self._args.spec
        selector = args.labels.selector
        volumes = [scratch(str(spec.scratch))[0]]
        if args.secrets:
            # 0440: the pod's group may read it, others not; a secret as a variable would show in every crash dump.
            source = k8s.core.v1.SecretVolumeSourceArgs(secret_name=args.secret, default_mode=0o440)
            volumes.append(k8s.core.v1.VolumeArgs(name="secrets", secret=source))
        return k8s.core.v1.PodSpecArgs(
            affinity=apart_from(selector),
            automount_service_account_token=False,
            containers=[self._container()],
            enable_service_links=False,
            node_selector=dict(args.placement.selector) or None,
            priority_class_name=spec.priority,
            security_context=restricted_pod(spec.security),
            service_account_name=args.service_account,
            termination_grace_period_seconds=args.drain.grace.seconds,
            tolerations=tolerations(args.placement) or None,
            topology_spread_constraints=over_zones(selector),
            volumes=volumes,
        )

    def _container(self) -> k8s.core.v1.ContainerArgs:
        args, spec = self._args, self._args.spec
        mounts = [scratch(str(spec.scratch))[1]]
        if args.secrets:
            mounts.append(k8s.core.v1.VolumeMountArgs(name="secrets", mount_path=SECRETS_PATH, read_only=True))
        config = k8s.core.v1.ConfigMapEnvSourceArgs(name=args.config_map)
        return k8s.core.v1.ContainerArgs(
            name=self._app,
            image=args.image,
            image_pull_policy="Always",
            ports=[k8s.core.v1.ContainerPortArgs(name="http", container_port=spec.port, protocol="TCP")],
            env_from=[k8s.core.v1.EnvFromSourceArgs(config_map_ref=config)],
            lifecycle=sleeping(args.drain.pre_stop.seconds),
            startup_probe=http_probe(spec.probes.startup, spec.port),
            liveness_probe=http_probe(spec.probes.liveness, spec.port),
            readiness_probe=http_probe(spec.probes.readiness, spec.port),
            resources=requirements(spec.resources),
            security_context=restricted_container(spec.security),
            volume_mounts=mounts,
        )


def progress_deadline(spec: Service, node_start_up: Duration) -> int:
    """Seconds that one pod of a rollout may take: a new node, then the whole start-up probe; never under the default.

    A deadline shorter than the start-up window calls a rollout failed that is only slow.
    """
    return max(KUBERNETES_DEADLINE, node_start_up.seconds + spec.probes.startup.window.seconds)


def checksum(variables: Mapping[str, str]) -> str:
    """Stands in the pod template, so that a changed ConfigMap rolls the pods (S003-57)."""
    return hashlib.sha256(json.dumps(dict(sorted(variables.items()))).encode()).hexdigest()
