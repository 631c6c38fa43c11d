"""Models: they fit their GPUs, the engine knows what it is told, adapters can be served."""

from __future__ import annotations

from collections.abc import Iterator

from settings import gpu_memory
from settings.demand import model_resources
from settings.engine import Serve, flag
from settings.gpu_memory import Fit, GpuType, facts, fit, gpu_kinds, gpu_types
from settings.model import PlatformSettings
from settings.model_server import Model
from settings.problems import Path, Problem, nearest, one_of
from settings.types import Duration, Memory
from settings.vllm import MIN_CAPABILITY, Vllm

ONLINE = {"fp8", "torchao", "modelopt", "mxfp4", "quark", "compressed-tensors"}
"""Words that vLLM may take for weights of any kind, or of kinds that the table does not tell apart."""
MOST_MEMORY = 95
"""Percent of a GPU that an engine can be given: CUDA's own context takes some hundreds of MiB before it looks."""
BFLOAT16 = 80
"""Compute capability (times ten) of the first GPUs that know bfloat16."""


def gpus(settings: PlatformSettings) -> list[Problem]:
    """Every model runs on pools whose nodes have the GPUs that one replica takes."""
    out = []
    for path, pool, model in _places(settings):
        spec = settings.node_pools.get(pool)
        if spec is None:
            continue  # `references` has said so
        if spec.gpus == 0:
            others = [name for name, other in settings.node_pools.items() if other.gpus >= model.gpus]
            reason = f"the nodes of pool {pool} have no GPU, and a model needs one"
            out.append(Problem(path=path, reason=reason, fix=f"a pool with GPUs: {one_of(others)}"))
        elif model.gpus > spec.gpus:
            at: Path = (*path[:2], "gpus")
            reason = f"one replica takes {model.gpus} GPUs, a node of pool {pool} has {spec.gpus}"
            out.append(Problem(path=at, reason=reason, fix=f"at most {spec.gpus}, or a pool of larger nodes"))
    for name, model in settings.models.items():
        about = facts(model.source)
        works = [n for n in range(1, 9) if about.shared_by(n)]
        if not about.shared_by(model.gpus):
            reason = (
                f"{model.source.hub} cannot be shared by {model.gpus} GPUs: its attention heads do not divide evenly"
            )
            fix = f"one of {', '.join(str(n) for n in works)}"
            out.append(Problem(path=("models", name, "gpus"), reason=reason, fix=fix))
    return out


def _places(settings: PlatformSettings) -> Iterator[tuple[Path, str, Model]]:
    """The path that names a pool, the pool, and the model that is to run there."""
    for name, model in settings.models.items():
        yield ("models", name, "pool"), model.pool, model
        if model.floor is not None:
            yield ("models", name, "floor", "pool"), model.floor.pool, model


def memory(settings: PlatformSettings) -> list[Problem]:
    """Every model fits the memory of each GPU that its pools may bring, with its longest sequence beside it.

    The scheduler counts GPUs and not their memory: what fits one type of a pool and not another starts or fails by
    chance.
    """
    out = []
    for name, model in settings.models.items():
        at: Path = ("models", name, "source", "size")
        stated, least = model.source.size, gpu_memory.known_facts(model.source.hub).size
        if stated is None and least is None:
            near = nearest(model.source.hub, gpu_memory.known())
            fix = f"give size, for example size: 14Gi{f' (or did you mean {near}?)' if near else ''}"
            reason = f"{model.source.hub} is not in settings/data/models.yaml, so the size of its weights is not known"
            out.append(Problem(path=at, reason=reason, fix=fix))
        elif stated is not None and least is not None and stated < least:
            reason = f"{stated} is less than settings/data/models.yaml knows of {model.source.hub}, {least}"
            out.append(Problem(path=at, reason=reason, fix=f"at least {least}, or leave it out"))
    return [*out, *_too_long(settings), *(p for places in _places(settings) if (p := _unfit(settings, *places)))]


