"""Quantities of the settings: CPU, memory, durations, percentages; and what every value type shares: its refusal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from settings.problems import shown


class Refusal(ValueError):  # noqa: N818  # the word of this project
    """Raised by a value type: the reason, and a value that works."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


def custom_error(reason: str, fix: str) -> PydanticCustomError:
    """A pydantic error that carries reason and fix; `settings.shape` turns it into a Problem."""
    return PydanticCustomError("setting", "{reason}", {"reason": reason, "fix": fix})


def kind_of(value: object) -> str:
    """What a YAML reader would call `value`, for messages."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the truth value {str(value).lower()}"
        case int() | float():
            return f"the number {value}" if isinstance(value, float) or abs(value) < 10**30 else "a huge number"
        case str():
            return f"the text {shown(value)}"
        case list() | tuple():
            return "a list"
        case _:
            return "a map"


def schema(parse: Callable[[Any], Any], dump: Callable[[Any], Any] = str) -> CoreSchema:
    """A pydantic schema that calls `parse`, and turns its refusal into an error that carries reason and fix."""

    def validate(value: Any) -> Any:
        try:
            return parse(value)
        except Refusal as refusal:
            raise custom_error(refusal.reason, refusal.fix) from None

    return core_schema.no_info_plain_validator_function(
        validate, serialization=core_schema.plain_serializer_function_ser_schema(dump)
    )


class _Value:
    """Base of the value objects: pydantic calls `parse`."""

    example: ClassVar[str]

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Reads the YAML value. Raises: Refusal."""
        raise AssertionError(cls, raw)  # pragma: no cover - every subclass has its own

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return schema(lambda raw: raw if isinstance(raw, cls) else cls.parse(raw))


_CPU = re.compile(r"(?P<number>[0-9]{1,15}(\.[0-9]{1,6})?)(?P<milli>m?)")
_MOST_CPU = 10**12
"""Thousandths of a vCPU; no cluster is larger."""


@dataclass(frozen=True, order=True)
class Cpu(_Value):
    """CPU time as Kubernetes counts it, in thousandths of a vCPU.

    >>> str(Cpu.parse("0.5")), str(Cpu.parse(2))
    ('500m', '2')
    """

    milli: int
    example: ClassVar[str] = "500m"

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Reads the YAML value. Raises: Refusal."""
        fix = "give vCPUs or thousandths of one, for example 500m or 2"
        text = str(raw) if isinstance(raw, float | str) else ""
        if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= _MOST_CPU:
            text = str(raw)
        match = _CPU.fullmatch(text)
        if not match:
            raise Refusal(f"{kind_of(raw)} is no CPU quantity", fix)
        milli = Decimal(match["number"]) * (1 if match["milli"] else 1000)
        if milli != int(milli):
            raise Refusal(f"{raw} is finer than a thousandth of a vCPU (1m)", f"write {int(milli) + 1}m")
        if milli == 0:
            raise Refusal("0 CPU reserves nothing", fix)
        if milli > _MOST_CPU:
            raise Refusal(f"{raw} is more than any cluster has", fix)
        return cls(int(milli))

    def __str__(self) -> str:
        return str(self.milli // 1000) if self.milli % 1000 == 0 else f"{self.milli}m"

    def __mul__(self, times: int) -> Cpu:
        return Cpu(self.milli * times)

    def __add__(self, other: Cpu) -> Cpu:
        return Cpu(self.milli + other.milli)


_MEMORY = re.compile(r"(?P<number>[0-9]{1,15}(\.[0-9]{1,6})?)(?P<unit>Ki|Mi|Gi|Ti)")
_UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
_MOST_BYTES = (1 << 63) - 1
"""What a Kubernetes quantity holds (apimachinery pkg/api/resource: int64)."""


@dataclass(frozen=True, order=True)
class Memory(_Value):
    """Memory or storage in bytes, written with a binary unit.

    >>> str(Memory.parse("1024Mi")), str(Memory.parse("1.5Gi"))
    ('1Gi', '1536Mi')
    """

    bytes: int
    example: ClassVar[str] = "512Mi"

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Reads the YAML value. Raises: Refusal."""
        fix = "give a binary unit: Ki, Mi, Gi or Ti, for example 512Mi or 4Gi"
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            raise Refusal(f"{kind_of(raw)} is no memory quantity: the unit is missing", fix)
        match = _MEMORY.fullmatch(raw) if isinstance(raw, str) else None
        if not match:
            raise Refusal(f"{kind_of(raw)} is no memory quantity", cls._meant(raw) or fix)
        size = Decimal(match["number"]) * _UNITS[match["unit"]]
        if size == 0:
            raise Refusal("0 memory reserves nothing", fix)
        if size > _MOST_BYTES:
            raise Refusal(f"{raw} is more than Kubernetes can count", fix)
        if size % 1024:
            raise Refusal(f"{raw} is no whole number of KiB", f"write {int(size) // 1024 + 1}Ki")
        return cls(int(size))

    @classmethod
    def _meant(cls, raw: object) -> str | None:
        """The fix of a quantity with another unit: what it most likely means."""
        hint = re.fullmatch(r"([1-9][0-9]{0,5})\s*([KMGT])i?B?", raw, re.IGNORECASE) if isinstance(raw, str) else None
        if hint is None:
            return None
        meant = f"write {hint[1]}{hint[2].upper()}i"
        return f"m means thousandths of a byte: {meant}" if str(raw).endswith("m") else meant

    def __str__(self) -> str:
        for unit in ("Ti", "Gi", "Mi", "Ki"):
            if self.bytes and self.bytes % _UNITS[unit] == 0:
                return f"{self.bytes // _UNITS[unit]}{unit}"
        return str(self.bytes)

    def __mul__(self, times: int) -> Memory:
        return Memory(self.bytes * times)

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.bytes + other.bytes)


