"""Nothing is accepted and ignored: changing any field of the settings changes a resource, an export or a verdict."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pulumi
import pytest
from pydantic import BaseModel

from components.llm_platform import LlmPlatform, LlmPlatformArgs
from policy.graph import Graph
from settings.annotations import _unwrap
from settings.aws_types import RETENTION, Retention
from settings.problems import SettingsError
from settings.resolve import Resolved
from settings.spec import Spec
from settings.types import Cpu, Duration, Integer, Memory, Percent, Text
from tests.support import TINY_SECRETS, on_eks, put, resolved, tiny
from workbench.plan import report
from workbench.plan.manifests import plan_json
from workbench.plan.recorder import record
from workbench.plan.stack import judged

ID = "12345678-1234-1234-1234-123456789012"
FULL = tiny(
    aws__load_balancer_cidrs=["192.168.0.0/24"],
    aws__endpoint_cidrs=["192.168.1.0/24"],
    aws__control_plane_cidrs=["192.168.2.0/24"],
    cluster__context="mine",
    cluster__kubeconfig="mine.yaml",
    registry__host="registry.example.com",
    ingress__waf_arn=f"arn:aws:wafv2:us-west-2:999988887777:regional/webacl/tiny/{ID}",
    ingress__access_log={"bucket": "tiny-logs", "prefix": "doors"},
    hub__token__key="tiny/token",
    hub__token__field="value",
    tiers__small__quota={
        "requests": {"gpu": 8, "memory": "32Gi"},
        "limits": {"cpu": "16", "memory": "64Gi"},
        "pods": 20,
    },
    namespaces__front__webhooks={"guard": 9443},
    daemonsets__agent__pools=["general"],
    node_pools__cheap__zones=["us-west-2a"],
    node_pools__cheap__labels={"tiny/kind": "cheap"},
    node_pools__gpu__headroom={"namespace": "back", "priority": "spare"},
    node_pools__steady={
        "instance_types": ["g6.xlarge"],
        "capacity": "on-demand",
        "min": 0,
        "max": 2,
        "gpus": 1,
        "taints": [{"key": "nvidia.com/gpu", "value": "present"}],
        "node_start_up": "180s",
    },
    priorities__spare={"value": -1, "preempts": False, "description": "makes way"},
    services__door__disruption={"max_unavailable": 1},
    services__door__image={"repository": "door", "tag": "v2", "unpinned": "not pushed in a test"},
    services__door__ingress={"host": "door.example.com", "name": "front-door"},
    services__door__longest_request="40s",
    services__door__service_account="door-account",
    services__door__config_map="door-variables",
    services__worker__disruption={"min_available": 1},
    services__worker__scaling__metrics={"cpu": "70%", "memory": "80%"},
    services__worker__scaling__behavior={
        "scale_up": {"window": "60s", "rates": [{"percent": "50%", "period": "30s"}]},
        "scale_down": {"window": "5m", "rates": [{"pods": 2, "period": "60s"}]},
    },
    caches__store__storage_class="efs",
    caches__store__priority="serving",
    models__mind__source={
        "hub": "someone/else",
        "unpinned": "not published in a test",
        "skip": ["*.gguf"],
        "size": "13Gi",
        "kv_per_token": "128Ki",
        "max_len": 32768,
    },
    models__mind__adapters__blue__skip=["*.bin"],
    models__mind__engine={"max_num_seqs": 64, "arguments": ["--enable-prefix-caching"]},
    models__mind__start_up__within="1h",
    models__mind__floor={"pool": "steady"},
    models__mind__disruption={"max_unavailable": 1},
    models__mind__longest_request="50s",
    models__mind__priority="serving",
    models__mind__probes={"liveness": {"period": "20s", "failures": 6, "timeout": "9s"}},
)
"""tests/data/tiny.yaml with every optional thing said, so that each field has a value to change."""

EKS = on_eks(
    aws__quotas={},
    aws__tags={"cost-center": "4711"},
    buckets={"doors": {"holds": "load-balancer-logs", "expire": 30}},
    cluster__access={
        "team": {
            "principal": "arn:aws:iam::999988887777:role/team",
            "policy": "edit",
            "namespaces": ["front", "back"],
        }
    },
    cluster__endpoint={"private_cidrs": ["10.9.0.0/16"], "public_cidrs": ["203.0.113.5/32"]},
    cluster__network__nat="one",
    cluster__charts="oci://registry.example.com/charts",
    cluster__dns={"zone": "example.com", "zone_id": "Z0123456789ABCDEFGHIJ", "certificate": True},
    ingress__certificate_arn=None,
    ingress__access_log={"bucket": "tiny-dev-doors-999988887777-us-west-2"},
    node_pools__general__scale_down_after="5m",
    node_pools__general__ami_release="1.35.1-20260810",
    node_pools__steady={
        "instance_types": ["g6.xlarge"],
        "capacity": "on-demand",
        "min": 0,
        "max": 1,
        "gpus": 1,
        "taints": [{"key": "nvidia.com/gpu", "value": "present"}],
        "node_start_up": "180s",
    },
    services__worker__permissions=[
        {
            "actions": ["s3:GetObject", "s3:ListBucket"],
            "resources": ["arn:aws:s3:::models", "arn:aws:s3:::models/*"],
            "conditions": {"StringEquals": {"aws:ResourceAccount": ["999988887777"]}},
        }
    ],
)
"""The smallest platform on a cluster that this program makes, with everything said that there is to say of it."""
OTHERWISE = tiny(
    hub__token={"kind": "config", "key": "hubToken"},
    models__mind__engine={
        "kind": "max-serve",
        "max_length": 4096,
        "max_batch_size": 16,
        "quantization_encoding": "bfloat16",
        "arguments": ["--trace"],
    },
)
"""What FULL says in another way: the other engine, and a token of the stack file."""
OVERLAYS = (FULL, EKS, OTHERWISE)
ONLY_ON_EKS = {
    *("Aws.tags", "Disk.iops", "Disk.size", "Disk.throughput", "NodePool.ami_release", "NodePool.scale_down_after"),
    *("Quotas.g", "Quotas.g_spot", "Quotas.standard", "Quotas.standard_spot", "Registry.keep"),
}
"""What only a cluster that this program makes is made of, wherever it is said."""
SECRETS = (*TINY_SECRETS, "hubToken")
OTHER_TEXTS: dict[str, tuple[Any, ...]] = {
    "name": ("other-name", "another-name"),
    "host name": ("other.example.com",),
    "URL path": ("/other",),
    "text": ("other",),
    "reason": ("another reason to have no digest",),
    "SageMaker endpoint": ("other-endpoint",),
    "label key": ("tiny/other",),
    "label value": ("other",),
    "AWS region": ("eu-west-1",),
    "availability zone": ("us-west-2b", "us-west-2a"),
    "AWS account id": ("222233334444",),
    "Kubernetes version": ("1.34", "1.33"),
    "ARN": (
        "arn:aws:acm:us-west-2:999988887777:certificate/87654321-1234-1234-1234-123456789012",
        "arn:aws:iam::999988887777:role/other",
    ),
    "image repository": ("other",),
    "image tag": ("v9.9.9",),
    "image digest": ("sha256:" + "a" * 64,),
    "Hugging Face repository": ("other/model",),
    "revision": ("b" * 40,),
    "config key": ("otherKey",),
    "file path": ("other.yaml",),
    "CIDR": ("10.128.0.0/16", "192.168.9.0/24"),
    "instance type": ("m6i.2xlarge",),
    "engine version": ("0.18.0", "25.9.0"),
    "command line argument": ("--other",),
    "file pattern": ("*.other",),
    "storage class": ("other",),
    "secret name": ("other/token",),
    "TLS policy": ("ELBSecurityPolicy-2016-08",),
    "bucket name": ("other-logs",),
    "release of an EKS image": ("1.35.2-20260901",),
    "service with a VPC endpoint": ("ssm",),
    "hosted zone id": ("Z9876543210ABCDEFGHIJ",),
    "tag value": ("0815",),
    "IAM action": ("s3:PutObject",),
    "condition operator": ("StringLike",),
    "condition key": ("aws:SourceVpc",),
    "source of charts": ("oci://mirror.example.com/charts",),
}
MASKED = {("ExistingCluster", "kubeconfig"): "only the engine reads the file; tests/settings covers it"}
"""Fields whose effect a plan does not show, and what does."""


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[type[Spec], str, tuple[Any, ...], Any]]:
    """(model, field, path, value) of every field in a tree of specs."""
    if isinstance(value, Spec):
        for name in type(value).model_fields:
            yield type(value), name, (*path, name), getattr(value, name)
            yield from fields(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from fields(item, (*path, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from fields(item, (*path, index))


def alternatives(model: type[Spec], name: str, value: Any) -> list[Any]:
    """Other values that the field's type takes, as YAML would hold them."""
    info = model.model_fields[name]
    annotation = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    out: list[Any] = []
    for choice in _unwrap(annotation):
        out += _of(choice, value)
    return [other for other in out if str(other) != str(value)]


