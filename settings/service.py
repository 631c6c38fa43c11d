"""An HTTP service: what a team writes about an API that it owns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from settings.aws_types import ConditionKey, ConditionOperator, IamAction
from settings.spec import Spec
from settings.types import (
    Arn,
    ConfigKey,
    DnsLabel,
    DnsName,
    Duration,
    EndpointName,
    EnvKey,
    FileName,
    HttpPath,
    Memory,
    Plain,
    Port,
    Weight,
)
from settings.workload import Image, Probes, Resources, Workload


class Route(Spec):
    """A path through the gateway: becomes ROUTE_TABLE, the service URL, and the network policy."""

    to: DnsLabel
    """The service that answers."""
    timeout: Duration
    """The longest request on this route; drains and load balancer timeouts follow from it."""
    variants: dict[DnsLabel, Weight] = Field(default_factory=dict)
    """A/B test: LoRA adapter -> share of the requests in percent; the shares sum to 100."""


class SageMaker(Spec):
    """A SageMaker endpoint that the service invokes."""

    endpoint: EndpointName
    """Name of the endpoint."""
    timeout: Duration
    """The longest call; shorter than every route that leads to the service."""


class Secret(Spec):
    """A secret, mounted as a file (never an environment variable)."""

    config: ConfigKey
    """The `secure:` key of the stack file, beside `platform`, that holds the value."""


class Permission(Spec):
    """What a service may do in the AWS account: one statement of its role's policy."""

    actions: tuple[IamAction, ...]
    """What."""
    resources: tuple[Arn, ...]
    """On what; `*` inside an ARN stands for a part of a name."""
    conditions: dict[ConditionOperator, dict[ConditionKey, tuple[Plain, ...]]] = Field(default_factory=dict)
    """When: operator -> key -> values."""


class ServiceIngress(Spec):
    """Makes the service reachable from outside, through the platform's load balancer."""

    host: DnsName
    """Host name that clients use."""
    name: DnsLabel | None = None
    """Name of the Ingress object; `<service>-ingress` where it is left out."""


class Service(Workload):
    """An HTTP service: Deployment, Service, ConfigMap, ServiceAccount, and what scales, guards and reaches it."""

    image: Image
    """What runs."""
    component: DnsLabel = "api"
    """The label `component`: its part in the platform."""
    service_port: Port = 80
    """The port of the Service."""
    resources: Resources
    """Requests and limits of one pod."""
    probes: Probes = Probes()
    """Startup, liveness, readiness."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """LOG_LEVEL."""
    config: dict[EnvKey, Plain] = Field(default_factory=dict)
    """Further environment variables."""
    secrets: dict[FileName, Secret] = Field(default_factory=dict)
    """Secrets, as files in /etc/secrets."""
    routes: dict[DnsLabel, Route] = Field(default_factory=dict)
    """Where it forwards requests: route -> service."""
    calls: tuple[DnsLabel, ...] = ()
    """The models that it calls: URL and network policy follow."""
    sagemaker: SageMaker | None = None
    """The SageMaker endpoint that it invokes."""
    permissions: tuple[Permission, ...] = ()
    """What else its pods may do in the AWS account."""
    service_account: DnsLabel | None = None
    """Name of its ServiceAccount; `<service>-sa` where it is left out."""
    config_map: DnsLabel | None = None
    """Name of its ConfigMap; `<service>-config` where it is left out."""
    metrics_path: HttpPath = "/metrics"
    """Where Prometheus scrapes it, on `port`."""
    scratch: Memory = Memory(64 << 20)
    """Size of the writable /tmp beside the read-only root."""
    ingress: ServiceIngress | None = None
    """Reachable from outside."""
