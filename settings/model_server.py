"""A model server: what a team writes about a model that it serves over the OpenAI API."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from settings.max_serve import MaxServe
from settings.spec import Spec
from settings.types import (
    DnsLabel,
    Duration,
    FilePattern,
    Gpus,
    HubRepository,
    LoraRank,
    Memory,
    PodCount,
    Reason,
    Replicas,
    Revision,
    Times,
    Tokens,
)
from settings.vllm import Vllm
from settings.workload import Calls, FixedScaling, Resources, Rollout, Scaling, Workload

Engine: TypeAlias = Annotated[MaxServe | Vllm, Field(discriminator="kind")]
"""The inference engine; `engine: vllm` is short for `engine: {kind: vllm}`."""


class HubFiles(Spec):
    """Files of one revision of a Hugging Face repository."""

    hub: HubRepository
    """Hugging Face repository."""
    revision: Revision | None = None
    """Commit of the repository; a branch name moves."""
    unpinned: Reason | None = None
    """Why there is no revision yet."""
    skip: tuple[FilePattern, ...] = ()
    """Files that are not downloaded, for example a second copy of the weights in another format."""


class Source(HubFiles):
    """Where the weights come from. What settings/data/models.yaml knows of a repository need not be said here."""

    size: Memory | None = None
    """Size of the weights, as they lie in the cache and in GPU memory."""
    kv_per_token: Memory | None = None
    """KV cache of one token: 2 x layers x KV heads x head size x bytes of the type."""
    max_len: Tokens | None = None
    """The longest sequence that the model knows (max_position_embeddings)."""


class Adapter(HubFiles):
    """A LoRA adapter of the model; its name is what routes and requests use."""

    rank: LoraRank
    """Its rank (`r` in adapter_config.json); the server's largest follows from all of them."""


class StartUp(Spec):
    """How long a start takes at most, part by part, measured where it runs; the node's part is its pool's.

    Stated once: the start-up probe, the rollout's deadline and the plan's outage follow from it.
    """

    image: Duration
    """Pulling the image onto a new node."""
    weights: Duration | None = None
    """Reading the weights from the cache; their size at settings.start_up.READ_RATE where it is left out."""
    warm_up: Duration
    """From weights to the first answer: compiling, capturing CUDA graphs, profiling memory."""
    within: Duration | None = None
    """The longest that anybody will wait for all of it, node included; a start that cannot keep it is refused."""


class ServingLiveness(Calls):
    """Restarts a server that hangs."""

    period: Duration = Duration(15)
    """Time between two calls."""
    failures: Times = 10
    """How many calls in a row must fail."""
    timeout: Duration = Duration(15)
    """How long one call may take."""


class ServingReadiness(Calls):
    """Takes a server out of its Service."""

    period: Duration = Duration(5)
    """Time between two calls."""
    failures: Times = 6
    """How many calls in a row must fail."""
    timeout: Duration = Duration(5)
    """How long one call may take."""


class ServingProbes(Spec):
    """Liveness and readiness of a model server: where they ask is its engine's affair, and the start-up probe follows
    from `start_up`.

    A call of one second fails under load (llm-d/llm-d-benchmark#1734 has 15 s and 10 failures), and a restart
    costs a whole start, so liveness is slow to judge.
    """

    liveness: ServingLiveness = ServingLiveness()
    """Does it still work?"""
    readiness: ServingReadiness = ServingReadiness()
    """Does it take requests?"""


class ServingRollout(Rollout):
    """How a new version replaces the old one: without a GPU to spare, where nothing else is said."""

    max_surge: PodCount = 0
    """Extra pods during a rollout; each needs GPUs, and they count against quota and pool."""
    max_unavailable: PodCount = 1
    """Pods that may be missing during a rollout."""


class Floor(Spec):
    """Replicas that stand on another pool, whatever happens to the first: an on-demand floor under a spot pool, or a
    second spot pool of other types or zones.
    """

    pool: DnsLabel
    """The other node pool."""
    replicas: Replicas = 1
    """How many stand there, beside those that `scaling` counts."""


class Model(Workload):
    """A model that is served over the OpenAI API: Deployment, Service, ServiceAccount, and what guards them."""

    engine: Engine = Field(examples=["vllm"])
    """What serves it."""
    source: Source
    """Weights."""
    adapters: dict[DnsLabel, Adapter] = Field(default_factory=dict)
    """LoRA adapters that it serves beside its own weights."""
    pool: DnsLabel = Field(examples=["gpu-spot"])
    """The node pool that it runs on."""
    gpus: Gpus = 1
    """GPUs of one replica (tensor parallel)."""
    resources: Resources | None = None
    """Requests and limits of one pod; its GPUs' share of the pool's smallest node where it is left out."""
    start_up: StartUp
    """How long a start takes."""
    probes: ServingProbes = ServingProbes()
    """Liveness and readiness."""
    cache: DnsLabel = Field(examples=["weights"])
    """Its entry in `caches`: where its weights lie."""
    scaling: Scaling = FixedScaling(kind="fixed", replicas=1)
    """Who owns the replica count; `replicas: 2` is short for a fixed count."""
    rollout: ServingRollout = ServingRollout()
    """How a new version replaces the old one."""
    floor: Floor | None = None
    """Replicas on another pool."""
    accept_outage: Reason | None = None
    """Why nobody is hurt if the model is away for a whole start."""
    scratch: Memory = Memory(4 << 30)
    """Size of the writable /tmp: compiled kernels and the like."""

    @property
    def beside(self) -> int:
        """Replicas of its floor."""
        return self.floor.replicas if self.floor else 0

    @property
    def pools(self) -> list[str]:
        """Every pool that replicas of it run on, its own first."""
        return list(dict.fromkeys([self.pool, *([self.floor.pool] if self.floor else [])]))
