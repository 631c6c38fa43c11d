"""How a cluster is reached: a kubeconfig without a token in it."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

CREDENTIAL_API = "client.authentication.k8s.io/v1beta1"
"""What `aws eks get-token` answers in (AWS CLI reference)."""


def kubeconfig(cluster: aws.eks.Cluster, region: str) -> pulumi.Output[str]:
    """A kubeconfig that asks the AWS CLI for a token at each use, as whoever runs it: a token in it would be void after
    15 minutes. Secret, as everything is that leads to a cluster.
    """

    def write(name: str, endpoint: str, certificate: str) -> str:
        command = ["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"]
        user = {"apiVersion": CREDENTIAL_API, "command": "aws", "args": command, "interactiveMode": "Never"}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {"name": name, "cluster": {"server": endpoint, "certificate-authority-data": certificate}}
                ],
                "users": [{"name": name, "user": {"exec": user}}],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                "current-context": name,
            }
        )

    made = pulumi.Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority.data)
    return pulumi.Output.secret(made.apply(lambda known: write(known[0], known[1], known[2])))
