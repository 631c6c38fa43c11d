"""What a model server tells its engine, and where its metrics and spans go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from settings.max_serve import MaxServe
from settings.versions import DIGESTS, VLLM
from settings.vllm import LORA_RANKS, VllmImage
from tests.components.served import (
    BARE,
    MAXED,
    annotations,
    command_line,
    flags,
    pod,
    server,
    waiting,
)
from tests.support import World

Deploy = Callable[..., World]


# What vLLM is told


def test_vllm_is_told_where_weights_lie_how_it_is_called_and_what_it_may_take() -> None:
    first, *rest = command_line()
    assert first.startswith("/weights/mistralai--Mistral-7B-Instruct-v0.3/")
    assert rest[:4] == [
        "--served-model-name=mind",
        "--port=9000",
        "--gpu-memory-utilization=0.90",
        "--tensor-parallel-size=1",
    ]
    assert "--gpu-memory-utilization=0.85" in command_line(models__mind__engine__gpu_memory="85%")
    assert "--port=9100" in command_line(models__mind__port=9100)


OPTIONAL = [
    ("max_model_len", 2048, "--max-model-len=2048"),
    ("max_num_seqs", 64, "--max-num-seqs=64"),
    ("quantization", "fp8", "--quantization=fp8"),
    ("dtype", "bfloat16", "--dtype=bfloat16"),
]


@pytest.mark.parametrize(("key", "value", "argument"), OPTIONAL)
def test_vllm_is_told_only_what_is_set(key: str, value: Any, argument: str) -> None:
    without = command_line(models__mind__engine__max_model_len=None)
    assert not [flag for _, _, full in OPTIONAL for flag in flags(without, full.partition("=")[0])]
    told = command_line(**{"models__mind__engine__max_model_len": None, f"models__mind__engine__{key}": value})
    assert set(told) - set(without) == {argument}
    assert set(without) <= set(told)


def test_a_dtype_that_the_weights_decide_is_no_argument() -> None:
    assert command_line(models__mind__engine__dtype="auto") == command_line()


def test_adapters_are_loaded_at_the_start_from_the_cache() -> None:
    told = command_line()
    assert "--enable-lora" in told
    assert flags(told, "--max-loras") == ["--max-loras=2"]
    assert flags(told, "--max-lora-rank") == ["--max-lora-rank=16"]
    at = told.index("--lora-modules")
    assert told[at + 1 : at + 3] == ["blue=/weights/tiny--blue/main", "green=/weights/tiny--green/main"]
    assert all(argument.startswith("--") for argument in told[at + 3 :]), "and no third module"


@pytest.mark.parametrize(
    ("ranks", "least"), [((1, 1), 1), ((2, 7), 8), ((8, 8), 8), ((64, 24), 64), ((24, 17), 32), ((9, 129), 256)]
)
def test_the_largest_rank_is_the_least_that_vllm_takes_and_every_adapter_fits(
    ranks: tuple[int, int], least: int
) -> None:
    assert least in LORA_RANKS
    changes = {
        f"models__mind__adapters__{name}__rank": rank for name, rank in zip(("blue", "green"), ranks, strict=True)
    }
    assert flags(command_line(**changes), "--max-lora-rank") == [f"--max-lora-rank={least}"]


def test_max_loras_counts_the_adapters() -> None:
    third = {"hub": "tiny/red", "rank": 8, "unpinned": "adapters of a test are never published"}
    assert "--max-loras=3" in command_line(models__mind__adapters__red=third)


def test_a_model_without_adapters_hears_nothing_of_them() -> None:
    assert not [argument for argument in command_line(**BARE) if "lora" in argument]


def test_further_arguments_come_last_whatever_else_is_told() -> None:
    further = ["--enable-prefix-caching", "--seed=7"]
    assert command_line(models__mind__engine__arguments=further) == [*command_line(), *further]


@pytest.mark.parametrize(
    ("version", "argument", "known"),
    [
        ("0.15.9", "--disable-access-log-for-endpoints", False),
        ("0.16.0", "--disable-access-log-for-endpoints", True),
        ("1.0.0", "--disable-access-log-for-endpoints", True),
        ("0.17.9", "--shutdown-timeout", False),
        ("0.18.0", "--shutdown-timeout", True),
        ("0.100.0", "--shutdown-timeout", True),
    ],
)
def test_no_version_is_told_what_it_does_not_know(version: str, argument: str, known: bool) -> None:
    found = flags(command_line(models__mind__engine__version=version), argument)
    assert len(found) == known


def test_probes_and_scrapes_stay_out_of_the_access_log() -> None:
    assert "--disable-access-log-for-endpoints=/health,/metrics" in command_line()


def test_the_version_is_the_images_tag_and_a_digest_is_part_of_it(deploy: Deploy, usual: World, tuned: World) -> None:
    repository = f"docker.io/{VllmImage().repository}"
    image, cited = f"{repository}:v{VLLM.value}", DIGESTS.get(f"{repository}:v{VLLM.value}")
    assert server(usual)["image"] == (f"{image}@{cited.value}" if cited else image)
    assert server(tuned)["image"] == f"{repository}:v0.17.9"
    digest = "sha256:" + "b" * 64
    mirror = {"host": "mirror.example.com", "repository": "vllm", "tag": "v0.19.0-cu129", "digest": digest}
    world = deploy(models__mind__engine={"image": mirror, "version": "0.19.0"})
    assert server(world)["image"] == f"mirror.example.com/vllm:v0.19.0-cu129@{digest}"
    policies = [[c["imagePullPolicy"] for c in (server(w), waiting(w))] for w in (world, tuned)]
    assert policies == [["IfNotPresent"] * 2, ["Always"] * 2], "what a digest names cannot have changed"


# What MAX is told


def values_of(arguments: list[str]) -> set[str]:
    return {argument.partition("=")[2] for argument in arguments}


def test_max_is_told_the_same_things_in_its_own_words(maxed: World) -> None:
    """How it calls them is checked against its wheel, which no test has."""
    assert "command" not in server(maxed), "the image starts the right program by itself"
    told = server(maxed)["args"]
    assert told == command_line(**MAXED)
    weights, blue, green = waiting(maxed)["args"]
    assert {weights, "mind", "9000", "0.85", "4096"} <= values_of(told)
    assert {f"blue={blue}", f"green={green}"} <= values_of(told)
    assert all(argument.startswith("--") for argument in told)
    vllms = {argument.partition("=")[0] for argument in command_line()} - {"--served-model-name", "--port"}
    assert vllms & {argument.partition("=")[0] for argument in told} <= {"--enable-lora", "--max-lora-rank"}


def test_max_hears_nothing_of_adapters_where_there_are_none() -> None:
    assert not [argument for argument in command_line(**MAXED, **BARE) if "lora" in argument]


@pytest.mark.parametrize(
    ("key", "value"), [("max_length", 2048), ("max_batch_size", 17), ("quantization_encoding", "bfloat16")]
)
def test_max_is_told_only_what_is_set(key: str, value: Any) -> None:
    bare = command_line(models__mind__engine={"kind": "max-serve"})
    told = command_line(models__mind__engine={"kind": "max-serve", key: value})
    (more,) = set(told) - set(bare)
    assert more.endswith(f"={value}")
    assert len(told) == len(bare) + 1


def test_further_arguments_of_max_come_last() -> None:
    further = {"kind": "max-serve", "arguments": ["--no-enable-echo"]}
    assert command_line(models__mind__engine=further) == [
        *command_line(models__mind__engine={"kind": "max-serve"}),
        "--no-enable-echo",
    ]


def test_running_requests_of_max_are_finished_too(maxed: World) -> None:
    """It takes the time that they may take from its environment."""
    values = {variable["name"]: variable["value"] for variable in server(maxed)["env"]}
    told = values.get("MAX_SERVE_GRACEFUL_SHUTDOWN_TIMEOUT_S", "0")
    wait = server(maxed)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert wait + int(told) == 15 + 40, "by the server itself, or by the wait before it is told"
    assert pod(maxed)["terminationGracePeriodSeconds"] == 15 + 40 + 15
    assert values["HF_HUB_OFFLINE"] == "1"
    assert not [name for name in values if name.startswith("VLLM_")]


def test_max_is_scraped_on_a_port_of_its_own_that_prometheus_may_reach(maxed: World) -> None:
    port = MaxServe.metrics_port
    assert port is not None
    assert {p["name"]: p["containerPort"] for p in server(maxed)["ports"]} == {"http": 9000, "metrics": port}
    assert annotations(maxed)["prometheus.io/port"] == str(port)
    assert server(maxed)["startupProbe"]["httpGet"] == {"path": MaxServe.health, "port": 9000}
    ingress = maxed.object("NetworkPolicy", "mind", "back").spec["ingress"]
    assert {p["port"] for rule in ingress for p in rule["ports"]} == {9000, port}


# Telemetry


def test_prometheus_finds_its_metrics(usual: World) -> None:
    found = annotations(usual)
    assert {key: value for key, value in found.items() if key.startswith("prometheus.io/")} == {
        "prometheus.io/path": "/metrics",
        "prometheus.io/port": "9000",
        "prometheus.io/scrape": "true",
    }


def test_spans_go_to_the_collector_where_there_is_one() -> None:
    to = "--otlp-traces-endpoint=http://otel-collector.watch.svc.cluster.local:4317"
    assert flags(command_line(), "--otlp-traces-endpoint") == [to]
    assert flags(command_line(observability=None), "--otlp") == []


def test_an_engine_whose_image_has_no_tracing_is_not_asked_for_it() -> None:
    """vLLM before 0.17 ends at its start with this argument."""
    old = {"models__mind__engine__version": "0.16.0", "models__mind__engine__image": {"tag": "v0.16.0"}}
    assert flags(command_line(**old), "--otlp") == []
