"""Builds the programs of the cluster from pinned Go modules, once, into a cache folder outside the tree.

A set of programs is one Go module under `modules/`, whose go.mod and go.sum pin every source by its checksum. A further
set (metrics-server, KEDA, ...) is one more folder and one more line here. Each program is built beside its place and
then renamed to it, so that an interrupted build goes on where it was; what is there already is never built again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workbench.localcluster.errors import ClusterError

MODULES = Path(__file__).parent / "modules"
TELL = 30
"""Seconds after which a build that is still going on says so."""
Say = Callable[[str], None]
"""Takes a line of progress."""


@dataclass(frozen=True)
class ProgramSet:
    """Programs that come out of one Go module."""

    name: str
    """Its folder under modules/."""
    programs: Mapping[str, str]
    """Name -> Go package."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Linker variable -> the module whose version it gets; without it the API server says v0.0.0-master."""

    @property
    def folder(self) -> Path:
        """Where its go.mod is."""
        return MODULES / self.name

    def version(self, module: str) -> str:
        """The version at which go.mod pins a module."""
        pinned = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", self._text("go.mod"), re.MULTILINE)
        if pinned is None:
            raise AssertionError(f"{self.folder / 'go.mod'} does not require {module}")
        return pinned[1]

    @property
    def linker_flags(self) -> str:
        """Strips the programs and gives them their versions."""
        flags = ["-s", "-w"]
        for variable, module in sorted(self.versions.items()):
            version = self.version(module)
            major, minor, _ = version.removeprefix("v").split(".", 2)
            flags.append(f"-X {variable}={version}")
            if variable.endswith(".gitVersion"):
                stem = variable.removesuffix(".gitVersion")
                flags += [f"-X {stem}.gitMajor={major}", f"-X {stem}.gitMinor={minor}", f"-X {stem}.gitTreeState=clean"]
        return " ".join(flags)

    @property
    def stamp(self) -> str:
        """Changes whenever a source, a flag or the machine's kind does."""
        parts = [self._text("go.mod"), self._text("go.sum"), self.linker_flags, platform.system(), platform.machine()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def place(self) -> Path:
        """Where its programs are, once they are built."""
        return cache_folder() / f"{self.name}-{self.stamp}"

    @property
    def missing(self) -> list[str]:
        """The programs that are yet to be built."""
        return [name for name in self.programs if not (self.place / name).exists()]

    def _text(self, file: str) -> str:
        return (self.folder / file).read_text(encoding="utf-8")


CONTROL_PLANE = ProgramSet(
    "controlplane",
    programs={
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        "kwok": "sigs.k8s.io/kwok/cmd/kwok",
    },
    versions={
        "k8s.io/component-base/version.gitVersion": "k8s.io/kubernetes",
        "k8s.io/client-go/pkg/version.gitVersion": "k8s.io/kubernetes",
        "sigs.k8s.io/kwok/pkg/consts.Version": "sigs.k8s.io/kwok",
    },
)
"""etcd at the version that this Kubernetes pins; kwok wants its libraries too, so all five share one module."""

CRDS: Mapping[str, tuple[str, str]] = {
    "external-secrets.io": ("github.com/external-secrets/external-secrets", "config/crds/bases"),
}
"""API group -> the module that has its CRDs, and the folder inside; versions and checksums are in modules/crds."""


def cache_folder() -> Path:
    """Where built programs are kept: $LLMPLATFORM_CACHE, else llmplatform in the user's cache folder."""
    if stated := os.environ.get("LLMPLATFORM_CACHE"):
        return Path(stated).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "llmplatform"


def ensure(programs: ProgramSet, say: Say) -> Path:
    """The folder with all programs of a set; builds what is missing.

    Args:
        programs: the set.
        say: is told what is being done.

    Raises:
        ClusterError: Go is missing or too old, or a build failed.
    """
    if not programs.missing:
        return programs.place
    go = _go(programs.folder)
    programs.place.mkdir(parents=True, exist_ok=True)
    with _alone(programs.place / ".lock", say):
        missing = programs.missing  # another build may have been faster
        if missing:
            say(
                f"Building {len(missing)} programs from Go sources into {programs.place} (once; three to five minutes "
                "on two cores, 3 GB of Go's own cache)"
            )
        for number, name in enumerate(missing, 1):
            begin = time.monotonic()
            say(f"  {number} of {len(missing)}: {name} ...")
            _build(go, programs, name, say)
            say(f"  {number} of {len(missing)}: {name}, {time.monotonic() - begin:.0f} s")
    return programs.place


def crd_folder(group: str) -> tuple[Path, str]:
    """Where the CRDs of an API group are, and the module with its version.

    Raises:
        ClusterError: there is no Go, or the module cannot be had.
    """
    module, inside = CRDS[group]
    crds = ProgramSet("crds", programs={})
    what = f"{module}@{crds.version(module)}"
    done = _run([_go(crds.folder), "mod", "download", "-json", what], crds.folder)
    try:
        found = json.loads(done.stdout or "{}")
    except json.JSONDecodeError:
        found = {}
    if done.returncode or "Dir" not in found:
        raise ClusterError(f"{what} cannot be had: {_tail(str(found.get('Error') or done.stderr), 3)}")
    return Path(found["Dir"]) / inside, what


def _go(module: Path) -> str:
    """Path of the go command, if it is new enough for a module."""
    wanted = re.search(r"^go (\d+)\.(\d+)", (module / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    least = (int(wanted[1]), int(wanted[2])) if wanted else (1, 0)
    need = f"Go {least[0]}.{least[1]} or newer is needed for {module.name}"
    go = shutil.which("go")
    if go is None:
        raise ClusterError(f"{need}, and there is no `go` on the PATH.\n  fix: install Go, then run this again")
    said = _run([go, "env", "GOVERSION"], module)
    found = re.search(r"go(\d+)\.(\d+)", said.stdout)
    if said.returncode or found is None:
        raise ClusterError(f"{need}, and `{go} env GOVERSION` failed: {_tail(said.stderr, 3)}")
    if (int(found[1]), int(found[2])) < least:
        raise ClusterError(f"{need}; {found[0]} is too old: {go}\n  fix: install a newer Go, then run this again")
    return go


def _build(go: str, programs: ProgramSet, name: str, say: Say) -> None:
    fresh = programs.place / f".{name}.new"
    flags = ["-p", str(os.cpu_count() or 2), "-trimpath", "-ldflags", programs.linker_flags]
    with subprocess.Popen(  # noqa: S603  # the go command and our own arguments
        [go, "build", *flags, "-o", str(fresh), programs.programs[name]],
        cwd=programs.folder,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as build:
        errors = _told(build, f"    still building {name}", say)
    if build.returncode:
        fresh.unlink(missing_ok=True)
        raise ClusterError(
            f"building {name} failed:\n{_tail(errors, 12)}\n"
            "  fix: what was built before stays; run this again once the cause is gone (network, disk, Go version)"
        )
    fresh.replace(programs.place / name)


def _told(build: subprocess.Popen[str], what: str, say: Say) -> str:
    """Waits for a build, and says now and then that it goes on; returns what it wrote."""
    begin = time.monotonic()
    while True:
        try:
            return build.communicate(timeout=TELL)[1]
        except subprocess.TimeoutExpired:
            say(f"{what}, {time.monotonic() - begin:.0f} s")


def _environment() -> dict[str, str]:
    # local: a toolchain that comes from elsewhere is not what the machine's owner installed.
    ours = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **ours}


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = _environment()
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # the go command


def _tail(text: str, lines: int) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-lines:])


@contextmanager
def _alone(lock: Path, say: Say) -> Iterator[None]:
    """Lets one build at a time into a folder; the lock goes with the process that holds it, however that ends."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another build of the same programs ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
