"""`up`: the cluster, its nodes, the stack on it, and what its user needs to know next."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from policy.graph import Graph
from settings.model import PlatformSettings
from workbench.deploy import apply
from workbench.deploy.engine import Engine, why_not
from workbench.deploy.likeness import Likeness, likeness
from workbench.localcluster.clock import Clock
from workbench.localcluster.cluster import DEFAULT_STATE, ROOT, Cluster
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.nodes import Nodes, counts, daemonsets, is_closed
from workbench.localcluster.pod_stages import Times
from workbench.localcluster.surroundings import objects
from workbench.plan.stack import plan_file

Say = Callable[[str], None]
LINK = ROOT / ".local" / "kubeconfig"
"""Where `pulumi up -s local` looks for a kubeconfig by itself (settings.load)."""


@dataclass(frozen=True)
class Up:
    """A stack that is up."""

    cluster: Cluster
    likeness: Likeness
    how: str
    """Who brought it up."""
    changes: str
    """What that did."""
    took: tuple[tuple[str, float], ...]
    """Part -> seconds."""

    @property
    def settings(self) -> PlatformSettings:
        """Its settings."""
        return self.likeness.resolved.settings


def start(
    cluster: Cluster, alike: Likeness, platform: str | None, clock: Clock, say: Say, *, nodes: bool = True
) -> Nodes:
    """A running cluster with everything that the platform expects of one: nodes, their DaemonSets, classes, stores.

    Args:
        cluster: whether or not it runs already.
        alike: for which stack.
        platform: another base than the stack's own.
        clock: how simulated durations are divided.
        say: takes lines of progress.
        nodes: with the nodes that hold the whole platform; False: without any.
    """
    settings = alike.resolved.settings
    cluster.up(Times.of(settings), clock=clock, stack=alike.stack, platform=platform, say=say)
    if cluster.state == DEFAULT_STATE:
        _link_kubeconfig(cluster.kubeconfig)
    pools = Nodes(cluster.api, settings, clock)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(cluster.api.apply, [*objects(settings), *daemonsets(settings)]))
    for pool, count in counts(settings).items():
        missing = count - len(pools.all(pool))
        if nodes and missing > 0:
            pools.add(pool, missing, ready=True)
    closed, others = list[str](), list[str]()
    for node in pools.all():
        (closed if is_closed(node) else others).append(node["metadata"]["name"])
    for name in closed:
        say(f"  {name} is cordoned or lost, and takes no pod until `python -m workbench cluster remove-node {name}`")
    pools.wait_ready(others)
    return pools


def up(
    stack: str,
    platform: str | None,
    *,
    state: Path = DEFAULT_STATE,
    clock: Clock | None = None,
    engine: bool | None = None,
    say: Say = print,
) -> Up:
    """Brings a stack up on the local cluster.

    Args:
        stack: a committed stack; of one that makes its own cluster, everything that runs in it.
        platform: another platform file than the stack's base.
        state: folder for everything that the cluster keeps.
        clock: how simulated durations are divided.
        engine: True: with the real engine only; False: without; None: with it where it is found.
        say: takes lines of progress.

    Raises:
        SettingsError: the settings are refused.
        ClusterError: the cluster or the stack does not come up.
    """
    clock = clock or Clock.from_environment()
    missing = why_not() if engine is not False else "asked for"
    if engine and missing:
        raise ClusterError(f"there is no engine: {missing}\n  fix: leave --engine out")
    alike = likeness(stack, platform)
    plan = plan_file(stack, alike.file, alike.resolved)  # refused settings and policies start nothing
    if plan.refused:
        raise ClusterError(f"the plan of {stack} is refused\n  fix: `make plan STACK={stack}` says why")
    for line in alike.changed:
        say(f"differs from the committed stack: {line}")
    cluster = Cluster(state)
    took = [("cluster and nodes", time.monotonic())]
    nodes = start(cluster, alike, platform, clock, say)
    took.append(("platform", time.monotonic()))
    say("Nodes: " + ", ".join(f"{len(nodes.all(pool))} {pool}" for pool in sorted(alike.resolved.settings.node_pools)))
    with only_one(cluster.state):
        if missing is None:
            say("Bringing the stack up with the Pulumi engine ...")
            how, changes = "the Pulumi engine", _by_engine(cluster, alike, plan.graph)
        else:
            say(f"Bringing the stack up by server-side apply, without an engine ({missing}) ...")
            how, changes = "server-side apply of the planned manifests", _by_apply(cluster, plan.graph, say)
    took.append(("", time.monotonic()))
    times = [(name, after[1] - begin) for (name, begin), after in pairwise(took)]
    return Up(cluster, alike, how, changes, tuple(times))


def down(state: Path = DEFAULT_STATE) -> list[str]:
    """Removes the cluster and everything that it kept; returns the programs that ran."""
    if state == DEFAULT_STATE and LINK.is_symlink():
        LINK.unlink()
    return Cluster(state).down()


def _by_engine(cluster: Cluster, alike: Likeness, graph: Graph) -> str:
    driver = Engine(alike, cluster.state, cluster.kubeconfig)
    driver.prepare()
    return str(driver.up(cluster.api, graph))


def _by_apply(cluster: Cluster, graph: Graph, say: Say) -> str:
    if (cluster.state / "engine").exists():
        raise ClusterError(
            "this cluster was brought up by the engine, which keeps its own state\n  fix: `make down` first"
        )
    report = apply.up(cluster.api, apply.steps(graph), cluster.state, say)
    for warning in report.warnings:
        say(f"warning of the API server: {warning}")
    return str(report)


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """One `up` at a time into a state folder; the lock ends with its process."""
    with (state / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClusterError(f"another `up` works on {state}\n  fix: wait until it is done") from None
        yield


def _link_kubeconfig(kubeconfig: Path) -> None:
    """Only where there is nothing, or our own link: somebody may keep the kubeconfig of another cluster there."""
    if LINK.is_symlink() or not LINK.exists():
        LINK.unlink(missing_ok=True)
        LINK.symlink_to(kubeconfig)
