"""Start-up budgets (design rule 4), and what a model costs while it is away."""

from __future__ import annotations

from settings import start_up
from settings.gpu_memory import weights_size
from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.types import Duration


def budgets(settings: PlatformSettings) -> list[Problem]:
    """No part of a start takes less than it can, and the whole is one that somebody waits for."""
    out = []
    for name, model in settings.models.items():
        at: Path = ("models", name, "start_up")
        for key in ("image", "weights", "warm_up"):
            stated = getattr(model.start_up, key)
            if stated is not None and stated.seconds == 0:
                out.append(Problem(path=(*at, key), reason="nothing takes 0s", fix="for example 60s, as measured"))
        size, weights = weights_size(model.source), model.start_up.weights
        least = -(-size.bytes // start_up.FASTEST_READ.bytes) if size else 0
        if weights is not None and 0 < weights.seconds < least:
            reason = (
                f"{weights} is too short to read {size}: a node reads at most {start_up.FASTEST_READ} a second from a "
                "shared file system, and the start-up probe would end the server while it loads"
            )
            fix = f"at least {Duration(least)}, as measured; or leave it out"
            out.append(Problem(path=(*at, "weights"), reason=reason, fix=fix))
        loading = start_up.budget(settings, name).loading
        if loading.seconds > start_up.LONGEST:
            most = Duration(start_up.LONGEST)
            reason = f"weights and warm-up take {loading}: a start of more than {most} is one that hangs"
            out.append(Problem(path=at, reason=reason, fix=f"no more than {most} in all"))
        if model.start_up.image.seconds > start_up.LONGEST:
            most = Duration(start_up.LONGEST)
            reason = (
                f"{model.start_up.image} is no time in which an image is pulled: a rollout would wait for it so long"
            )
            out.append(Problem(path=(*at, "image"), reason=reason, fix=f"no more than {most}, as measured"))
        parts = max((start_up.budget(settings, name, pool) for pool in model.pools), key=lambda p: p.total.seconds)
        if model.start_up.within is not None and model.start_up.within < parts.total:
            reason = f"{model.start_up.within} is shorter than its parts: {parts} = {parts.total}"
            fix = f"at least {parts.total}, or a faster node, image or model"
            out.append(Problem(path=(*at, "within"), reason=reason, fix=fix))
    return out


def outages(settings: PlatformSettings) -> list[Problem]:
    """No loss of one node takes a model away for a whole start, unless somebody has said that this hurts nobody."""
    out = []
    for name, model in settings.models.items():
        if model.floor is not None and model.floor.pool == model.pool:
            reason = f"{model.pool} is the model's own pool: what takes its replicas takes these, too"
            fix = "another pool, or more replicas instead of a floor"
            out.append(Problem(path=("models", name, "floor", "pool"), reason=reason, fix=fix))
        found, at = start_up.outage(settings, name), ("models", name)
        if found is None or found.time.seconds == 0:
            if model.accept_outage is not None:
                reason = "there is no outage to accept: others go on serving"
                out.append(Problem(path=(*at, "accept_outage"), reason=reason, fix="leave it out", strict=True))
        elif model.accept_outage is None and not (found.lone and settings.node_pools[model.pool].headroom):
            reason = f"{found.cause} takes it away for {found.time} ({found.parts})"
            room = "headroom on its pool, " if found.lone else ""
            fix = (
                f"replicas: 2 over two zones, floor: {{pool: ...}} on another pool, {room}or "
                "accept_outage: <why that hurts nobody>"
            )
            out.append(Problem(path=at, reason=reason, fix=fix, strict=True))
    return out
