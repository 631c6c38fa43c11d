"""Names that follow from the settings: the same on the side that makes an object and on the side that refers to it."""

from __future__ import annotations

from settings.cache import ExternalToken
from settings.model import PlatformSettings
from settings.model_server import Model
from settings.service import Service
from settings.workload import Image

EXTERNAL = "llmplatform.dev/external"
"""The annotation by which an object says what it needs that somebody else makes: `<kind>/<name>`."""
MANAGED_BY = "pulumi"
"""Who says what an object is: in its labels, and in the tags of what is in the account."""
CLUSTER_DOMAIN = "svc.cluster.local"
ROLE_LABEL = "llmplatform.dev/role"
"""The pod label that tells a model's own replicas (`main`) from those of its floor (`floor`)."""
POOL_LABEL = "llmplatform.dev/pool"
"""The node label that every pool has, and that workloads select by."""
CAPACITY_LABEL = "llmplatform.dev/capacity"
"""The node label that says spot or on-demand."""
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
"""The annotation by which a ServiceAccount names the AWS role of its pods."""


def service_account(name: str, service: Service) -> str:
    """Name of the ServiceAccount of a service."""
    return service.service_account or f"{name}-sa"


def config_map(name: str, service: Service) -> str:
    """Name of the ConfigMap of a service."""
    return service.config_map or f"{name}-config"


def model_account(name: str) -> str:
    """Name of the ServiceAccount of a model server."""
    return f"{name}-sa"


HUB_FILE = "token"
"""Key of the hub's token in its Secret, and name of the file."""


def hub_secret(cache: str) -> str:
    """Name of the Secret with the hub's token for the downloads of a cache."""
    return f"{cache}-token"


def hub_key(settings: PlatformSettings, token: ExternalToken) -> str:
    """Name of the hub's token in the store outside: one per environment."""
    return token.key or f"{settings.stem}/hugging-face-token"


def fetch_script(cache: str) -> str:
    """Name of the ConfigMap with the program of a cache's downloads."""
    return f"{cache}-fetch"


def cache_account(cache: str) -> str:
    """Name of the ServiceAccount of a cache's downloads."""
    return f"{cache}-sa"


def headroom(pool: str) -> str:
    """Name of the placeholders of a node pool."""
    return f"{pool}-headroom"


def secret(name: str) -> str:
    """Name of the Secret of a service."""
    return f"{name}-secrets"


def autoscaler(name: str) -> str:
    """Name of the HorizontalPodAutoscaler of a workload."""
    return f"{name}-hpa"


def budget(name: str) -> str:
    """Name of the PodDisruptionBudget of a workload."""
    return f"{name}-pdb"


def ingress(name: str, service: Service) -> str:
    """Name of the Ingress of a service."""
    return (service.ingress.name if service.ingress else None) or f"{name}-ingress"


def role(settings: PlatformSettings, service: str) -> str:
    """Name of the IAM role of a service: one per environment, so that prod never runs with dev's."""
    return f"{settings.stem}-{service}-irsa"


def partition(region: str) -> str:
    """The AWS partition of a region: the second part of every ARN in it."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def domain(region: str) -> str:
    """The domain of AWS's services in a region's partition."""
    return "amazonaws.com.cn" if partition(region) == "aws-cn" else "amazonaws.com"


def role_arn(settings: PlatformSettings, service: str) -> str | None:
    """ARN of the IAM role of a service; None without an account, or where the Pod Identity agent knows the role."""
    aws = settings.aws
    if aws.account is None or aws.identity != "irsa":
        return None
    return f"arn:{partition(aws.region)}:iam::{aws.account}:role/{role(settings, service)}"


def registry_host(settings: PlatformSettings) -> str | None:
    """Host of the registry: as set, else the account's ECR, else None (side-loaded images)."""
    aws = settings.aws
    if settings.registry.host or aws.account is None:
        return settings.registry.host
    return f"{aws.account}.dkr.ecr.{aws.region}.{domain(aws.region)}"


def image(settings: PlatformSettings, spec: Image) -> str:
    """The whole image reference: registry, repository, tag and digest as far as they are known.

    An image of our own lies in the environment's registry, under `<prefix>-<environment>/`.
    """
    own = spec.host is None
    host = registry_host(settings) if own else spec.host
    repository = f"{settings.stem}/{spec.repository}" if own else spec.repository
    tag = spec.tag or (settings.registry.tag if own else None)
    return "".join(
        [
            f"{host}/" if host else "",
            repository,
            f":{tag}" if tag else "",
            f"@{spec.digest}" if spec.digest else "",
        ]
    )


def url(name: str, namespace: str, port: int = 80) -> str:
    """In-cluster URL of a Service, as seed 003 writes it (S003-68)."""
    return f"http://{name}.{namespace}.{CLUSTER_DOMAIN}" + ("" if port == 80 else f":{port}")


def service_url(name: str, service: Service) -> str:
    """In-cluster URL of a service."""
    return url(name, service.namespace, service.service_port)


def model_url(name: str, model: Model) -> str:
    """In-cluster base URL of a model's OpenAI API."""
    return f"{url(name, model.namespace, model.port)}/v1"


def collector_url(settings: PlatformSettings) -> str | None:
    """Where spans and metrics are sent; None without observability."""
    telemetry = settings.observability
    return url(telemetry.collector.name, telemetry.namespace, telemetry.collector.port) if telemetry else None


def env_key(name: str) -> str:
    """A name as the middle of an environment variable.

    >>> env_key("mistral-7b-awq")
    'MISTRAL_7B_AWQ'
    """
    return name.upper().replace("-", "_")
