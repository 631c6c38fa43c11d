"""One cluster: its processes and its state folder, from nothing to healthy and back to nothing."""

from __future__ import annotations

import base64
import fcntl
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import yaml

from workbench.localcluster import credentials, processes
from workbench.localcluster.api import Api, ApiError, wait
from workbench.localcluster.clock import Clock
from workbench.localcluster.command_lines import LEASES, CommandLines
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.layout import PORTS, Layout, free_ports
from workbench.localcluster.metrics import Metrics
from workbench.localcluster.metrics_server import GROUPS
from workbench.localcluster.pod_stages import Times
from workbench.localcluster.programs import CONTROL_PLANE, Say, ensure
from workbench.localcluster.stages import stages
from workbench.localcluster.surroundings import crds

ROOT = Path(__file__).parent.parent.parent
"""The project's folder."""
DEFAULT_STATE = (ROOT / ".local" / "cluster").resolve()
LOCK = "cluster.lock"
"""A file by which a folder is known to be a cluster's: everything else in it may be removed."""
COMPLETE = "complete"
"""A file that is there once the cluster has been healthy as a whole."""
ATTEMPTS = 3
"""Starts, where somebody takes a port between our look and our use of it."""
WIDTH = 600
"""Characters of a line of a log that a message shows: kwok says why it ended at the end of 460."""
HEALTHY = 60
"""Seconds that a program may take to start; measured 2 to 4 on two quiet cores."""
ANSWER = 5
"""Seconds until it is asked again: who has taken its port may take connections, and never answer."""


class PortTakenError(ClusterError):
    """Raised when a program ended because somebody else listens on its port by now."""


