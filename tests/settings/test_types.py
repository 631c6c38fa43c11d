"""Names, addresses, versions, numbers: accepted forms, refusals with a fix that works, and no other exception ever."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from settings.types import Refusal
from settings.yaml_reader import read_text
from tests.settings.support import JSON, suggested, value_types

TYPES = value_types()
DIGEST = "sha256:" + "0123456789abcdef" * 4
COMMIT = "0123456789" * 4

ACCEPTED: dict[str, list[Any]] = {
    "DnsLabel": ["a", "quant-api", "a1", "a" * 63],
    "DnsName": ["api.example.com", "a.b", "1.example", "x-1.y-2.z"],
    "HttpPath": ["/", "/health", "/a/b-c_d.e~f?".rstrip("?"), "/%20"],
    "EnvKey": ["A", "LOG_LEVEL", "A1_"],
    "Plain": ["false", " ", "😀", "two\nlines\tand a tab"],
    "Reason": ["because it is so", "x" * 500],
    "LabelKey": ["app", "nvidia.com/gpu", "a.b-c.d/E_f.g", "x" * 63, f"{'a' * 63}.b/{'x' * 63}"],
    "LabelValue": ["", "true", "A_b.c-d", "x" * 63],
    "InstanceType": ["m6i.xlarge", "u-6tb1.metal", "g6e.12xlarge"],
    "Region": ["us-west-2", "us-gov-west-1", "cn-north-1"],
    "Zone": ["us-west-2a", "us-gov-west-1b"],
    "AccountId": ["111122223333", "000000000001"],
    "KubernetesVersion": ["1.30", "1.35"],
    "Arn": [
        "arn:aws:acm:us-west-2:111122223333:certificate/12345678-1234-1234-1234-123456789012",
        "arn:aws:iam::111122223333:role/a",
        "arn:aws-cn:s3:::bucket",
    ],
    "ImageRepository": ["gateway", "team/quant-api", "a_b.c--d/e", "a__b"],
    "ImageTag": ["v1.0.0", "latest", "_", "A" * 128],
    "ImageDigest": [DIGEST],
    "HubRepository": ["mistralai/Mistral-7B-Instruct-v0.3"],
    "Revision": [COMMIT],
    "FileName": ["api-key", "a.b_c"],
    "ConfigKey": ["gatewayApiKey", "a-b_c"],
    "FilePath": ["~/.kube/config", "a b/c", "/x"],
    "Cidr": ["10.0.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "::/0", "2001:db8::/32"],
    "EndpointName": ["quant-endpoint", "Quant1", "a"],
    "EngineVersion": ["0.19.1", "26.1.0", "0.0.0"],
    "Argument": ["--enable-prefix-caching", "--a=b", '--rope-scaling={"type":"yarn"}', "--a=--b"],
    "FilePattern": ["*.gguf", "consolidated.safetensors", "original/*", "_a?.bin"],
    "StorageClass": ["efs", "gp3.retain", "x-1"],
    "SecretPath": ["llmplatform-dev/hugging-face-token", "a", "A_b+c=d.e@f"],
    "SslPolicy": ["ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08"],
    "BucketName": ["acme-alb-logs", "a1b", "a" * 63],
    "Port": [1, 80, 65535],
    "ContainerPort": [1024, 8000, 65535],
    "Replicas": [1, 1000],
    "Count": [0, 100_000],
    "PodCount": [0, 1000],
    "Gpus": [1, 8],
    "Tokens": [1, 8192, 100_000_000],
    "Sequences": [1, 100_000],
    "LoraRank": [1, 512],
    "Weight": [0, 100],
    "UserId": [1, 10001],
    "Times": [1, 1000],
    "PriorityValue": [-1_000_000_000, 0, 1_000_000_000],
}

REFUSED: list[tuple[str, Any, str, str]] = [
    ("DnsLabel", "Quant", "lower-case", "quant-api"),
    ("DnsLabel", "1st", "begin with a letter", "quant-api"),
    ("DnsLabel", "a" * 64, "64 characters, 63 is the limit", "quant-api"),
    ("DnsLabel", "a\nb", '"a\\nb" is no name', "quant-api"),
    ("DnsLabel", True, "the truth value true is no name: without quotes YAML reads a truth value", 'write "true"'),
    ("DnsLabel", None, "nothing is no name", "quant-api"),
    ("DnsLabel", 1, "the number 1 is no name", "quant-api"),
    ("DnsName", "localhost", "dots between them", "api.example.com"),
    ("DnsName", "10.0.0.1", "no IP address", "api.example.com"),
    ("DnsName", "*.example.com", "is no host name", "api.example.com"),
    ("HttpPath", "health", "begin with /", "/health"),
    ("EnvKey", "logLevel", "A-Z, 0-9 and _", "LOG_FORMAT"),
    ("Plain", "", "it is empty", '"false"'),
    ("Plain", True, "without quotes YAML reads a truth value", 'write "true"'),
    ("Plain", 1.5, "without quotes YAML reads a number", 'write "1.5"'),
    ("Plain", "a\0b", "control characters", '"false"'),
    ("Plain", "x" * 4097, "4097 characters, 4096 is the limit", '"false"'),
    ("Reason", "later", "say in a sentence why", '"the digest is known after the first push"'),
    ("Reason", " " * 20, "say in a sentence why", '"the digest is known after the first push"'),
    ("Reason", "x" * 501, "501 characters, 500 is the limit", '"the digest'),
    ("LabelKey", "a..b/c", "DNS prefix", "nvidia.com/gpu"),
    ("LabelKey", f"{'a.' * 127}bb/c", "DNS prefix", "nvidia.com/gpu"),
    ("LabelValue", "a b", "letters, digits", '"true"'),
    ("InstanceType", "m6i", "m6i.xlarge", "m6i.xlarge"),
    ("Region", "us-west", "us-west-2", "us-west-2"),
    ("Region", "us-iso-east-1", "no isolated partition", "us-west-2"),
    ("Zone", "us-west-2", "us-west-2a", "us-west-2a"),
    ("AccountId", 111122223333, "without quotes YAML reads a number", 'write "111122223333"'),
    ("AccountId", "11112222333", "12 digits", '"111122223333"'),
    ("KubernetesVersion", 1.3, "without quotes YAML reads a number (and 1.30 as 1.3)", 'write "1.30"'),
    ("KubernetesVersion", 1.35, "without quotes YAML reads a number", 'write "1.35"'),
    ("KubernetesVersion", "v1.35", "major.minor", '"1.34"'),
    ("KubernetesVersion", "1.35.1", "major.minor", '"1.34"'),
    ("Arn", "arn:aws:acm", "arn:aws:<service>", "arn:aws:acm:"),
    ("ImageRepository", "gateway:v1", "without tag or digest", "gateway"),
    ("ImageRepository", "Gateway", "lower-case", "gateway"),
    ("ImageRepository", "quant..api", "between them", "gateway"),
    ("ImageTag", 1.5, "without quotes", 'write "1.5"'),
    ("ImageTag", "a:b", "letters, digits", "v1.0.0"),
    ("ImageDigest", "sha256:abc", "64 hex digits", "sha256:"),
    ("HubRepository", "mistral", "<owner>/<name>", "mistralai/"),
    ("Revision", "main", "a branch moves", "c170c708"),
    ("FileName", "a/b", "letters, digits", "api-key"),
    ("ConfigKey", "a:b", "letters, digits", "gatewayApiKey"),
    ("FilePath", " ", "it is empty", "~/.kube/config"),
    ("Cidr", "10.0.0.0", "prefix length is missing", "10.0.0.0/16"),
    ("Cidr", "10.0.0.1/16", "write 10.0.0.0/16", "10.0.0.0/16"),
    ("Cidr", "10.0.0.0/255.255.0.0", "write 10.0.0.0/16", "10.0.0.0/16"),
    ("Cidr", "2001:DB8::/32", "write 2001:db8::/32", "10.0.0.0/16"),
    ("Cidr", "10.0.0/16", "it is no address range", "10.0.0.0/16"),
    ("EndpointName", "-a", "between them", "quant-endpoint"),
    ("EngineVersion", "v0.19.1", "major.minor.patch", '"0.19.1"'),
    ("EngineVersion", "0.19", "major.minor.patch", '"0.19.1"'),
    ("EngineVersion", 0.19, "the number 0.19 is no engine version", '"0.19.1"'),
    ("Argument", "-a", "--flag or --flag=value", "--enable-prefix-caching"),
    ("Argument", "--max-model-len 4096", "--flag or --flag=value", "--enable-prefix-caching"),
    ("Argument", "--a=", "--flag or --flag=value", "--enable-prefix-caching"),
    ("Argument", "--a=b\n", "--flag or --flag=value", "--enable-prefix-caching"),
    ("FilePattern", "/etc/passwd", "letters, digits", "*.gguf"),
    ("FilePattern", "--force", "letters, digits", "*.gguf"),
    ("FilePattern", "[ab].bin", "letters, digits", "*.gguf"),
    ("StorageClass", "Efs", "lower-case", "efs"),
    ("StorageClass", "efs.", "lower-case", "efs"),
    ("SecretPath", "/a", "letters, digits", "hugging-face-token"),
    ("SecretPath", "a b", "letters, digits", "hugging-face-token"),
    ("SecretPath", "x" * 513, "513 characters, 512 is the limit", "hugging-face-token"),
    ("SslPolicy", "TLS13", "begins with ELBSecurityPolicy-", "ELBSecurityPolicy-TLS13"),
    ("BucketName", "ab", "3 to 63", "acme-alb-logs"),
    ("BucketName", "s3://acme", "3 to 63", "acme-alb-logs"),
    ("BucketName", "acme-", "3 to 63", "acme-alb-logs"),
    ("Port", 0, "the number 0 is outside 1 to 65535", "8000"),
    ("Port", "8000", 'the text "8000" is no port', "write 8000 without quotes"),
    ("Port", "99999", "is no port", "8000"),
    ("Port", 80.5, "the number 80.5 is no port", "8000"),
    ("Port", True, "the truth value true is no port", "8000"),
    ("Port", 10**100, "a huge number is outside", "8000"),
    ("ContainerPort", 80, "the number 80 is outside 1024 to 65535", "8000"),
    ("Replicas", 0, "outside 1 to 1000", "2"),
    ("Count", -1, "outside 0 to 100000", "1"),
    ("PodCount", 1001, "outside 0 to 1000", "1"),
    ("Gpus", 0, "outside 1 to 8", "1"),
    ("Gpus", 9, "outside 1 to 8", "1"),
    ("Tokens", 0, "outside 1 to 100000000", "8192"),
    ("Tokens", "8192", 'the text "8192" is no number of tokens', "write 8192 without quotes"),
    ("Sequences", 0, "outside 1 to 100000", "64"),
    ("LoraRank", 513, "outside 1 to 512", "16"),
    ("Weight", 101, "outside 0 to 100", "80"),
    ("UserId", 0, "outside 1 to", "10001"),
    ("Times", 0, "outside 1 to 1000", "3"),
    ("PriorityValue", 2_000_000_000, "outside -1000000000 to 1000000000", "1000"),
]


def test_the_table_of_accepted_forms_has_every_type() -> None:
    assert set(ACCEPTED) == set(TYPES) - {"Cpu", "Duration", "Memory", "Percent"}
    assert {name for name, *_ in REFUSED} == set(ACCEPTED)


@pytest.mark.parametrize(("name", "raw"), [(name, raw) for name, values in ACCEPTED.items() for raw in values])
def test_each_accepted_form_is_kept_as_it_is(name: str, raw: Any) -> None:
    assert TYPES[name].parse(raw) == raw


@pytest.mark.parametrize(("name", "raw", "reason", "fix"), REFUSED)
def test_each_refused_form_is_answered_with_why_and_a_value_that_is_taken(
    name: str, raw: Any, reason: str, fix: str
) -> None:
    with pytest.raises(Refusal) as refused:
        TYPES[name].parse(raw)
    assert reason in refused.value.reason
    assert fix in refused.value.fix
    values = suggested(refused.value.fix)
    assert values
    for value in values:
        TYPES[name].parse(value)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_the_example_of_each_type_is_taken_as_yaml_reads_it(name: str) -> None:
    TYPES[name].parse(read_text(str(TYPES[name].example), "example").data)


def outcome(name: str, raw: Any) -> Any:
    """The value, or the refusal; any other exception fails the test."""
    try:
        return TYPES[name].parse(raw)
    except Refusal as refusal:
        return refusal


@hypothesis_settings(max_examples=120, deadline=None, derandomize=True)
@given(JSON | st.from_regex(r"-?[0-9.]{1,9} ?[a-zA-Z%]{0,3}", fullmatch=True))
def test_no_value_of_any_kind_raises_anything_but_a_refusal_with_a_working_fix(raw: Any) -> None:
    for name in TYPES:
        found = outcome(name, raw)
        if not isinstance(found, Refusal):
            assert TYPES[name].parse(found if isinstance(found, int) else str(found)) == found
            continue
        assert found.reason
        assert "\n" not in found.reason + found.fix
        assert suggested(found.fix), found.fix
        for fix in suggested(found.fix):
            TYPES[name].parse(fix)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_number_too_long_to_be_written_is_refused_like_any_other(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        TYPES[name].parse(10**5000)
    assert len(refused.value.reason) < 200
