"""Reads parts of manifests that may be missing, unknown until deployment, or of the wrong type.

Rules run on whatever a program registers and never fail: what cannot be read reads as empty. Where empty would mean
more than missing (an empty selector takes every pod), the rule asks for the value itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?")
_SCALES = {
    "": Fraction(1),
    **{suffix: Fraction(10) ** (3 * power) for power, suffix in enumerate("num kMGTPE", start=-3) if suffix != " "},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def at(value: Any, *path: str) -> Any:
    """What lies at a path of nested maps; None where the path ends early.

    >>> at({"spec": {"replicas": 2}}, "spec", "replicas")
    2
    >>> at({"spec": "${eks cluster.spec}"}, "spec", "replicas")
    """
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a map, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> list[Any]:
    """The value's items if it is a list, else none."""
    return list(value) if isinstance(value, list | tuple) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The maps of a list."""
    return [item for item in listed(value) if isinstance(item, Mapping)]


def text(value: Any) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> list[str]:
    """The strings of a list."""
    return [item for item in listed(value) if isinstance(item, str)]


def whole(value: Any, default: int | None = None) -> int | None:
    """A whole number, `default` where nothing is said, None where it is not a number (yet).

    The engine hands every number to a policy pack as a float.

    >>> whole(3.0), whole(None, 1), whole("${eks cluster.size}", 1)
    (3, 1, None)
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


def share(value: Any, of: int) -> int | None:
    """A count, or a percentage of a count, rounded up as disruption budgets do; None where it is neither (yet).

    >>> share(2, 10), share("25%", 10), share("soon", 10)
    (2, 3, None)
    """
    percent = re.fullmatch(r"(\d{1,9})%", text(value))
    return -(-of * int(percent[1]) // 100) if percent else whole(value)


def quantity(value: Any) -> Fraction | None:
    """A resource quantity, None where it is none (yet).

    >>> quantity("500m"), quantity("1Gi") == 2**30, quantity("1e3") == 1000, quantity("1 GB")
    (Fraction(1, 2), True, True, None)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Fraction(value) if math.isfinite(value) else None
    found = _QUANTITY.fullmatch(text(value))
    if found is None:
        return None
    number, suffix, exponent = found.groups()
    return Fraction(number) * _SCALES[suffix or ""] * Fraction(10) ** int(exponent or 0)
