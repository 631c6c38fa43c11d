"""What a model takes of a GPU, and what is left for requests. Arithmetic on settings/data/models.yaml and gpus.yaml."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from settings.instances import InstanceType, instance_types
from settings.model import PlatformSettings
from settings.model_server import Model, Source
from settings.types import Memory
from settings.yaml_reader import read_file

DATA = Path(__file__).parent / "data"
RESERVE = Memory(3 << 29)
"""Activations and what lies beside torch's own memory. vLLM's profile of an 8B model: 1.26 GiB and 0.16 to 1.79 GiB
(vllm-project/vllm#10511, #12126). It is about the least of them, so that what is refused could not have worked."""


@dataclass(frozen=True)
class Facts:
    """What is known of a model: its row of the table, and what its source says over it."""

    size: Memory | None = None
    kv_per_token: Memory | None = None
    max_len: int | None = None
    gated: bool = False
    heads: int | None = None
    kv_heads: int | None = None
    intermediate: int | None = None
    quantization: str | None = None
    """How the weights are quantized; `none`, or None where nobody says it."""
    lora_per_rank: int | None = None
    """Bytes of one adapter slot for each unit of rank, over all linear layers, in 16 bits."""

    def shared_by(self, gpus: int) -> bool:
        """True if so many GPUs can share the model: heads and layers divide evenly, KV heads or their copies, too."""
        if self.heads is None or self.kv_heads is None or self.intermediate is None:
            return True
        kv = self.kv_heads % gpus == 0 or gpus % self.kv_heads == 0
        return self.heads % gpus == 0 and self.intermediate % gpus == 0 and kv


@dataclass(frozen=True)
class GpuType:
    """A GPU."""

    name: str
    title: str
    capability: int
    """CUDA compute capability times ten."""


@cache
def _table() -> dict[str, Facts]:
    return {hub: _facts(row) for hub, row in read_file(DATA / "models.yaml").data["models"].items()}


def _facts(row: dict[str, Any]) -> Facts:
    layers, heads, kv_heads, head = row["layers"], row["heads"], row["kv_heads"], row["head_dim"]
    hidden, inner = row["hidden"], row["intermediate"]
    attention = 2 * (hidden + heads * head) + 2 * (hidden + kv_heads * head)
    return Facts(
        size=Memory.parse(row["size"]),
        kv_per_token=Memory(2 * layers * kv_heads * head * 2),
        max_len=row["max_len"],
        gated=row["gated"],
        heads=heads,
        kv_heads=kv_heads,
        intermediate=inner,
        quantization=row.get("quantization", "none"),
        lora_per_rank=2 * layers * (attention + 3 * (hidden + inner)),
    )


@cache
def gpu_types() -> dict[str, GpuType]:
    """Every known GPU by the name that the instance table has for it."""
    rows = read_file(DATA / "gpus.yaml").data["gpus"]
    return {
        name: GpuType(name, row["title"], int(str(row["capability"]).replace(".", ""))) for name, row in rows.items()
    }


def known_facts(hub: str) -> Facts:
    """What the table knows of a repository, whatever its source says; nothing where it has no row."""
    return _table().get(hub, Facts())


def facts(source: Source) -> Facts:
    """What is known of a model."""
    row = known_facts(source.hub)
    return replace(
        row,
        size=source.size or row.size,
        kv_per_token=source.kv_per_token or row.kv_per_token,
        max_len=source.max_len or row.max_len,
    )


def known() -> list[str]:
    """The repositories that the table has."""
    return sorted(_table())


def weights_size(source: Source) -> Memory | None:
    """Size of the weights; None where nobody says it."""
    return facts(source).size


@dataclass(frozen=True)
class Fit:
    """One model on one GPU type; bytes of one GPU."""

    gpu: str
    total: int
    taken: int
    """What the engine may take of it."""
    weights: int
    adapters: int
    kv_per_token: int | None
    """Of one token, on one of the GPUs."""
    context: int | None
    """Tokens of the longest sequence that is served."""

    @property
    def left(self) -> int:
        """What is left for the KV cache; negative if not even weights and activations fit."""
        return self.taken - self.weights - self.adapters - RESERVE.bytes

    @property
    def tokens(self) -> int | None:
        """Tokens that the KV cache holds; None where the cost of one is not known."""
        return max(0, self.left) // self.kv_per_token if self.kv_per_token else None

    @property
    def fits(self) -> bool:
        """True if the weights fit, and one sequence of the longest kind beside them."""
        return self.left > 0 and (self.tokens is None or self.context is None or self.tokens >= self.context)


def gpu_kinds(settings: PlatformSettings, pool: str) -> list[InstanceType]:
    """The instance types of a pool that have GPUs, one for each kind of GPU, the smallest memory first."""
    spec = settings.node_pools.get(pool)
    rows = [instance_types()[t] for t in (spec.instance_types if spec else ()) if t in instance_types()]
    kinds = {row.gpu: row for row in rows if row.gpu and row.gpu_memory}
    return sorted(kinds.values(), key=lambda row: (row.gpu_memory or Memory(0), row.name))


def fit(model: Model, kind: InstanceType) -> Fit | None:
    """A model on the GPUs of an instance type; None where the size of its weights, or its GPU, is not known."""
    about = facts(model.source)
    if about.size is None or kind.gpu_memory is None:
        return None
    rank = max((adapter.rank for adapter in model.adapters.values()), default=0)
    slots = len(model.adapters) * model.engine.lora_rank(rank) * (about.lora_per_rank or 0) if rank else 0
    share = model.engine.gpu_memory.value
    return Fit(
        gpu=kind.gpu or "",
        total=kind.gpu_memory.bytes,
        taken=kind.gpu_memory.bytes * share // 100,
        weights=-(-about.size.bytes // model.gpus),
        adapters=-(-slots // model.gpus),
        # With more GPUs than KV heads, heads are copied: no GPU has less than one.
        kv_per_token=(
            -(-about.kv_per_token.bytes // min(model.gpus, about.kv_heads or model.gpus))
            if about.kv_per_token
            else None
        ),
        context=model.engine.context or about.max_len,
    )
