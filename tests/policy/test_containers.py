"""Resources, probes and images of containers: red cases and green neighbours."""

from __future__ import annotations

import pytest

from tests.policy.support import added, copied, edited, said
from tests.support import REMOVE

GATEWAY = "Deployment platform/gateway"
CONTAINER = "spec template spec containers 0"
SUBJECT = f"container gateway of {GATEWAY}"

SIZED = {
    "no resources": (("resources", REMOVE), ["its requests lack cpu and memory", "its limits lack cpu and memory"]),
    "no memory request": (("resources requests memory", REMOVE), ["its requests lack memory"]),
    "no cpu limit": (("resources limits cpu", None), ["its limits lack cpu"]),
    "more than the limit": (("resources requests cpu", "1001m"), ["it requests 1001m cpu and is limited to 1"]),
    "more than the limit, in other units": (
        ("resources requests memory", "1.1G"),
        ["it requests 1.1G memory and is limited to 1Gi"],
    ),
    "more disk than the limit": (
        ("resources requests ephemeral-storage", "1Gi"),
        ["it requests 1Gi ephemeral-storage and is limited to 128Mi"],
    ),
}
SIZED_GREEN = {
    "as much as the limit": ("resources requests cpu", "1000m"),
    "as a number": ("resources requests cpu", 1),
    "less, in other units": ("resources requests memory", "1G"),
    "not known yet": ("resources requests cpu", "${config x.cpu}"),
}


@pytest.mark.parametrize(("change", "finds"), SIZED.values(), ids=SIZED)
def test_a_container_without_a_sound_size_is_named(prod, change, finds) -> None:
    graph = edited(prod, GATEWAY, f"{CONTAINER} {change[0]}", change[1])
    assert said("sized", graph) == [f"{SUBJECT}: {reason}" for reason in finds]


@pytest.mark.parametrize("change", SIZED_GREEN.values(), ids=SIZED_GREEN)
def test_a_container_of_sound_size_is_left_alone(prod, change) -> None:
    assert said("sized", edited(prod, GATEWAY, f"{CONTAINER} {change[0]}", change[1])) == []


def test_init_containers_take_room_too(prod) -> None:
    graph = edited(prod, GATEWAY, "spec template spec initContainers", [{"name": "fetch", "image": "x:1"}])
    assert said("sized", graph)[0] == f"container fetch of {GATEWAY}: its requests lack cpu and memory"


PROBED = {
    "no startup probe": (("startupProbe", REMOVE), "it has no startupProbe"),
    "no readiness probe": (("readinessProbe", None), "it has no readinessProbe"),
    "a probe that asks nothing": (("livenessProbe httpGet", REMOVE), "it has no livenessProbe"),
    "a probe on a closed port": (
        ("livenessProbe httpGet port", 8080),
        "its livenessProbe asks on port 8080, which it does not open",
    ),
    "a probe on a name that no port has": (
        ("livenessProbe httpGet port", "health"),
        "its livenessProbe asks on port health, which it does not open",
    ),
    "a gRPC probe on a closed port": (
        ("startupProbe", {"grpc": {"port": 9000}}),
        "its startupProbe asks on port 9000, which it does not open",
    ),
}
PROBED_GREEN = {
    "by name": ("livenessProbe httpGet port", "http"),
    "as the engine sends it": ("livenessProbe httpGet port", 8000.0),
    "by a command": ("startupProbe", {"exec": {"command": ["/bin/ready"]}}),
    "by a connection": ("startupProbe", {"tcpSocket": {"port": 8000}}),
}


@pytest.mark.parametrize(("change", "reason"), PROBED.values(), ids=PROBED)
def test_a_server_that_cannot_be_asked_is_named(prod, change, reason) -> None:
    graph = edited(prod, GATEWAY, f"{CONTAINER} {change[0]}", change[1])
    assert said("probed", graph) == [f"{SUBJECT}: {reason}"]


@pytest.mark.parametrize("change", PROBED_GREEN.values(), ids=PROBED_GREEN)
def test_a_server_that_can_be_asked_is_left_alone(prod, change) -> None:
    assert said("probed", edited(prod, GATEWAY, f"{CONTAINER} {change[0]}", change[1])) == []


def test_a_job_needs_no_probes(prod) -> None:
    job = copied(prod, GATEWAY, name="batch") | {"kind": "Job"}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        del job["spec"]["template"]["spec"]["containers"][0][probe]
    assert said("probed", added(prod, job)) == []


DIGEST = "@sha256:" + "0" * 64
IMAGES = {
    "registry.example/gateway": "its image registry.example/gateway has no tag",
    "registry.example:5000/gateway": "its image registry.example:5000/gateway has no tag",
    "registry.example/gateway:latest": "its image registry.example/gateway:latest is whatever latest is",
    "registry.example/gateway:": "its image registry.example/gateway: has no tag",
    "gateway@sha256:0000": "its image gateway@sha256:0000 has a digest that is none",
    "": "its image (none) has no tag",
}


@pytest.mark.parametrize(("image", "reason"), IMAGES.items())
def test_an_image_without_a_version_is_named(prod, image, reason) -> None:
    assert said("versioned", edited(prod, GATEWAY, f"{CONTAINER} image", image)) == [f"{SUBJECT}: {reason}"]


@pytest.mark.parametrize(
    "image",
    [
        "gateway:v1.0.0",
        "registry.example:5000/team/gateway:v1.0.0",
        f"registry.example/gateway{DIGEST}",
        f"registry.example/gateway:latest{DIGEST}",
        "${aws:ecr/repository:Repository gateway.repositoryUrl}:v1.0.0",
        "${aws:ecr/repository:Repository gateway.imageUri}",
    ],
)
def test_an_image_of_one_version_is_left_alone(prod, image) -> None:
    assert said("versioned", edited(prod, GATEWAY, f"{CONTAINER} image", image)) == []


def test_a_tag_behind_an_unknown_registry_is_judged(prod) -> None:
    image = "${aws:ecr/repository:Repository gateway.repositoryUrl}:latest"
    assert len(said("versioned", edited(prod, GATEWAY, f"{CONTAINER} image", image))) == 1
