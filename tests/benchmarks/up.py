"""How long bringing a stack up takes: `python -m tests.benchmarks.up [STACK] [RUNS]`.

Each run is on a cluster of its own. The ratio is of the engine's `up` to a server-side apply of the same objects with
its roll-out, in the same order and with the same simulated starts: what is left is the engine's own work. Aim: at
most 2.5. Where there is no engine, that is said, and the apply alone is shown.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from workbench.deploy import apply
from workbench.deploy.engine import Engine, why_not
from workbench.deploy.likeness import likeness
from workbench.deploy.up import start
from workbench.localcluster.clock import Clock
from workbench.localcluster.cluster import Cluster
from workbench.plan.stack import plan_file

AIM = 2.5


def measured(stack: str, *, engine: bool) -> tuple[float, float]:
    """Seconds for cluster and nodes, and for the stack on it."""
    alike = likeness(stack)
    graph = plan_file(stack, alike.file, alike.resolved).graph
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder) / "cluster")
        try:
            begin = time.perf_counter()
            start(cluster, alike, None, Clock(), lambda _: None)
            ready = time.perf_counter()
            if engine:
                driver = Engine(alike, cluster.state, cluster.kubeconfig)
                driver.prepare()
                ready = time.perf_counter()
                driver.up(cluster.api, graph)
            else:
                apply.up(cluster.api, apply.steps(graph), cluster.state, lambda _: None)
            return ready - begin, time.perf_counter() - ready
        finally:
            cluster.down()


def main(stack: str = "local", runs: str = "1") -> None:
    """Measures and prints."""
    applied = [measured(stack, engine=False) for _ in range(int(runs))]
    base = statistics.median(seconds for _, seconds in applied)
    cold = statistics.median(seconds for seconds, _ in applied)
    print(f"up of {stack}: cluster and nodes {cold:.1f} s, server-side apply with its roll-out {base:.1f} s")
    if missing := why_not():
        print(f"up of {stack} by the engine: DID NOT RUN: {missing}")
        return
    engine = statistics.median(measured(stack, engine=True)[1] for _ in range(int(runs)))
    print(f"up of {stack} by the engine: {engine:.1f} s = {engine / base:.1f} x the apply (aim: at most {AIM})")


if __name__ == "__main__":
    main(*sys.argv[1:])
