"""Custom resources: what they are, in their own spelling, as the API server gets it. The only place that knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXTERNAL_SECRETS = "external-secrets.io/v1"
"""The only version that External Secrets serves (its config/crds/bases)."""


def external_secret(
    target: str, store: str, keys: Mapping[str, Mapping[str, str]], refresh_seconds: int
) -> dict[str, Any]:
    """The spec of an ExternalSecret: External Secrets reads what is in the store, and keeps a Secret in step with it.

    Args:
        target: name of the Secret.
        store: name of the ClusterSecretStore.
        keys: key of the Secret -> where it comes from (`key`, and `property` of a JSON value).
        refresh_seconds: how often the store is read again.
    """
    return {
        "data": [{"remoteRef": dict(source), "secretKey": key} for key, source in sorted(keys.items())],
        "refreshInterval": f"{refresh_seconds}s",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": store},
        # Owner: the Secret goes with this object. Retain: a store that cannot be read takes nothing away.
        "target": {"creationPolicy": "Owner", "deletionPolicy": "Retain", "name": target},
    }


def secrets_manager(region: str) -> dict[str, Any]:
    """The spec of a ClusterSecretStore of AWS Secrets Manager, read with the role of External Secrets' own pods."""
    return {"provider": {"aws": {"region": region, "service": "SecretsManager"}}}
