"""Building the cluster's programs: once, resumable, and honest about what is missing. No build is run here."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from workbench.localcluster import programs
from workbench.localcluster.errors import ClusterError
from workbench.localcluster.programs import CONTROL_PLANE, ProgramSet, cache_folder, crd_folder, ensure

FAKE_GO = """#!/bin/sh
if [ "$1" = env ]; then echo {version}; exit 0; fi
echo "$@" >> "$FAKE_LOG"
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then out=$2; fi
  last=$1
  shift
done
case "$last" in *{failing}*) echo "link: no space left on device" >&2; exit 1;; esac
touch "$out"
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a `go` on the PATH that makes empty files, and the cache into a folder of its own."""
    monkeypatch.setenv("LLMPLATFORM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))

    def make(version: str = "go1.26.8", failing: str = "nothing-of-it") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "go").write_text(FAKE_GO.format(version=version, failing=failing))
        (folder / "go").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        return tmp_path / "log"

    return make


def test_every_program_is_built_once_with_its_version(go) -> None:
    log, said = go(), []
    place = ensure(CONTROL_PLANE, said.append)
    assert sorted(p.name for p in place.iterdir() if not p.name.startswith(".")) == sorted(CONTROL_PLANE.programs)
    built = log.read_text().splitlines()
    assert len(built) == 5
    assert all("gitVersion=v1.36.3" in line and "-trimpath" in line for line in built)
    assert said[0].startswith("Building 5 programs from Go sources into ")
    assert any(line.startswith("  3 of 5: kube-controller-manager, ") for line in said)
    assert ensure(CONTROL_PLANE, said.append) == place
    assert len(log.read_text().splitlines()) == 5, "nothing is built twice"


def test_a_build_that_failed_goes_on_where_it_was(go) -> None:
    log = go(failing="kube-scheduler")
    with pytest.raises(ClusterError, match="building kube-scheduler failed:\n  link: no space left") as failed:
        ensure(CONTROL_PLANE, print)
    assert "what was built before stays" in str(failed.value)
    assert CONTROL_PLANE.missing == ["kube-scheduler", "kwok"]
    log.unlink()
    go()
    ensure(CONTROL_PLANE, print)
    assert len(log.read_text().splitlines()) == 2
    assert CONTROL_PLANE.missing == []


def test_without_go_it_says_so(go, monkeypatch: pytest.MonkeyPatch) -> None:
    go()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClusterError, match=r"Go 1.26 or newer is needed .* no `go` on the PATH.\n  fix: install Go"):
        ensure(CONTROL_PLANE, print)
    with pytest.raises(ClusterError, match="no `go` on the PATH"):
        crd_folder("external-secrets.io")


def test_a_go_that_is_too_old_is_named(go) -> None:
    go(version="go1.22.1")
    with pytest.raises(ClusterError, match=r"Go 1.26 or newer is needed .*; go1.22 is too old: .*bin/go"):
        ensure(CONTROL_PLANE, print)


def test_another_source_flag_or_program_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = CONTROL_PLANE.place
    monkeypatch.setattr(programs, "MODULES", tmp_path)
    folder = tmp_path / "controlplane"
    folder.mkdir()
    for name in ("go.mod", "go.sum"):
        source = Path(programs.__file__).parent / "modules" / "controlplane" / name
        (folder / name).write_text(source.read_text())
    assert CONTROL_PLANE.place == before
    (folder / "go.sum").write_text("")
    assert CONTROL_PLANE.place != before
    plain = ProgramSet("controlplane", CONTROL_PLANE.programs)
    assert plain.place != CONTROL_PLANE.place


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLMPLATFORM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder() == Path("/elsewhere/llmplatform")
    monkeypatch.setenv("LLMPLATFORM_CACHE", "/mine")
    assert cache_folder() == Path("/mine")


def test_every_module_pins_what_it_needs_by_checksum() -> None:
    for folder in programs.MODULES.iterdir():
        assert (folder / "go.sum").stat().st_size > 0
        assert not stat.S_IMODE((folder / "go.mod").stat().st_mode) & 0o111
    assert CONTROL_PLANE.version("k8s.io/kubernetes") == "v1.36.3"
    with pytest.raises(AssertionError, match="does not require"):
        CONTROL_PLANE.version("example.com/nothing")
