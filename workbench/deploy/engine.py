"""Drives the real Pulumi engine on a stack's likeness: backend, config and project folder are in the state folder.

The committed stack file is never written. The project folder has links to the program, and a Pulumi.yaml and stack file
of its own, so that whatever an engine writes (a salt, a lock, a checkpoint) lies in the state folder and goes with it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from policy.graph import Graph, KubernetesObject
from settings.stack_file import KUBECONFIG_KEY, NAMESPACE
from workbench.deploy.apply import find
from workbench.deploy.likeness import STAND_IN, Likeness
from workbench.localcluster.api import Api
from workbench.localcluster.cluster import ROOT
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.processes import CLUSTER, PROGRAM, running

PROGRAM_NAME = "pulumi"
LINKED = ("__main__.py", "components", "platforms", "policy", "settings")
"""What the program consists of."""
PATIENCE = 900
"""Seconds that one run of the engine may take."""


@dataclass(frozen=True)
class Run:
    """One run of the engine."""

    text: str
    """What it printed."""
    seconds: float

    @property
    def changes(self) -> dict[str, int]:
        """created, updated, replaced, imported, deleted, unchanged -> how many resources."""
        block = self.text.rpartition("Resources:")[2]
        found = re.findall(r"(\d+) (created|updated|replaced|imported|deleted|unchanged)", block)
        return {what: int(number) for number, what in found}

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self.changes.items()) or "nothing to do"


def why_not() -> str | None:
    """Why there is no engine to use; None if there is one."""
    for program in ("pulumi", "pulumi-language-python"):
        if shutil.which(program) is None:
            return f"{program} is not on the PATH"
    found = subprocess.run(["pulumi", "plugin", "ls", "--json"], capture_output=True, text=True, check=False)  # noqa: S607  # whichever the user has
    if '"kubernetes"' not in found.stdout:
        return "pulumi has no Kubernetes plugin"
    return None


def surroundings(backend: Path, passphrase: str) -> dict[str, str]:
    """The environment of an engine that keeps its state in a folder and reaches for nothing on a network."""
    return {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": passphrase,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


class Engine:
    """The engine, for one stack on one cluster."""

    def __init__(self, likeness: Likeness, state: Path, kubeconfig: Path) -> None:
        self._likeness, self._state = likeness, state
        self._folder = state / "engine"
        self.project = self._folder / "project"
        self._environment = {
            **surroundings(self._folder / "backend", STAND_IN),  # what it protects are stand-ins
            "KUBECONFIG": str(kubeconfig),
            CLUSTER: str(state),
            PROGRAM: PROGRAM_NAME,
        }

    def prepare(self) -> None:
        """Makes the project folder, or brings it up to date; ends what an interrupted `up` left running or locked.

        Raises:
            ClusterError: the engine refuses.
        """
        stack = self._likeness.stack
        (self._folder / "backend").mkdir(parents=True, exist_ok=True)
        self.project.mkdir(exist_ok=True)
        for name in LINKED:
            _link(self.project / name, ROOT / name)
        _link(self.project / ".venv", Path(sys.prefix))
        shutil.copyfile(ROOT / "Pulumi.yaml", self.project / "Pulumi.yaml")
        self._end_earlier()
        file = self.project / f"Pulumi.{stack}.yaml"
        kept = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
        config = {f"{NAMESPACE}:platform": self._likeness.file.overlay.data}
        salt = {key: value for key, value in (kept or {}).items() if key == "encryptionsalt"}
        file.write_text(yaml.safe_dump({**salt, "config": config}, sort_keys=False), encoding="utf-8")
        if f'"{stack}"' not in self.run("stack", "ls", "--json").text:
            self.run("stack", "init", stack)
        for name in sorted(self._likeness.file.secrets - {KUBECONFIG_KEY}):
            self.run("config", "set", "--stack", stack, "--secret", f"{NAMESPACE}:{name}", STAND_IN)

    def up(self, api: Api, graph: Graph) -> Run:
        """Makes the cluster what the program says; takes in first what an interrupted `up` made and did not write down.

        Args:
            api: the cluster.
            graph: the plan of the same program.
        """
        if self._interrupted.exists():
            self._adopt(api, graph)
        self._interrupted.touch()
        # Without the refresh that Pulumi.yaml asks for: nobody but us owns anything of AWS here.
        done = self.run("up", *self._stack, "--yes", "--skip-preview", "--suppress-outputs", "--refresh=false")
        self._interrupted.unlink()
        return done

    def preview(self, *flags: str) -> Run:
        """What `up` would do."""
        return self.run("preview", *self._stack, "--suppress-outputs", *flags)

    def refresh(self) -> Run:
        """Brings the state in step with the cluster."""
        return self.run("refresh", *self._stack, "--yes", "--skip-preview", "--suppress-outputs")

    def destroy(self) -> Run:
        """Removes everything."""
        return self.run("destroy", *self._stack, "--yes", "--skip-preview", "--suppress-outputs")

    def deployment(self) -> dict[str, Any]:
        """The state: resources, and operations that an interrupted run had begun."""
        found: dict[str, Any] = json.loads(self.run("stack", "export", *self._stack).text)["deployment"]
        return found

    @property
    def _stack(self) -> tuple[str, str]:
        return ("--stack", self._likeness.stack)

    def run(self, *arguments: str) -> Run:
        """Runs `pulumi ...`; its output is kept in logs/pulumi.log.

        Raises:
            ClusterError: it fails; the message has what it says of why.
        """
        begin = time.monotonic()
        what = f"pulumi {' '.join(arguments[:2])}"
        try:
            done = subprocess.run(  # noqa: S603  # our own arguments
                ["pulumi", *arguments, "--non-interactive", "--color", "never"],  # noqa: S607  # whichever the user has
                cwd=self.project,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if arguments[0] != "stack" else subprocess.PIPE,  # what `stack` says is JSON
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"{what} did not end within {PATIENCE} s; see {self._state / 'logs'}") from error
        with (self._state / "logs" / "pulumi.log").open("a", encoding="utf-8") as log:
            log.write(f"$ pulumi {' '.join(arguments)}\n{done.stdout}{done.stderr or ''}\n")
        if done.returncode:
            raise ClusterError(f"{what} failed:\n{_why(done.stdout + (done.stderr or ''))}")
        return Run(done.stdout, time.monotonic() - begin)

    def _end_earlier(self) -> None:
        """Who brings a stack up holds the state folder's lock; so what runs or is locked now is left over."""
        for process in running(self._state).get(PROGRAM_NAME, ()):
            try:
                process.send_signal(signal.SIGKILL)
                process.wait(10)
            except (psutil.NoSuchProcess, psutil.TimeoutExpired):
                continue
        backend = self._folder / "backend" / ".pulumi"
        shutil.rmtree(backend / "locks", ignore_errors=True)
        mend(backend, self._likeness.stack)

    @property
    def _interrupted(self) -> Path:
        """Is there while an `up` runs, and stays when it does not come to its end."""
        return self._folder / "up-has-begun"

    def _adopt(self, api: Api, graph: Graph) -> None:
        """Imports objects that are on the cluster and not in the state.

        The engine writes an object down when it has been made. Killed in between, or when the API server dies before it
        answers, it meets its own object at the next `up`: "already exists". Pulumi's own way out is an import.
        """
        pending = self.deployment().get("pending_operations") or []
        if pending:
            self.run(
                "refresh", *self._stack, "--yes", "--skip-preview", "--suppress-outputs", "--clear-pending-creates"
            )
        wanted, found = self._folder / "to-create.json", self._folder / "to-import.json"
        self.run("preview", *self._stack, "--suppress-outputs", "--import-file", str(wanted))
        document = json.loads(wanted.read_text(encoding="utf-8"))
        planned = {(r.parent, r.type, r.name): KubernetesObject(r) for r in graph.resources}
        entries = []
        for entry in document.get("resources") or []:
            parent = document["nameTable"].get(entry.get("parent"))
            thing = planned.get((parent, entry["type"], entry["name"]))
            if thing is not None and "kind" in thing.manifest and is_ours(api, thing.manifest):
                name = f"{thing.namespace}/{thing.name}" if thing.namespace else thing.name
                entries.append({**entry, "id": name})
        if entries:
            found.write_text(json.dumps({**document, "resources": entries}), encoding="utf-8")
            flags = ("--yes", "--skip-preview", "--suppress-outputs", "--protect=false", "--generate-code=false")
            self.run("import", *self._stack, "--file", str(found), *flags)