_DURATION = re.compile(r"(?:(?P<h>[0-9]{1,5})h)?(?:(?P<m>[0-9]{1,6})m)?(?:(?P<s>[0-9]{1,8})s)?")
_LONGEST = 366 * 24 * 3600
"""Seconds of a leap year: nothing here waits longer, and Kubernetes counts seconds in 32 bits."""


@dataclass(frozen=True, order=True)
class Duration(_Value):
    """A time span in whole seconds, written with its unit.

    >>> Duration.parse("1h30m").seconds, str(Duration.parse("90s"))
    (5400, '1m30s')
    """

    seconds: int
    example: ClassVar[str] = "30s"

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Reads the YAML value. Raises: Refusal."""
        fix = "give whole seconds, minutes or hours with their unit, for example 30s, 5m or 1h30m"
        if isinstance(raw, int) and not isinstance(raw, bool):
            fix = f"write {raw}s if you mean seconds" if 0 <= raw <= _LONGEST else fix
            raise Refusal(f"{kind_of(raw)} has no unit", fix)
        match = _DURATION.fullmatch(raw) if isinstance(raw, str) and raw else None
        if not match:
            tidy = (
                re.fullmatch(r"\s*([1-9][0-9]{0,3})\s*([smh]?)\s*", raw, re.IGNORECASE)
                if isinstance(raw, str)
                else None
            )
            fix = f"write {tidy[1]}{tidy[2].lower() or 's'}" if tidy else fix
            raise Refusal(f"{kind_of(raw)} is no duration", fix)
        seconds = int(match["h"] or 0) * 3600 + int(match["m"] or 0) * 60 + int(match["s"] or 0)
        if seconds > _LONGEST:
            raise Refusal(f"{raw} is longer than a year", fix)
        return cls(seconds)

    def __str__(self) -> str:
        hours, rest = divmod(self.seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        parts = [f"{n}{u}" for n, u in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n]
        return "".join(parts) or "0s"


@dataclass(frozen=True, order=True)
class Percent(_Value):
    """A whole percentage from 1 to 100.

    >>> Percent.parse("70%").value
    70
    """

    value: int
    example: ClassVar[str] = "70%"

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Reads the YAML value. Raises: Refusal."""
        match = re.fullmatch(r"([0-9]{1,3})%", raw) if isinstance(raw, str) else None
        if not match:
            raise Refusal(f"{kind_of(raw)} is no percentage", cls._meant(raw) or "for example 70%")
        if not 1 <= int(match[1]) <= 100:
            raise Refusal(f"{raw} is outside 1% to 100%", "for example 70%")
        return cls(int(match[1]))

    @classmethod
    def _meant(cls, raw: object) -> str | None:
        """The fix of a number without the sign: 70 or 0.7 are most likely 70%."""
        if isinstance(raw, bool) or not isinstance(raw, int | float | str) or (isinstance(raw, int) and raw > 100):
            return None
        number = re.fullmatch(r"\s*(0?\.[0-9]{1,2}|[0-9]{1,3})\s*%?\s*", str(raw))
        share = int(Decimal(number[1]) * (100 if "." in number[1] else 1)) if number else 0
        return f"write {share}%" if 1 <= share <= 100 else None

    def __str__(self) -> str:
        return f"{self.value}%"
