"""What the platform needs and does not make itself: whoever runs the cluster, or the account, reads it in the plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from settings import system
from settings.buckets import bucket_name
from settings.cache import ExternalToken
from settings.cloud import ExistingCluster
from settings.eks import EksCluster
from settings.model import PlatformSettings
from settings.names import POOL_LABEL, hub_key
from settings.quotas import CODES, shares
from settings.types import Memory
from settings.workload import HpaScaling
from settings.workloads import workloads

DISK = Memory(100 << 30)
"""Root volume of a node for models: of the default 20 GiB 17 are left, and two images of an engine take up to 40 GB
while one replaces the other (production guides say 100 to 300 GiB)."""


@dataclass(frozen=True)
class Expected:
    """One thing that must be there."""

    what: str
    """For example "StorageClass efs"."""
    why: str
    """Who needs it, and what of it."""


def expected(settings: PlatformSettings) -> list[Expected]:
    """Everything that must be there before the platform works."""
    if isinstance(settings.cluster, EksCluster):
        return [*_account(settings, settings.cluster), *_telemetry(settings), *_store(settings)]
    return [
        *_nodes(settings),
        *_storage(settings),
        *_ways_in(settings),
        *_telemetry(settings),
        *_secrets(settings),
    ]


def _account(settings: PlatformSettings, cluster: EksCluster) -> Iterator[Expected]:
    """What the account has before this program makes the rest."""
    yield Expected(f"IAM role {cluster.deployer}", "runs `pulumi up`, and administers the cluster")
    yield Expected(f"IAM role {cluster.break_glass}", "administers the cluster when the deployer's is broken")
    for name, entry in sorted(cluster.access.items()):
        yield Expected(f"IAM role or user {entry.principal}", f"access {name}")
    images = system.repositories(settings)
    if images:
        tag = settings.registry.tag
        yield Expected("images pushed to ECR", f"{', '.join(images)}{f', tag {tag}' if tag else ''}")
    elif settings.registry.host is not None and settings.services:
        yield Expected(f"registry {settings.registry.host}, open to the nodes", "images of the platform's own")
    hosts = ", ".join(sorted(set(system.public_hosts(settings).values())))
    if cluster.dns is not None:
        yield Expected(
            f"hosted zone {cluster.dns.zone} ({cluster.dns.zone_id})", f"records of {hosts or 'no host yet'}"
        )
    elif hosts:
        yield Expected("DNS records that lead to the load balancer", f"of {hosts}")
    if settings.ingress is not None and settings.ingress.class_name != system.ALB:
        yield from _ways_in(settings)
    yield from _quotas(settings)
    yield from _log_bucket(settings)


def _quotas(settings: PlatformSettings) -> Iterator[Expected]:
    for key, pools in shares(settings).items():
        if getattr(settings.aws.quotas, key) is None:
            what = f"quota of {sum(pools.values())} vCPU for {key} ({CODES[key]})"
            yield Expected(what, f"pools {', '.join(pools)} at their most, in an update; aws.quotas says nothing of it")


def _log_bucket(settings: PlatformSettings) -> Iterator[Expected]:
    log = settings.ingress.access_log if settings.ingress else None
    if log is not None and log.bucket not in {bucket_name(settings, name) for name in settings.buckets}:
        yield Expected(f"S3 bucket {log.bucket}", "the load balancer writes its log there; its policy must let it")


def _nodes(settings: PlatformSettings) -> Iterator[Expected]:
    for name, pool in settings.node_pools.items():
        what = f"{pool.min} to {pool.max} {pool.capacity} nodes with {POOL_LABEL}={name}"
        yield Expected(what, "labels and taints as in the output node_pools")
    if any(pool.min < pool.max for pool in settings.node_pools.values()):
        yield Expected("a node autoscaler", "nodes between these counts")
    pools = {pool for model in settings.models.values() for pool in model.pools}
    if any(settings.node_pools[pool].gpus for pool in pools if pool in settings.node_pools):
        yield Expected("NVIDIA driver 580 or newer, and device plugin", "images of CUDA 13; nodes offer nvidia.com/gpu")
        yield Expected(f"root volumes of at least {DISK} on these nodes", "an engine's image takes 10 to 20 GB of it")
    if any(isinstance(workload.scaling, HpaScaling) for _, workload in workloads(settings)):
        yield Expected("metrics-server", "autoscalers on CPU and memory")
    yield Expected("a CNI that enforces network policies", "without one, everything may talk to everything")


def _storage(settings: PlatformSettings) -> Iterator[Expected]:
    for name, cache in settings.caches.items():
        which = f"StorageClass {cache.storage_class}" if cache.storage_class else "a default StorageClass"
        yield Expected(which, f"volume of cache {name}, {cache.size}, {cache.access_mode}")


def _ways_in(settings: PlatformSettings) -> Iterator[Expected]:
    public = system.public_hosts(settings)
    if settings.ingress and public:
        alb = settings.ingress.class_name == system.ALB
        controller = ": the AWS Load Balancer Controller" if alb else ""
        yield Expected(f"IngressClass {settings.ingress.class_name}{controller}", f"for {', '.join(sorted(public))}")


def _telemetry(settings: PlatformSettings) -> Iterator[Expected]:
    if telemetry := settings.observability:
        at = f"in namespace {telemetry.namespace}, run by somebody else"
        port = telemetry.collector.port
        yield Expected(f"Service {telemetry.collector.name}:{port}", f"{at}: takes OTLP over gRPC")
        yield Expected(f"Prometheus labelled app.kubernetes.io/name={telemetry.prometheus.name}", f"{at}: scrapes pods")
        if grafana := telemetry.grafana:
            why = f"{at}: behind {grafana.host}; answers {grafana.health} without a login"
            yield Expected(f"Service {grafana.name}:{grafana.port}", why)


def _store(settings: PlatformSettings) -> Iterator[Expected]:
    """Secrets that External Secrets reads: the store is made, what lies in it is not."""
    for store, keys in sorted(system.external_keys(settings).items()):
        for key in keys:
            yield Expected(f"secret {key} in AWS Secrets Manager", f"store {store} reads the hub's token there")


def _secrets(settings: PlatformSettings) -> Iterator[Expected]:
    token = settings.hub.token
    if isinstance(token, ExternalToken) and settings.caches:
        yield Expected("External Secrets (external-secrets.io/v1)", "brings the hub's token in")
        yield Expected(f"ClusterSecretStore {token.store}", f"holds {hub_key(settings, token)}")
    if isinstance(settings.cluster, ExistingCluster) and settings.aws.account is None and settings.services:
        yield Expected("images on the nodes", "there is no registry in the settings")
