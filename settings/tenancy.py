"""Namespaces, and the tiers that give them their quota and limits."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from settings.spec import Spec
from settings.types import Count, Cpu, DnsLabel, LabelValue, Memory, Port

PodSecurityLevel: TypeAlias = Literal["privileged", "baseline", "restricted"]


class QuotaAmounts(Spec):
    """Sum over the pods of a namespace."""

    cpu: Cpu | None = None
    """CPU of all pods."""
    memory: Memory | None = None
    """Memory of all pods."""


class QuotaRequests(QuotaAmounts):
    """Sum of the requests; the only form in which Kubernetes counts GPUs (`limits.nvidia.com/gpu` is never counted)."""

    gpu: Count | None = None
    """GPUs of all pods (`requests.nvidia.com/gpu`)."""


class Quota(Spec):
    """A ResourceQuota: what all pods and objects of a namespace may take together."""

    requests: QuotaRequests = QuotaRequests()
    """Sum of requests."""
    limits: QuotaAmounts = QuotaAmounts()
    """Sum of limits."""
    pods: Count | None = None
    """Pods that are not finished."""
    services: Count | None = None
    """Services."""
    configmaps: Count | None = None
    """ConfigMaps; Kubernetes itself puts one (kube-root-ca.crt) into each namespace."""
    secrets: Count | None = None
    """Secrets."""


class ContainerAmounts(Spec):
    """CPU and memory of one container."""

    cpu: Cpu
    """CPU."""
    memory: Memory
    """Memory."""


class LimitRange(Spec):
    """A LimitRange for containers: what each may take, and what it gets if it says nothing."""

    default: ContainerAmounts
    """Limit of a container that sets none."""
    default_request: ContainerAmounts
    """Request of a container that sets none."""
    max: ContainerAmounts
    """Largest limit."""
    min: ContainerAmounts
    """Smallest request."""


class Tier(Spec):
    """A kind of namespace: what its namespaces have in common."""

    quota: Quota
    """Sum over the namespace."""
    limit_range: LimitRange
    """Bounds of one container."""
    pod_security: PodSecurityLevel = "restricted"
    """Pod Security Standard that is enforced, audited and warned about."""


class Namespace(Spec):
    """A namespace. `quota` and `limit_range` are merged over its tier's: give only what differs."""

    tier: DnsLabel = Field(examples=["team"])
    """Its entry in `tiers`, and its label `tier`."""
    team: LabelValue | None = None
    """The team that owns it: the label `team` of the namespace and its workloads."""
    quota: Quota
    """The tier's quota with this namespace's changes."""
    limit_range: LimitRange
    """The tier's limit range with this namespace's changes."""
    pod_security: PodSecurityLevel
    """The tier's level, or this namespace's own."""
    webhooks: dict[DnsLabel, Port] = Field(default_factory=dict)
    """Admission webhooks that run here: app name -> port that the API server calls."""
