"""components/serving/fetch_weights.py, run as the download Job runs it, with a stand-in for huggingface_hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.serving import weights_cache

SCRIPT = Path(weights_cache.__file__).parent / "fetch_weights.py"
REPOSITORY, REVISION = "acme/model", "c170c708c41dac9275d15a8fff4eca08d52bab71"
TOKEN = "hf_never_to_be_seen"

STAND_IN = '''
"""Answers as STAND_IN says: lists what it has (what it writes, if nothing else is said), writes files, then raises."""

import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

from huggingface_hub import errors


def _raise(name):
    raise (getattr(errors, name, None) or {"OSError": OSError, "KeyError": KeyError}[name])("as the stand-in was told")


class HfApi:
    def model_info(self, repo_id, *, revision):
        does = json.loads(os.environ["STAND_IN"])
        if does.get("refuses"):
            _raise(does["refuses"])
        has = does.get("has", [name for name in does.get("files", ()) if not name.startswith(".cache")])
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in has])


def snapshot_download(repo_id, *, revision, local_dir, ignore_patterns=None):
    does = json.loads(os.environ["STAND_IN"])
    found = sorted(str(path.relative_to(local_dir)) for path in Path(local_dir).rglob("*") if path.is_file())
    call = {"repository": repo_id, "revision": revision, "local_dir": str(local_dir), "skip": ignore_patterns}
    with Path(os.environ["CALLS"]).open("a") as calls:
        calls.write(json.dumps({**call, "found": found}) + "\\n")
    for name in does.get("files", ()):
        path = Path(local_dir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1024)
    if does.get("raises"):
        _raise(does["raises"])
    if does.get("ended"):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)
    return str(local_dir)
'''
ERRORS = '''
"""The classes, and who is whose, as in huggingface_hub/errors.py."""


class HfHubHTTPError(OSError):
    pass


class RepositoryNotFoundError(HfHubHTTPError):
    pass


class GatedRepoError(RepositoryNotFoundError):
    pass


class RevisionNotFoundError(HfHubHTTPError):
    pass


class LocalEntryNotFoundError(FileNotFoundError, ValueError):
    pass
'''


@dataclass
class Volume:
    """A cache's volume, and a hub to fill it from."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "weights" / "acme--model" / REVISION

    @property
    def partial(self) -> Path:
        return self.folder.with_name(f"{REVISION}.partial")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What the hub was asked for."""
        log = self.root / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def fetch(self, *skip: str, **does: Any) -> tuple[int, str]:
        """Runs the script; its exit code and all that it says."""
        token = self.root / "token"
        token.write_text(TOKEN)
        done = subprocess.run(
            [sys.executable, str(SCRIPT), REPOSITORY, REVISION, str(self.folder), *skip],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(self.root / "packages"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "HF_TOKEN_PATH": str(token),
                "STAND_IN": json.dumps(does),
                "CALLS": str(self.root / "calls"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    package = tmp_path / "packages" / "huggingface_hub"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(STAND_IN)
    (package / "errors.py").write_text(ERRORS)
    return Volume(tmp_path)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_is_there_is_left_alone_and_the_hub_is_not_asked(volume: Volume) -> None:
    volume.folder.mkdir(parents=True)
    (volume.folder / "mine").write_text("as it was")
    code, said = volume.fetch(files=["model.safetensors"])
    assert (code, volume.calls) == (0, [])
    assert names(volume.folder) == {"mine"}
    assert not volume.partial.exists()
    assert f"{volume.folder} is complete" in said


def test_a_download_appears_under_its_name_only_when_it_is_complete(volume: Volume) -> None:
    code, said = volume.fetch(files=["config.json", "model.safetensors", "nested/part.bin"])
    assert names(volume.folder) == {"config.json", "model.safetensors", "nested/part.bin"}
    assert not volume.partial.exists()
    (call,) = volume.calls
    assert call == {
        "repository": REPOSITORY,
        "revision": REVISION,
        "local_dir": str(volume.partial),
        "skip": None,
        "found": [],
    }
    assert code == 0, said
    assert said.splitlines()[-1].startswith(f"{volume.folder} is complete: 3 files")


def test_running_it_again_does_nothing(volume: Volume) -> None:
    volume.fetch(files=["model.safetensors"])
    before = volume.folder.stat().st_mtime_ns
    code, _ = volume.fetch(files=["other.safetensors"])
    assert (code, len(volume.calls)) == (0, 1)
    assert names(volume.folder) == {"model.safetensors"}
    assert volume.folder.stat().st_mtime_ns == before


@pytest.mark.parametrize("error", ["OSError", "KeyError", "HfHubHTTPError", "LocalEntryNotFoundError"])
def test_what_may_work_next_time_keeps_what_is_there_and_asks_for_another_try(volume: Volume, error: str) -> None:
    code, said = volume.fetch(files=["model-1.safetensors"], raises=error)
    assert code == 1
    assert not volume.folder.exists()
    assert names(volume.partial) == {"model-1.safetensors"}
    assert f"{REPOSITORY} at {REVISION} failed: {error}" in said
    assert "Traceback" not in said


def test_the_next_try_goes_on_where_the_last_one_stopped(volume: Volume) -> None:
    volume.fetch(files=["model-1.safetensors"], raises="OSError")
    volume.fetch(files=["model-2.safetensors"])
    assert [call["found"] for call in volume.calls] == [[], ["model-1.safetensors"]]
    assert names(volume.folder) == {"model-1.safetensors", "model-2.safetensors"}


def test_a_drained_node_does_not_wait_for_a_download(volume: Volume) -> None:
    """By a handler of its own: the first process of a container is not ended otherwise."""
    code, said = volume.fetch(files=["model-1.safetensors"], ended=True)
    assert (code, "ended by SIGTERM" in said) == (1, True)
    assert names(volume.partial) == {"model-1.safetensors"}, "the next try goes on from it"


@pytest.mark.parametrize(
    ("error", "means"),
    [
        ("GatedRepoError", "accept its licence"),
        ("RepositoryNotFoundError", "is not there, or the token may not see it"),
        ("RevisionNotFoundError", "is not there, or the token may not see it"),
    ],
)
def test_what_no_further_try_can_help_ends_the_job_and_says_why(volume: Volume, error: str, means: str) -> None:
    code, said = volume.fetch(raises=error)
    assert code == 2
    assert not volume.folder.exists()
    assert means in said
    assert REPOSITORY in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "files", [[], ["config.json", "README.md"], [".cache/huggingface/download/model.safetensors"]], ids=len
)
def test_a_repository_without_weights_is_no_model(volume: Volume, files: list[str]) -> None:
    code, said = volume.fetch("*.safetensors", files=files)
    assert code == 2
    assert not volume.folder.exists()
    assert "no weights" in said
    assert "*.safetensors" in said, "what is skipped may be the reason"


WEIGHTS = ("model.safetensors", "pytorch_model-00001-of-00002.bin", "model.q4.gguf", "sub/adapter_model.bin")


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_are_known_by_their_names(volume: Volume, weights: str) -> None:
    volume.fetch(files=[weights])
    assert names(volume.folder) == {weights}


def test_what_a_trainer_leaves_behind_is_no_weights(volume: Volume) -> None:
    code, said = volume.fetch(files=["training_args.bin", "config.json"])
    assert code == 2
    assert "no weights" in said


def test_a_hub_that_goes_away_in_the_middle_leaves_nothing_that_looks_complete(volume: Volume) -> None:
    """The library returns a folder that holds anything, with a warning, when it cannot reach the hub any more."""
    both = ["model-1.safetensors", "model-2.safetensors"]
    code, said = volume.fetch(has=both, files=both[:1])
    assert code == 1
    assert not volume.folder.exists()
    assert names(volume.partial) == {"model-1.safetensors"}
    assert "lacks 1 of 2 files, model-2.safetensors among them" in said
    assert volume.fetch(files=both)[0] == 0
    assert names(volume.folder) == set(both)


def test_what_is_skipped_is_not_missed(volume: Volume) -> None:
    has = ["model.safetensors", "consolidated.safetensors", "original/params.json"]
    assert volume.fetch("consolidated.*", "original/*", has=has, files=has[:1])[0] == 0
    assert names(volume.folder) == {"model.safetensors"}


@pytest.mark.parametrize(("refuses", "code"), [("RepositoryNotFoundError", 2), ("GatedRepoError", 2), ("OSError", 1)])
def test_a_hub_that_does_not_even_list_is_told_apart_alike(volume: Volume, refuses: str, code: int) -> None:
    found, said = volume.fetch(files=["model.safetensors"], refuses=refuses)
    assert found == code
    assert volume.calls == []
    assert not volume.folder.exists()
    assert "Traceback" not in said


def test_patterns_to_skip_are_handed_over(volume: Volume) -> None:
    volume.fetch("consolidated.safetensors", "*.pt", files=["model.safetensors"])
    assert [call["skip"] for call in volume.calls] == [["consolidated.safetensors", "*.pt"]]


@pytest.mark.parametrize("raises", [None, "GatedRepoError", "RepositoryNotFoundError", "OSError", "KeyError"])
def test_the_token_is_never_read_nor_said(volume: Volume, raises: str | None) -> None:
    """huggingface_hub finds it by HF_TOKEN_PATH."""
    _, said = volume.fetch(files=["model.safetensors"], raises=raises)
    assert said
    assert TOKEN not in said
    assert "TOKEN" not in SCRIPT.read_text(encoding="utf-8").partition('"""')[2].partition('"""')[2]
