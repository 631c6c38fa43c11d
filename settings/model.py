"""The root of the settings: everything that a platform file and a stack file say together."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from settings.cache import Cache, Hub
from settings.cloud import Aws, Bucket, Cluster, Ingress, Observability, Registry
from settings.model_server import Model
from settings.nodes import Daemonset, NodePool, Priority
from settings.service import Service
from settings.spec import Spec
from settings.tenancy import Namespace, Tier
from settings.types import DnsLabel

Environment: TypeAlias = Literal["dev", "staging", "prod", "local"]
"""Decides no resource (differences are written in the stack file); prod makes the strict rules binding."""


class PlatformSettings(Spec):
    """A whole platform in one environment."""

    base: DnsLabel
    """The platform file: platforms/<base>.yaml."""
    environment: Environment
    """Which environment this stack is."""
    name: DnsLabel
    """The platform's name: label app.kubernetes.io/part-of of every object."""
    prefix: DnsLabel
    """First part of names outside the cluster: cluster, roles, image repositories."""
    aws: Aws
    """The account, and where in it."""
    cluster: Cluster
    """What everything runs on."""
    registry: Registry = Registry()
    """Where images come from."""
    buckets: dict[DnsLabel, Bucket] = Field(default_factory=dict)
    """S3 buckets, where this program makes the cluster."""
    ingress: Ingress | None = None
    """The way in."""
    observability: Observability | None = None
    """The way out of telemetry."""
    tiers: dict[DnsLabel, Tier]
    """Kinds of namespaces."""
    namespaces: dict[DnsLabel, Namespace]
    """Namespaces."""
    daemonsets: dict[DnsLabel, Daemonset] = Field(default_factory=dict)
    """What runs on every node."""
    node_pools: dict[DnsLabel, NodePool]
    """Node pools."""
    priorities: dict[DnsLabel, Priority] = Field(default_factory=dict)
    """Priority classes."""
    services: dict[DnsLabel, Service] = Field(default_factory=dict)
    """HTTP services."""
    hub: Hub = Hub()
    """Where weights come from."""
    caches: dict[DnsLabel, Cache] = Field(default_factory=dict)
    """Where weights lie."""
    models: dict[DnsLabel, Model] = Field(default_factory=dict)
    """Model servers."""

    @property
    def stem(self) -> str:
        """`<prefix>-<environment>`: what names outside the cluster begin with."""
        return f"{self.prefix}-{self.environment}"

    @property
    def prod(self) -> bool:
        """True if strict rules bind."""
        return self.environment == "prod"
