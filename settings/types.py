"""Value types of the settings: each knows its form, its canonical spelling, and a message with a value that works."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


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
            return f"the number {value}"
        case str():
            return f'the text "{value}"' if len(value) < 60 else "a long text"
        case list():
            return "a list"
        case _:
            return "a map"


def _schema(parse: Callable[[Any], Any], dump: Callable[[Any], Any] = str) -> CoreSchema:
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
        return _schema(lambda raw: raw if isinstance(raw, cls) else cls.parse(raw))


_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:  # pragma: no cover - the pattern lets only numbers through
        raise AssertionError(text) from error


_CPU = re.compile(r"(?P<number>[0-9]{1,9}(\.[0-9]{1,6})?)(?P<milli>m?)")


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
        if isinstance(raw, bool) or not isinstance(raw, int | float | str):
            raise Refusal(f"{kind_of(raw)} is no CPU quantity", fix)
        match = _CPU.fullmatch(str(raw))
        if not match:
            raise Refusal(f"{kind_of(raw)} is no CPU quantity", fix)
        milli = _number(match["number"]) * (1 if match["milli"] else 1000)
        if milli != int(milli):
            raise Refusal(f"{raw} is finer than a thousandth of a vCPU (1m)", fix)
        if milli == 0:
            raise Refusal("0 CPU reserves nothing", fix)
        return cls(int(milli))

    def __str__(self) -> str:
        return str(self.milli // 1000) if self.milli % 1000 == 0 else f"{self.milli}m"

    def __mul__(self, times: int) -> Cpu:
        return Cpu(self.milli * times)

    def __add__(self, other: Cpu) -> Cpu:
        return Cpu(self.milli + other.milli)


_MEMORY = re.compile(r"(?P<number>[0-9]{1,15}(\.[0-9]{1,6})?)(?P<unit>Ki|Mi|Gi|Ti)")
_UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


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
        if not isinstance(raw, str):
            raise Refusal(f"{kind_of(raw)} is no memory quantity: the unit is missing", fix)
        match = _MEMORY.fullmatch(raw)
        if not match:
            hint = re.fullmatch(r"([0-9.]+)\s*([KMGT])(i?)B?", raw, re.IGNORECASE)
            if hint and _NUMBER.fullmatch(hint[1]):
                fix = f"write {hint[1]}{hint[2].upper()}i"
            elif raw.endswith("m") and _NUMBER.fullmatch(raw[:-1]):
                fix = f"m means thousandths of a byte: write {raw[:-1]}Mi"
            raise Refusal(f"{kind_of(raw)} is no memory quantity", fix)
        size = _number(match["number"]) * _UNITS[match["unit"]]
        if size != int(size):
            raise Refusal(f"{raw} is no whole number of bytes", fix)
        if size == 0:
            raise Refusal("0 memory reserves nothing", fix)
        return cls(int(size))

    def __str__(self) -> str:
        for unit in ("Ti", "Gi", "Mi", "Ki"):
            if self.bytes % _UNITS[unit] == 0:
                return f"{self.bytes // _UNITS[unit]}{unit}"
        return str(self.bytes)

    def __mul__(self, times: int) -> Memory:
        return Memory(self.bytes * times)

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.bytes + other.bytes)


_DURATION = re.compile(r"(?:(?P<h>[0-9]{1,5})h)?(?:(?P<m>[0-9]{1,6})m)?(?:(?P<s>[0-9]{1,8})s)?")


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
            raise Refusal(f"{raw} has no unit", f"write {raw}s if you mean seconds")
        match = _DURATION.fullmatch(raw) if isinstance(raw, str) and raw else None
        if not match:
            raise Refusal(f"{kind_of(raw)} is no duration", fix)
        return cls(int(match["h"] or 0) * 3600 + int(match["m"] or 0) * 60 + int(match["s"] or 0))

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
            hint = f"write {raw}%" if isinstance(raw, int) and not isinstance(raw, bool) else "write it as 70%"
            raise Refusal(f"{kind_of(raw)} is no percentage", hint)
        if not 1 <= int(match[1]) <= 100:
            raise Refusal(f"{raw} is outside 1% to 100%", "for example 70%")
        return cls(int(match[1]))

    def __str__(self) -> str:
        return f"{self.value}%"


@dataclass(frozen=True)
class Text:
    """A string of one form: `check` returns why a string is refused, or None."""

    what: str
    check: Callable[[str], str | None]
    example: str

    def parse(self, raw: Any) -> str:
        """Reads the YAML value. Raises: Refusal."""
        if not isinstance(raw, str):
            quote = f'write "{raw}"' if isinstance(raw, int | float) and not isinstance(raw, bool) else ""
            if quote and self.check(str(raw)) is None:
                raise Refusal(f"{kind_of(raw)} must be in quotes to be {self.what}", quote)
            raise Refusal(f"{kind_of(raw)} is no {self.what}", f"for example {self.example}")
        reason = self.check(raw)
        if reason:
            raise Refusal(f'"{raw}" is no {self.what}: {reason}', f"for example {self.example}")
        return raw

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _schema(self.parse)


def _pattern(pattern: str, reason: str, limit: int = 253) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)

    def check(text: str) -> str | None:
        if len(text) > limit:
            return f"it has {len(text)} characters, {limit} is the limit"
        return None if compiled.fullmatch(text) else reason

    return check


_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_LABEL_RULE = "use lower-case letters, digits and '-', begin with a letter, end with a letter or digit"

DnsLabel: TypeAlias = Annotated[str, Text("name", _pattern(_LABEL, _LABEL_RULE, 63), "quant-api")]
"""A name that is valid for a Service (RFC 1035 label, 63 characters), so for every object that we name after it."""

DnsName: TypeAlias = Annotated[
    str,
    Text(
        "host name",
        _pattern(
            r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+",
            "use lower-case labels with dots between them",
        ),
        "api.example.com",
    ),
]
HttpPath: TypeAlias = Annotated[
    str, Text("URL path", _pattern(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", "begin with /"), "/health")
]
EnvKey: TypeAlias = Annotated[
    str, Text("environment variable", _pattern(r"[A-Z][A-Z0-9_]*", "use A-Z, 0-9 and _"), "LOG_FORMAT")
]
Plain: TypeAlias = Annotated[str, Text("text", _pattern(r"(?s).+", "it is empty", 4096), '"false"')]
Reason: TypeAlias = Annotated[
    str,
    Text("reason", _pattern(r"(?s).{12,}", "say in a sentence why", 500), '"the digest is known after the first push"'),
]
LabelKey: TypeAlias = Annotated[
    str,
    Text(
        "label key",
        _pattern(
            r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
            "use an optional DNS prefix and '/', then at most 63 letters, digits, '-', '_' or '.'",
            317,
        ),
        "nvidia.com/gpu",
    ),
]
LabelValue: TypeAlias = Annotated[
    str,
    Text(
        "label value",
        _pattern(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", "use letters, digits, '-', '_' and '.'", 63),
        '"true"',
    ),
]
InstanceType: TypeAlias = Annotated[
    str, Text("instance type", _pattern(r"[a-z0-9-]+\.[a-z0-9-]+", "it looks like m6i.xlarge", 40), "m6i.xlarge")
]
Region: TypeAlias = Annotated[
    str, Text("AWS region", _pattern(r"[a-z]{2}(-[a-z]+)+-[0-9]", "it looks like us-west-2"), "us-west-2")
]
Zone: TypeAlias = Annotated[
    str, Text("availability zone", _pattern(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]", "it looks like us-west-2a"), "us-west-2a")
]
AccountId: TypeAlias = Annotated[
    str, Text("AWS account id", _pattern(r"[0-9]{12}", "it has 12 digits, in quotes"), '"111122223333"')
]
KubernetesVersion: TypeAlias = Annotated[
    str, Text("Kubernetes version", _pattern(r"1\.[1-9][0-9]", "give major.minor"), '"1.34"')
]
Arn: TypeAlias = Annotated[
    str,
    Text(
        "ARN",
        _pattern(
            r"arn:(aws|aws-cn|aws-us-gov):[a-z0-9-]+:([a-z0-9-]+)?:([0-9]{12}|aws)?:[A-Za-z0-9_+=,.@/:*-]+",
            "it looks like arn:aws:<service>:<region>:<account>:<resource>",
            2048,
        ),
        "arn:aws:acm:us-west-2:111122223333:certificate/12345678-1234-1234-1234-123456789012",
    ),
]
ImageRepository: TypeAlias = Annotated[
    str,
    Text(
        "image repository",
        _pattern(
            r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
            "use lower-case letters, digits, '.', '_', '-' and '/', without tag or digest",
            200,
        ),
        "gateway",
    ),
]
ImageTag: TypeAlias = Annotated[
    str,
    Text("image tag", _pattern(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "use letters, digits, '.', '_' and '-'", 128), "v1.0.0"),
]
ImageDigest: TypeAlias = Annotated[
    str,
    Text("image digest", _pattern(r"sha256:[0-9a-f]{64}", "it is sha256: and 64 hex digits"), "sha256:<64 hex digits>"),
]
HubRepository: TypeAlias = Annotated[
    str,
    Text(
        "Hugging Face repository",
        _pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*", "it is <owner>/<name>", 96),
        "mistralai/Mistral-7B-Instruct-v0.3",
    ),
]
Revision: TypeAlias = Annotated[
    str,
    Text("revision", _pattern(r"[0-9a-f]{40}", "it is a commit of 40 hex digits; a branch moves"), "<40 hex digits>"),
]
FileName: TypeAlias = Annotated[
    str, Text("file name", _pattern(r"[A-Za-z0-9][-A-Za-z0-9._]*", "use letters, digits, '-', '_' and '.'"), "api-key")
]
ConfigKey: TypeAlias = Annotated[
    str,
    Text("config key", _pattern(r"[A-Za-z][A-Za-z0-9_-]*", "use letters, digits, '-' and '_'", 128), "gatewayApiKey"),
]


def _file_path(text: str) -> str | None:
    return "it is empty or has control characters" if not text.strip() or not text.isprintable() else None


FilePath: TypeAlias = Annotated[str, Text("file path", _file_path, "~/.kube/config")]


def _cidr(text: str) -> str | None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        return str(error)
    return None if "/" in text else "the prefix length is missing"


Cidr: TypeAlias = Annotated[str, Text("CIDR", _cidr, "10.0.0.0/16")]


@dataclass(frozen=True)
class Integer:
    """A whole number from `low` to `high`."""

    what: str
    low: int
    high: int
    example: int

    def parse(self, raw: Any) -> int:
        """Reads the YAML value. Raises: Refusal."""
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Refusal(f"{kind_of(raw)} is no {self.what}", f"give a whole number, for example {self.example}")
        if not self.low <= raw <= self.high:
            raise Refusal(f"{raw} is outside {self.low} to {self.high}", f"for example {self.example}")
        return raw

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _schema(self.parse, int)


Port: TypeAlias = Annotated[int, Integer("port", 1, 65535, 8000)]
ContainerPort: TypeAlias = Annotated[int, Integer("port that a non-root process may open", 1024, 65535, 8000)]
Replicas: TypeAlias = Annotated[int, Integer("number of replicas", 1, 1000, 2)]
Count: TypeAlias = Annotated[int, Integer("count", 0, 100_000, 10)]
Weight: TypeAlias = Annotated[int, Integer("weight in percent", 0, 100, 80)]
UserId: TypeAlias = Annotated[int, Integer("user or group id other than root", 1, 2**31 - 1, 10001)]
Times: TypeAlias = Annotated[int, Integer("number of times", 1, 1000, 3)]
PriorityValue: TypeAlias = Annotated[int, Integer("priority", -1_000_000_000, 1_000_000_000, 1000)]
