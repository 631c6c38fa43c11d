"""What a stack tells about itself, as far as the settings know it: its models, and what nodes it wants."""

from __future__ import annotations

from typing import Any

from settings import names, start_up, weights
from settings.model import PlatformSettings


def models(settings: PlatformSettings, name: str) -> dict[str, Any]:
    """Where a model is served, what names requests may use, and how long a start takes."""
    model = settings.models[name]
    return {
        "adapters": {
            key: weights.revision(adapter) or weights.MOVING for key, adapter in sorted(model.adapters.items())
        },
        "cold_start": str(start_up.budget(settings, name).total),
        "hub": model.source.hub,
        "revision": weights.revision(model.source) or weights.MOVING,
        "url": names.model_url(name, model),
    }


def node_contract(settings: PlatformSettings) -> dict[str, Any]:
    """What nodes the cluster must offer: whoever makes them (an existing cluster's owner) reads it here."""
    out = {}
    for name, pool in settings.node_pools.items():
        labels = {names.POOL_LABEL: name, names.CAPACITY_LABEL: pool.capacity}
        out[name] = {
            "capacity": pool.capacity,
            "gpus": pool.gpus,
            "instance_types": list(pool.instance_types),
            "labels": {**pool.labels, **labels},
            "max": pool.max,
            "min": pool.min,
            "provisioner": pool.provisioner,
            "taints": [taint.model_dump() for taint in pool.taints],
            "zones": list(pool.zones or settings.aws.zones),
        }
    return out
