"""What any workload can say about itself: resources, probes, scaling, disruption, rollout."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from settings.spec import Spec
from settings.types import (
    ContainerPort,
    Cpu,
    DnsLabel,
    DnsName,
    Duration,
    HttpPath,
    ImageDigest,
    ImageRepository,
    ImageTag,
    Memory,
    Percent,
    PodCount,
    Reason,
    Replicas,
    Times,
    UserId,
)


class Image(Spec):
    """A container image; `image: gateway` is short for `image: {repository: gateway}`."""

    host: DnsName | None = None
    """Registry of somebody else's image; the environment's own, under its own prefix, where it is left out."""
    repository: ImageRepository
    """Name in the registry, without tag."""
    tag: ImageTag | None = None
    """Tag; the registry's default tag where it is left out (of an image of our own)."""
    digest: ImageDigest | None = None
    """What the tag must be; the only thing that cannot move."""
    unpinned: Reason | None = None
    """Why there is no digest yet; the registry's reason where it is left out (of an image of our own)."""


class Security(Spec):
    """The identity that the process runs as; everything else of the restricted profile is not for choosing."""

    user: UserId = 10001
    """User id; above 10000 so that it meets no user of the node (kube-score, checkov CKV_K8S_40)."""
    group: UserId = 10001
    """Group id."""


class Amounts(Spec):
    """What one container requests, or is limited to."""

    cpu: Cpu
    """CPU of one container, for example 500m."""
    memory: Memory
    """Memory of one container, for example 1Gi."""
    ephemeral_storage: Memory = Memory(128 << 20)
    """Local disk of one container (writable layer, logs, scratch); without a limit one pod can fill the node's disk."""


class Resources(Spec):
    """Requests (what the scheduler reserves) and limits (what the kernel enforces) of one container."""

    requests: Amounts
    """What is reserved."""
    limits: Amounts
    """What is enforced; never below the request."""


class Calls(Spec):
    """How often a probe asks, and how often it may be disappointed."""

    period: Duration
    """Time between two calls."""
    failures: Times = 3
    """How many calls in a row must fail."""
    timeout: Duration = Duration(1)
    """How long one call may take; the kubelet's own default is 1 s."""

    @property
    def patience(self) -> Duration:
        """The time from a container's first failure until the probe's verdict, once it is being called."""
        return Duration(self.period.seconds * self.failures)


class Probe(Calls):
    """One HTTP probe. The window is `initial_delay + period x failures`."""

    path: HttpPath
    """The URL path that answers 200."""
    initial_delay: Duration = Duration(0)
    """How long after the container's start (startup) or the startup probe's success the first call is made."""

    @property
    def window(self) -> Duration:
        """The time until the probe gives its verdict against a container that never answers."""
        return Duration(self.initial_delay.seconds + self.period.seconds * self.failures)


class StartupProbe(Probe):
    """Holds the other two back until the container has started (S003-39)."""

    path: HttpPath = "/startup"
    """Answers 200 once the container has started."""
    initial_delay: Duration = Duration(5)
    """How long after the container's start the first call is made."""
    period: Duration = Duration(5)
    """Time between two calls."""
    failures: Times = 30
    """How many calls in a row must fail until the container is restarted."""


class LivenessProbe(Probe):
    """Restarts a container that hangs (S003-40)."""

    path: HttpPath = "/health"
    """Answers 200 while the container works."""
    period: Duration = Duration(15)
    """Time between two calls."""
    timeout: Duration = Duration(5)
    """How long one call may take; under load a second is too short."""


class ReadinessProbe(Probe):
    """Takes a pod out of its Service (S003-41)."""

    path: HttpPath = "/ready"
    """Answers 200 while the container takes requests."""
    period: Duration = Duration(5)
    """Time between two calls."""
    timeout: Duration = Duration(3)
    """How long one call may take."""


class Probes(Spec):
    """The three probes; the defaults are the template of seed 003, and each number can be given by itself."""

    startup: StartupProbe = StartupProbe()
    """Has the container started?"""
    liveness: LivenessProbe = LivenessProbe()
    """Does it still work?"""
    readiness: ReadinessProbe = ReadinessProbe()
    """Does it take requests?"""


