"""Wrong model settings as users make them, in prod's stack file: each is met by one message, with path and fix."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import pytest

from settings.problems import Path, dotted
from settings.resolve import PLATFORMS
from settings.yaml_reader import read_text
from tests.support import problems, stack_file


@dataclass(frozen=True)
class Wrong:
    """What somebody writes under the platform of Pulumi.prod.yaml, and what it is met with."""

    what: str
    yaml: str
    path: str
    says: tuple[str, ...]
    fix: str


def baseline(text: str) -> str:
    """One change of the baseline model."""
    return f"models: {{mistral-7b: {{{text}}}}}"


NEW = """
models:
  mixtral:
    namespace: llm-baseline
    engine: vllm
    source: {hub: mistralai/Mixtral-8x7B-Instruct-v0.1, size: 87Gi, unpinned: "tried out before it is pinned"}
    pool: gpu-spot
    cache: weights
    start_up: {image: 330s, warm_up: 200s}
    accept_outage: "nobody but us asks it yet"
  judge: null
services: {eval-api: {calls: [mistral-7b]}}
caches: {weights: {size: 300Gi}}
"""

WRONG = (
    Wrong("a model too large for the GPU", NEW, "models.mixtral.pool", ("weights 87.0Gi", "do not fit"), "quantized"),
    Wrong(
        "a context too long for what is left",
        baseline("engine: {max_model_len: 32768, gpu_memory: 80%}"),
        "models.mistral-7b.engine.max_model_len",
        ("32768 tokens do not fit: 80% of an A10G is 17.9Gi", "(pool gpu-spot)"),
        "at most 23552",
    ),
    Wrong(
        "a context longer than the model",
        "models: {mistral-7b-awq: {engine: {max_model_len: 65536}}}",
        "models.mistral-7b-awq.engine.max_model_len",
        ("65536 tokens are more than", "was made for, 32768"),
        "at most 32768",
    ),
    Wrong(
        "a budget shorter than its parts",
        baseline("start_up: {within: 10m}"),
        "models.mistral-7b.start_up.within",
        ("10m is shorter than its parts: node 5m + image 5m30s + weights 1m30s + warm-up 1m20s = 13m20s",),
        "at least 13m20s",
    ),
    Wrong(
        "weights faster than the file system",
        baseline("start_up: {weights: 5s}"),
        "models.mistral-7b.start_up.weights",
        ("5s is too short to read 13825Mi",),
        "at least 10s",
    ),
    Wrong(
        "a start without a warm-up",
        baseline("start_up: {warm_up: 0s}"),
        "models.mistral-7b.start_up.warm_up",
        ("nothing takes 0s",),
        "for example 60s",
    ),
    Wrong(
        "seconds without a unit",
        baseline("start_up: {image: 330}"),
        "models.mistral-7b.start_up.image",
        ("the number 330 has no unit",),
        "write 330s",
    ),
    Wrong(
        "an adapter without its rank",
        'models: {mistral-7b-lora: {adapters: {lora-v3: {hub: us/lora-v3, unpinned: "comes tomorrow, we hope"}}}}',
        "models.mistral-7b-lora.adapters.lora-v3",
        ("lacks rank",),
        "give rank: 16",
    ),
    Wrong(
        "an adapter that the gateway routes to is gone",
        "models: {mistral-7b-lora: {adapters: {lora-v2: null}}}",
        "services.gateway.routes.finetune.variants.lora-v2",
        ('no model that finetune-api calls has an adapter "lora-v2"',),
        "did you mean lora-v1?",
    ),
    Wrong(
        "an adapter with the name of a model",
        'models: {mistral-7b-lora: {adapters: {judge: {hub: us/j, rank: 8, unpinned: "comes tomorrow, we hope"}}}}',
        "models.mistral-7b-lora.adapters.judge",
        ("judge is the name of a model",),
        "another name",
    ),
    Wrong(
        "ten minutes for a request on spot",
        "models: {judge: {longest_request: 10m}}",
        "models.judge.longest_request",
        ("10m is too long", "a spot node of pool gpu-spot promises 1m50s in all"),
        "at most 1m20s",
    ),
    Wrong(
        "a volume for one node under many",
        "caches: {weights: {access_mode: ReadWriteOnce}}",
        "caches.weights.access_mode",
        ("ReadWriteOnce is for pods of one node, and its downloads run on pool general",),
        "ReadWriteMany",
    ),
    Wrong(
        "a volume for one node under replicas",
        "caches: {weights: {access_mode: ReadWriteOnce, pool: gpu-spot}}\nnode_pools: {gpu-spot: {max: 9}}\n"
        "aws: {quotas: {g_spot: 60}}",
        "caches.weights.access_mode",
        ("pool gpu-spot has up to 9 nodes for 7 replicas",),
        "ReadWriteMany",
    ),
    Wrong(
        "a volume too small",
        "caches: {weights: {size: 20Gi}}",
        "caches.weights.size",
        ("20Gi does not hold",),
        "at least 45Gi",
    ),
    Wrong(
        "an unknown quantization",
        baseline("engine: {quantization: int4}"),
        "models.mistral-7b.engine.quantization",
        ('the text "int4" is not a choice',),
        "awq",
    ),
    Wrong(
        "a quantization that the GPU cannot",
        "node_pools: {gpu-spot: {instance_types: [g4dn.xlarge], min_fitting_types: 1}}\n"
        "models: {mistral-7b: null, mistral-7b-lora: null, judge: null,"
        " mistral-7b-awq: {engine: {quantization: modelopt, max_model_len: 8192}}}\n"
        "services: {gateway: {routes: {finetune: {variants: null}}},"
        " quant-api: {calls: [mistral-7b-awq]}, finetune-api: {calls: []}, eval-api: {calls: []}}",
        "models.mistral-7b-awq.engine.quantization",
        ("modelopt needs compute capability 8.0, a T4 has 7.5",),
        "one of awq",
    ),
    Wrong(
        "an engine that nobody knows",
        baseline("engine: {kind: sglang}"),
        "models.mistral-7b.engine.kind",
        ('the text "sglang" is no kind of engine',),
        "use one of: max-serve, vllm",
    ),
    Wrong(
        "a version that YAML reads as a number",
        baseline("engine: {version: 0.31}"),
        "models.mistral-7b.engine.version",
        ("the number 0.31 is no engine version",),
        '"0.19.1"',
    ),
    Wrong(
        "a tag that is another version",
        baseline("engine: {image: {tag: v0.25.0, unpinned: 'the digest of our mirror is not known yet'}}"),
        "models.mistral-7b.engine.image.tag",
        ("the tag v0.25.0 is another version than 0.31.0",),
        'version: "0.25.0"',
    ),
    Wrong(
        "an argument that a setting makes",
        baseline("engine: {arguments: [--max-model-len=8192]}"),
        "models.mistral-7b.engine.arguments[0]",
        ("the platform sets --max-model-len itself",),
        "set engine.max_model_len",
    ),
    Wrong(
        "an argument that ends newer servers",
        baseline("engine: {arguments: [--disable-log-requests]}"),
        "models.mistral-7b.engine.arguments[0]",
        ("the platform sets --disable-log-requests itself",),
        "remove it",
    ),
    Wrong(
        "shared memory beyond the pod's",
        baseline("engine: {shared_memory: 8Gi}"),
        "models.mistral-7b.engine.shared_memory",
        ("8Gi is more than half of the memory limit",),
        "at most 6912Mi",
    ),
    Wrong(
        "one replica on spot, in prod",
        "node_pools: {gpu-spot: {headroom: null}}\nmodels: {judge: {accept_outage: null}}",
        "models.judge",
        ("a reclaim of its spot node takes it away for 13m20s", "node 5m + image 5m30s"),
        "replicas: 2 over two zones",
    ),
    Wrong(
        "more replicas than the pool has nodes",
        "namespaces: {llm-baseline: {quota: {requests: {cpu: '60', memory: 200Gi, gpu: 12},"
        " limits: {cpu: '70', memory: 300Gi}}}}\n" + baseline("replicas: 4"),
        "node_pools.gpu-spot.max",
        ("need 10 nodes of g5.xlarge, the pool ends at 8",),
        "at least 10",
    ),
    Wrong(
        "a surge at the limit of the pool",
        "models: {judge: {rollout: {max_surge: 1, max_unavailable: 0}}}",
        "node_pools.gpu-spot.max",
        ("2 x judge", "need 9 nodes of g5.xlarge, the pool ends at 8"),
        "lower a maximum, a request or the surge",
    ),
    Wrong(
        "a pool without GPUs",
        "models: {judge: {pool: general}}",
        "models.judge.pool",
        ("the nodes of pool general have no GPU",),
        "gpu-spot",
    ),
    Wrong(
        "two GPUs on nodes of one",
        "models: {judge: {gpus: 2}}",
        "models.judge.gpus",
        ("one replica takes 2 GPUs, a node of pool gpu-spot has 1",),
        "at most 1",
    ),
    Wrong(
        "more memory than a node has",
        "models: {judge: {resources: {requests: {cpu: '3', memory: 15Gi}, limits: {cpu: '4', memory: 16Gi,"
        " ephemeral_storage: 5Gi}}}}",
        "models.judge.resources.requests.memory",
        ("15Gi fits 0 instance types of pool gpu-spot, 2 must hold it",),
        "at most 13930Mi",
    ),
    Wrong(
        "weights that nobody knows the size of",
        "models: {judge: {source: {hub: us/our-judge, unpinned: 'trained every night'}}}",
        "models.judge.source.size",
        ("us/our-judge is not in settings/data/models.yaml",),
        "give size, for example size: 14Gi",
    ),
    Wrong(
        "a cache that does not exist",
        "models: {judge: {cache: weight}}",
        "models.judge.cache",
        ('there is no cache "weight"',),
        "did you mean weights?",
    ),
    Wrong(
        "a branch instead of a commit",
        "models: {judge: {source: {revision: main}}}",
        "models.judge.source.revision",
        ("a branch moves",),
        "for example c170c708",
    ),
    Wrong(
        "a misspelt key",
        baseline("engine: {max_model_length: 4096}"),
        "models.mistral-7b.engine.max_model_length",
        ("there is no such key here",),
        "did you mean max_model_len?",
    ),
    Wrong(
        "a token in the platform",
        "hub: {token: {secure: v1:abcdef}}",
        "hub.token",
        ("a secret may not stand inside the platform",),
        "make it a key of its own",
    ),
    Wrong(
        "a token that the stack does not have",
        "hub: {token: {kind: config, key: huggingFaceToken}}",
        "hub.token.key",
        ('the stack has no secure key "huggingFaceToken"',),
        "pulumi config set --secret llmplatform:huggingFaceToken",
    ),
    Wrong(
        "a floor on the same pool",
        "models: {judge: {floor: {pool: gpu-spot}, accept_outage: null}}\nnode_pools: {gpu-spot: {headroom: null}}",
        "models.judge.floor.pool",
        ("gpu-spot is the model's own pool",),
        "another pool",
    ),
)


def prod_with(text: str) -> dict[str, Any]:
    """Prod's overlay with what somebody writes into it; what is there already keeps its neighbours."""
    return laid_over(copy.deepcopy(stack_file("prod").overlay.data), read_text(text, "Pulumi.prod.yaml").data)


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    for key, value in above.items():
        here = below.get(key)
        if isinstance(value, dict) and isinstance(here, dict) and value.get("kind") is None:
            laid_over(here, value)
        elif value is None and key in below and key in ("accept_outage", "headroom"):
            del below[key]  # it stands in this very file: a person deletes the line
        else:
            below[key] = value
    return below


def test_there_are_as_many_as_the_work_asked_for() -> None:
    assert len(WRONG) >= 25
    assert len({case.what for case in WRONG}) == len(WRONG)


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.what)
def test_a_wrong_model_is_met_by_one_message(case: Wrong) -> None:
    found = problems(prod_with(case.yaml), secrets=(), platforms=PLATFORMS)
    assert len(found) == 1, [str(problem) for problem in found]
    told = found[0]
    path: Path = told.path
    assert dotted(path) == case.path
    assert all(part in told.reason for part in case.says), told.reason
    assert case.fix in told.fix, told.fix


def test_prod_itself_is_met_by_none() -> None:
    assert problems(prod_with("{}"), secrets=(), platforms=PLATFORMS) == ()
