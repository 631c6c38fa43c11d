"""Label selectors, as Kubernetes evaluates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policy.reading import listed, text


def matches(selector: Any, labels: Mapping[str, str]) -> bool:
    """True if the selector takes these labels: an empty one takes everything, None and what is no selector nothing."""
    if not isinstance(selector, Mapping):
        return False
    wanted, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    if not isinstance(wanted, Mapping | None) or not isinstance(expressions, list | tuple | None):
        return False
    if any(labels.get(key) != value for key, value in (wanted or {}).items()):
        return False
    return all(_expression(expression, labels) for expression in expressions or ())


def takes_all(selector: Any) -> bool:
    """True of an empty selector: it takes whatever labels there are."""
    return isinstance(selector, Mapping) and not selector.get("matchLabels") and not selector.get("matchExpressions")


def _expression(expression: Any, labels: Mapping[str, str]) -> bool:
    if not isinstance(expression, Mapping):
        return False
    key, values = text(expression.get("key")), listed(expression.get("values"))
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def shown(selector: Any, what: str = "pod") -> str:
    """A selector as text.

    >>> shown({"matchLabels": {"app": "door"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]})
    'app=door, tier Exists'
    >>> shown({}, "namespace")
    'any namespace'
    """
    if not isinstance(selector, Mapping):
        return f"no {what}"
    wanted = selector.get("matchLabels")
    parts = [f"{key}={value}" for key, value in sorted(wanted.items())] if isinstance(wanted, Mapping) else []
    for expression in listed(selector.get("matchExpressions")):
        if isinstance(expression, Mapping):
            values = ", ".join(str(value) for value in listed(expression.get("values")))
            parts.append(f"{expression.get('key')} {expression.get('operator')}{f' ({values})' if values else ''}")
    return ", ".join(parts) or f"any {what}"
