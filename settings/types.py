"""Value types of the settings: each knows its form, its canonical spelling, and a message with a value that works."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from settings.problems import shown
from settings.quantities import Cpu, Duration, Memory, Percent, Refusal, kind_of, schema

__all__ = ["Cpu", "Duration", "Memory", "Percent", "Refusal", "kind_of"]  # value types too, in a file of their own


@dataclass(frozen=True)
class Text:
    """A string of one form: `check` returns why a string is refused, or None."""

    what: str
    check: Callable[[str], str | None]
    example: str

    def parse(self, raw: Any) -> str:
        """Reads the YAML value. Raises: Refusal."""
        if not isinstance(raw, str):
            raise self._unquoted(raw)
        reason = self.check(raw)
        if reason:
            raise Refusal(f"{shown(raw)} is no {self.what}: {reason}", f"for example {self.example}")
        return raw

    def _unquoted(self, raw: object) -> Refusal:
        """The refusal of a value that YAML does not read as text; without quotes 1.30 is the number 1.3."""
        plain = str(raw).lower() if isinstance(raw, bool) else str(raw) if isinstance(raw, float) else None
        if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 10**30:
            plain = str(raw)
        meant = [plain, f"{raw:.2f}" if isinstance(raw, float) else plain] if plain else []
        fix = next((f'write "{text}"' for text in meant if text and self.check(text) is None), None)
        if fix is None:
            return Refusal(f"{kind_of(raw)} is no {self.what}", f"for example {self.example}")
        read_as = "a truth value" if isinstance(raw, bool) else "a number"
        lost = " (and 1.30 as 1.3)" if isinstance(raw, float) else ""
        return Refusal(f"{kind_of(raw)} is no {self.what}: without quotes YAML reads {read_as}{lost}", fix)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return schema(self.parse)


def pattern(form: str, reason: str, limit: int = 253) -> Callable[[str], str | None]:
    """A check that a text has a form, and at most so many characters."""
    compiled = re.compile(form)

    def check(text: str) -> str | None:
        if len(text) > limit:
            return f"it has {len(text)} characters, {limit} is the limit"
        return None if compiled.fullmatch(text) else reason

    return check


_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_LABEL_RULE = "use lower-case letters, digits and '-', begin with a letter, end with a letter or digit"

DnsLabel: TypeAlias = Annotated[str, Text("name", pattern(_LABEL, _LABEL_RULE, 63), "quant-api")]
"""A name that is valid for a Service (RFC 1035 label, 63 characters), so for every object that we name after it."""

_DOMAIN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)"
DnsName: TypeAlias = Annotated[
    str,
    Text(
        "host name",
        pattern(
            rf"(?!.*\.[0-9]+$){_DOMAIN}+",
            "use lower-case labels with dots between them, and no IP address",
        ),
        "api.example.com",
    ),
]
HttpPath: TypeAlias = Annotated[
    str, Text("URL path", pattern(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", "begin with /"), "/health")
]
EnvKey: TypeAlias = Annotated[
    str, Text("environment variable", pattern(r"[A-Z][A-Z0-9_]*", "use A-Z, 0-9 and _"), "LOG_FORMAT")
]


def _plain(text: str) -> str | None:
    if len(text) > 4096:
        return f"it has {len(text)} characters, 4096 is the limit"
    if not text:
        return "it is empty"
    odd = any((ord(c) < 32 and c not in "\n\t") or ord(c) == 127 for c in text)
    return "it has control characters, which no container starts with" if odd else None


def _reason(text: str) -> str | None:
    if len(text.strip()) < 12:
        return "say in a sentence why"
    return None if len(text) <= 500 else f"it has {len(text)} characters, 500 is the limit"


Plain: TypeAlias = Annotated[str, Text("text", _plain, '"false"')]
Reason: TypeAlias = Annotated[str, Text("reason", _reason, '"the digest is known after the first push"')]
LabelKey: TypeAlias = Annotated[
    str,
    Text(
        "label key",
        pattern(
            rf"(?![^/]{{254}})({_DOMAIN}*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?",
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
        pattern(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", "use letters, digits, '-', '_' and '.'", 63),
        '"true"',
    ),
]
InstanceType: TypeAlias = Annotated[
    str, Text("instance type", pattern(r"[a-z0-9-]+\.[a-z0-9-]+", "it looks like m6i.xlarge", 40), "m6i.xlarge")
]
_REGION = "it looks like us-west-2, and lies in no isolated partition: of those nothing is known here"
Region: TypeAlias = Annotated[
    str, Text("AWS region", pattern(r"(?!.*-iso)[a-z]{2}(-[a-z]+)+-[0-9]", _REGION), "us-west-2")
]
Zone: TypeAlias = Annotated[
    str, Text("availability zone", pattern(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]", "it looks like us-west-2a"), "us-west-2a")
]
AccountId: TypeAlias = Annotated[
    str, Text("AWS account id", pattern(r"[0-9]{12}", "it has 12 digits, in quotes"), '"111122223333"')
]
KubernetesVersion: TypeAlias = Annotated[
    str, Text("Kubernetes version", pattern(r"1\.[1-9][0-9]", "give major.minor"), '"1.34"')
]
Arn: TypeAlias = Annotated[
    str,
    Text(
        "ARN",
        pattern(
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
        pattern(
            r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*",
            "use lower-case letters, digits, and '.', '_', '__', '-' or '/' between them, without tag or digest",
            200,
        ),
        "gateway",
    ),
]
ImageTag: TypeAlias = Annotated[
    str,
    Text("image tag", pattern(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "use letters, digits, '.', '_' and '-'", 128), "v1.0.0"),
]
ImageDigest: TypeAlias = Annotated[
    str,
    Text(
        "image digest", pattern(r"sha256:[0-9a-f]{64}", "it is sha256: and 64 hex digits"), f"sha256:{'e3b0c442' * 8}"
    ),
]
HubRepository: TypeAlias = Annotated[
    str,
    Text(
        "Hugging Face repository",
        pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*", "it is <owner>/<name>", 96),
        "mistralai/Mistral-7B-Instruct-v0.3",
    ),
]
Revision: TypeAlias = Annotated[
    str,
    Text(
        "revision",
        pattern(r"[0-9a-f]{40}", "it is a commit of 40 hex digits; a branch moves"),
        "c170c708c41dac9275d15a8fff4eca08d52bab71",
    ),
]
FileName: TypeAlias = Annotated[
    str, Text("file name", pattern(r"[A-Za-z0-9][-A-Za-z0-9._]*", "use letters, digits, '-', '_' and '.'"), "api-key")
]
ConfigKey: TypeAlias = Annotated[
    str,
    Text("config key", pattern(r"[A-Za-z][A-Za-z0-9_-]*", "use letters, digits, '-' and '_'", 128), "gatewayApiKey"),
]
EngineVersion: TypeAlias = Annotated[
    str,
    Text("engine version", pattern(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}", "give major.minor.patch"), '"0.19.1"'),
]
Argument: TypeAlias = Annotated[
    str,
    Text(
        "command line argument",
        pattern(r"--[a-z][a-z0-9-]*(=[^\s\x00-\x1f]{1,1000})?", "write --flag or --flag=value", 1200),
        "--enable-prefix-caching",
    ),
]
FilePattern: TypeAlias = Annotated[
    str,
    Text(
        "file pattern",
        pattern(r"[A-Za-z0-9*?_][A-Za-z0-9*?._/-]*", "use letters, digits, '.', '_', '-', '/', '*' and '?'"),
        '"*.gguf"',
    ),
]
StorageClass: TypeAlias = Annotated[
    str, Text("storage class", pattern(rf"{_DOMAIN}*", "use lower-case letters, digits, '-' and '.'"), "efs")
]
SecretPath: TypeAlias = Annotated[
    str,
    Text(
        "secret name",
        pattern(r"[A-Za-z0-9][A-Za-z0-9/_+=.@-]*", "use letters, digits and any of / _ + = . @ -", 512),
        "llmplatform-dev/hugging-face-token",
    ),
]
SslPolicy: TypeAlias = Annotated[
    str,
    Text(
        "TLS policy",
        pattern(r"ELBSecurityPolicy-[A-Za-z0-9-]+", "it begins with ELBSecurityPolicy-", 100),
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
    ),
]
BucketName: TypeAlias = Annotated[
    str,
    Text(
        "bucket name",
        pattern(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "use 3 to 63 lower-case letters, digits and '-'"),
        "acme-alb-logs",
    ),
]


def _file_path(text: str) -> str | None:
    return "it is empty or has control characters" if not text.strip() or not text.isprintable() else None


FilePath: TypeAlias = Annotated[str, Text("file path", _file_path, "~/.kube/config")]


def _cidr(text: str) -> str | None:
    if "/" not in text:
        return "the prefix length is missing"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "it is no address range"
    # Netmasks (/255.255.0.0), host bits and long forms of IPv6 are refused by Kubernetes or AWS.
    return None if str(network) == text else f"write {network}"


Cidr: TypeAlias = Annotated[str, Text("CIDR", _cidr, "10.0.0.0/16")]
EndpointName: TypeAlias = Annotated[
    str,
    Text(
        "SageMaker endpoint",
        pattern(r"[A-Za-z0-9](-*[A-Za-z0-9])*", "use letters, digits and '-' between them", 63),
        "quant-endpoint",
    ),
]


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
            fix = f"give a whole number, for example {self.example}"
            if isinstance(raw, str) and re.fullmatch(r"-?[0-9]{1,10}", raw) and self.low <= int(raw) <= self.high:
                fix = f"write {int(raw)} without quotes"
            raise Refusal(f"{kind_of(raw)} is no {self.what}", fix)
        if not self.low <= raw <= self.high:
            raise Refusal(f"{kind_of(raw)} is outside {self.low} to {self.high}", f"for example {self.example}")
        return raw

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return schema(self.parse, int)


Port: TypeAlias = Annotated[int, Integer("port", 1, 65535, 8000)]
ContainerPort: TypeAlias = Annotated[int, Integer("port that a non-root process may open", 1024, 65535, 8000)]
Replicas: TypeAlias = Annotated[int, Integer("number of replicas", 1, 1000, 2)]
Count: TypeAlias = Annotated[int, Integer("count", 0, 100_000, 1)]
PodCount: TypeAlias = Annotated[int, Integer("number of pods", 0, 1000, 1)]
Gpus: TypeAlias = Annotated[int, Integer("number of GPUs", 1, 8, 1)]
Tokens: TypeAlias = Annotated[int, Integer("number of tokens", 1, 100_000_000, 8192)]
Sequences: TypeAlias = Annotated[int, Integer("number of sequences", 1, 100_000, 64)]
LoraRank: TypeAlias = Annotated[int, Integer("LoRA rank", 1, 512, 16)]
Weight: TypeAlias = Annotated[int, Integer("weight in percent", 0, 100, 80)]
UserId: TypeAlias = Annotated[int, Integer("user or group id other than root", 1, 2**31 - 1, 10001)]
Times: TypeAlias = Annotated[int, Integer("number of times", 1, 1000, 3)]
PriorityValue: TypeAlias = Annotated[int, Integer("priority", -1_000_000_000, 1_000_000_000, 1000)]
