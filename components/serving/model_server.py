"""A model server: Deployment, Service and ServiceAccount of one model, and its floor on another pool."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.labels import Labels
from components.kubernetes.placement import apart_from, over_zones, tolerations
from components.kubernetes.pods import (
    SCRATCH_PATH,
    claimed,
    cluster_ip,
    evictable,
    patience,
    pull_policy,
    rolling,
    rollout_time,
    scraped,
    scratch,
    sleeping,
    unawaited,
    variables,
)
from components.kubernetes.probes import http_probe
from components.kubernetes.resources import requirements
from components.kubernetes.security import restricted_container, restricted_pod
from components.kubernetes.wires import NamespaceRef, NodePlacement, ScaleTarget, ServiceAddress, WeightsVolume
from settings.drain import ModelDrain
from settings.engine import Serve
from settings.model_server import Model
from settings.names import ROLE_LABEL, model_account
from settings.types import Duration
from settings.weights import MOUNT
from settings.workload import FixedScaling, Probes, Resources
from settings.workloads import FLOOR_SUFFIX

MAIN, FLOOR = "main", "floor"
SHARED_MEMORY = "/dev/shm"  # noqa: S108  # where CUDA and NCCL look for it
WAIT = """\
trap 'exit 143' TERM
for folder in "$@"; do
  until [ -d "$folder" ]; do echo "waiting for $folder"; sleep 5; done
done
"""
"""Ends when every folder is there. The engine starts servers after the downloads anyway; whoever applies manifests
does not. A container's first process ends by SIGTERM only if it asks for it: else each deletion waits out the grace."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where some of a model's replicas stand."""

    placement: NodePlacement
    """Their nodes."""
    deadline: Duration
    """How long one of them may take until it serves."""


@dataclass(frozen=True, kw_only=True)
class ModelServerArgs:
    """What a model server is made of."""

    spec: Model
    """What its team wrote."""
    labels: Labels
    """Labels and selector."""
    image: str
    """The whole image reference."""
    serve: Serve
    """What the engine is told."""
    folders: tuple[str, ...]
    """What must be in the cache before it can start."""
    resources: Resources
    """Requests and limits of one pod."""
    probes: Probes
    """Start-up, liveness, readiness."""
    drain: ModelDrain
    """Solved pre-stop wait and grace."""
    main: Place
    """Where the replicas stand that `scaling` counts."""
    floor: Place | None
    """Where those of its floor stand, if it has one."""
    weights: WeightsVolume
    """Its cache."""
    namespace: NamespaceRef
    """Where it runs."""
    priority: pulumi.Resource | None
    """The PriorityClass that it names."""
    cluster: pulumi.Resource | None = None
    """What all goes with that mounts no volume, if the program makes it; the rest is the caller's to say, by `opts`."""