def _of(choice: Any, value: Any) -> list[Any]:
    for metadata in getattr(choice, "__metadata__", ()):
        if isinstance(metadata, Text):
            return list(OTHER_TEXTS.get(metadata.what, ("other",)))
        if isinstance(metadata, Retention):
            return list(RETENTION)
        if isinstance(metadata, Integer):
            return [value + 1 if isinstance(value, int) else metadata.low + 2]
    simple = {Cpu: "321m", Memory: "123Mi", Duration: "77s", Percent: "61%", bool: not value}
    if choice in simple:
        return [simple[choice]]
    if get_origin(choice) is Literal:
        return list(get_args(choice))
    if get_origin(choice) is tuple:
        items = [str(v) for v in value or () if not isinstance(v, BaseModel)]
        return [items[:-1]] if items else []
    if get_origin(choice) is dict and value:
        first, old = next(iter(value.items()))
        return [{first: other} for other in _of(_unwrap(get_args(choice)[1])[0], old)]
    return []


@cache
def effect(text: str, *, whole: bool = True) -> str:
    """Everything that a user sees of an overlay: resources, exports, verdicts; or the refusal.

    With `whole=False` only what the report says of the settings themselves: no resource is made, which takes nearly
    all of the time, and whatever differs there differs in the whole, too.
    """
    try:
        settings = resolved(json.loads(text), SECRETS)
    except SettingsError as error:
        refusals = error.problems
    else:
        plan = judged("test", settings, planned(settings) if whole else Graph(()))
        return json.dumps(plan_json(plan), sort_keys=True) + report.text(plan, Path("out"), 0)
    # A tier gives its namespaces their shape, so that an unknown one is found with the shape.
    assert not [p for p in refusals if p.rule == "shape" and p.path[-1] != "tier"], refusals
    return str(refusals)


