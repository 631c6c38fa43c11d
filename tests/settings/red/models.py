"""Red cases: models, their GPUs, engines, start-up budgets, caches."""

from __future__ import annotations

from typing import Any

from settings.problems import Path
from tests.settings.red.case import Red

MIND: Path = ("models", "mind")
ENGINE: Path = (*MIND, "engine")
START: Path = (*MIND, "start_up")
STORE: Path = ("caches", "store")
ROOM: Path = ("node_pools", "gpu", "headroom")
T4: dict[str, Any] = {
    "node_pools__gpu__instance_types": ["g4dn.xlarge"],
    "models__mind__source": {"hub": "tiny/mind", "size": "4Gi", "unpinned": "not published in a test"},
}
"""A small model on GPUs of 2018."""
SPACIOUS: dict[str, Any] = {"namespaces__back__quota__limits": {"cpu": "20", "memory": "40Gi"}}
LLAMA: dict[str, Any] = {"models__mind__source": {"hub": "meta-llama/Llama-3.1-8B-Instruct", "revision": "0" * 40}}
FLOOR_POOL: dict[str, Any] = {
    "node_pools__other": {
        "instance_types": ["g6.xlarge"],
        "capacity": "on-demand",
        "min": 0,
        "max": 2,
        "gpus": 1,
        "taints": [{"key": "nvidia.com/gpu", "value": "present"}],
        "node_start_up": "180s",
    }
}
LOW: dict[str, Any] = {"priorities__low": {"value": -10, "preempts": False, "description": "makes way"}}


def headroom(priority: str, **changes: Any) -> dict[str, Any]:
    return {**SPACIOUS, **LOW, "node_pools__gpu__headroom": {"namespace": "back", "priority": priority}, **changes}


GPUS = (
    Red(
        "a pool without GPUs",
        {"models__mind__pool": "general"},
        (*MIND, "pool"),
        ("the nodes of pool general have no GPU",),
        "a pool with GPUs: gpu",
        green={"models__mind__pool": "gpu"},
    ),
    Red(
        "more GPUs than a node has",
        {"models__mind__gpus": 2},
        (*MIND, "gpus"),
        ("one replica takes 2 GPUs, a node of pool gpu has 1",),
        "at most 1",
        green={"models__mind__gpus": 1},
    ),
    Red(
        "a floor without GPUs",
        {**SPACIOUS, "models__mind__floor": {"pool": "general"}},
        (*MIND, "floor", "pool"),
        ("the nodes of pool general have no GPU",),
        "a pool with GPUs: gpu",
        green={**SPACIOUS, **FLOOR_POOL, "models__mind__floor": {"pool": "other"}},
    ),
    Red(
        "heads that cannot be shared",
        {
            "models__mind__gpus": 3,
            "node_pools__gpu__gpus": 4,
            "node_pools__gpu__instance_types": ["g6.12xlarge", "g5.12xlarge"],
        },
        (*MIND, "gpus"),
        ("mistralai/Mistral-7B-Instruct-v0.3 cannot be shared by 3 GPUs: its attention heads do not divide evenly",),
        "one of 1, 2, 4, 8",
        green={
            "models__mind__gpus": 4,
            "node_pools__gpu__gpus": 4,
            "node_pools__gpu__instance_types": ["g6.12xlarge", "g5.12xlarge"],
        },
    ),
)

