"""The command line of the local cluster: `python -m workbench up|down|cluster ...`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

NODE_COMMANDS = ("add-node", "drain", "fail", "lose-zone", "reclaim", "remove-node", "scale")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def register(commands: Any) -> None:
    """Adds the commands to a parser; imports nothing that takes time."""
    _up(commands)
    down = commands.add_parser("down", help="remove the local cluster and everything that it kept")
    _state(down)
    cluster = commands.add_parser("cluster", help="the local cluster: its programs, its nodes, what happens to them")
    inner = cluster.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, about in (
        ("up", "start the control plane and a stack's nodes, without the stack"),
        ("down", "end all programs and remove the state folder"),
        ("status", "what runs where"),
        ("kubeconfig", "print the path of the kubeconfig"),
        ("logs", "print the log of a program"),
        ("nodes", "list the nodes"),
    ):
        action = inner.add_parser(name, help=about, description=about)
        _state(action)
        if name == "up":
            action.add_argument("--stack", default="local", help="whose node pools (default: local)")
            action.add_argument("--platform", metavar="NAME", help="another platform file than the stack's `base`")
        if name == "logs":
            action.add_argument("program", help="for example kube-apiserver, kwok, pulumi")
            action.add_argument("--lines", type=_positive, default=40, metavar="N", help="the last N (default 40)")
    _nodes(inner)


def _up(commands: Any) -> None:
    about = "bring a stack up on a real control plane with simulated nodes, on this machine"
    up = commands.add_parser("up", help=about, description=about)
    _state(up)
    up.add_argument("--stack", default="local", help="which stack (default: local)")
    up.add_argument("--platform", metavar="NAME", help="another platform file than the stack's `base`")
    up.add_argument("--cluster", choices=["local"], default="local", help="where: this machine is all that there is")
    which = up.add_mutually_exclusive_group()
    which.add_argument("--engine", action="store_true", help="with the Pulumi engine, or not at all")
    which.add_argument("--no-engine", action="store_true", help="by server-side apply, even where there is an engine")


def _nodes(inner: Any) -> None:
    add = inner.add_parser("add-node", help="a node comes, after its pool's start-up time")
    add.add_argument("pool")
    add.add_argument("--zone")
    scale = inner.add_parser("scale", help="bring a pool to so many nodes; surplus ones are drained")
    scale.add_argument("pool")
    scale.add_argument("count", type=int)
    for name, about in (
        ("drain", "evict a node's pods as budgets let them go"),
        ("reclaim", "a spot reclaim: notice, drain, and the instance gone after 120 s"),
        ("remove-node", "the instance is gone at once"),
    ):
        inner.add_parser(name, help=about).add_argument("node")
    inner.add_parser("lose-zone", help="all kubelets of a zone fall silent").add_argument("zone")
    fail = inner.add_parser("fail", help="a running pod's probe fails: liveness once, readiness until it is mended")
    fail.add_argument("pod", metavar="NAMESPACE/POD")
    fail.add_argument("probe", choices=["liveness", "readiness", "mended"])
    for name in NODE_COMMANDS:
        _state(inner.choices[name])


def _state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, metavar="DIR", help="folder of the cluster (default: .local/cluster)")


def run(args: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Runs one command.

    Raises:
        ClusterError: it cannot be done.
        SettingsError: the stack's settings are refused.
    """
    from workbench.deploy import up as deploy
    from workbench.localcluster.cluster import DEFAULT_STATE

    state = (args.state or DEFAULT_STATE).resolve()
    if args.command == "up":
        from workbench.deploy import summary

        engine = True if args.engine else False if args.no_engine else None
        done = deploy.up(args.stack, args.platform, state=state, engine=engine, say=say)
        say(summary.text(done).rstrip("\n"))
    elif args.command == "down" or args.action == "down":
        ended = deploy.down(state)
        say(f"Ended {', '.join(ended)}; removed {state}" if ended else f"Nothing runs; {state} is not there")
    else:
        _cluster(args, state, say)


def _cluster(args: argparse.Namespace, state: Path, say: Callable[[str], None]) -> None:
    from workbench.deploy import summary
    from workbench.deploy.likeness import likeness
    from workbench.deploy.up import start
    from workbench.localcluster.clock import Clock
    from workbench.localcluster.cluster import Cluster

    cluster = Cluster(state)
    if args.action == "up":
        start(cluster, likeness(args.stack, args.platform), args.platform, Clock.from_environment(), say)
        say(summary.status(cluster).rstrip("\n"))
    elif args.action == "status":
        say(summary.status(cluster).rstrip("\n"))
    elif args.action == "kubeconfig":
        say(str(cluster.api and cluster.kubeconfig))
    elif args.action == "logs":
        lines = cluster.log(args.program).read_text(encoding="utf-8", errors="replace").splitlines()
        say("\n".join(lines[-args.lines :]))
    elif args.action == "nodes":
        say("\n".join(summary.table(summary.nodes(cluster.api))))
    else:
        _happen(args, cluster, say)


def _happen(args: argparse.Namespace, cluster: Any, say: Callable[[str], None]) -> None:
    from workbench.deploy.likeness import likeness
    from workbench.localcluster.errors import ClusterError
    from workbench.localcluster.nodes import Nodes
    from workbench.localcluster.pod_stages import FAULT

    layout = cluster.layout
    nodes = Nodes(cluster.api, likeness(layout.stack, layout.platform).resolved.settings, cluster.clock)
    match args.action:
        case "add-node":
            say(f"{nodes.add(args.pool, zone=args.zone)[0]} comes")
        case "scale":
            added = nodes.scale(args.pool, args.count)
            say(f"{args.pool}: {', '.join(added)} come" if added else f"{args.pool}: {len(nodes.all(args.pool))} nodes")
        case "drain":
            say(f"{args.node} is empty after {nodes.drain(args.node, 600):.1f} s")
        case "reclaim":
            say(str(nodes.reclaim(args.node)))
        case "remove-node":
            nodes.remove(args.node)
            say(f"{args.node} is gone")
        case "lose-zone":
            say(f"lost: {', '.join(nodes.lose_zone(args.zone))}")
        case "fail":
            namespace, _, pod = args.pod.rpartition("/")
            if not namespace:
                raise ClusterError(f'"{args.pod}" names no namespace\n  fix: NAMESPACE/POD, as in quant/quant-api-...')
            value = None if args.probe == "mended" else args.probe
            cluster.api.merge("Pod", pod, namespace, {"metadata": {"annotations": {FAULT: value}}})
            say(f"{args.pod}: {'mended' if value is None else f'its {value} probe fails from now on'}")
