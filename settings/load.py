"""The only reader of `pulumi.Config`: the stack's settings, its secrets, and the way to its cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi.runtime.config as runtime_config

from settings.cloud import ExistingCluster
from settings.model import PlatformSettings
from settings.problems import Problem, SettingsError, suggest
from settings.resolve import resolve, secret_keys
from settings.stack_file import KUBECONFIG_KEY, NAMESPACE
from settings.yaml_reader import Document, read_text

DEFAULT_KUBECONFIG = Path(".local") / "kubeconfig"
"""Where the kubeconfig of a cluster on this machine is looked for, from the project's folder; ignored by git."""

DOCUMENTATION_ACCOUNTS = frozenset({"111122223333", "444455556666", "123456789012"})
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
    try:
        settings = _settings(config)
        if not pulumi.runtime.is_dry_run():
            _refuse_up(settings)
        kubeconfig = None
        if isinstance(settings.cluster, ExistingCluster):
            kubeconfig = config.get_secret(KUBECONFIG_KEY) or pulumi.Output.secret(_kubeconfig(settings.cluster))
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    secrets = {key: config.require_secret(key) for key in secret_keys(settings)}
    return Loaded(settings, secrets, kubeconfig)


def _settings(config: pulumi.Config) -> PlatformSettings:
    key = f"{NAMESPACE}:platform"
    file = f"Pulumi.{pulumi.get_stack()}.yaml"
    if runtime_config.is_config_secret(key):
        fix = "make the secret a key of its own beside it, and name that key in the platform"
        raise SettingsError([Problem(path=(), file=file, reason="a secret may not stand inside the platform", fix=fix)])
    try:
        overlay = config.get_object("platform")
    except (ValueError, pulumi.errors.RunError):
        overlay = "no object"
    if overlay is None:
        fix = f"give {key}: with base and environment in {file}"
        raise SettingsError([Problem(path=(), file=file, reason=f"{key} is missing", fix=fix)])
    available = {k for k in _secret_names() if k != "platform"}
    return resolve(Document(file, overlay), available).settings


def _secret_names() -> set[str]:
    """Names of the stack's secret config keys, in our namespace."""
    names = set(runtime_config._SECRET_KEYS.get()) | set(runtime_config.get_config_secret_keys_env())
    return {name.removeprefix(f"{NAMESPACE}:") for name in names if name.startswith(f"{NAMESPACE}:")}


def _refuse_up(settings: PlatformSettings) -> None:
    """What can be planned and previewed, but not yet be made."""
    problems = []
    if settings.cluster.kind == "eks":
        problems.append(
            Problem(
                path=("cluster", "kind"),
                reason="this version plans and previews EKS stacks; it cannot make the cluster yet",
                fix="use cluster: {kind: existing} with the kubeconfig of a cluster, or preview only",
            )
        )
    if settings.aws.account in DOCUMENTATION_ACCOUNTS:
        reason = f"{settings.aws.account} is an example account of AWS's documentation"
        problems.append(Problem(path=("aws", "account"), reason=reason, fix="give your own account id, in quotes"))
    if problems:
        raise SettingsError(problems)


def _kubeconfig(cluster: ExistingCluster) -> str:
    """Contents of the kubeconfig: from the setting, else $KUBECONFIG, else the default path."""
    stated = cluster.kubeconfig or os.environ.get("KUBECONFIG") or str(DEFAULT_KUBECONFIG)
    paths = [Path(part).expanduser() for part in stated.split(os.pathsep) if part]
    found = [path for path in paths if path.is_file()]
    where = ("cluster", "kubeconfig")
    if not found:
        fix = f"set KUBECONFIG, or put one at {DEFAULT_KUBECONFIG}, or give cluster.kubeconfig"
        raise SettingsError([Problem(path=where, reason=f"there is no kubeconfig at {stated}", fix=fix)])
    try:
        text = found[0].read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([Problem(path=where, reason=f"{found[0]}: {error}", fix="give a readable file")]) from None
    data = read_text(text, found[0].name).data
    contexts = (
        [c.get("name") for c in (data.get("contexts") or ()) if isinstance(c, dict)] if isinstance(data, dict) else []
    )
    if not contexts:
        raise SettingsError(
            [Problem(path=where, reason=f"{found[0]} is no kubeconfig: it has no contexts", fix="name another")]
        )
    if cluster.context is not None and cluster.context not in contexts:
        fix = suggest(cluster.context, [str(name) for name in contexts])
        reason = f'{found[0]} has no context "{cluster.context}"'
        raise SettingsError([Problem(path=("cluster", "context"), reason=reason, fix=fix)])
    return text