GPU_MEMORY = (
    Red(
        "weights of a size that nobody knows",
        {"models__mind__source": {"hub": "tiny/mind", "unpinned": "not published in a test"}},
        (*MIND, "source", "size"),
        ("tiny/mind is not in settings/data/models.yaml",),
        "give size, for example size: 14Gi",
        green={"models__mind__source": {"hub": "tiny/mind", "size": "14Gi", "unpinned": "not published in a test"}},
    ),
    Red(
        "weights smaller than they are",
        {"models__mind__source__size": "13824Mi"},
        (*MIND, "source", "size"),
        ("is less than settings/data/models.yaml knows of mistralai/Mistral-7B-Instruct-v0.3, 13825Mi",),
        "at least 13825Mi, or leave it out",
        green={"models__mind__source__size": "13825Mi"},
    ),
    Red(
        "weights larger than the GPU",
        {"models__mind__source__size": "19Gi", "caches__store__size": "100Gi"},
        (*MIND, "pool"),
        ("weights 19.0Gi + 1.5Gi to work in + adapters 0.2Gi do not fit: 90% of an A10G is 20.1Gi",),
        "a quantized build, more gpus, or a pool of larger GPUs",
        green={"models__mind__source__size": "17Gi", "caches__store__size": "100Gi"},
    ),
    Red(
        "a sequence larger than what the weights leave",
        {"models__mind__engine__max_model_len": 32768, "models__mind__engine__gpu_memory": "80%"},
        (*ENGINE, "max_model_len"),
        ("32768 tokens do not fit: 80% of an A10G is 17.9Gi", "leave room for 22"),
        "at most 21504",
        green={"models__mind__engine__max_model_len": 21504, "models__mind__engine__gpu_memory": "80%"},
    ),
    Red(
        "a sequence longer than the model knows",
        {
            "models__mind__source": {
                "hub": "tiny/mind",
                "size": "2Gi",
                "max_len": 4095,
                "unpinned": "not published in a test",
            }
        },
        (*ENGINE, "max_model_len"),
        ("4096 tokens are more than tiny/mind was made for, 4095",),
        "at most 4095",
        green={
            "models__mind__source": {
                "hub": "tiny/mind",
                "size": "2Gi",
                "max_len": 4096,
                "unpinned": "not published in a test",
            }
        },
    ),
)

ENGINES = (
    Red(
        "a version before its arguments",
        {"models__mind__engine__version": "0.10.2"},
        (*ENGINE, "version"),
        ("0.10.2 is older than 0.11.0",),
        'at least "0.11.0"',
        green={"models__mind__engine__version": "0.11.0"},
    ),
    Red(
        "a tag of another version",
        {"models__mind__engine__version": "0.18.0", "models__mind__engine__image": {"tag": "v0.11.0"}},
        (*ENGINE, "image", "tag"),
        ("the tag v0.11.0 is another version than 0.18.0",),
        'version: "0.11.0", or no tag',
        green={"models__mind__engine__version": "0.18.0", "models__mind__engine__image": {"tag": "v0.18.0-cu130"}},
    ),
    Red(
        "an argument that a setting makes",
        {"models__mind__engine__arguments": ["--enable-prefix-caching", "--max-model-len=9"]},
        (*ENGINE, "arguments", 1),
        ("the platform sets --max-model-len itself",),
        "set engine.max_model_len",
        green={"models__mind__engine__arguments": ["--enable-prefix-caching"]},
    ),
    Red(
        "an argument twice",
        {"models__mind__engine__arguments": ["--seed=1", "--seed=2"]},
        (*ENGINE, "arguments", 1),
        ("--seed stands twice",),
        "give it once",
        green={"models__mind__engine__arguments": ["--seed=1"]},
    ),
    Red(
        "an argument that would open a second door",
        {"models__mind__engine__arguments": ["--api-key=abc"]},
        (*ENGINE, "arguments", 0),
        ("the platform sets --api-key itself",),
        "remove it: it would stand in the pod's spec",
        green={"models__mind__engine__arguments": []},
    ),
    Red(
        "a setting's argument where the setting is left out",
        {"models__mind__engine__arguments": ["--max-num-seqs=9"]},
        (*ENGINE, "arguments", 0),
        ("--max-num-seqs",),
        "set engine.max_num_seqs",
        green={"models__mind__engine__max_num_seqs": 9},
    ),
    Red(
        "memory that CUDA itself needs",
        {"models__mind__engine__gpu_memory": "96%"},
        (*ENGINE, "gpu_memory"),
        ("96% leaves nothing for CUDA itself",),
        "at most 95%",
        green={"models__mind__engine__gpu_memory": "95%"},
    ),
    Red(
        "a port that the engine has for its metrics",
        {"models__mind__engine": {"kind": "max-serve"}, "models__mind__port": 8001},
        (*MIND, "port"),
        ("8001 is where max-serve serves its metrics",),
        "another one, for example 8000",
        green={"models__mind__engine": {"kind": "max-serve"}, "models__mind__port": 8000},
    ),
    Red(
        "a quantization that the weights do not have",
        {"models__mind__engine__quantization": "awq"},
        (*ENGINE, "quantization"),
        ("the weights of mistralai/Mistral-7B-Instruct-v0.3 are not quantized, and awq cannot read them",),
        "leave it out: the engine reads it in the weights",
        green={"models__mind__engine__quantization": "fp8"},
    ),
    Red(
        "shared memory that leaves nothing",
        {"models__mind__engine__shared_memory": "2049Mi"},
        (*ENGINE, "shared_memory"),
        ("2049Mi is more than half of the memory limit 4Gi",),
        "at most 2Gi",
        green={"models__mind__engine__shared_memory": "2Gi"},
    ),
    Red(
        "a quantization that the GPU cannot",
        {**T4, "models__mind__engine__quantization": "modelopt"},
        (*ENGINE, "quantization"),
        ("modelopt needs compute capability 8.0, a T4 has 7.5",),
        "one of awq",
        green={**T4, "models__mind__engine__quantization": "awq"},
    ),
    Red(
        "a type that the GPU does not know",
        {**T4, "models__mind__engine__dtype": "bfloat16"},
        (*ENGINE, "dtype"),
        ("bfloat16 needs compute capability 8.0, a T4 has 7.5",),
        "half, or leave it out",
        green={**T4, "models__mind__engine__dtype": "half"},
    ),
)

