"""MAX, Modular's inference server: its settings and its command line.

Read in the wheel of 26.7.0; neither its image nor a GPU was at hand to run it, nor does anybody say that the image runs
as another user than root.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from settings.engine import EngineSpec, Serve
from settings.types import DnsName, EngineVersion, ImageRepository, Sequences, Tokens
from settings.versions import MAX
from settings.workload import Image


class MaxImage(Image):
    """MAX's image; Modular's own where nothing is said."""

    host: DnsName | None = "docker.io"
    """Registry."""
    repository: ImageRepository = "modular/max-nvidia-full"
    """Name in the registry."""


class MaxServe(EngineSpec):
    """MAX's OpenAI-compatible server."""

    kind: Literal["max-serve"]
    """The engine; `engine: max-serve` is short for it."""
    version: EngineVersion = MAX.value
    """Version of MAX: the image's tag where that names none."""
    image: MaxImage = MaxImage()
    """What runs."""
    max_length: Tokens | None = None
    """The longest sequence, prompt and answer together; the longest that the model knows where it is left out."""
    max_batch_size: Sequences | None = None
    """Most requests in one batch; MAX's own choice where it is left out."""
    quantization_encoding: Literal["bfloat16", "float16", "float8_e4m3fn", "float32", "gptq"] | None = None
    """How weights are encoded, as far as a GPU can read it; found in the weights where it is left out."""

    # What older ones take was not looked at.
    oldest: ClassVar[tuple[int, int, int]] = (26, 4, 0)
    reserved: ClassVar[frozenset[str]] = frozenset({"--host", "--model"})
    instead: ClassVar[Mapping[str, str]] = {
        "--device-memory-utilization": "set engine.gpu_memory",
        "--devices": "set gpus",
        "--max-batch-size": "set engine.max_batch_size",
        "--max-length": "set engine.max_length",
        "--quantization-encoding": "set engine.quantization_encoding",
    }
    context_key: ClassVar[str] = "max_length"
    health: ClassVar[str] = "/health"
    metrics_port: ClassVar[int | None] = 8001

    @property
    def release_tag(self) -> str:
        """The tag under which its makers publish the version."""
        return self.version

    @property
    def context(self) -> int | None:
        """Tokens of the longest sequence that it serves."""
        return self.max_length

    @property
    def drains(self) -> bool:
        """True: it lets running requests finish after SIGTERM, for so long as it is told (see `environment`)."""
        return True

    @property
    def command(self) -> list[str] | None:
        """What the image starts by itself: it takes the arguments of `max serve`."""
        return None

    def settled(self, serve: Serve) -> list[str]:
        """The arguments that follow from the settings, in a stable order."""
        devices = ",".join(str(n) for n in range(serve.gpus))
        out = [
            f"--model-path={serve.path}",
            f"--served-model-name={serve.name}",
            f"--port={serve.port}",
            f"--devices=gpu:{devices}",
            f"--device-memory-utilization={self.gpu_memory.value / 100:.2f}",
        ]
        for key, value in (
            ("--max-length", self.max_length),
            ("--max-batch-size", self.max_batch_size),
            ("--quantization-encoding", self.quantization_encoding),
        ):
            out += [f"{key}={value}"] if value is not None else []
        if serve.adapters:
            out += ["--enable-lora", f"--max-num-loras={len(serve.adapters)}", f"--max-lora-rank={serve.rank}"]
            out += [f"--lora-paths={name}={path}" for name, path in sorted(serve.adapters.items())]
        return out

    def environment(self, serve: Serve) -> dict[str, str]:
        """Variables of its own; without the first it gives running requests 5 s (max 26.7 serve/config.py)."""
        return {
            "MAX_SERVE_GRACEFUL_SHUTDOWN_TIMEOUT_S": str(serve.drain.seconds),
            "MAX_SERVE_METRICS_ENDPOINT_PORT": str(self.metrics_port),
        }
