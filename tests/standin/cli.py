"""A stand-in for AWS's command line: `aws eks get-token`, which a kubeconfig of an EKS cluster runs."""

from __future__ import annotations

import argparse
import json
import os
import sys

from tests.standin.settings import TOKEN


def main(arguments: list[str]) -> int:
    """Prints an ExecCredential; anything else than get-token is refused."""
    parser = argparse.ArgumentParser("aws")
    parser.add_argument("service", choices=["eks"])
    parser.add_argument("command", choices=["get-token"])
    parser.add_argument("--cluster-name", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--output", default="json", choices=["json"])
    parser.add_argument("--role-arn")
    parser.add_argument("--profile")
    parser.parse_args(arguments)
    credential = {
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1beta1",  # what AWS's own answers
        "spec": {},
        "status": {"expirationTimestamp": "2100-01-01T00:00:00Z", "token": os.environ[TOKEN]},
    }
    sys.stdout.write(json.dumps(credential) + "\n")
    return 0
