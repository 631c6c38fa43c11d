"""What the platform stands on: AWS, the cluster, the registry, the way in, the way out of telemetry."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from settings.aws_types import Days, TagKey, TagValue
from settings.eks import EksCluster
from settings.spec import Spec
from settings.types import (
    AccountId,
    Arn,
    BucketName,
    Cidr,
    Count,
    DnsLabel,
    DnsName,
    FilePath,
    HttpPath,
    ImageTag,
    KubernetesVersion,
    Plain,
    Port,
    Reason,
    Region,
    SecretPath,
    SslPolicy,
    Times,
    Zone,
)
from settings.versions import KUBERNETES


class Quotas(Spec):
    """vCPUs that AWS lets the account run at a time in this region, as Service Quotas shows them; what is left out is
    not known.
    """

    standard: Count | None = None
    """Running On-Demand Standard instances (L-1216C47A)."""
    standard_spot: Count | None = None
    """All Standard Spot Instance Requests (L-34B43A08)."""
    g: Count | None = None
    """Running On-Demand G and VT instances (L-DB2E81BA)."""
    g_spot: Count | None = None
    """All G and VT Spot Instance Requests (L-3819A6DF)."""


class Aws(Spec):
    """The account, and where in it."""

    account: AccountId | None = None
    """Account id; without it there are no roles and no registry host (a cluster off AWS)."""
    region: Region
    """AWS_REGION."""
    zones: tuple[Zone, ...]
    """Availability zones that the platform spreads over."""
    vpc_cidr: Cidr
    """Addresses of the VPC; `settings.addresses` cuts them into subnets."""
    identity: Literal["irsa", "pod-identity"] = "irsa"
    """How a pod gets its role: a web identity token for STS (as in seed 003), or the Pod Identity agent on the node."""
    tags: dict[TagKey, TagValue] = Field(default_factory=dict)
    """Further tags of everything that is made in the account."""
    quotas: Quotas = Quotas()
    """What the account may run."""
    load_balancer_cidrs: tuple[Cidr, ...] | None = None
    """Where load balancers send from; our load balancer subnets where it is left out."""
    endpoint_cidrs: tuple[Cidr, ...] | None = None
    """Where AWS's service endpoints are reached; our endpoint subnets where it is left out."""
    control_plane_cidrs: tuple[Cidr, ...] | None = None
    """Where the API server calls webhooks from; our endpoint subnets where it is left out."""


class ExistingCluster(Spec):
    """A cluster that exists: everything above it runs without AWS."""

    kind: Literal["existing"]
    """Made by somebody else."""
    version: KubernetesVersion = KUBERNETES.value
    """Kubernetes version, in quotes."""
    kubeconfig: FilePath | None = None
    """Path of the kubeconfig, from the project's folder; $KUBECONFIG where it is left out."""
    context: Plain | None = None
    """Context in it; its current context where it is left out."""


class Bucket(Spec):
    """An S3 bucket that this program makes: `<prefix>-<environment>-<name>-<account>-<region>`."""

    holds: Literal["telemetry", "load-balancer-logs"]
    """What is written into it, and so who may."""
    expire: Days
    """Days after which an object is deleted."""


Cluster: TypeAlias = Annotated[EksCluster | ExistingCluster, Field(discriminator="kind")]
"""The one seam by which everything above the cluster runs with or without AWS."""


class Registry(Spec):
    """Where the platform's own images are: `<host>/<prefix>-<environment>/<repository>`."""

    host: DnsName | None = None
    """Registry host; the account's ECR where it is left out, none (side-loaded images) without an account."""
    tag: ImageTag | None = None
    """Tag of the images that name none."""
    unpinned: Reason | None = None
    """Why the images have no digest yet."""
    keep: Times = 30
    """Images that each repository keeps, the newest; where this program makes the registry."""


class AccessLog(Spec):
    """Where the load balancer writes one line per request."""

    bucket: BucketName
    """S3 bucket; its policy must let the load balancer's service write."""
    prefix: SecretPath | None = None
    """First part of the keys."""


class Ingress(Spec):
    """The platform's load balancer: one for all services that have an `ingress`."""

    class_name: DnsLabel = "alb"
    """IngressClass; alb is the AWS Load Balancer Controller's."""
    group: DnsLabel
    """Ingresses of one group share one load balancer."""
    scheme: Literal["internal", "internet-facing"] = "internal"
    """Reachable from the VPC only, or from the internet."""
    certificate_arn: Arn | None = None
    """ACM certificate; without it there is only plain HTTP, which prod refuses."""
    ssl_policy: SslPolicy = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    """Which TLS versions and ciphers it speaks: 1.2 and 1.3, as AWS recommends (the controller's is of 2016)."""
    waf_arn: Arn | None = None
    """Web ACL of AWS WAF (v2) in front of it."""
    access_log: AccessLog | None = None
    """Its access log; none where it is left out."""
    protect: bool = False
    """True: AWS refuses to delete the load balancer; turn it off, and deploy, before a `pulumi destroy`."""


class Collector(Spec):
    """The OpenTelemetry collector."""

    name: DnsLabel = "otel-collector"
    """Its Service, and its label app.kubernetes.io/name."""
    port: Port = 4317
    """OTLP over gRPC (4317 is its registered port)."""


class Prometheus(Spec):
    """The Prometheus that scrapes the workloads."""

    name: DnsLabel = "prometheus"
    """Its label app.kubernetes.io/name."""


class Grafana(Spec):
    """Grafana, behind the platform's load balancer."""

    host: DnsName
    """Host name that people use."""
    name: DnsLabel = "grafana"
    """Its Service, and its label app.kubernetes.io/name."""
    ingress: DnsLabel = "grafana-ingress"
    """Name of the Ingress object."""
    port: Port = 3000
    """The port of Service and pods (Grafana's default)."""
    health: HttpPath = "/api/health"
    """Answers 200 without a login."""


class Observability(Spec):
    """Where telemetry goes. The wires are here; the servers come with the observability work."""

    namespace: DnsLabel
    """The namespace of collector, Prometheus and Grafana."""
    servers: Literal["external"] = "external"
    """Who runs them: somebody else, in that namespace; the plan lists what is expected there."""
    collector: Collector = Collector()
    """Takes OTLP from every workload."""
    prometheus: Prometheus = Prometheus()
    """Scrapes every workload."""
    grafana: Grafana | None = None
    """Shows them; reachable from outside where it is given."""
