"""A certificate for a host name, proven by a record in its zone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

RECORD_TTL = 300
"""Seconds that the proof may be cached."""


@dataclass(frozen=True, kw_only=True)
class HostCertificateArgs:
    """For whom it is."""

    host: str
    """The host name."""
    zone_id: str
    """Route 53's id of the zone that the name lies in."""


class HostCertificate(pulumi.ComponentResource):
    """An ACM certificate of one host name, which AWS renews as long as its proof stands in the zone."""

    arn: pulumi.Output[str]
    """The certificate, once it is valid."""

    def __init__(self, name: str, args: HostCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:HostCertificate", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=args.host,
            validation_method="DNS",
            # Another one is made, and taken by the load balancer, before this one goes: the engine's own order.
            opts=inside,
        )
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-proof",
            zone_id=args.zone_id,
            name=proof.resource_record_name,
            type="CNAME",  # the only kind that ACM asks for (ACM user guide, DNS validation)
            records=[proof.resource_record_value],
            ttl=RECORD_TTL,
            allow_overwrite=True,  # the same proof stands there if a certificate of this name was made before
            opts=inside,
        )
        valid = aws.acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=inside,
        )
        self.arn = valid.certificate_arn
        self.register_outputs({"arn": self.arn})