class ModelServer(pulumi.ComponentResource):
    """Serves one model, and its adapters, over the OpenAI API.

    Leaves `replicas` out where an autoscaler owns it.
    """

    address: ServiceAddress
    """Where requests go."""
    scale_target: ScaleTarget
    """What autoscalers and budgets take; its selector takes the floor's pods, too."""

    def __init__(self, name: str, args: ModelServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:ModelServer", name, None, opts)
        self._app = name
        self._args = args
        self._inside = pulumi.ResourceOptions(
            parent=self, depends_on=list(args.namespace.guards), deleted_with=args.cluster
        )
        fetched = [args.weights.downloads[folder] for folder in args.folders]
        parts: list[pulumi.Resource] = [self._account(), args.weights.resource, *fetched]
        if args.priority is not None:
            parts.append(args.priority)
        spec = args.spec
        count = spec.scaling.floor if isinstance(spec.scaling, FixedScaling) else None
        if args.floor is not None and spec.floor is not None:
            # Before the main one, which may wait for spot capacity just when the floor is needed; one after the other,
            # so that the engine rolls a new version out over one of the two at a time.
            parts.append(self._deployment(FLOOR, spec.floor.replicas, args.floor, parts))
        main = self._deployment(MAIN, count, args.main, parts)
        service = self._service()
        self.scale_target = ScaleTarget.deployment(name, args.namespace.name, args.labels.selector, main)
        self.address = ServiceAddress(
            name=name, namespace=args.namespace.name, port=spec.port, resources=(service, main)
        )
        self.register_outputs({"service": name})

    def _metadata(self, name: str, annotations: dict[str, str] | None = None) -> k8s.meta.v1.ObjectMetaArgs:
        labels, namespace = self._args.labels.all, self._args.namespace.name
        return k8s.meta.v1.ObjectMetaArgs(name=name, namespace=namespace, labels=labels, annotations=annotations)

    def _account(self) -> k8s.core.v1.ServiceAccount:
        return k8s.core.v1.ServiceAccount(
            f"{self._app}-service-account",
            metadata=self._metadata(model_account(self._app)),
            automount_service_account_token=False,
            opts=self._inside,
        )

    def _service(self) -> k8s.core.v1.Service:
        port = self._args.spec.port
        return k8s.core.v1.Service(
            f"{self._app}-service",
            metadata=self._metadata(self._app, unawaited()),  # see cluster_ip
            spec=cluster_ip(self._args.labels.selector, port, port),
            opts=self._inside,
        )

    def _deployment(
        self, role: str, replicas: int | None, place: Place, parts: list[pulumi.Resource]
    ) -> k8s.apps.v1.Deployment:
        args, rollout = self._args, self._args.spec.rollout
        labels = {ROLE_LABEL: role}
        name = self._app if role == MAIN else f"{self._app}{FLOOR_SUFFIX}"
        engine = args.spec.engine
        annotations = {**evictable(), **scraped(engine.metrics, engine.metrics_port or args.spec.port)}
        return k8s.apps.v1.Deployment(
            f"{self._app}-deployment" if role == MAIN else f"{self._app}-deployment-floor",
            metadata=self._metadata(name),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=replicas,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels={**args.labels.selector, **labels}),
                strategy=rolling(rollout.max_surge, rollout.max_unavailable),
                progress_deadline_seconds=place.deadline.seconds,
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels={**args.labels.all, **labels}, annotations=annotations),
                    spec=self._pod(place.placement),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*args.namespace.guards, *parts],
                custom_timeouts=patience(
                    rollout_time(
                        place.deadline.seconds,
                        replicas if replicas is not None else args.spec.scaling.ceiling,
                        rollout.max_surge + rollout.max_unavailable,
                    )
                ),
            ),
        )

    def _pod(self, placement: NodePlacement) -> k8s.core.v1.PodSpecArgs:
        args, spec = self._args, self._args.spec
        shared = k8s.core.v1.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=str(spec.engine.shared_memory))
        parts = [
            claimed("weights", args.weights.claim, MOUNT, read_only=True),
            scratch(str(spec.scratch)),
            (
                k8s.core.v1.VolumeArgs(name="shared-memory", empty_dir=shared),
                k8s.core.v1.VolumeMountArgs(name="shared-memory", mount_path=SHARED_MEMORY),
            ),
        ]
        mounts = [mount for _, mount in parts]
        return k8s.core.v1.PodSpecArgs(
            affinity=apart_from(args.labels.selector),  # where a node has more GPUs than one replica takes
            automount_service_account_token=False,
            containers=[self._container(mounts)],
            enable_service_links=False,
            init_containers=[self._wait(mounts[:1])],
            node_selector=dict(placement.selector) or None,
            priority_class_name=spec.priority,
            security_context=restricted_pod(spec.security, claims=True),
            service_account_name=model_account(self._app),
            termination_grace_period_seconds=args.drain.grace.seconds,
            tolerations=tolerations(placement) or None,
            topology_spread_constraints=over_zones(args.labels.selector),
            volumes=[volume for volume, _ in parts],
        )

    def _wait(self, mounts: list[k8s.core.v1.VolumeMountArgs]) -> k8s.core.v1.ContainerArgs:
        args = self._args
        return k8s.core.v1.ContainerArgs(
            name="wait-for-weights",
            image=args.image,
            image_pull_policy=pull_policy(args.image),
            command=["/bin/sh", "-c", WAIT, "wait"],
            args=list(args.folders),
            # The image asks for every GPU by itself; what only waits must not get one: its hook wants a writable root.
            env=variables({"NVIDIA_VISIBLE_DEVICES": "void"}),
            # As large as the server: a pod takes the larger of the two, and the limit range admits either or none.
            resources=requirements(args.resources),
            security_context=restricted_container(args.spec.security),
            volume_mounts=mounts,
        )

    def _container(self, mounts: list[k8s.core.v1.VolumeMountArgs]) -> k8s.core.v1.ContainerArgs:
        args, spec = self._args, self._args.spec
        ports = {"http": spec.port} | ({"metrics": spec.engine.metrics_port} if spec.engine.metrics_port else {})
        return k8s.core.v1.ContainerArgs(
            name=self._app,
            image=args.image,
            image_pull_policy=pull_policy(args.image),
            command=spec.engine.command,
            args=spec.engine.command_line(args.serve),
            env=variables(self._environment()),
            ports=[
                k8s.core.v1.ContainerPortArgs(name=name, container_port=port, protocol="TCP")
                for name, port in ports.items()
            ],
            lifecycle=sleeping(args.drain.pre_stop.seconds),
            startup_probe=http_probe(args.probes.startup, spec.port),
            liveness_probe=http_probe(args.probes.liveness, spec.port),
            readiness_probe=http_probe(args.probes.readiness, spec.port),
            resources=requirements(args.resources, spec.gpus),
            security_context=restricted_container(spec.security, read_only_root=False),
            volume_mounts=mounts,
        )

    def _environment(self) -> dict[str, str]:
        """Offline, as a user that the image does not know: its home is /tmp, and its name is said, since whoever looks
        for it in the password file fails (torch's compile cache does).
        """
        own = {
            "HF_HUB_OFFLINE": "1",
            "HOME": SCRATCH_PATH,
            "TRANSFORMERS_OFFLINE": "1",
            "USER": self._app,
            "XDG_CACHE_HOME": f"{SCRATCH_PATH}/cache",
        }
        if self._args.serve.traces is not None:
            own["OTEL_SERVICE_NAME"] = self._app
        return own | self._args.spec.engine.environment(self._args.serve)
