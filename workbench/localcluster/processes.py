"""Starts and ends the programs of a cluster.

A process belongs to a cluster if its environment says so. Nothing else is kept: whoever started it, and however that
ended, the table of processes of this machine is what says what runs. A reused process id can't be taken for ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from workbench.localcluster.errors import ClusterError

CLUSTER, PROGRAM = "LLMPLATFORM_CLUSTER", "LLMPLATFORM_PROGRAM"
"""Environment variables that mark a process: the cluster's state folder, and the program's name."""
STOP_ORDER = (("kwok", "metrics", "kube-scheduler", "kube-controller-manager"), ("kube-apiserver",), ("etcd",))
"""Who ends first: an API server whose etcd is gone outlives SIGTERM for a minute."""
LAID_OUT = 2.0
"""Seconds after which a program that was just started is known by its environment, or never will be."""
PATIENCE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
_children: set[int] = set()
"""Programs that this very process started, and whose end it has not taken note of: until then they stay in the table
of processes, those too that ended by themselves."""


def start(state: Path, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Starts a program that outlives us; returns its process id. Its output goes to `logs/<name>.log`.

    Raises:
        ClusterError: the program can't be started.
    """
    marked = {**os.environ, **(environment or {}), CLUSTER: str(state), PROGRAM: name}
    (state / "logs").mkdir(exist_ok=True)
    with (state / "logs" / f"{name}.log").open("ab") as log:
        try:
            process = subprocess.Popen(  # noqa: S603  # our own programs
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=state,
                env=marked,
                start_new_session=True,  # Ctrl-C is for us: we end the programs, in order
            )
        except OSError as error:
            raise ClusterError(f"{name} cannot be started: {error}") from error
    _children.add(process.pid)
    process.returncode = 0  # whoever waits for it is not this object: it would warn that the process still runs
    deadline = time.monotonic() + LAID_OUT
    while not _is_marked(process.pid, state) and time.monotonic() < deadline:
        time.sleep(0.005)
    return process.pid


def _is_marked(pid: int, state: Path) -> bool:
    """True once a process can be known by its environment, or is gone.

    The kernel lets its starter go on a moment before it has laid that out: for so long, a program that runs looked
    like one that ended at once.
    """
    try:
        return psutil.Process(pid).environ().get(CLUSTER) == str(state)
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, OSError):
        return False


def running(state: Path) -> dict[str, list[psutil.Process]]:
    """Program -> its processes, of the cluster whose state is there."""
    _take_note()
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            environment = process.environ()
        except (psutil.Error, OSError):  # somebody else's, or gone in the meantime
            continue
        if environment.get(CLUSTER) == str(state) and PROGRAM in environment:
            found.setdefault(environment[PROGRAM], []).append(process)
    return found


def stop(state: Path, names: Iterable[str] | None = None, *, kill: bool = False) -> list[str]:
    """Ends a cluster's programs in order, or those named; returns the names of those that ran.

    Args:
        state: the cluster's state folder.
        names: only these programs.
        kill: at once, without letting them finish.

    Raises:
        ClusterError: one of them does not end.
    """
    found = running(state)
    wanted = set(found) if names is None else set(names) & set(found)
    others = tuple(sorted(wanted - {name for group in STOP_ORDER for name in group}))
    for group in (others, *STOP_ORDER):
        _end([process for name in group if name in wanted for process in found[name]], kill=kill)
    left = [name for name in running(state) if name in wanted]
    if left:
        raise ClusterError(f"{', '.join(left)} will not end; `ps -ef | grep {state}` shows the processes")
    return sorted(wanted)


def _end(processes: list[psutil.Process], *, kill: bool) -> None:
    for sign in (signal.SIGKILL,) if kill else (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            try:
                process.send_signal(sign)
            except psutil.NoSuchProcess:
                continue
        processes = _alive(processes, PATIENCE)
        if not processes:
            return


def _alive(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that are still there after so long."""
    deadline = time.monotonic() + seconds
    while processes and time.monotonic() < deadline:
        _take_note()
        processes = [process for process in processes if not _has_ended(process)]
        time.sleep(0.02)
    return processes


def _has_ended(process: psutil.Process) -> bool:
    """True if it is gone. A child of ours is so once we have taken note of its end, and not as a zombie already.

    The first thread of a program may be gone before its others: then there is nothing to take note of yet.
    """
    if process.pid in _children:
        return False
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _take_note() -> None:
    """Lets go of the children that have ended."""
    for pid in tuple(_children):
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:  # somebody else took note, or it was a child of the process that we are a copy of
            ended = True
        if ended:
            _children.discard(pid)
