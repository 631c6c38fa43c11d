"""What a plan says of each model: does it fit, how long does it start, what does losing it cost."""

from __future__ import annotations

from collections.abc import Iterator

from settings import start_up
from settings.demand import model_resources
from settings.gpu_memory import RESERVE, Fit, fit, gpu_kinds, gpu_types
from settings.model import PlatformSettings
from settings.types import Duration


def models(settings: PlatformSettings) -> Iterator[str]:
    """A few lines for each model."""
    if not settings.models:
        yield "none"
    for name in settings.models:
        yield f"{name}: {_what(settings, name)}"
        yield from (f"  {line}" for line in (*_memory(settings, name), *_start(settings, name), _loss(settings, name)))


def _what(settings: PlatformSettings, name: str) -> str:
    model = settings.models[name]
    scaling = model.scaling
    count = f"{scaling.floor}" if scaling.floor == scaling.ceiling else f"{scaling.floor} to {scaling.ceiling}"
    places = f"{count} on {model.pool}" + (f", {model.floor.replicas} on {model.floor.pool}" if model.floor else "")
    size = model_resources(settings, name).requests
    callers = [caller for caller, service in settings.services.items() if name in service.calls]
    also = f", also as {', '.join(sorted(model.adapters))}" if model.adapters else ""
    gpus = f"{model.gpus} GPU{'' if model.gpus == 1 else 's'}"
    called = f"called by {', '.join(callers)}" if callers else "called by nobody"
    engine = f"{model.engine.kind} {model.engine.version}"
    return f"{engine}{also}; {places}; {size.cpu} CPU, {size.memory}, {gpus} each; {called}"


def _memory(settings: PlatformSettings, name: str) -> Iterator[str]:
    model = settings.models[name]
    kinds = {kind.gpu: kind for pool in model.pools for kind in gpu_kinds(settings, pool)}
    lines: dict[str, list[str]] = {}
    for kind in kinds.values():
        found = fit(model, kind)
        if found is None:
            yield "GPU memory: the size of its weights is not known"
            return
        title = gpu_types()[found.gpu].title if found.gpu in gpu_types() else found.gpu
        lines.setdefault(_fit(found), []).append(title)
    yield from (f"{', '.join(titles)}: {line}" for line, titles in lines.items())


def _fit(found: Fit) -> str:
    adapters = f" + adapters {_gib(found.adapters)}" if found.adapters else ""
    parts = f"weights {_gib(found.weights)}{adapters} + {_gib(RESERVE.bytes)} to work in of {_gib(found.taken)}"
    if found.tokens is None:
        return f"{parts}; {_gib(found.left)} for the KV cache"
    longest = f", {found.tokens / found.context:.1f} x the longest sequence of {found.context}" if found.context else ""
    return f"{parts}; {_gib(found.left)} for the KV cache = {found.tokens} tokens{longest}"


def _start(settings: PlatformSettings, name: str) -> Iterator[str]:
    start = start_up.budget(settings, name)
    window = Duration(start.failures * start_up.PERIOD)
    deadline = start_up.deadline(settings, name, settings.models[name].pool)
    yield (
        f"start-up budget {start.total} = {start}; start-up probe {window} ({start.failures} x {start_up.PERIOD}s), "
        f"rollout deadline {deadline}"
    )


def _loss(settings: PlatformSettings, name: str) -> str:
    model = settings.models[name]
    found = start_up.outage(settings, name)
    if found is None:
        return "losing a node: others go on serving"
    accepted = f"; accepted: {model.accept_outage}" if model.accept_outage else ""
    return f"losing a node: {found.cause} takes it away for {found.time} ({found.parts}){accepted}"


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f}Gi"
