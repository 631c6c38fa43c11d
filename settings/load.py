"""The only reader of `pulumi.Config`: the stack's settings, its secrets, and the way to its cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi.runtime.config as runtime_config
import yaml

from settings.cloud import ExistingCluster
from settings.model import PlatformSettings
from settings.problems import Problem, SettingsError, one_of, suggest
from settings.resolve import resolve_stack, secret_keys
from settings.stack_file import KUBECONFIG_KEY, NAMESPACE, ROOT, StackFile
from settings.yaml_reader import Document

DEFAULT_KUBECONFIG = Path(".local") / "kubeconfig"
"""Where the kubeconfig of a cluster on this machine is looked for, from the project's folder; ignored by git."""

DOCUMENTATION_ACCOUNTS = frozenset({"111122223333", "123456789012", "444455556666", "777788889999"})
"""Account ids that AWS's own documentation uses for examples; nobody can deploy there."""


@dataclass(frozen=True)
class Loaded:
    """What the program starts from."""

    settings: PlatformSettings
    secrets: Mapping[str, pulumi.Output[str]]
    """Config key -> value."""
    kubeconfig: pulumi.Output[str] | None
    """Contents of the kubeconfig of an existing cluster."""


def load(config: pulumi.Config) -> Loaded:
    """Reads the stack's configuration.

    Raises:
        pulumi.RunError: the settings are refused; its message has every problem, and the engine prints it without a
            traceback.
    """
    file = f"Pulumi.{pulumi.get_stack()}.yaml"
    try:
        settings = _settings(config, file)
        if not pulumi.runtime.is_dry_run():
            _refuse_up(settings, file)
        kubeconfig = None
        if isinstance(settings.cluster, ExistingCluster):
            kubeconfig = config.get_secret(KUBECONFIG_KEY) or pulumi.Output.secret(_kubeconfig(settings.cluster, file))
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    secrets = {key: config.require_secret(key) for key in secret_keys(settings)}
    return Loaded(settings, secrets, kubeconfig)


def _settings(config: pulumi.Config, file: str) -> PlatformSettings:
    key = str(ROOT[1])
    if runtime_config.is_config_secret(key):
        fix = "make the secret a key of its own beside it, and name that key in the platform"
        raise SettingsError(
            [Problem(path=ROOT, file=file, reason="a secret may not stand inside the platform", fix=fix)]
        )
    try:
        overlay = config.get_object("platform")
    except (ValueError, pulumi.RunError):  # no JSON: somebody set a text
        overlay = config.get("platform")
    if overlay is None:
        fix = f"give {key}: with base and environment in {file}"
        raise SettingsError([Problem(path=ROOT, file=file, reason="is missing", fix=fix)])
    region = pulumi.Config("aws").get("region")
    stack = StackFile(Document(file, overlay), frozenset(_secret_names()), region=region)
    return resolve_stack(stack).settings


def _secret_names() -> set[str]:
    """Names of the stack's secret config keys, in our namespace."""
    names = set(runtime_config._SECRET_KEYS.get()) | set(runtime_config.get_config_secret_keys_env())
    return {name.removeprefix(f"{NAMESPACE}:") for name in names if name.startswith(f"{NAMESPACE}:")}


def _refuse_up(settings: PlatformSettings, file: str) -> None:
    """What can be planned and previewed, but not be made."""
    problems = []
    if settings.aws.account in DOCUMENTATION_ACCOUNTS:
        reason = f"{settings.aws.account} is an example account of AWS's documentation"
        fix = "give your own account id, in quotes"
        problems.append(Problem(path=("aws", "account"), file=file, reason=reason, fix=fix))
    if problems:
        raise SettingsError(problems)


def _kubeconfig(cluster: ExistingCluster, file: str) -> str:
    """Contents of the kubeconfig: from the setting, else $KUBECONFIG, else the default path."""

    def refused(reason: str, fix: str, key: str = "kubeconfig") -> SettingsError:
        return SettingsError([Problem(path=("cluster", key), file=file, reason=reason, fix=fix)])

    stated = cluster.kubeconfig or os.environ.get("KUBECONFIG") or str(DEFAULT_KUBECONFIG)
    elsewhere = f"set KUBECONFIG, or put one at {DEFAULT_KUBECONFIG}, or give cluster.kubeconfig"
    found = next((path for part in stated.split(os.pathsep) if part and (path := _file(part))), None)
    if found is None:
        raise refused(f"there is no kubeconfig at {stated}", elsewhere)
    try:
        text = found.read_text(encoding="utf-8")
        data = yaml.safe_load(text)  # kubectl's own file: the rules for our files are not its rules
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise refused(f"{found} cannot be read as YAML: {_line(error)}", elsewhere) from None
    listed = data.get("contexts") if isinstance(data, dict) else None
    contexts = (
        [str(c["name"]) for c in listed if isinstance(c, dict) and "name" in c] if isinstance(listed, list) else []
    )
    if not contexts:
        raise refused(f"{found} is no kubeconfig: it has no contexts", elsewhere)
    if cluster.context is None and not data.get("current-context"):
        raise refused(f"{found} has no current context", f"use one of: {one_of(contexts)}", "context")
    wanted = cluster.context or str(data["current-context"])
    if wanted not in contexts:
        raise refused(f'{found} has no context "{wanted}"', suggest(wanted, contexts), "context")
    return text


def _file(stated: str) -> Path | None:
    try:
        path = Path(stated).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):  # no such user, no right to look, a name that no file can have
        return None


def _line(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split())
