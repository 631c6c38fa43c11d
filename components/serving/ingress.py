"""The way in: an Ingress for a service, on the platform's shared load balancer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.pods import unawaited
from components.kubernetes.wires import NamespaceRef, ServiceAddress
from settings.cloud import Ingress
from settings.names import EXTERNAL
from settings.types import Duration, HttpPath

ALB = "alb.ingress.kubernetes.io"


@dataclass(frozen=True, kw_only=True)
class PublicIngressArgs:
    """One host on the load balancer."""

    spec: Ingress
    """The load balancer."""
    name: str
    """metadata.name."""
    host: str
    """Host name that clients use."""
    address: ServiceAddress
    """Where requests go."""
    health_path: HttpPath
    """What the load balancer asks each pod, on the pod's own port."""
    deregistration: Duration
    """How long running requests of a leaving pod may take."""
    idle: Duration
    """Idle timeout of the load balancer; the same for all Ingresses of a group, or the controller refuses them."""
    labels: dict[str, str]
    """What every object of the workload carries."""
    namespace: NamespaceRef
    """Where it is."""
    certificate: pulumi.Input[str] | None
    """ARN of its host's certificate; None: plain HTTP."""
    needs: Sequence[pulumi.Resource] = ()
    """What makes the load balancer, and clears it away."""


class PublicIngress(pulumi.ComponentResource):
    """An Ingress of the AWS Load Balancer Controller; all of one group share one ALB."""

    address: pulumi.Output[str | None]
    """Host name of the load balancer, once it has one."""

    def __init__(self, name: str, args: PublicIngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:PublicIngress", name, None, opts)
        backend = k8s.networking.v1.IngressServiceBackendArgs(
            name=args.address.name, port=k8s.networking.v1.ServiceBackendPortArgs(number=args.address.port)
        )
        path = k8s.networking.v1.HTTPIngressPathArgs(
            path="/", path_type="Prefix", backend=k8s.networking.v1.IngressBackendArgs(service=backend)
        )
        rule = k8s.networking.v1.IngressRuleArgs(
            host=args.host, http=k8s.networking.v1.HTTPIngressRuleValueArgs(paths=[path])
        )
        ingress = k8s.networking.v1.Ingress(
            f"{name}-ingress",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.name,
                namespace=args.address.namespace,
                labels=args.labels,
                annotations=_annotations(args) or None,
            ),
            spec=k8s.networking.v1.IngressSpecArgs(ingress_class_name=args.spec.class_name, rules=[rule]),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*args.namespace.guards, *args.address.resources, *args.needs],
            ),
        )
        self.address = ingress.status.apply(_host)
        self.register_outputs({"address": self.address})


def _host(status: Any) -> str | None:
    """The first address of a load balancer: a host name, or an IP address elsewhere."""
    found = (status.load_balancer.ingress if status and status.load_balancer else None) or []
    return (found[0].hostname or found[0].ip) if found else None


def _annotations(args: PublicIngressArgs) -> dict[str, pulumi.Input[str]]:
    external: dict[str, str] = {}
    if not args.address.resources:
        # The engine would wait a minute for the backend, and warn, at each deployment.
        external = {EXTERNAL: f"Service/{args.address.name}", **unawaited()}
    return {**external, **(alb_annotations(args) if args.spec.class_name == "alb" else {})}


def alb_annotations(args: PublicIngressArgs) -> dict[str, pulumi.Input[str]]:
    """What the AWS Load Balancer Controller reads (its docs/guide/ingress/annotations.md). What belongs to the load
    balancer and not to one target is the same for every Ingress of a group, or the controller refuses the group.
    """
    spec, certificate = args.spec, args.certificate
    out: dict[str, pulumi.Input[str]] = {
        f"{ALB}/group.name": spec.group,
        f"{ALB}/healthcheck-interval-seconds": "15",
        f"{ALB}/healthcheck-path": args.health_path,
        f"{ALB}/healthcheck-timeout-seconds": "5",
        f"{ALB}/healthy-threshold-count": "2",
        f"{ALB}/listen-ports": json.dumps([{"HTTP": 80}, {"HTTPS": 443}] if certificate else [{"HTTP": 80}]),
        f"{ALB}/load-balancer-attributes": ",".join(f"{k}={v}" for k, v in sorted(_attributes(args).items())),
        f"{ALB}/scheme": spec.scheme,
        f"{ALB}/target-group-attributes": f"deregistration_delay.timeout_seconds={args.deregistration.seconds}",
        f"{ALB}/target-type": "ip",
        f"{ALB}/unhealthy-threshold-count": "3",
    }
    if certificate:
        out |= {
            f"{ALB}/certificate-arn": certificate,
            f"{ALB}/ssl-policy": spec.ssl_policy,
            f"{ALB}/ssl-redirect": "443",
        }
    if spec.waf_arn:
        out[f"{ALB}/wafv2-acl-arn"] = spec.waf_arn
    return out


def _attributes(args: PublicIngressArgs) -> dict[str, str]:
    """Attributes of the load balancer; what is off is said, too, since one that is left out stays as it was."""
    out = {
        "access_logs.s3.enabled": str(args.spec.access_log is not None).lower(),
        "deletion_protection.enabled": str(args.spec.protect).lower(),
        "idle_timeout.timeout_seconds": str(args.idle.seconds),
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
    if log := args.spec.access_log:
        out |= {"access_logs.s3.bucket": log.bucket, **({"access_logs.s3.prefix": log.prefix} if log.prefix else {})}
    return out
