"""Red cases: requests, limits, quotas, nodes."""

from __future__ import annotations

from settings.problems import Path
from tests.settings.red.case import Red

DOOR: Path = ("services", "door")
POOL: Path = ("node_pools", "general")
TIER: Path = ("tiers", "small")
GPU = {"instance_types": ["g5.xlarge"], "capacity": "spot", "min": 0, "max": 2, "gpus": 1, "node_start_up": "300s"}
TAINT = {"key": "nvidia.com/gpu", "value": "present"}

REQUESTS = (
    Red(
        "CPU",
        {"services__door__resources__requests__cpu": "501m"},
        (*DOOR, "resources", "requests", "cpu"),
        ("501m is above its limit 500m",),
        "at most 500m",
        green={"services__door__resources__requests__cpu": "500m"},
    ),
    Red(
        "memory",
        {"services__door__resources__requests__memory": "513Mi"},
        (*DOOR, "resources", "requests", "memory"),
        ("513Mi is above its limit 512Mi",),
        "at most 512Mi",
        green={"services__door__resources__requests__memory": "512Mi"},
    ),
    Red(
        "local disk",
        {"services__door__resources__requests__ephemeral_storage": "129Mi"},
        (*DOOR, "resources", "requests", "ephemeral_storage"),
        ("129Mi is above its limit 128Mi",),
        "at most 128Mi",
        green={"services__door__resources__requests__ephemeral_storage": "128Mi"},
    ),
    Red(
        "scratch beyond the local disk",
        {"services__door__scratch": "129Mi"},
        (*DOOR, "scratch"),
        ("129Mi is above the limit of local disk, 128Mi",),
        "at most 128Mi, or raise",
        green={"services__door__scratch": "128Mi"},
    ),
)

LIMIT_RANGE = (
    Red(
        "a limit above the largest",
        {"services__door__resources__limits__cpu": "2001m"},
        (*DOOR, "resources", "limits", "cpu"),
        ("2001m is above the largest limit 2 of namespace front",),
        "2, or change limit_range of namespaces.front",
        green={"services__door__resources__limits__cpu": "2"},
    ),
    Red(
        "a request below the smallest",
        {"services__door__resources__requests__memory": "63Mi"},
        (*DOOR, "resources", "requests", "memory"),
        ("63Mi is below the smallest request 64Mi of namespace front",),
        "64Mi, or change",
        green={"services__door__resources__requests__memory": "64Mi"},
    ),
    Red(
        "a default above the largest",
        {"tiers__small__limit_range__default__cpu": "3"},
        (*TIER, "limit_range", "default", "cpu"),
        ("3 is above max, 2",),
        "at most 2",
        green={"tiers__small__limit_range__default__cpu": "2"},
    ),
    Red(
        "a default request above the default",
        {"tiers__small__limit_range__default_request__memory": "1Gi"},
        (*TIER, "limit_range", "default_request", "memory"),
        ("1Gi is above default, 512Mi",),
        "at most 512Mi",
        green={"tiers__small__limit_range__default_request__memory": "512Mi"},
    ),
    Red(
        "a smallest above the default request, in one namespace",
        {"namespaces__watch__limit_range": {"min": {"cpu": "101m"}}},
        ("namespaces", "watch", "limit_range", "min", "cpu"),
        ("101m is above default_request, 100m",),
        "at most 100m",
        green={"namespaces__watch__limit_range": {"min": {"cpu": "100m"}}},
    ),
)