class FixedScaling(Spec):
    """A fixed number of replicas."""

    kind: Literal["fixed"]
    """`replicas: 2` on a workload is short for this."""
    replicas: Replicas
    """How many pods run."""

    @property
    def floor(self) -> int:
        """The fewest replicas that the owner of the count ever asks for."""
        return self.replicas

    @property
    def ceiling(self) -> int:
        """The most replicas that the owner of the count ever asks for."""
        return self.replicas


class HpaMetrics(Spec):
    """Mean utilisation over the pods, in percent of the request; the metric that asks for most replicas wins."""

    cpu: Percent | None = None
    """Target CPU utilisation."""
    memory: Percent | None = None
    """Target memory utilisation."""


class ScalingRate(Spec):
    """At most this much change within one period: a percentage or a number of pods."""

    percent: Percent | None = None
    """Share of the current replicas."""
    pods: Replicas | None = None
    """Number of pods."""
    period: Duration
    """1 s to 30 min (the API's limits)."""


class ScalingDirection(Spec):
    """How fast the replica count may move one way."""

    window: Duration
    """Stabilisation: the most cautious recommendation of this time counts; 0 s to 1 h (the API's limits)."""
    rates: tuple[ScalingRate, ...]
    """The largest change that any of them allows is made."""


class HpaBehavior(Spec):
    """Both directions. The defaults are the API's own, written out (k8s.io/api autoscaling/v2, HPA defaults)."""

    scale_up: ScalingDirection = ScalingDirection(
        window=Duration(0),
        rates=(
            ScalingRate(percent=Percent(100), period=Duration(15)),
            ScalingRate(pods=4, period=Duration(15)),
        ),
    )
    """How fast replicas are added."""
    scale_down: ScalingDirection = ScalingDirection(
        window=Duration(300), rates=(ScalingRate(percent=Percent(100), period=Duration(15)),)
    )
    """How fast replicas are taken away."""


class HpaScaling(Spec):
    """A HorizontalPodAutoscaler owns the replica count."""

    kind: Literal["hpa"]
    """The autoscaler that owns the count."""
    min: Replicas
    """Fewest replicas."""
    max: Replicas = Field(examples=[4])
    """Most replicas."""
    metrics: HpaMetrics
    """What it scales on."""
    behavior: HpaBehavior = HpaBehavior()
    """How fast it moves."""

    @property
    def floor(self) -> int:
        """The fewest replicas that the owner of the count ever asks for."""
        return self.min

    @property
    def ceiling(self) -> int:
        """The most replicas that the owner of the count ever asks for."""
        return self.max


Scaling: TypeAlias = Annotated[FixedScaling | HpaScaling, Field(discriminator="kind")]
"""Exactly one owner of the replica count; KEDA will be a third kind."""


class Disruption(Spec):
    """A PodDisruptionBudget: how many pods a drain may take. Exactly one of the two."""

    min_available: Replicas | None = None
    """So many pods always stay."""
    max_unavailable: Replicas | None = None
    """So many pods may be away at a time."""


class Rollout(Spec):
    """How a new version replaces the old one."""

    max_surge: PodCount = 1
    """Extra pods during a rollout; they count against quota and pool."""
    max_unavailable: PodCount = 0
    """Pods that may be missing during a rollout."""


class Workload(Spec):
    """What every kind of workload says about itself: where it runs, who counts it, how it leaves."""

    namespace: DnsLabel = Field(examples=["quant"])
    """The namespace that it runs in."""
    port: ContainerPort = 8000
    """The port that the process listens on."""
    pool: DnsLabel | None = None
    """The node pool that it runs on; any node without a taint where it is left out."""
    priority: DnsLabel | None = None
    """Its entry in `priorities`."""
    scaling: Scaling
    """Who owns the replica count; `replicas: 2` is short for a fixed count."""
    disruption: Disruption | None = None
    """Its budget; one pod at a time where it is left out and more than one replica runs."""
    rollout: Rollout = Rollout()
    """How a new version replaces the old one."""
    longest_request: Duration | None = None
    """The longest request that it serves; the longest that the settings know of where it is left out."""
    security: Security = Security()
    """User and group."""

    @property
    def beside(self) -> int:
        """Replicas that run beside those that `scaling` counts."""
        return 0

    @property
    def fewest(self) -> int:
        """The fewest replicas that ever run on purpose."""
        return self.scaling.floor + self.beside

    @property
    def most(self) -> int:
        """The most replicas that ever run, a rollout's surge aside."""
        return self.scaling.ceiling + self.beside
