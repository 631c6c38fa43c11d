"""vLLM: its settings and its command line, each argument from the version on that knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

from settings.engine import EngineSpec, Serve
from settings.types import DnsName, EngineVersion, ImageRepository, Sequences, Tokens
from settings.versions import VLLM
from settings.workload import Image

SHUTDOWN_TIMEOUT = (0, 18, 0)
"""First vLLM that finishes running requests after SIGTERM, for so long (vllm-project/vllm#34730, #36666); older ones,
and this one without the argument, abort them."""
QUIET_PROBES = (0, 16, 0)
"""First vLLM that can leave probes and scrapes out of its access log (vllm-project/vllm#30011)."""
TRACES = (0, 17, 0)
"""First vLLM whose image has what tracing needs (its wheels: an extra until 0.16; without it the argument ends the
server, vllm-project/vllm#34466)."""
LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What --max-lora-rank takes (vllm-project/vllm vllm/config/lora.py, MaxLoRARanks)."""

MIN_CAPABILITY: dict[str, int] = {
    "awq": 75,
    "awq_marlin": 75,
    "compressed-tensors": 70,
    "fp8": 75,
    "gptq": 60,
    "gptq_marlin": 60,
    "modelopt": 80,
    "mxfp4": 80,
    "quark": 70,
    "torchao": 75,
}
"""Quantization -> CUDA compute capability, times ten (vLLM 0.31 model_executor/layers/quantization, get_min_capability;
fp8 is native from 8.9 and weight-only below). bitsandbytes and gguf have left vLLM (vllm-project/vllm#43529, 39612)."""

Quantization: TypeAlias = Literal[
    "awq",
    "awq_marlin",
    "compressed-tensors",
    "fp8",
    "gptq",
    "gptq_marlin",
    "modelopt",
    "mxfp4",
    "quark",
    "torchao",
]


class VllmImage(Image):
    """vLLM's image; its release on Docker Hub where nothing is said."""

    host: DnsName | None = "docker.io"
    """Registry; a mirror of your own spares prod a dependency on Docker Hub."""
    repository: ImageRepository = "vllm/vllm-openai"
    """Name in the registry."""


class Vllm(EngineSpec):
    """vLLM's OpenAI-compatible server."""

    kind: Literal["vllm"]
    """The engine; `engine: vllm` is short for it."""
    version: EngineVersion = VLLM.value
    """Version of vLLM: decides which arguments it knows, and the image's tag where that names none."""
    image: VllmImage = VllmImage()
    """What runs."""
    max_model_len: Tokens | None = None
    """The longest sequence, prompt and answer together; the longest that the model knows where it is left out."""
    max_num_seqs: Sequences | None = None
    """Most requests in one batch; vLLM's own choice for the GPU where it is left out."""
    quantization: Quantization | None = None
    """How weights are quantized; found in the weights' own configuration where it is left out, which is best."""
    dtype: Literal["auto", "bfloat16", "half"] = "auto"
    """Type of weights and activations; auto is the weights' own, or half where the GPU does not know that."""

    # The first release of the V1 engine alone: what is computed of memory and drains is not true of its predecessor.
    oldest: ClassVar[tuple[int, int, int]] = (0, 11, 0)
    # Probes, network policies and GPU counts fit one server on every address, in clear text inside the cluster.
    reserved: ClassVar[frozenset[str]] = frozenset(
        {"--data-parallel-size", "--host", "--model", "--pipeline-parallel-size", "--root-path", "--ssl-certfile"}
        | {"--ssl-keyfile"}
    )
    instead: ClassVar[Mapping[str, str]] = {
        "--api-key": "remove it: it would stand in the pod's spec, and the network policy says who may call",
        "--disable-log-requests": "remove it: requests are not logged, and newer releases do not start with it",
        "--dtype": "set engine.dtype",
        "--gpu-memory-utilization": "set engine.gpu_memory",
        "--max-model-len": "set engine.max_model_len",
        "--max-num-seqs": "set engine.max_num_seqs",
        "--quantization": "set engine.quantization",
        "--tensor-parallel-size": "set gpus",
    }
    health: ClassVar[str] = "/health"
    context_key: ClassVar[str] = "max_model_len"

    @property
    def release_tag(self) -> str:
        """The tag under which its makers publish the version."""
        return f"v{self.version}"

    @property
    def context(self) -> int | None:
        """Tokens of the longest sequence that it serves; None: the longest that the model knows."""
        return self.max_model_len

    @property
    def drains(self) -> bool:
        """True if it finishes running requests after SIGTERM."""
        return self.release >= SHUTDOWN_TIMEOUT

    def lora_rank(self, rank: int) -> int:
        """The rank of an adapter slot: the least that vLLM offers."""
        return max_lora_rank(rank)

    @property
    def command(self) -> list[str] | None:
        """The program; written out, since the image's entry point has changed between releases."""
        return ["vllm", "serve"]

    def settled(self, serve: Serve) -> list[str]:
        """The arguments that follow from the settings, in a stable order."""
        out = [
            serve.path,
            f"--served-model-name={serve.name}",
            f"--port={serve.port}",
            f"--gpu-memory-utilization={self.gpu_memory.value / 100:.2f}",
            f"--tensor-parallel-size={serve.gpus}",
        ]
        for key, value in (
            ("--max-model-len", self.max_model_len),
            ("--max-num-seqs", self.max_num_seqs),
            ("--quantization", self.quantization),
            ("--dtype", None if self.dtype == "auto" else self.dtype),
        ):
            out += [f"{key}={value}"] if value is not None else []
        out += _lora(serve)
        if self.release >= QUIET_PROBES:
            out.append(f"--disable-access-log-for-endpoints={self.health},{self.metrics}")
        if self.drains:
            out.append(f"--shutdown-timeout={serve.drain.seconds}")
        if serve.traces is not None and self.release >= TRACES:
            out.append(f"--otlp-traces-endpoint={serve.traces}")
        return out

    def environment(self, serve: Serve) -> dict[str, str]:  # noqa: ARG002  # the same for every server
        """Variables of its own."""
        return {"VLLM_NO_USAGE_STATS": "1"}


def max_lora_rank(rank: int) -> int:
    """The least --max-lora-rank that holds adapters of this rank.

    >>> max_lora_rank(24)
    32
    """
    return next(allowed for allowed in LORA_RANKS if allowed >= rank)


def _lora(serve: Serve) -> list[str]:
    """Adapters are loaded at the start, from the cache: one that is loaded by a request is gone after a restart."""
    if not serve.adapters:
        return []
    return [
        "--enable-lora",
        f"--max-loras={len(serve.adapters)}",
        f"--max-lora-rank={max_lora_rank(serve.rank)}",
        "--lora-modules",
        *(f"{name}={path}" for name, path in sorted(serve.adapters.items())),
    ]