def mend(backend: Path, stack: str) -> None:
    """Takes out of a backend what a killed engine was writing: every command says "EOF" otherwise (one kill in twenty).

    A file's attributes are written in place, just before the file itself is put into its place (gocloud.dev
    blob/fileblob/attrs.go, setAttrs): cut off, they go; a file without them is read all the same.
    """
    for attributes in backend.rglob("*.attrs"):
        if not _is_json(attributes):
            attributes.unlink()
    for checkpoint in (backend / "stacks").rglob(f"{stack}.json"):
        _mend_checkpoint(checkpoint)


def _mend_checkpoint(checkpoint: Path) -> None:
    """A checkpoint that was cut off gives way to the one before it, or to none: what is on the cluster is then taken in
    anew.
    """
    for file in (checkpoint, checkpoint.with_name(f"{checkpoint.name}.bak")):
        if not _is_json(file):
            continue
        if file != checkpoint:
            shutil.copyfile(file, checkpoint)
        return
    checkpoint.unlink()


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def is_ours(api: Api, manifest: Mapping[str, Any]) -> bool:
    """True if the object is on the cluster with all the labels that we would give it."""
    live = find(api, manifest)
    labels = (live or {}).get("metadata", {}).get("labels", {})
    planned = manifest["metadata"].get("labels") or {}
    return live is not None and bool(planned) and all(labels.get(key) == value for key, value in planned.items())


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _why(text: str) -> str:
    """The diagnostics of a run, and what it would change; without its list of resources that stay as they are."""
    changes = [line for line in text.splitlines() if re.match(r"\s*(\+|-|~|\+-|error:)\s", line)]
    diagnostics = text.partition("Diagnostics:")[2].partition("\nResources:")[0].strip("\n").splitlines()
    lines = [line for line in [*changes[-40:], *diagnostics[-40:]] if line.strip()]
    return "\n".join(dict.fromkeys(lines)) or text.strip()
