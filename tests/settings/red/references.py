"""Red cases: names that are used, derived, reserved."""

from __future__ import annotations

from typing import Any

from settings.problems import Path
from tests.settings.red.case import Red

DOOR: Path = ("services", "door")
WORKER: Path = ("services", "worker")
SIZE = {"cpu": "1", "memory": "1Gi"}
OWN = {"quota": {"pods": 5}, "limit_range": dict.fromkeys(("default", "default_request", "max", "min"), SIZE)}
MODEL: dict[str, Any] = {
    "namespace": "back",
    "engine": {"kind": "vllm", "max_model_len": 4096},
    "source": {"hub": "tiny/more", "size": "1Gi", "unpinned": "not published in a test"},
    "pool": "gpu",
    "replicas": 1,
    "accept_outage": "asked for once a week, by a script",
    "cache": "store",
    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "200m", "memory": "3Gi"}},
    "scratch": "64Mi",
    "start_up": {"image": "60s", "warm_up": "30s"},
}
"""One more model."""
ROOMY: dict[str, Any] = {
    "namespaces__back__quota": {"limits": {"cpu": "20", "memory": "40Gi"}, "pods": 20, "services": 9}
}
"""Room for it."""
COPY = {
    "image": "x",
    "replicas": 2,
    "pool": "general",
    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "200m", "memory": "256Mi"}},
}

REFERENCES = (
    Red(
        "a tier",
        {
            "namespaces__front__tier": "smal",
            "namespaces__front__quota": OWN["quota"],
            "namespaces__front__limit_range": OWN["limit_range"],
        },
        ("namespaces", "front", "tier"),
        ('there is no tier "smal"',),
        "did you mean small?",
    ),
    Red(
        "a namespace",
        {"services__door__namespace": "frnt"},
        (*DOOR, "namespace"),
        ('there is no namespace "frnt"',),
        "did you mean front?",
    ),
    Red(
        "a node pool",
        {"services__door__pool": "big"},
        (*DOOR, "pool"),
        ('there is no node pool "big"',),
        "use one of: cheap, general",
        green={"services__door__pool": "general"},
    ),
    Red(
        "a priority",
        {"services__door__priority": "servin"},
        (*DOOR, "priority"),
        ('there is no priority "servin"',),
        "did you mean serving?",
    ),
    Red(
        "a priority where there is none at all",
        {"priorities__serving": None},
        ("services", "door", "priority"),
        ('there is no priority "serving"',),
        "define it, for example priorities: {serving: {value: 1000, description: answers users}}",
        green={"priorities__serving": None, "services__door__priority": None},
    ),
    Red(
        "the target of a route",
        {"services__door__routes__work__to": "wroker"},
        (*DOOR, "routes", "work", "to"),
        ('there is no service "wroker"',),
        "did you mean worker?",
    ),
    Red(
        "a route to itself",
        {"services__door__routes__work__to": "door"},
        (*DOOR, "routes", "work", "to"),
        ("door forwards to itself",),
        "use one of: worker",
        green={"services__door__routes__work__to": "worker"},
    ),
    Red(
        "a model",
        {"services__worker__calls": ["mnd"]},
        (*WORKER, "calls", 0),
        ('there is no model "mnd"',),
        "did you mean mind?",
    ),
    Red(
        "a model that is named twice",
        {"services__worker__calls": ["mind", "mind"]},
        (*WORKER, "calls"),
        ("names mind twice",),
        "name it once",
    ),
    Red(
        "the namespace of a model",
        {"models__mind__namespace": "bak"},
        ("models", "mind", "namespace"),
        ('there is no namespace "bak"',),
        "did you mean back?",
    ),
    Red(
        "the pool of a daemonset",
        {"daemonsets__agent__pools": ["general", "chep"]},
        ("daemonsets", "agent", "pools", 1),
        ('there is no node pool "chep"',),
        "did you mean cheap?",
        green={"daemonsets__agent__pools": ["general", "cheap"]},
    ),
    Red(
        "a pool that a daemonset names twice",
        {"daemonsets__agent__pools": ["cheap", "cheap"]},
        ("daemonsets", "agent", "pools"),
        ("names cheap twice",),
        "name it once",
        green={"daemonsets__agent__pools": ["cheap"]},
    ),
    Red(
        "the namespace of telemetry",
        {"observability__namespace": "wtch"},
        ("observability", "namespace"),
        ('there is no namespace "wtch"',),
        "did you mean watch?",
    ),
)