ADAPTERS = (
    Red(
        "an adapter with a model's name",
        {"models__mind__adapters__mind": {"hub": "tiny/mind", "rank": 8, "unpinned": "not published in a test"}},
        (*MIND, "adapters", "mind"),
        ("mind is the name of a model",),
        "another name",
        green={"models__mind__adapters__red": {"hub": "tiny/red", "rank": 8, "unpinned": "not published in a test"}},
    ),
)

START_UP = (
    Red(
        "a part of nothing",
        {"models__mind__start_up__image": "0s"},
        (*START, "image"),
        ("nothing takes 0s",),
        "for example 60s",
        green={"models__mind__start_up__image": "1s"},
    ),
    Red(
        "weights faster than any disk",
        {"models__mind__start_up__weights": "9s"},
        (*START, "weights"),
        ("9s is too short to read", "1500Mi a second"),
        "at least 10s",
        green={"models__mind__start_up__weights": "10s"},
    ),
    Red(
        "a start that never ends",
        {"models__mind__start_up__warm_up": "1h59m31s"},
        START,
        ("weights and warm-up take 2h1s",),
        "no more than 2h in all",
        green={"models__mind__start_up__warm_up": "1h59m30s"},
    ),
    Red(
        "an image that never comes",
        {"models__mind__start_up__image": "2h1s"},
        (*START, "image"),
        ("2h1s is no time in which an image is pulled",),
        "no more than 2h",
        green={"models__mind__start_up__image": "2h"},
    ),
    Red(
        "a whole shorter than its parts on the slower pool of the two",
        {
            **SPACIOUS,
            **FLOOR_POOL,
            "node_pools__other__node_start_up": "241s",
            "models__mind__floor": {"pool": "other"},
            "models__mind__start_up__within": "6m",
        },
        (*START, "within"),
        ("6m is shorter than its parts: node 4m1s",),
        "at least 6m1s",
        green={
            **SPACIOUS,
            **FLOOR_POOL,
            "node_pools__other__node_start_up": "240s",
            "models__mind__floor": {"pool": "other"},
            "models__mind__start_up__within": "6m",
        },
    ),
    Red(
        "a whole shorter than its parts",
        {"models__mind__start_up__within": "4m59s"},
        (*START, "within"),
        ("4m59s is shorter than its parts: node 3m + image 1m + weights 30s + warm-up 30s = 5m",),
        "at least 5m",
        green={"models__mind__start_up__within": "5m"},
    ),
)

