"""Reads Pulumi.<stack>.yaml without an engine: the overlay, and the names of the secrets (never their values)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from settings.problems import Path, Problem, SettingsError, nearest, suggest
from settings.yaml_reader import Document, read_file

NAMESPACE = "llmplatform"
"""Prefix of this program's config keys: the project's name in Pulumi.yaml."""
ROOT: Path = ("config", f"{NAMESPACE}:platform")
"""Where the overlay stands in a stack file."""
KUBECONFIG_KEY = "kubeconfig"
"""The secure key that may hold the kubeconfig of an existing cluster."""
_ENGINE_KEYS = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment")
"""Top-level keys of a stack file (pulumi/pulumi sdk/go/common/workspace/project.go, ProjectStack)."""


@dataclass(frozen=True)
class StackFile:
    """What a stack file says to this program."""

    overlay: Document
    secrets: frozenset[str]
    """Names of its secure keys, without the namespace."""


def read_stack_file(path: FilePath) -> StackFile:
    """Reads a stack file.

    Raises:
        SettingsError: it is no YAML, misses the platform, or has keys that nothing reads.
    """
    document = read_file(path)
    data, problems = document.data, list[Problem]()

    def problem(at: Path, reason: str, fix: str) -> None:
        problems.append(Problem(path=at, file=document.name, line=document.line_of(at), reason=reason, fix=fix))

    if not isinstance(data, dict):
        problem((), "is no map", "begin with config:")
        raise SettingsError(problems)
    for key in data:
        if key not in _ENGINE_KEYS:
            problem((key,), "there is no such key in a stack file", suggest(key, _ENGINE_KEYS))
    config = data.get("config")
    if not isinstance(config, dict):
        problem(("config",), "is missing or no map", "give config: with llmplatform:platform: under it")
        raise SettingsError(problems)
    secrets = _secrets(config, problem)
    if ROOT[1] not in config and not problems:
        problem(("config",), f"{ROOT[1]} is missing", f"give {ROOT[1]}: with base and environment")
    if problems:
        raise SettingsError(problems)
    return StackFile(document.at(ROOT), frozenset(secrets))


def _secrets(config: dict[str, Any], problem: Callable[[Path, str, str], None]) -> set[str]:
    """Names of our secure keys; every other key of ours but the platform is a problem."""
    secrets = set()
    for key, value in config.items():
        if key == ROOT[1]:
            continue
        if ":" not in key or _misspelt(key):
            problem(("config", key), "there is no such config key", f"did you mean {ROOT[1]}?")
        elif key.startswith(f"{NAMESPACE}:"):
            if not (isinstance(value, dict) and set(value) == {"secure"}):
                problem(("config", key), "stands in clear text", f"pulumi config set --secret {key}")
            secrets.add(key.removeprefix(f"{NAMESPACE}:"))
    return secrets


def _misspelt(key: str) -> bool:
    """True for a key that was most likely meant to be the platform's."""
    return nearest(key, [str(ROOT[1])]) is not None and key.rsplit(":", maxsplit=1)[-1] != KUBECONFIG_KEY


def unused_secrets(stack: StackFile, named: Any) -> list[Problem]:
    """Secure keys that no setting names: most likely a misspelt one."""
    return [
        Problem(
            path=("config", f"{NAMESPACE}:{key}"),
            file=stack.overlay.name,
            reason="no setting names this secret",
            fix=suggest(key, named) if named else "remove it, or name it under secrets of a service",
        )
        for key in sorted(stack.secrets - set(named) - {KUBECONFIG_KEY})
    ]