QUOTA = (
    Red(
        "a quota without any bound",
        {"tiers__small__quota": dict.fromkeys(("requests", "limits", "pods", "services", "configmaps", "secrets"))},
        (*TIER, "quota"),
        ("limits nothing: namespace back could take every node",),
        "for example {limits:",
        green={"tiers__small__quota": dict.fromkeys(("requests", "limits", "services", "configmaps", "secrets"))},
    ),
    Red(
        "pods",
        {"tiers__small__quota__pods": 9},
        (*TIER, "quota", "pods"),
        ("pods of namespace back needs 10", "(mind 2 x 1 + store 3 x 1 + worker 5 x 1), the quota is 9"),
        "at least 10",
        green={"tiers__small__quota__pods": 10},
    ),
    Red(
        "requests of CPU",
        {"namespaces__back__quota": {"requests": {"cpu": "2299m"}}},
        ("namespaces", "back", "quota", "requests", "cpu"),
        ("requests.cpu of namespace back needs 2300m at", "+ worker 5 x 200m), the quota is 2299m"),
        "at least 2300m",
        green={"namespaces__back__quota": {"requests": {"cpu": "2300m"}}},
    ),
    Red(
        "requests of memory",
        {"namespaces__back__quota": {"requests": {"memory": "5759Mi"}}},
        ("namespaces", "back", "quota", "requests", "memory"),
        ("needs 5760Mi", "+ worker 5 x 256Mi), the quota is 5759Mi"),
        "at least 5760Mi",
        green={"namespaces__back__quota": {"requests": {"memory": "5760Mi"}}},
    ),
    Red(
        "limits of CPU, over two services",
        {"services__door__namespace": "back", "namespaces__back__quota": {"limits": {"cpu": "9099m"}}},
        ("namespaces", "back", "quota", "limits", "cpu"),
        ("needs 9100m", "(door 3 x 500m + mind 2 x 1 + store 3 x 200m + worker 5 x 1), the quota is 9099m"),
        "at least 9100m",
        green={
            "services__door__namespace": "back",
            "namespaces__back__quota": {"limits": {"cpu": "9100m"}, "pods": 20},
        },
    ),
    Red(
        "limits of memory",
        {"namespaces__back__quota": {"limits": {"memory": "14079Mi"}}},
        ("namespaces", "back", "quota", "limits", "memory"),
        ("needs 14080Mi", "+ worker 5 x 1Gi), the quota is 14079Mi"),
        "at least 14080Mi",
        green={"namespaces__back__quota": {"limits": {"memory": "14080Mi"}}},
    ),
    Red(
        "services",
        {"namespaces__front__quota": {"services": 0}},
        ("namespaces", "front", "quota", "services"),
        ("needs 1", "the quota is 0"),
        "at least 1",
        green={"namespaces__front__quota": {"services": 1}},
    ),
    Red(
        "config maps, with the one of Kubernetes",
        {"namespaces__front__quota": {"configmaps": 1}},
        ("namespaces", "front", "quota", "configmaps"),
        ("needs 2", "kube-root-ca.crt", "the quota is 1"),
        "at least 2",
        green={"namespaces__front__quota": {"configmaps": 2}},
    ),
    Red(
        "secrets",
        {"namespaces__back__quota": {"secrets": 1}},
        ("namespaces", "back", "quota", "secrets"),
        ("needs 2", "the quota is 1"),
        "at least 2",
        green={"namespaces__front__quota": {"secrets": 0}},
    ),
    Red(
        "the surge of a rollout",
        {"namespaces__front__quota": {"pods": 2}},
        ("namespaces", "front", "quota", "pods"),
        ("needs 3", "(door 3 x 1)"),
        "at least 3",
        green={
            "namespaces__front__quota": {"pods": 2},
            "services__door__rollout": {"max_surge": 0, "max_unavailable": 1},
        },
    ),
)

PLACEMENT = (
    Red(
        "no pool, and every pool is tainted",
        {"services__door__pool": None, "node_pools__general__taints": [{"key": "a"}]},
        DOOR,
        ("names no pool, and every node pool has a taint",),
        "give pool: one of cheap, general",
        green={
            "services__door__pool": None,
            "node_pools__general__taints": [{"key": "a", "effect": "PreferNoSchedule"}],
        },
    ),
)