NAMES = (
    Red(
        "a namespace of Kubernetes",
        {"namespaces__default": {"tier": "small"}},
        ("namespaces", "default"),
        ("belongs to Kubernetes",),
        "of the platform's own",
        green={"namespaces__defaults": {"tier": "small"}},
    ),
    Red(
        "a namespace that begins like those of Kubernetes",
        {"namespaces__kube-mine": {"tier": "small"}},
        ("namespaces", "kube-mine"),
        ("belongs to Kubernetes",),
        "of the platform's own",
        green={"namespaces__mykube": {"tier": "small"}},
    ),
    Red(
        "a priority of Kubernetes",
        {"priorities__system-x": {"value": 1, "description": "x"}},
        ("priorities", "system-x"),
        ("system- names belong to Kubernetes",),
        "for example x",
        green={"priorities__x": {"value": 1, "description": "x"}},
    ),
    Red(
        "a role that is too long for IAM",
        {"prefix": "p" * 48},
        WORKER,
        ("has 65 characters, IAM takes 64",),
        "shorten the service's name or `prefix` by 1",
        green={"prefix": "p" * 47},
    ),
    Red(
        "a cache whose downloads would have too long names",
        {"caches__" + "c" * 31: {"namespace": "back", "size": "1Gi"}},
        ("caches", "c" * 31),
        ("31 characters leave no room for the names of its downloads",),
        "shorten the name by 1",
        green={"caches__" + "c" * 30: {"namespace": "back", "size": "1Gi"}},
    ),
    Red(
        "a model and a service of one name",
        {"models__door": {**MODEL}, **ROOMY},
        ("models", "door"),
        ("door is also a service",),
        "another name",
        green={"models__window": {**MODEL}, **ROOMY},
    ),
    Red(
        "two services with one config map in one namespace",
        {"services__worker__namespace": "front", "services__worker__config_map": "door-config"},
        (*WORKER, "config_map"),
        ("ConfigMap front/door-config is already made by services.door",),
        "another name",
        green={"services__worker__namespace": "back", "services__worker__config_map": "door-config"},
    ),
    Red(
        "two services with one account in one namespace",
        {"services__worker__namespace": "front", "services__worker__service_account": "door-sa"},
        (*WORKER, "service_account"),
        ("ServiceAccount front/door-sa is already made by services.door",),
        "another name",
        green={"services__worker__namespace": "front", "services__worker__service_account": "worker-sa"},
    ),
    Red(
        "the account that every namespace has",
        {"services__door__service_account": "default"},
        (*DOOR, "service_account"),
        ("ServiceAccount front/default is already made by namespaces.front",),
        "another name",
        green={"services__door__service_account": "defaults"},
    ),
    Red(
        "two ways in of one name in one namespace",
        {
            "services__worker__namespace": "front",
            "services__worker__ingress": {"host": "w.example.com", "name": "door-ingress"},
        },
        (*WORKER, "ingress", "name"),
        ("Ingress front/door-ingress is already made by services.door.ingress",),
        "another name",
        green={"services__worker__namespace": "front", "services__worker__ingress": {"host": "w.example.com"}},
    ),
    Red(
        "a service that is called like a guard of its namespace",
        {"services__allow-dns": {"namespace": "front", **COPY}},
        ("services", "allow-dns"),
        ("NetworkPolicy front/allow-dns is already made by namespaces.front",),
        "another name",
        green={"services__allow-dnss": {"namespace": "front", **COPY}},
    ),
    Red(
        "a model that is called like the other guard",
        {"models__default-deny": MODEL, **ROOMY},
        ("models", "default-deny"),
        ("NetworkPolicy back/default-deny is already made by namespaces.back",),
        "another name",
        green={"models__deny": MODEL, **ROOMY},
    ),
    Red(
        "a service that is called like the collector beside it",
        {"services__otel-collector": {"namespace": "watch", **COPY}},
        ("services", "otel-collector"),
        ("NetworkPolicy watch/otel-collector is already made by observability.collector.name",),
        "another name",
        green={"services__otel-collector": {"namespace": "front", **COPY}},
    ),
    Red(
        "a collector that is called like Prometheus",
        {"observability__collector__name": "prometheus"},
        ("observability", "prometheus", "name"),
        ("NetworkPolicy watch/prometheus is already made by observability.collector.name",),
        "another name",
        green={"observability__collector__name": "collector"},
    ),
    Red(
        "a webhook that is called like a service beside it",
        {"namespaces__front__webhooks": {"door": 9443}},
        DOOR,
        ("NetworkPolicy front/door is already made by namespaces.front.webhooks.door",),
        "another name",
        green={"namespaces__watch__webhooks": {"prometheus": 9443, "otel-collector": 9443, "other": 9443}},
    ),
    Red(
        "a service that is called like the downloads of its namespace",
        {"services__store": {"namespace": "back", **COPY}},
        ("caches", "store"),
        ("NetworkPolicy back/store is already made by services.store",),
        "another name",
        green={"services__shop": {"namespace": "back", **COPY}},
    ),
)