def planned(resolved_settings: Resolved) -> Any:
    def program() -> None:
        kubeconfig = pulumi.Output.secret("masked")
        secrets = {key: pulumi.Output.secret("masked") for key in (*SECRETS, "otherKey")}
        args = LlmPlatformArgs(settings=resolved_settings.settings, secrets=secrets, kubeconfig=kubeconfig)
        for key, value in LlmPlatform("tiny", args).outputs.items():
            pulumi.export(key, value)

    return record(program, project="llmplatform", stack="test", config={})[0]


def cases() -> list[Any]:
    seen: dict[tuple[str, str], Any] = {}
    for overlay in OVERLAYS:
        for model, name, path, value in fields(resolved(overlay, SECRETS).settings):
            if name == "base" or (overlay is not EKS and f"{model.__name__}.{name}" in ONLY_ON_EKS):
                continue  # another base is another platform
            for other in alternatives(model, name, value):
                key = (model.__name__, name)
                seen.setdefault(key, pytest.param(overlay, path, [], id=".".join(key)))
                if other not in seen[key].values[2]:
                    seen[key].values[2].append(other)
    return list(seen.values())


CASES = cases()


@pytest.mark.parametrize(("overlay", "path", "others"), CASES)
def test_changing_a_field_changes_what_a_user_sees(
    overlay: dict[str, Any], path: tuple[Any, ...], others: list[Any], request: pytest.FixtureRequest
) -> None:
    key = tuple(request.node.callspec.id.split("."))
    if key in MASKED:
        assert effect(json.dumps(changed(overlay, path, others[0]))) == effect(json.dumps(overlay))
    else:
        assert any(differs(overlay, changed(overlay, path, other)) for other in others), path


def differs(overlay: dict[str, Any], other: dict[str, Any]) -> bool:
    """True if a user sees a difference between two overlays."""
    before, after = json.dumps(overlay), json.dumps(other)
    return effect(before, whole=False) != effect(after, whole=False) or effect(before) != effect(after)


def changed(overlay: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The overlay with another value at `path`; a list on the way is written out whole."""
    out = copy.deepcopy(overlay)
    for index, part in enumerate(path):
        if isinstance(part, int):
            items = _plain(_at(resolved(overlay, SECRETS).settings, path[:index]))
            if index == len(path) - 1:
                items[part] = value
            else:
                put(items[part], path[index + 1 :], value)
            put(out, path[:index], items)
            return out
    put(out, path, value)
    return out


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = getattr(value, part) if isinstance(value, Spec) else value[part]
    return value


def _plain(items: Any) -> list[Any]:
    return [item.model_dump(mode="json", exclude_none=True) if isinstance(item, Spec) else str(item) for item in items]


def test_every_field_of_every_model_is_among_the_cases_or_has_no_other_value() -> None:
    def models(cls: type[Spec]) -> set[type[Spec]]:
        return {cls}.union(*(models(sub) for sub in cls.__subclasses__()))

    tried = {tuple(case.id.split(".")) for case in CASES}
    reachable = {model for overlay in OVERLAYS for model, *_ in fields(resolved(overlay, SECRETS).settings)}
    untried = {
        (model.__name__, name)
        for model in models(Spec) - {Spec}
        for name, info in model.model_fields.items()
        if model in reachable or not model.__subclasses__()
        if (model.__name__, name) not in tried and not _only_nests(info.annotation)
    }
    one_value = {
        "ConfigToken.kind",
        "EksCluster.kind",
        "ExistingCluster.kind",
        "ExternalToken.kind",
        "FixedScaling.kind",
        "HpaScaling.kind",
        "MaxServe.kind",
        "NodePool.provisioner",
        "Observability.servers",
        "Vllm.kind",
    }
    assert {".".join(key) for key in untried} == {"PlatformSettings.base", *one_value}


def _only_nests(annotation: Any) -> bool:
    """True for a field that only holds other models: their fields are cases of their own."""

    def nested(choice: Any) -> bool:
        if get_origin(choice) in (dict, tuple):
            return nested(_unwrap(get_args(choice)[-1 if get_origin(choice) is dict else 0])[0])
        return isinstance(choice, type) and issubclass(choice, BaseModel)

    return all(nested(choice) for choice in _unwrap(annotation))