NODE_POOLS = (
    Red(
        "no instance types",
        {"node_pools__general__instance_types": []},
        (*POOL, "instance_types"),
        ("is empty",),
        "for example [m6i.xlarge]",
        green={"node_pools__general__instance_types": ["m6i.xlarge"]},
    ),
    Red(
        "an unknown instance type",
        {"node_pools__general__instance_types": ["m6i.xlrge"]},
        (*POOL, "instance_types", 0),
        ("m6i.xlrge is not in the instance table",),
        "did you mean m6i.xlarge?",
        green={"node_pools__general__instance_types": ["m6i.xlarge"]},
    ),
    Red(
        "an instance type twice",
        {"node_pools__general__instance_types": ["m6i.xlarge", "m6i.xlarge"]},
        (*POOL, "instance_types", 1),
        ("m6i.xlarge stands twice",),
        "name it once",
    ),
    Red(
        "types of two shapes",
        {"node_pools__general__instance_types": ["m6i.xlarge", "m6i.2xlarge"]},
        (*POOL, "instance_types", 1),
        ("m6i.2xlarge (8 vCPU, amd64) has another shape than m6i.xlarge (4 vCPU, amd64)",),
        "a type of 4 vCPU, amd64: ",
        green={"node_pools__general__instance_types": ["m6i.xlarge", "m5.xlarge"]},
    ),
    Red(
        "types of two sizes of memory",
        {"node_pools__general__instance_types": ["m6i.xlarge", "r6i.xlarge"]},
        (*POOL, "instance_types", 1),
        ("r6i.xlarge offers pods 29317Mi, m6i.xlarge, with which the autoscaler plans, 14162Mi",),
        "a type of as much memory: ",
        green={"node_pools__general__instance_types": ["m6i.xlarge", "m7i.xlarge"]},
    ),
    Red(
        "nodes that go at once",
        {"node_pools__general__scale_down_after": "0s"},
        (*POOL, "scale_down_after"),
        ("0s removes each node as soon as it is empty",),
        "for example 10m",
        green={"node_pools__general__scale_down_after": "10m"},
    ),
    Red(
        "GPUs that nobody declared",
        {"node_pools__general__instance_types": ["g5.xlarge"]},
        (*POOL, "instance_types", 0),
        ("g5.xlarge has 1 GPU, the pool says gpus: 0",),
        "gpus: 1",
        green={
            "node_pools__general__instance_types": ["g5.xlarge"],
            "node_pools__general__gpus": 1,
            "node_pools__general__taints": [TAINT],
        },
    ),
    Red(
        "more nodes at least than at most",
        {"node_pools__general__min": 5},
        (*POOL, "min"),
        ("5 is above max, 4",),
        "at most 4",
        green={"node_pools__general__min": 4},
    ),
    Red(
        "more fitting types than types",
        {"node_pools__general__min_fitting_types": 3},
        (*POOL, "min_fitting_types"),
        ("3 is more than the pool's 2 instance types",),
        "at most 2",
        green={"node_pools__general__min_fitting_types": 2},
    ),
    Red(
        "nodes that start in no time",
        {"node_pools__general__node_start_up": "0s"},
        (*POOL, "node_start_up"),
        ("no node starts in 0s",),
        "for example 180s",
        green={"node_pools__general__node_start_up": "180s"},
    ),
    Red(
        "GPU nodes without a taint",
        {"node_pools__bare": GPU},
        ("node_pools", "bare", "taints"),
        ("GPU nodes without a taint that repels",),
        "taints: [{key: nvidia.com/gpu, value: present}]",
        green={"node_pools__bare": {**GPU, "taints": [TAINT]}},
    ),
    Red(
        "GPU nodes with a taint that repels nobody",
        {"node_pools__bare": {**GPU, "taints": [{**TAINT, "effect": "PreferNoSchedule"}]}},
        ("node_pools", "bare", "taints"),
        ("GPU nodes without a taint that repels",),
        "nvidia.com/gpu",
        green={"node_pools__bare": {**GPU, "taints": [{**TAINT, "effect": "NoExecute"}]}},
    ),
    Red(
        "a taint twice",
        {"node_pools__cheap__taints": [{"key": "a"}, {"key": "a", "value": "b"}]},
        ("node_pools", "cheap", "taints", 1),
        ("a with effect NoSchedule stands twice",),
        "keep one of the two",
        green={"node_pools__cheap__taints": [{"key": "a"}, {"key": "a", "effect": "NoExecute"}]},
    ),
    Red(
        "a label of ours",
        {"node_pools__cheap__labels": {"llmplatform.dev/pool": "x"}},
        ("node_pools", "cheap", "labels", "llmplatform.dev/pool"),
        ("the platform sets this label itself",),
        "remove it",
        green={"node_pools__cheap__labels": {"example.com/pool": "x"}},
    ),
    Red(
        "a label of EKS",
        {"node_pools__cheap__labels": {"eks.amazonaws.com/nodegroup": "x"}},
        ("node_pools", "cheap", "labels", "eks.amazonaws.com/nodegroup"),
        ("EKS sets its labels itself",),
        "remove it",
        green={"node_pools__cheap__labels": {"nodegroup": "x"}},
    ),
    Red(
        "a label with which no kubelet starts",
        {"node_pools__cheap__labels": {"node-role.kubernetes.io/worker": "x"}},
        ("node_pools", "cheap", "labels", "node-role.kubernetes.io/worker"),
        ("a kubelet does not start",),
        "for example example.com/worker",
        green={"node_pools__cheap__labels": {"example.com/worker": "x", "node.kubernetes.io/role": "x"}},
    ),
    Red(
        "daemonsets that fill a node",
        {"daemonsets__agent__cpu": "4"},
        (*POOL, "instance_types", 0),
        ("daemonsets alone take all of its 3920m CPU",),
        "a larger instance type",
        green={"daemonsets__agent__cpu": "3"},
    ),
)

