"""A stack's likeness on the local cluster: the same platform, on a cluster that exists, in no account of AWS."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

from settings.load import DOCUMENTATION_ACCOUNTS
from settings.resolve import Resolved, resolve_stack
from settings.stack_file import StackFile
from settings.yaml_reader import Document
from workbench.plan.stack import read

NO_ACCOUNT = "000000000000"
"""Stands for an example account, which the program refuses to deploy to: ARNs and image names keep their shape."""
STAND_IN = "stand-in"
"""Value of every secret."""


@dataclass(frozen=True)
class Likeness:
    """What is brought up."""

    stack: str
    file: StackFile
    resolved: Resolved
    changed: tuple[str, ...]
    """What differs from the committed stack, for the user."""


def likeness(stack: str, platform: str | None = None) -> Likeness:
    """The likeness of a committed stack.

    Raises:
        SettingsError: the stack's settings are refused.
    """
    file, resolved = read(stack, platform)
    overlay = copy.deepcopy(file.overlay.data)
    changed = []
    settings = resolved.settings
    if settings.cluster.kind != "existing" or settings.cluster.kubeconfig or settings.cluster.context:
        overlay["cluster"] = {"kind": "existing", "version": settings.cluster.version}
        changed.append("the cluster is this machine's, not one that the stack makes or names")
    if settings.aws.account in DOCUMENTATION_ACCOUNTS:
        overlay = replaced(overlay, settings.aws.account, NO_ACCOUNT)  # wherever it stands: in ARNs, too
        changed.append(f"account {NO_ACCOUNT} in place of {settings.aws.account}, an example of AWS's documentation")
    if file.secrets:
        changed.append(f"secrets ({', '.join(sorted(file.secrets))}): each is {STAND_IN!r}")
    if not changed:
        return Likeness(stack, file, resolved, ())
    document = Document(file.overlay.name, overlay, file.overlay.lines)
    alike = replace(file, overlay=document)
    return Likeness(stack, alike, resolve_stack(alike), tuple(changed))


def replaced(value: Any, old: str, new: str) -> Any:
    """Nested data with one text in place of another, wherever it stands."""
    if isinstance(value, dict):
        return {key: replaced(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, old, new) for item in value]
    return value.replace(old, new) if isinstance(value, str) else value
