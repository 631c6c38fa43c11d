"""What comes from outside is listed with who states it, and what could move with the reason."""

from __future__ import annotations

import pytest

from settings.pins import supplies
from settings.versions import DIGESTS, KUBERNETES, LOADER, MAX, OLDEST_KUBERNETES, REVISIONS, UNPINNED, VLLM, Pin
from settings.weights import revision
from tests.settings.support import value_types
from tests.support import STACKS, resolved, stack_settings, tiny

DIGEST = f"sha256:{'0' * 64}"
COMMIT = "0123456789" * 4


def listed(**changes: object) -> dict[str, tuple[str, bool, str | None]]:
    return {s.what: (s.value, s.pinned, s.reason) for s in supplies(resolved(tiny(**changes)).settings)}


def test_everything_that_comes_from_outside_is_listed_in_order() -> None:
    assert list(listed()) == [
        "Kubernetes",
        "image of door",
        "image of worker",
        "image of mind",
        "image of downloads of store",
        "weights of mind",
        "adapter blue of mind",
        "adapter green of mind",
    ]


def test_a_digest_pins_an_image_and_a_tag_does_not() -> None:
    host = "999988887777.dkr.ecr.us-west-2.amazonaws.com/tiny-dev/door:v1.2.3"
    assert listed()["image of door"] == (host, False, "images of a test are never pushed")
    own = {"unpinned": "it is pushed tomorrow"}
    assert listed(services__door__image=own)["image of door"][2] == "it is pushed tomorrow"
    assert listed(services__door__image={"digest": DIGEST})["image of door"] == (f"{host}@{DIGEST}", True, "its digest")
    assert listed(registry__unpinned=None)["image of door"] == (host, False, None)


def test_an_image_of_somebody_else_is_pinned_by_the_settings_or_by_a_cited_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vllm = f"docker.io/vllm/vllm-openai:v{VLLM.value}"
    monkeypatch.delitem(DIGESTS, vllm, raising=False)
    assert listed()["image of mind"] == (vllm, False, UNPINNED["docker.io/vllm/vllm-openai"])
    own = listed(models__mind__engine__image={"digest": DIGEST})["image of mind"]
    assert own == (f"{vllm}@{DIGEST}", True, "its digest")
    monkeypatch.setitem(DIGESTS, vllm, Pin(DIGEST, "a page that states it"))
    assert listed()["image of mind"] == (f"{vllm}@{DIGEST}", True, "its digest")
    assert listed(models__mind__engine__image={"host": "r.example.com"})["image of mind"] == (
        f"r.example.com/vllm/vllm-openai:v{VLLM.value}",
        False,
        None,
    )


def test_weights_are_pinned_by_the_settings_or_by_a_cited_source() -> None:
    hub = "mistralai/Mistral-7B-Instruct-v0.3"
    cited = REVISIONS[hub]
    assert listed()["weights of mind"] == (f"{hub}@{cited.value}", True, cited.source)
    own = listed(models__mind__source__revision=COMMIT)["weights of mind"]
    assert own == (f"{hub}@{COMMIT}", True, "the settings name it")
    unknown = {"hub": "a/b", "size": "13Gi"}
    assert listed(models__mind__source=unknown)["weights of mind"] == ("a/b", False, None)
    why = {**unknown, "unpinned": "nobody has it yet"}
    assert listed(models__mind__source=why)["weights of mind"] == ("a/b", False, "nobody has it yet")


def test_an_adapter_is_pinned_by_its_revision_only() -> None:
    reason = "adapters of a test are never published"
    assert listed()["adapter blue of mind"] == ("tiny/blue", False, reason)
    pinned = listed(models__mind__adapters__blue={"revision": COMMIT, "unpinned": None})["adapter blue of mind"]
    assert pinned == (f"tiny/blue@{COMMIT}", True, "the settings name it")


def test_a_kubernetes_version_is_cited_or_the_settings_own() -> None:
    assert listed()["Kubernetes"] == (KUBERNETES.value, True, KUBERNETES.source)
    assert listed(cluster__version="1.33")["Kubernetes"] == ("1.33", True, "the settings name it")


def test_every_pin_has_its_form_and_a_source() -> None:
    types = value_types()
    forms = {
        "KubernetesVersion": (KUBERNETES, OLDEST_KUBERNETES),
        "EngineVersion": (VLLM, MAX),
        "ImageTag": (LOADER,),
        "ImageDigest": DIGESTS.values(),
        "Revision": REVISIONS.values(),
    }
    for form, pins in forms.items():
        for pin in pins:
            assert types[form].parse(pin.value)
            assert len(pin.source) > 20, pin
    for image, why in UNPINNED.items():
        assert types["Reason"].parse(why), image


@pytest.mark.parametrize("stack", STACKS)
def test_every_committed_stack_says_why_for_whatever_is_not_pinned(stack: str) -> None:
    settings = stack_settings(stack).settings
    assert all(supply.reason for supply in supplies(settings))
    assert all(revision(model.source) for model in settings.models.values())
