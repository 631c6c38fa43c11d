"""The outside judges of AWS resources, each in a virtual environment of its own, and how they are called.

checkov holds botocore at a version of 2024 and much else with it, so parliament and today's botocore live apart.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support import ROOT

VENVS = ROOT / ".venv-judges"
"""Made by `make aws-judges`."""
CHECKOV = VENVS / "checkov" / "bin" / "checkov"
PYTHON = VENVS / "aws" / "bin" / "python"
HERE = Path(__file__).parent / "in_venv"
NOT_THERE = "DID NOT RUN: .venv-judges is not there (make aws-judges)"


class JudgeError(Exception):
    """Raised when a judge itself fails: it has judged nothing."""


def are_there() -> bool:
    """True if both environments are made."""
    return CHECKOV.exists() and PYTHON.exists()


def offline() -> dict[str, str]:
    """The environment of a judge: it reaches no network, and speaks up when a check of its own breaks."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return os.environ | nowhere | {"LOG_LEVEL": "WARNING", "PYTHONDONTWRITEBYTECODE": "1"}


def ask(script: str, question: Any) -> Any:
    """What a script of tests/judges/in_venv answers.

    Raises:
        JudgeError: it failed.
    """
    command = [str(PYTHON), "-I", str(HERE / script)]
    run = subprocess.run(
        command, input=json.dumps(question), env=offline(), capture_output=True, text=True, check=False
    )  # fmt: skip
    if run.returncode:
        raise JudgeError(f"{script} ended with exit code {run.returncode}: {run.stderr.strip()}")
    return json.loads(run.stdout)
