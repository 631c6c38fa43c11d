"""What any inference engine is told, and what its command line is made from. Each engine's own file has its builder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from settings.spec import Spec
from settings.types import Argument, Duration, EngineVersion, Memory, Percent
from settings.workload import Image


@dataclass(frozen=True)
class Serve:
    """One server, as an engine is to start it."""

    name: str
    """The name that requests use."""
    path: str
    """Folder of the weights."""
    port: int
    gpus: int
    adapters: Mapping[str, str]
    """LoRA adapter -> its folder."""
    rank: int
    """Largest rank of the adapters; 0 without any."""
    drain: Duration
    """How long running requests may take after SIGTERM."""
    traces: str | None
    """Where spans go (OTLP over gRPC); None: nowhere."""


class EngineSpec(Spec):
    """What every engine has in common."""

    version: EngineVersion
    """Version of the engine: decides which arguments it knows, and the image's tag where that names none."""
    image: Image
    """What runs."""
    gpu_memory: Percent = Percent(90)
    """The part of each GPU's memory that the engine takes: weights, then activations, the rest is KV cache."""
    shared_memory: Memory = Memory(1 << 30)
    """Size of /dev/shm, which counts against the memory limit (KServe's LLM template: 1Gi)."""
    arguments: tuple[Argument, ...] = ()
    """Further command line arguments, for example --enable-prefix-caching."""

    oldest: ClassVar[tuple[int, int, int]]
    """The first version that knows everything that every server is told."""
    reserved: ClassVar[frozenset[str]] = frozenset()
    """Arguments that must not be given although nothing here sets them."""
    instead: ClassVar[Mapping[str, str]] = {}
    """Argument that must not be given either -> what to do instead."""
    context_key: ClassVar[str]
    """The field that says the longest sequence."""
    health: ClassVar[str]
    """The path that answers 200 while the server works; until the weights are loaded nothing answers."""
    metrics: ClassVar[str] = "/metrics"
    """The path of its Prometheus metrics, on `metrics_port` or the server's own."""
    metrics_port: ClassVar[int | None] = None

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers."""
        return tuple(int(part) for part in self.version.split("."))

    @property
    def pinned_image(self) -> Image:
        """Its image, with the tag that follows from the version where the settings name none."""
        return self.image if self.image.tag else self.image.model_copy(update={"tag": self.release_tag})

    @property
    @abstractmethod
    def release_tag(self) -> str:
        """The tag under which its makers publish the version."""

    @property
    @abstractmethod
    def context(self) -> int | None:
        """Tokens of the longest sequence that it serves; None: the longest that the model knows."""

    @property
    @abstractmethod
    def drains(self) -> bool:
        """True if it finishes running requests after SIGTERM; else only a longer pre-stop wait saves them."""

    def lora_rank(self, rank: int) -> int:
        """The rank of an adapter slot that holds adapters of this rank."""
        return rank

    @property
    @abstractmethod
    def command(self) -> list[str] | None:
        """The program; None: what the image starts by itself."""

    @abstractmethod
    def settled(self, serve: Serve) -> list[str]:
        """The arguments that follow from the settings, in a stable order."""

    @abstractmethod
    def environment(self, serve: Serve) -> dict[str, str]:
        """Variables of its own."""

    def command_line(self, serve: Serve) -> list[str]:
        """All arguments."""
        return [*self.settled(serve), *self.arguments]


def flag(argument: str) -> str:
    """The name of an argument.

    >>> flag("--max-model-len=4096")
    '--max-model-len'
    """
    return argument.partition("=")[0]
