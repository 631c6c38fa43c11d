"""Puts the stand-ins on the PATH of one test."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from tests.standin import settings
from tests.support import ROOT


def install(folder: Path, **given: str) -> dict[str, str]:
    """Writes `pulumi-resource-aws` and `aws` into a folder, and gives the environment in which they are found.

    Args:
        folder: for the executables, and for what the stand-in makes (`made`).
        given: more variables, by the names of tests.standin.settings: ENDPOINT=..., CA=..., TOKEN=....
    """
    programs = folder / "programs"
    programs.mkdir(parents=True)
    python = f"PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m tests.standin"
    for name, command in (("pulumi-resource-aws", f'{python} "$@"'), ("aws", f'{python} aws "$@"')):
        file = programs / name
        file.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        file.chmod(0o755)
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        settings.STATE: str(folder / "state"),
        **{getattr(settings, name): value for name, value in given.items()},
    }