def _unfit(settings: PlatformSettings, path: Path, pool: str, model: Model) -> Problem | None:
    """What the tightest GPU of a pool does not hold, unless it holds all that the model was made for."""
    fits = [found for kind in gpu_kinds(settings, pool) if (found := fit(model, kind))]
    wrong = next((f for f in fits if not f.fits), None)
    most = facts(model.source).max_len
    if wrong is None or (wrong.tokens and most and wrong.tokens >= most):
        return None
    return _too_large(path, pool, model, wrong)


def _too_large(path: Path, pool: str, model: Model, wrong: Fit) -> Problem:
    gpu = gpu_types()[wrong.gpu].title if wrong.gpu in gpu_types() else wrong.gpu
    parts = f"weights {_gib(wrong.weights)} + {_gib(gpu_memory.RESERVE.bytes)} to work in"
    parts += f" + adapters {_gib(wrong.adapters)}" if wrong.adapters else ""
    there = f"{model.engine.gpu_memory} of {_a(gpu)} is {_gib(wrong.taken)}"
    if not wrong.tokens or wrong.context is None:
        smaller = "a quantized build, more gpus, or a pool of larger GPUs"
        return Problem(path=path, reason=f"{parts} do not fit: {there} (pool {pool})", fix=smaller)
    key = model.engine.context_key
    reason = (
        f"{wrong.context} tokens do not fit: {there}, of which {parts} leave room for {wrong.tokens} tokens "
        f"(pool {pool})"
    )
    return Problem(path=(*path[:2], "engine", key), reason=reason, fix=f"at most {_round(wrong.tokens)}")


def _a(gpu: str) -> str:
    """A GPU with its article."""
    return f"{'an' if gpu[0] in 'AHLR' else 'a'} {gpu}"


def _round(tokens: int) -> int:
    """A number of tokens to recommend: a whole KiB of them where there are so many."""
    return tokens // 1024 * 1024 or tokens


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f}Gi"


def _too_long(settings: PlatformSettings) -> list[Problem]:
    out = []
    for name, model in settings.models.items():
        most, asked = facts(model.source).max_len, model.engine.context
        if most and asked and asked > most:
            key = model.engine.context_key
            reason = f"{asked} tokens are more than {model.source.hub} was made for, {most}"
            out.append(Problem(path=("models", name, "engine", key), reason=reason, fix=f"at most {most}"))
    return out


def engine(settings: PlatformSettings) -> list[Problem]:
    """The engine is told nothing that its version, its GPU or another setting contradicts."""
    out = []
    for name, model in settings.models.items():
        at: Path = ("models", name, "engine")
        out += _version(at, model)
        out += _limits(at, model)
        out += _arguments(at, model)
        out += _shared_memory(settings, at, name)
        kinds = [kind.gpu or "" for _, pool, m in _places(settings) if m is model for kind in gpu_kinds(settings, pool)]
        known = [gpu_types()[kind] for kind in kinds if kind in gpu_types()]
        if known and isinstance(model.engine, Vllm):
            out += _capability(at, model, model.engine, min(known, key=lambda g: g.capability))
    return out


def _limits(at: Path, model: Model) -> list[Problem]:
    out = []
    if model.engine.gpu_memory.value > MOST_MEMORY:
        reason = f"{model.engine.gpu_memory} leaves nothing for CUDA itself, and the engine does not start without it"
        out.append(Problem(path=(*at, "gpu_memory"), reason=reason, fix=f"at most {MOST_MEMORY}%"))
    if model.port == model.engine.metrics_port:
        reason = f"{model.port} is where {model.engine.kind} serves its metrics"
        out.append(Problem(path=(*at[:2], "port"), reason=reason, fix=f"another one, for example {model.port - 1}"))
    return out


