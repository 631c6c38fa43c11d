"""What a model's engine is to be started with: everything that follows from the other settings."""

from __future__ import annotations

from settings import drain, names, weights
from settings.engine import Serve
from settings.model import PlatformSettings


def serve(settings: PlatformSettings, name: str) -> Serve:
    """How a model is served. References must resolve: call it on settings that passed the rules."""
    model = settings.models[name]
    return Serve(
        name=name,
        path=weights.download(settings, name).path,
        port=model.port,
        gpus=model.gpus,
        adapters={key: weights.download(settings, name, key).path for key in sorted(model.adapters)},
        rank=max((adapter.rank for adapter in model.adapters.values()), default=0),
        drain=drain.solve_model(settings, name).shutdown,
        traces=names.collector_url(settings),
    )