class Cluster:
    """A control plane on this machine, with its state in one folder."""

    def __init__(self, state: Path = DEFAULT_STATE) -> None:
        self.state = state.resolve()  # programs are known by it: one folder has one name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.state / "kubeconfig"

    @cached_property
    def api(self) -> Api:
        """The administrator's access."""
        if not self.kubeconfig.exists():
            raise ClusterError(f"there is no cluster in {self.state}\n  fix: `python -m workbench cluster up`")
        return Api(self.kubeconfig)

    @property
    def layout(self) -> Layout:
        """What it was started with.

        Raises:
            ClusterError: it is not running.
        """
        found = Layout.read(self.state)
        if found is None:
            raise ClusterError(f"there is no cluster in {self.state}\n  fix: `python -m workbench cluster up`")
        return found

    @property
    def clock(self) -> Clock:
        """How its simulated durations are divided."""
        return Clock(self.layout.factor)

    def running(self) -> dict[str, int]:
        """Program -> process id, of those that run."""
        return {name: found[0].pid for name, found in sorted(processes.running(self.state).items())}

    def up(self, times: Times, *, clock: Clock, stack: str, platform: str | None, say: Say) -> bool:
        """Starts what is not running; True if the whole cluster is new.

        A cluster whose programs have all ended (a restart of the machine) is made anew: its data was never synced.

        Raises:
            ClusterError: a program cannot be had or does not get healthy, or another kind of cluster runs there.
        """
        self._refuse_strange_folder()
        self._refuse_strange_name()
        programs = ensure(CONTROL_PLANE, say)
        self.state.mkdir(parents=True, exist_ok=True)
        with self._alone():
            layout, there = Layout.read(self.state), self.running()
            if layout and there and (self.state / COMPLETE).exists():
                self._same(layout, clock, stack, platform)
                missing = [name for name in CommandLines(self.state, layout, programs).all() if name not in there]
                if missing:
                    say(f"Starting again: {', '.join(missing)}")
                    self._start(layout, programs, missing)
                return False
            processes.stop(self.state, kill=True)  # what a start that was killed left behind
            begin = time.monotonic()
            for attempt in range(1, ATTEMPTS + 1):
                layout = Layout(dict(zip(PORTS, free_ports(len(PORTS)), strict=True)), clock.factor, stack, platform)
                try:
                    self._fresh(layout, times, programs)
                    break
                except PortTakenError:
                    if attempt == ATTEMPTS:
                        raise
            say(f"Control plane healthy after {time.monotonic() - begin:.1f} s, simulated time {clock}")
        return True

    def _fresh(self, layout: Layout, times: Times, programs: Path) -> None:
        """A new cluster, or nothing at all."""
        self._clear()
        try:
            self._prepare(layout, times)
            self._start(layout, programs, fresh=True)
            (self.state / COMPLETE).touch()
        except BaseException:  # Ctrl-C too: nothing may be left behind
            processes.stop(self.state, kill=True)
            self._remove("cluster.json", "kubeconfig", COMPLETE)
            raise

    def down(self) -> list[str]:
        """Ends all programs and removes the state folder; returns the programs that ran."""
        self._refuse_strange_folder()
        ended = processes.stop(self.state)
        try:
            if self.state.exists():
                shutil.rmtree(self.state)
        except OSError as error:
            raise ClusterError(f"{self.state} cannot be removed: {error}\n  fix: remove it by hand") from error
        return ended

    def kill(self, program: str) -> None:
        """SIGKILL of one program."""
        processes.stop(self.state, [program], kill=True)

    def restart(self, program: str) -> None:
        """Starts a program again that has ended, as it was started before."""
        self._start(self.layout, CONTROL_PLANE.place, [program])

    def log(self, program: str) -> Path:
        """The program's log.

        Raises:
            ClusterError: there is none.
        """
        file = self.state / "logs" / f"{program}.log"
        if not file.exists():
            known = ", ".join(sorted(f.stem for f in (self.state / "logs").glob("*.log"))) or "none"
            raise ClusterError(f'there is no log of "{program}" in {self.state}\n  fix: one of {known}')
        return file

    # --- how

    def _same(self, layout: Layout, clock: Clock, stack: str, platform: str | None) -> None:
        wanted = f"stack {stack}{f' on platform {platform}' if platform else ''}, simulated time {clock}"
        here = f"stack {layout.stack}{f' on platform {layout.platform}' if layout.platform else ''}"
        here = f"{here}, simulated time {Clock(layout.factor)}"
        if wanted != here:
            raise ClusterError(
                f"a cluster for {here} runs in {self.state}, not one for {wanted}\n"
                "  fix: `make down` first, or another folder: --state DIR"
            )

    def _refuse_strange_folder(self) -> None:
        """A cluster's folder is cleared and removed: whatever else somebody keeps must not be taken for one."""
        if self.state.exists() and not (
            self.state.is_dir() and ((self.state / LOCK).exists() or not any(self.state.iterdir()))
        ):
            raise ClusterError(
                f"{self.state} holds something else than a cluster, and would be cleared\n  fix: --state NEW_FOLDER"
            )

    def _refuse_strange_name(self) -> None:
        if strange := sorted(set(str(self.state)) & set(':,"')):
            raise ClusterError(
                f"{self.state} has {' '.join(strange)} in its name, which programs take for the end of a path\n"
                "  fix: --state NEW_FOLDER"
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.state / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ClusterError(f"another command is starting the cluster in {self.state}\n  fix: wait") from None
            yield

    def _clear(self) -> None:
        self._remove(*(p.name for p in self.state.iterdir() if p.name != LOCK))

    def _remove(self, *names: str) -> None:
        for name in names:
            path = self.state / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _prepare(self, layout: Layout, times: Times) -> None:
        pki, conf = self.state / "pki", self.state / "conf"
        credentials.make(pki)
        conf.mkdir(mode=0o700)
        tokens = credentials.tokens()
        _secret(conf / "tokens.csv", credentials.token_file(tokens))
        server = f"https://127.0.0.1:{layout.ports['api']}"
        for user, token in tokens.items():
            file = self.kubeconfig if user == "admin" else conf / f"{user}.kubeconfig"
            _secret(file, credentials.kubeconfig(server, pki / "ca.crt", user, token))
        scheduler = {
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "leaderElection": {"leaderElect": False},
            "clientConnection": {"kubeconfig": str(conf / "scheduler.kubeconfig"), "qps": 200, "burst": 400},
            "podInitialBackoffSeconds": 1,
            "podMaxBackoffSeconds": 2,
        }
        _secret(conf / "scheduler.yaml", yaml.safe_dump(scheduler))
        _secret(conf / "stages.yaml", stages(times, Clock(layout.factor)))
        Metrics().write(self.state)
        layout.write(self.state)
        self.__dict__.pop("api", None)

    def _start(self, layout: Layout, programs: Path, only: Iterable[str] = (), *, fresh: bool = False) -> None:
        """Starts all programs, or `only` these, in the order in which they need each other, until each is healthy."""
        commands = CommandLines(self.state, layout, programs).all()
        names = set(only) or set(commands)
        for name in ("etcd", "kube-apiserver", "metrics"):
            if name in names:
                processes.start(self.state, name, commands[name], self._environment(name))
        self._healthy("kube-apiserver", f"https://127.0.0.1:{layout.ports['api']}/readyz", api=True)
        if fresh:
            crds(self.api)  # before kwok: it watches what its stages name
        elif "kwok" in names:
            self._free_leases()
        others = [name for name in ("kube-controller-manager", "kube-scheduler", "kwok") if name in names]
        for name in others:
            processes.start(self.state, name, commands[name])
        if fresh:
            self._register_metrics(layout)
        ports = {"kube-controller-manager": "controller-manager", "kube-scheduler": "scheduler", "kwok": "kwok"}
        for name in others:
            scheme = "http" if name == "kwok" else "https"
            self._healthy(name, f"{scheme}://127.0.0.1:{layout.ports[ports[name]]}/healthz")
        account = "service account of the namespace default"
        wait(account, lambda: self.api.find("ServiceAccount", "default", "default"), HEALTHY)
        wait("metrics APIs in the discovery", self._metrics_served, HEALTHY)

    def _free_leases(self) -> None:
        """A new kwok speaks for no node whose lease one that died still holds, up to `command_lines.LEASE` seconds."""
        for lease in self.api.list("Lease", LEASES):
            self.api.delete("Lease", lease["metadata"]["name"], LEASES)

    def _environment(self, name: str) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT)} if name == "metrics" else {}

    def _healthy(self, what: str, url: str, *, api: bool = False) -> None:
        needed = ("etcd", "kube-apiserver") if api else (what,)
        tls = ssl.create_default_context(cafile=str(self.state / "pki" / "ca.crt"))
        context = tls if url.startswith("https") else None

        def look() -> bool:
            self._alive(needed)
            if api:
                try:
                    return bool(self.api.call("GET", "/readyz", timeout=ANSWER).object["text"] == "ok")
                except ApiError as error:
                    raise AssertionError(str(error)) from error
            try:
                with urllib.request.urlopen(url, timeout=ANSWER, context=context) as answer:  # noqa: S310  # loopback
                    return bool(answer.read().strip() == b"ok")
            except (urllib.error.URLError, OSError) as error:
                raise AssertionError(str(error)) from error

        wait(f"healthy {what}", look, HEALTHY, poll=0.05)

    def _alive(self, names: Iterable[str]) -> None:
        dead = [name for name in names if name not in processes.running(self.state)]
        if dead:
            log = self.log(dead[0])
            # Of the log and not of the message: kwok's line is longer than what is shown of it.
            taken = "address already in use" in log.read_text(encoding="utf-8", errors="replace").lower()
            raise (PortTakenError if taken else ClusterError)(f"{dead[0]} ended at once:\n{_tail(log)}")

    def _register_metrics(self, layout: Layout) -> None:
        """Aggregation by a Service that points outside: addresses of loopback are refused as endpoints."""
        name, namespace = credentials.METRICS_SERVICE, credentials.METRICS_NAMESPACE
        service = {"type": "ExternalName", "externalName": "localhost"}
        head = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}}
        self.api.apply({**head, "spec": service})
        bundle = (self.state / "pki" / "ca.crt").read_bytes()
        for group, version in GROUPS.items():
            self.api.apply(
                {
                    "apiVersion": "apiregistration.k8s.io/v1",
                    "kind": "APIService",
                    "metadata": {"name": f"{version}.{group}"},
                    "spec": {
                        "caBundle": base64.b64encode(bundle).decode(),
                        "group": group,
                        "groupPriorityMinimum": 100,
                        "service": {"name": name, "namespace": namespace, "port": layout.ports["metrics"]},
                        "version": version,
                        "versionPriority": 100,
                    },
                }
            )

    def _metrics_served(self) -> bool:
        """Available is not enough: discovery says Stale for some tenths of a second, and clients then know nothing."""
        self._alive(("metrics",))
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        groups = self.api.call("GET", "/apis", accept=accept).object["items"]
        fresh = {g["metadata"]["name"]: g["versions"][0].get("freshness") for g in groups if g.get("versions")}
        behind = [group for group in GROUPS if fresh.get(group) != "Current"]
        assert not behind, ", ".join(behind)
        return True


def _secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def _tail(file: Path, lines: int = 8) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", file.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(f"  {line[:WIDTH]}" for line in text.strip().splitlines()[-lines:]) + f"\n  all of it: {file}"
