"""Reads Pulumi.<stack>.yaml without an engine: the overlay, and the names of the secrets (never their values)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from settings.problems import Path, Problem, SettingsError, nearest, suggest
from settings.types import kind_of
from settings.yaml_reader import Document, read_file

NAMESPACE = "llmplatform"
"""Prefix of this program's config keys: the project's name in Pulumi.yaml."""
ROOT: Path = ("config", f"{NAMESPACE}:platform")
"""Where the overlay stands in a stack file."""
KUBECONFIG_KEY = "kubeconfig"
"""The secure key that may hold the kubeconfig of an existing cluster."""
REGION_KEY = "aws:region"
"""The AWS provider's own key; people are used to writing it."""
RESERVED_KEYS = ("platform", KUBECONFIG_KEY)
"""Config keys that are no secret of a service."""
_ENGINE_KEYS = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment")
"""Top-level keys of a stack file (pulumi/pulumi sdk/go/common/workspace/project.go, ProjectStack)."""


@dataclass(frozen=True)
class StackFile:
    """What a stack file says to this program."""

    overlay: Document
    secrets: frozenset[str]
    """Names of its secure keys, without the namespace."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Name of a secure key -> its line; empty where the engine handed the keys over."""
    region: str | None = None
    """What `aws:region` says beside the platform; the platform's own aws.region is what counts."""
    region_line: int | None = None


def read_stack_file(path: FilePath) -> StackFile:
    """Reads a stack file.

    Raises:
        SettingsError: it is no YAML, misses the platform, or has keys that nothing reads.
    """
    document = read_file(path)
    if not isinstance(document.data, dict):
        reason = f"{kind_of(document.data)} stands where a map is expected"
        raise SettingsError([_problem(document, (), reason, "begin with config:")])
    problems = [
        _problem(document, (key,), "there is no such key in a stack file", suggest(key, _ENGINE_KEYS))
        for key in document.data
        if key not in _ENGINE_KEYS
    ]
    config = document.data.get("config")
    if not isinstance(config, dict):
        fix = f"give config: with {ROOT[1]}: under it"
        raise SettingsError([*problems, _problem(document, ("config",), "is missing or no map", fix)])
    wrong = [fault for key, value in config.items() if (fault := _fault(document, key, value))]
    problems += wrong
    if ROOT[1] not in config and not any(str(ROOT[1]) in fault.fix for fault in wrong):
        fix = f"give {ROOT[1]}: with base and environment"
        problems.append(_problem(document, ("config",), f"{ROOT[1]} is missing", fix))
    if problems:
        raise SettingsError(problems)
    prefix = f"{NAMESPACE}:"
    secrets = {key.removeprefix(prefix): key for key in config if key.startswith(prefix) and key != ROOT[1]}
    lines = {name: document.lines[ROOT[0], key] for name, key in secrets.items()}
    region = config.get(REGION_KEY)
    region_line = document.lines.get((ROOT[0], REGION_KEY))
    return StackFile(document.at(ROOT), frozenset(secrets), lines, None if region is None else str(region), region_line)


def _problem(document: Document, path: Path, reason: str, fix: str) -> Problem:
    return Problem(path=path, file=document.name, line=document.line_of(path), reason=reason, fix=fix)


def _fault(document: Document, key: str, value: Any) -> Problem | None:
    """What is wrong with one config key: it is the platform, a secret of ours, or a provider's own."""
    path, root = (ROOT[0], key), str(ROOT[1])
    secure = isinstance(value, dict) and set(value) == {"secure"} and isinstance(value["secure"], str)
    if key == root:
        fix = "make the secret a key of its own beside it, and name that key in the platform"
        return _problem(document, path, "a secret may not stand inside the platform", fix) if secure else None
    namespace, _, name = key.partition(":")
    ours = nearest(namespace, [NAMESPACE]) is not None
    if not secure and isinstance(value, dict) and nearest(name if name and ours else key, ["platform"]):
        return _problem(document, path, "there is no such config key", f"did you mean {root}?")
    if not name:
        reason = "a config key begins with who reads it"
        return _problem(document, path, reason, f"{NAMESPACE}:{key}, or <provider>:{key}")
    if namespace == NAMESPACE and not secure:
        return _problem(document, path, "stands in clear text", f"pulumi config set --secret {key}")
    if ours and namespace != NAMESPACE:
        return _problem(document, path, "there is no such config key", f"did you mean {NAMESPACE}:{name}?")
    return None


def other_region(stack: StackFile, region: str) -> list[Problem]:
    """An `aws:region` that says another region than the platform: nothing reads it, and its author believes it."""
    if stack.region in (None, region):
        return []
    return [
        Problem(
            path=(ROOT[0], REGION_KEY),
            file=stack.overlay.name,
            line=stack.region_line,
            reason=f"says {stack.region}, and the platform's aws.region says {region}, which is what counts",
            fix=f"set aws.region in {ROOT[1]}, and leave {REGION_KEY} out",
        )
    ]


def unused_secrets(stack: StackFile, named: Collection[str]) -> list[Problem]:
    """Secure keys that no setting names: most likely a misspelt one."""
    return [
        Problem(
            path=(ROOT[0], f"{NAMESPACE}:{key}"),
            file=stack.overlay.name,
            line=stack.lines.get(key),
            reason="no setting names this secret",
            fix=suggest(key, named) if named else "remove it, or name it under secrets of a service",
            rule="secrets",
        )
        for key in sorted(stack.secrets - set(named) - {KUBECONFIG_KEY})
    ]
