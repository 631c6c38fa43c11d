"""An EKS cluster that this program makes: what its owner decides. What follows from the platform is not asked again:
which controllers, roles, file systems and repositories there are is read off the rest of the settings.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from settings.aws_types import ChartSource, EndpointService, HostedZoneId, RetentionDays
from settings.spec import Spec
from settings.types import Arn, Cidr, DnsLabel, DnsName, KubernetesVersion
from settings.versions import KUBERNETES


class Endpoint(Spec):
    """From where the API server is reached: always from inside the VPC."""

    private_cidrs: tuple[Cidr, ...] = ()
    """Address ranges that are connected to the VPC (peering, VPN) and may call it, too."""
    public_cidrs: tuple[Cidr, ...] = ()
    """Address ranges that may call it from outside; none: the endpoint is private."""


class AccessEntry(Spec):
    """Somebody of the account who may use the cluster."""

    principal: Arn
    """ARN of the IAM role or user."""
    policy: Literal["cluster-admin", "admin", "edit", "view", "admin-view"] = "view"
    """What EKS lets them do; admin, edit and view are Kubernetes' own roles of these names."""
    namespaces: tuple[DnsLabel, ...] = ()
    """Where; everywhere where it is left out."""


class EksNetwork(Spec):
    """The VPC's ways out."""

    nat: Literal["per-zone", "one"] = "per-zone"
    """NAT gateways: one for each zone, or a single one, whose zone then takes everybody's way out down with it."""
    endpoints: tuple[EndpointService, ...] = ("ecr.api", "ecr.dkr", "logs", "sts")
    """AWS services that are reached inside the VPC, without NAT; S3 always is, it costs nothing."""


class Dns(Spec):
    """The hosted zone that the platform's host names lie in."""

    zone: DnsName
    """Its name."""
    zone_id: HostedZoneId
    """Its id in Route 53."""
    certificate: bool = False
    """True: a certificate for all public host names is made and proven through the zone; False: the ingress names
    one."""


class EksCluster(Spec):
    """A cluster on AWS EKS, made by this program with everything that it stands on."""

    kind: Literal["eks"]
    """EKS."""
    version: KubernetesVersion = KUBERNETES.value
    """Kubernetes version, in quotes."""
    deployer: Arn = Field(examples=["arn:aws:iam::111122223333:role/llmplatform-deployer"])
    """The IAM role that runs `pulumi up`; it administers the cluster, since whoever creates one gets no rights by
    that."""
    break_glass: Arn = Field(examples=["arn:aws:iam::111122223333:role/break-glass"])
    """The IAM role for the night when the deployer's is broken."""
    access: dict[DnsLabel, AccessEntry] = Field(default_factory=dict)
    """Who else may use it."""
    endpoint: Endpoint = Endpoint()
    """Who reaches its API server."""
    network: EksNetwork = EksNetwork()
    """The VPC around it."""
    log_retention: RetentionDays = 365
    """Days that the logs of control plane and network are kept, as CloudWatch has them."""
    protect: bool = False
    """True: neither the engine nor AWS deletes what cannot be made again (cluster, VPC, keys, weights, images, logs'
    buckets); turn it off, and deploy, before a `pulumi destroy`."""
    dns: Dns | None = None
    """Where host names are published; nowhere where it is left out."""
    charts: ChartSource | None = None
    """A mirror of the controllers' charts: `oci://<registry>/<path>` or a folder; their public repositories where it is
    left out."""