CONFIG_KEYS = (
    Red(
        "the log level",
        {"services__door__config__LOG_LEVEL": "x"},
        (*DOOR, "config", "LOG_LEVEL"),
        ("the platform sets this variable itself",),
        "use log_level",
        green={"services__door__config__LOG_FORMAT": "x"},
    ),
    Red(
        "the route table",
        {"services__door__config__ROUTE_TABLE": "x"},
        (*DOOR, "config", "ROUTE_TABLE"),
        ("the platform sets this variable itself",),
        "leave it out",
        green={"services__worker__config__ROUTE_TABLE": "x"},
    ),
    Red(
        "the URL of a model",
        {"services__worker__config__MIND_URL": "x"},
        (*WORKER, "config", "MIND_URL"),
        ("sets this variable itself",),
        "leave it out",
        green={"services__worker__config__MINDS_URL": "x"},
    ),
    Red(
        "telemetry, while there is some",
        {"services__door__config__OTEL_SERVICE_NAME": "x"},
        (*DOOR, "config", "OTEL_SERVICE_NAME"),
        ("sets this variable itself",),
        "leave it out",
        green={"services__door__config__OTEL_SERVICE_NAME": "x", "observability": None},
    ),
    Red(
        "a variable that a route and a model both make",
        {
            **ROOMY,
            "models__work-service": MODEL,
            "services__door__calls": ["work-service"],
        },
        (*DOOR, "calls", 0),
        ("sets WORK_SERVICE_URL, which services.door.routes.work sets too",),
        "rename the route or the model",
        green={
            **ROOMY,
            "models__work-servic": MODEL,
            "services__door__calls": ["work-servic"],
        },
    ),
)

HOSTS = (
    Red(
        "one host for two services",
        {"services__worker__ingress": {"host": "door.example.com"}},
        (*WORKER, "ingress", "host"),
        ("door.example.com already leads to door",),
        "for example worker.door.example.com",
        green={"services__worker__ingress": {"host": "worker.door.example.com"}},
    ),
)

ROUTES = (
    Red(
        "weights that miss some requests",
        {"services__door__routes__work__variants": {"blue": 70, "green": 29}},
        (*DOOR, "routes", "work", "variants"),
        ("the weights sum to 99 (70 + 29)",),
        "make them sum to 100",
        green={"services__door__routes__work__variants": {"blue": 71, "green": 29}},
    ),
    Red(
        "weights that are too many",
        {"services__door__routes__work__variants": {"blue": 100, "green": 1}},
        (*DOOR, "routes", "work", "variants"),
        ("the weights sum to 101 (100 + 1)",),
        "make them sum to 100",
        green={"services__door__routes__work__variants": {"blue": 100, "green": 0}},
    ),
    Red(
        "weights of nothing at all",
        {"services__door__routes__work__variants": {"blue": 0, "green": 0}},
        (*DOOR, "routes", "work", "variants"),
        ("the weights sum to 0 (0 + 0)",),
        "make them sum to 100",
        green={"services__door__routes__work__variants": None},
    ),
    Red(
        "an adapter that nobody serves",
        {"services__door__routes__work__variants": {"blue": 70, "green": None, "gren": 30}},
        (*DOOR, "routes", "work", "variants", "gren"),
        ('no model that worker calls has an adapter "gren"',),
        "did you mean green?",
    ),
    Red(
        "adapters of a model that the target does not call",
        {"services__worker__calls": []},
        (*DOOR, "routes", "work", "variants", "blue"),
        ('no model that worker calls has an adapter "blue"',),
        "add it to a model in calls of worker",
        green={"services__worker__calls": ["mind"]},
    ),
)

RED = {
    "references": REFERENCES,
    "names": NAMES,
    "config-keys": CONFIG_KEYS,
    "hosts": HOSTS,
    "routes": ROUTES,
}