OUTAGE = (
    Red(
        "one replica on spot",
        {"models__mind__replicas": 1},
        MIND,
        ("a reclaim of its spot node takes it away for 5m", "node 3m + image 1m + "),
        "replicas: 2 over two zones",
        green={"models__mind__replicas": 1, "models__mind__accept_outage": "asked for once a week, by a script"},
        strict=True,
    ),
    Red(
        "two replicas in one zone of spot",
        {"node_pools__gpu__zones": ["us-west-2a"]},
        MIND,
        ("a reclaim of the spot nodes of its one zone takes it away for 5m",),
        "floor: {pool: ...} on another pool",
        green={
            **SPACIOUS,
            **FLOOR_POOL,
            "node_pools__gpu__zones": ["us-west-2a"],
            "models__mind__floor": {"pool": "other"},
        },
        strict=True,
    ),
    Red(
        "two replicas in one zone of spot, with headroom on the same market",
        headroom("low", node_pools__gpu__zones=["us-west-2a"]),
        MIND,
        ("a reclaim of the spot nodes of its one zone takes it away for 5m",),
        "replicas: 2 over two zones",
        green=headroom("low"),
        strict=True,
    ),
    Red(
        "one replica on demand",
        {"node_pools__gpu__capacity": "on-demand", "models__mind__replicas": 1},
        MIND,
        ("a crash or an upgrade of its node takes it away for 5m",),
        "replicas: 2",
        green={"node_pools__gpu__capacity": "on-demand", "models__mind__replicas": 2},
        strict=True,
    ),
    Red(
        "an accepted outage that cannot be",
        {"models__mind__accept_outage": "asked for once a week, by a script"},
        (*MIND, "accept_outage"),
        ("there is no outage to accept",),
        "leave it out",
        green={"models__mind__accept_outage": "asked for once a week, by a script", "models__mind__replicas": 1},
        strict=True,
    ),
    Red(
        "a floor on the same pool",
        {**SPACIOUS, **FLOOR_POOL, "models__mind__floor": {"pool": "gpu"}},
        (*MIND, "floor", "pool"),
        ("gpu is the model's own pool",),
        "another pool",
        green={**SPACIOUS, **FLOOR_POOL, "models__mind__floor": {"pool": "other"}},
    ),
)

CACHES = (
    Red(
        "a cache in another namespace",
        {
            "caches__far": {"namespace": "front", "size": "40Gi", "pool": "general"},
            "models__mind__cache": "far",
        },
        (*MIND, "cache"),
        ("cache far is in namespace front",),
        "use one of: store",
        green={"models__mind__cache": "store"},
    ),
    Red(
        "one node's volume for two pools",
        {"caches__store__access_mode": "ReadWriteOnce"},
        (*STORE, "access_mode"),
        ("its downloads run on pool general, its models on pool gpu",),
        "ReadWriteMany",
        green={"caches__store__access_mode": "ReadWriteMany"},
    ),
    Red(
        "one node's volume for two nodes",
        {"caches__store__access_mode": "ReadWriteOnce", "caches__store__pool": "gpu"},
        (*STORE, "access_mode"),
        ("pool gpu has up to 3 nodes for 2 replicas",),
        "ReadWriteMany",
        green={"caches__store__access_mode": "ReadWriteMany", "caches__store__pool": "gpu"},
    ),
    Red(
        "one node's volume in two zones",
        {
            "caches__store__access_mode": "ReadWriteOnce",
            "caches__store__pool": "gpu",
            "node_pools__gpu__max": 1,
            "models__mind__replicas": 1,
            "models__mind__accept_outage": "asked for once a week, by a script",
        },
        (*STORE, "access_mode"),
        ("the node of pool gpu may come in any of 2 zones",),
        "ReadWriteMany",
        green={
            "caches__store__access_mode": "ReadWriteOnce",
            "caches__store__pool": "gpu",
            "node_pools__gpu__max": 1,
            "node_pools__gpu__zones": ["us-west-2a"],
            "models__mind__replicas": 1,
            "models__mind__accept_outage": "asked for once a week, by a script",
        },
    ),
    Red(
        "a volume too small for two revisions",
        {"caches__store__size": "27Gi"},
        (*STORE, "size"),
        ("27Gi does not hold mistralai/Mistral-7B-Instruct-v0.3",),
        "at least 28Gi",
        green={"caches__store__size": "28Gi"},
    ),
    Red(
        "a cache for nobody",
        {"caches__spare": {"namespace": "back", "size": "1Gi", "pool": "general"}},
        ("caches", "spare"),
        ("no model uses it",),
        "remove it, or say cache: spare on a model of back",
        green={
            "caches__spare": {"namespace": "back", "size": "40Gi", "pool": "general"},
            "models__mind__cache": "spare",
            "caches__store": None,
        },
    ),
    Red(
        "one node's volume for two pods",
        {
            "caches__store__access_mode": "ReadWriteOnce",
            "caches__store__pool": "gpu",
            "node_pools__gpu__max": 1,
            "node_pools__gpu__zones": ["us-west-2a"],
            "node_pools__gpu__instance_types": ["g6.12xlarge"],
            "node_pools__gpu__gpus": 4,
            "models__mind__accept_outage": "asked for once a week, by a script",
        },
        (*STORE, "access_mode"),
        ("mind may run as several of 2 pods, which nothing keeps on one node",),
        "ReadWriteMany",
        green={
            "caches__store__access_mode": "ReadWriteOnce",
            "caches__store__pool": "gpu",
            "node_pools__gpu__max": 1,
            "node_pools__gpu__zones": ["us-west-2a"],
            "node_pools__gpu__instance_types": ["g6.12xlarge"],
            "node_pools__gpu__gpus": 4,
            "models__mind__replicas": 1,
            "models__mind__accept_outage": "asked for once a week, by a script",
        },
    ),
    Red(
        "no time to download",
        {"caches__store__deadline": "0s"},
        (*STORE, "deadline"),
        ("0s downloads nothing",),
        "for example 1h",
        green={"caches__store__deadline": "1h"},
    ),
)