FIT = (
    Red(
        "too much CPU",
        {"services__door__resources__requests__cpu": "3821m"},
        (*DOOR, "resources", "requests", "cpu"),
        ("3821m fits 0 instance types of pool general, 1 must hold it", "offers 3820m after daemonsets"),
        "at most 3820m",
        green={"services__door__resources__requests__cpu": "3820m"},
    ),
    Red(
        "too much memory",
        {"services__door__resources__requests__memory": "14035Mi"},
        (*DOOR, "resources", "requests", "memory"),
        ("14035Mi fits 0 instance types", "offers 14034Mi after daemonsets"),
        "at most 14034Mi",
        green={"services__door__resources__requests__memory": "14034Mi"},
    ),
    Red(
        "too much local disk",
        {"services__door__resources__requests__ephemeral_storage": "18Gi"},
        (*DOOR, "resources", "requests", "ephemeral_storage"),
        ("18Gi fits 0 instance types", "offers 17Gi"),
        "at most 17Gi",
        green={"services__door__resources__requests__ephemeral_storage": "17Gi"},
    ),
    Red(
        "one type too few",
        {
            "node_pools__general__instance_types": ["c6i.xlarge", "m6i.xlarge"],
            "node_pools__general__min_fitting_types": 2,
            "services__door__resources__requests__memory": "7Gi",
        },
        (*DOOR, "resources", "requests", "memory"),
        ("7Gi fits 1 instance types of pool general, 2 must hold it", "c6i.xlarge and m6i.xlarge offers 6456Mi"),
        "at most 6456Mi",
        green={
            "node_pools__general__instance_types": ["c6i.xlarge", "m6i.xlarge"],
            "node_pools__general__min_fitting_types": 2,
            "services__door__resources__requests__memory": "6456Mi",
        },
    ),
    Red(
        "no pool of its own, and too large for any",
        {"services__door__pool": None, "services__door__resources__requests__cpu": "4"},
        (*DOOR, "resources", "requests", "cpu"),
        ("4 fits 0 instance types of pool general",),
        "at most 3820m",
        green={"services__door__pool": None, "services__door__resources__requests__cpu": "3820m"},
    ),
    Red(
        "daemonsets that leave nothing",
        {"daemonsets__agent__cpu": "5"},
        (*DOOR, "resources", "requests", "cpu"),
        ("100m fits 0 instance types", "offers 0 after daemonsets"),
        "larger instance types",
        green={"daemonsets__agent__cpu": "1"},
    ),
)

POOL_SIZE = (
    Red(
        "one node too few",
        {
            "services__door__resources__requests__cpu": "1900m",
            "node_pools__general__min": 1,
            "node_pools__general__max": 1,
        },
        (*POOL, "max"),
        ("3 x door, 3 x store, 5 x worker need 2 nodes of", "the pool ends at 1"),
        "at least 2",
        green={
            "services__door__resources__requests__cpu": "1900m",
            "node_pools__general__min": 1,
            "node_pools__general__max": 2,
        },
    ),
    Red(
        "more than any pool may have",
        {
            "services__door__replicas": 1000,
            "services__door__rollout": {"max_surge": 1000},
            "services__door__resources__requests__cpu": "3",
        },
        (*POOL, "max"),
        ("2000 x door, 3 x store, 5 x worker need 2000 nodes", "the pool ends at 4"),
        "lower a maximum, a request or the surge",
        green={"services__door__replicas": 3},
    ),
)

RED = {
    "requests-within-limits": REQUESTS,
    "limit-range": LIMIT_RANGE,
    "quota": QUOTA,
    "placement": PLACEMENT,
    "node-pools": NODE_POOLS,
    "instance-fit": FIT,
    "pool-size": POOL_SIZE,
}