def _version(at: Path, model: Model) -> list[Problem]:
    oldest = model.engine.oldest
    if model.engine.release < oldest:
        shown = ".".join(str(n) for n in oldest)
        reason = f"{model.engine.version} is older than {shown}, and does not know everything that it is told"
        return [Problem(path=(*at, "version"), reason=reason, fix=f'at least "{shown}"')]
    tag = model.engine.image.tag
    if tag is not None and tag.removeprefix("v").partition("-")[0] != model.engine.version and _is_release(tag):
        reason = f"the tag {tag} is another version than {model.engine.version}, which decides about arguments"
        fix = f'version: "{tag.removeprefix("v").partition("-")[0]}", or no tag'
        return [Problem(path=(*at, "image", "tag"), reason=reason, fix=fix)]
    return []


def _is_release(tag: str) -> bool:
    parts = tag.removeprefix("v").partition("-")[0].split(".")
    return len(parts) == 3 and all(part.isdigit() for part in parts)


def _arguments(at: Path, model: Model) -> list[Problem]:
    """Nobody gives an argument that follows from a setting, or one twice."""
    out = []
    serve = Serve("name", "path", model.port, model.gpus, {"a": "b"}, 8, Duration(1), "http://collector:4317")
    ours = (
        {flag(a) for a in model.engine.settled(serve) if a.startswith("--")}
        | model.engine.reserved
        | set(model.engine.instead)
    )
    seen: set[str] = set()
    for index, argument in enumerate(model.engine.arguments):
        here: Path = (*at, "arguments", index)
        if flag(argument) in ours:
            fix = model.engine.instead.get(flag(argument), "remove it: it follows from the other settings")
            out.append(Problem(path=here, reason=f"the platform sets {flag(argument)} itself", fix=fix))
        elif flag(argument) in seen:
            out.append(Problem(path=here, reason=f"{flag(argument)} stands twice", fix="give it once"))
        seen.add(flag(argument))
    return out


def _shared_memory(settings: PlatformSettings, at: Path, name: str) -> list[Problem]:
    shared, limit = settings.models[name].engine.shared_memory, model_resources(settings, name).limits.memory
    half = Memory(limit.bytes // 2 // (1 << 20) * (1 << 20))
    if shared <= half:
        return []
    reason = (
        f"{shared} is more than half of the memory limit {limit}, which it counts against: the server needs the rest"
    )
    fix = f"at most {half}" if half.bytes else "a larger memory limit"
    return [Problem(path=(*at, "shared_memory"), reason=reason, fix=fix)]


def _capability(at: Path, model: Model, spec: Vllm, gpu: GpuType) -> list[Problem]:
    """What the oldest GPU of the pools cannot do."""
    out = []
    weights = facts(model.source).quantization
    if (
        spec.quantization
        and weights is not None
        and spec.quantization.removesuffix("_marlin") not in ONLINE | {weights}
    ):
        found = f"are {weights}" if weights != "none" else "are not quantized"
        reason = f"the weights of {model.source.hub} {found}, and {spec.quantization} cannot read them"
        out.append(
            Problem(path=(*at, "quantization"), reason=reason, fix="leave it out: the engine reads it in the weights")
        )
    needed = MIN_CAPABILITY.get(spec.quantization or "", 0)
    if needed > gpu.capability:
        able = [word for word, least in MIN_CAPABILITY.items() if least <= gpu.capability]
        reason = (
            f"{spec.quantization} needs compute capability {needed / 10}, {_a(gpu.title)} has {gpu.capability / 10}"
        )
        out.append(Problem(path=(*at, "quantization"), reason=reason, fix=f"one of {', '.join(able)}; or another pool"))
    if spec.dtype == "bfloat16" and gpu.capability < BFLOAT16:
        reason = f"bfloat16 needs compute capability 8.0, {_a(gpu.title)} has {gpu.capability / 10}"
        out.append(Problem(path=(*at, "dtype"), reason=reason, fix="half, or leave it out"))
    return out


def adapters(settings: PlatformSettings) -> list[Problem]:
    """Requests tell adapters and models of one server apart by name, and adapters of one name are one thing."""
    out = []
    for name, model in settings.models.items():
        for key in model.adapters:
            if key in settings.models:
                reason = f"{key} is the name of a model, and requests name either"
                out.append(Problem(path=("models", name, "adapters", key), reason=reason, fix="another name"))
    return out
