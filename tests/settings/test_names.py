"""Names that follow from the settings are the same wherever somebody asks."""

from __future__ import annotations

import pytest

from settings import names
from tests.support import resolved, tiny


def test_objects_are_called_after_their_service_unless_the_settings_say_otherwise() -> None:
    settings = resolved(tiny(services__worker__service_account="w", services__worker__config_map="c")).settings
    door, worker = settings.services["door"], settings.services["worker"]
    assert names.service_account("door", door) == "door-sa"
    assert names.config_map("door", door) == "door-config"
    assert names.ingress("door", door) == "door-ingress"
    assert (names.service_account("worker", worker), names.config_map("worker", worker)) == ("w", "c")
    assert names.ingress("worker", worker) == "worker-ingress"
    assert (names.secret("door"), names.autoscaler("door"), names.budget("door")) == (
        "door-secrets",
        "door-hpa",
        "door-pdb",
    )
    assert (names.model_account("mind"), names.headroom("gpu")) == ("mind-sa", "gpu-headroom")
    assert (names.cache_account("store"), names.fetch_script("store")) == ("store-sa", "store-fetch")
    named = resolved(tiny(services__door__ingress__name="front-door")).settings.services["door"]
    assert names.ingress("door", named) == "front-door"


def test_a_role_belongs_to_one_environment() -> None:
    dev, prod = (resolved(tiny(environment=e)).settings for e in ("dev", "prod"))
    assert names.role_arn(dev, "door") == "arn:aws:iam::999988887777:role/tiny-dev-door-irsa"
    assert names.role_arn(prod, "door") == "arn:aws:iam::999988887777:role/tiny-prod-door-irsa"


def test_there_is_no_role_to_name_without_an_account_or_where_the_agent_knows_it() -> None:
    assert names.role_arn(resolved(tiny(aws__account=None)).settings, "door") is None
    assert names.role_arn(resolved(tiny(aws__identity="pod-identity")).settings, "door") is None


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-west-2", "aws"), ("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_a_region_lies_in_its_partition(region: str, partition: str) -> None:
    assert names.partition(region) == partition


@pytest.mark.parametrize(
    ("changes", "image"),
    [
        ({}, "999988887777.dkr.ecr.us-west-2.amazonaws.com/tiny-dev/door:v1.2.3"),
        ({"environment": "staging"}, "999988887777.dkr.ecr.us-west-2.amazonaws.com/tiny-staging/door:v1.2.3"),
        ({"services__door__image": {"tag": "v9"}}, "999988887777.dkr.ecr.us-west-2.amazonaws.com/tiny-dev/door:v9"),
        ({"registry__host": "r.example.com"}, "r.example.com/tiny-dev/door:v1.2.3"),
        ({"aws__account": None}, "tiny-dev/door:v1.2.3"),
        (
            {"registry__tag": None, "services__door__image": {"digest": f"sha256:{'0' * 64}"}}
            | {"services__worker__image": {"tag": "x"}, "registry__host": "r.example.com"},
            f"r.example.com/tiny-dev/door@sha256:{'0' * 64}",
        ),
        (
            {"services__door__image": {"digest": f"sha256:{'0' * 64}"}, "aws__account": None},
            f"tiny-dev/door:v1.2.3@sha256:{'0' * 64}",
        ),
        ({"services__door__image": {"host": "quay.io", "tag": "v9"}}, "quay.io/door:v9"),
        (
            {"services__door__image": {"host": "quay.io", "repository": "a/b", "digest": f"sha256:{'0' * 64}"}},
            f"quay.io/a/b@sha256:{'0' * 64}",
        ),
        (
            {
                "aws__region": "cn-north-1",
                "aws__zones": ["cn-north-1a", "cn-north-1b"],
                "ingress__certificate_arn": None,
            },
            "999988887777.dkr.ecr.cn-north-1.amazonaws.com.cn/tiny-dev/door:v1.2.3",
        ),
    ],
)
def test_an_image_reference_has_host_environment_repository_and_version(changes: dict[str, object], image: str) -> None:
    settings = resolved(tiny(**changes)).settings
    assert names.image(settings, settings.services["door"].image) == image


def test_urls_are_those_of_cluster_dns() -> None:
    settings = resolved(tiny(services__door__service_port=81)).settings
    assert names.service_url("door", settings.services["door"]) == "http://door.front.svc.cluster.local:81"
    assert names.service_url("worker", settings.services["worker"]) == "http://worker.back.svc.cluster.local"
    assert names.model_url("mind", settings.models["mind"]) == "http://mind.back.svc.cluster.local:9000/v1"
    assert names.env_key("a-b-c1") == "A_B_C1"