HUB_TOKEN = (
    Red(
        "a gated model without a token",
        {**LLAMA, "hub__token": None},
        (*MIND, "source", "hub"),
        ("meta-llama/Llama-3.1-8B-Instruct is gated: without a token the hub answers 401",),
        "hub: {token: {kind: external",
        green={**LLAMA, "hub__token": {"kind": "external", "store": "vault"}},
        strict=True,
    ),
)

SPOT = (
    Red(
        "on spot although it must not be interrupted",
        {"models__mind__priority": "serving", "priorities__serving__tolerates_spot": False},
        (*MIND, "pool"),
        ("priority serving does not tolerate spot nodes, and pool gpu has no others",),
        "an on-demand pool: general",
        green={"models__mind__priority": "serving", "priorities__serving__tolerates_spot": True},
    ),
    Red(
        "its floor on spot although it must not be interrupted",
        {
            **SPACIOUS,
            **FLOOR_POOL,
            "node_pools__other__capacity": "spot",
            "node_pools__gpu__capacity": "on-demand",
            "models__mind__floor": {"pool": "other"},
            "models__mind__priority": "serving",
            "priorities__serving__tolerates_spot": False,
        },
        (*MIND, "floor", "pool"),
        ("priority serving does not tolerate spot nodes, and pool other has no others",),
        "or another priority",
        green={
            **SPACIOUS,
            **FLOOR_POOL,
            "node_pools__gpu__capacity": "on-demand",
            "models__mind__floor": {"pool": "other"},
            "models__mind__priority": "serving",
            "priorities__serving__tolerates_spot": False,
        },
    ),
)

PRIORITIES = (
    Red(
        "so low that no node comes for it",
        {"priorities__low": {"value": -11, "description": "waits for ever"}},
        ("priorities", "low", "value"),
        ("-11 is below -10: the cluster autoscaler neither adds nor keeps a node",),
        "at least -10",
        green={"priorities__low": {"value": -10, "description": "waits"}},
    ),
)

HEADROOM = (
    Red(
        "placeholders that make no way",
        headroom("serving"),
        (*ROOM, "priority"),
        ("serving (1000) does not make way for mind, whose priority is none (0)",),
        "a priority below 0",
        green=headroom("low"),
    ),
    Red(
        "a model that waits instead",
        headroom("low", models__mind__priority="serving", priorities__serving__preempts=False),
        (*ROOM, "priority"),
        ("does not make way for mind, whose priority is serving (does not preempt)",),
        "a priority for mind that preempts",
        green=headroom("low", models__mind__priority="serving"),
    ),
    Red(
        "placeholders for nobody",
        {**LOW, "node_pools__cheap__headroom": {"namespace": "back", "priority": "low"}},
        ("node_pools", "cheap", "headroom"),
        ("no model runs here",),
        "remove it",
        green=headroom("low"),
    ),
)

RED = {
    "adapters": ADAPTERS,
    "caches": CACHES,
    "engine": ENGINES,
    "gpu-memory": GPU_MEMORY,
    "gpus": GPUS,
    "headroom": HEADROOM,
    "hub-token": HUB_TOKEN,
    "outage": OUTAGE,
    "priorities": PRIORITIES,
    "spot": SPOT,
    "start-up": START_UP,
}
