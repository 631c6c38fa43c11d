"""A misspelt key, wherever it stands, is answered with its path and the nearest right spelling."""

from __future__ import annotations

import copy
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from settings.annotations import annotation_at, kinds_at, models_at, named_at, sample
from settings.merge import SHORTHANDS
from settings.model import PlatformSettings
from settings.problems import Path, Problem, SettingsError
from settings.resolve import settle
from settings.yaml_reader import Document, read_file, read_text
from tests.settings.support import fields, models
from tests.support import DATA, ROOT, STACKS, TINY_SECRETS, problems, stack_file, tiny


def wrongly(key: str) -> dict[str, str]:
    """The key with one slip of each kind."""
    middle = len(key) // 2
    slips = {
        "one too many": key + key[-1],
        "one missing": key[:-1] if len(key) > 2 else key + "s",
        "another one": f"{key[:middle]}q{key[middle + 1 :]}",
        "swapped": key[: middle - 1] + key[middle] + key[middle - 1] + key[middle + 1 :],
    }
    return {kind: wrong for kind, wrong in slips.items() if wrong != key}


def renamed(data: dict[str, Any], path: Path, name: str) -> dict[str, Any]:
    """A copy with the last key of `path` called otherwise, in its place."""
    copied = copy.deepcopy(data)
    here: Any = copied
    for part in path[:-1]:
        here = here[part]
    items = [(name if key == path[-1] else key, value) for key, value in here.items()]
    here.clear()
    here.update(items)
    return copied


def faults(base: Document, overlay: Document, secrets: Any) -> tuple[Problem, ...]:
    try:
        settle(base, overlay, secrets)
    except SettingsError as error:
        return error.problems
    return ()


def check(base: Document, overlay: Document, path: Path, wrong: str, file: str) -> None:
    """One fault is the misspelt key, told with its right spelling; few follow from it (a required field is missing)."""
    found = faults(base, overlay, TINY_SECRETS)
    here = (*path[:-1], wrong)
    told = [p for p in found if p.path == here]
    null = overlay.has(here) and value_at(overlay.data, here) is None
    reason = "null removes what the platform file has, and it has nothing here" if null else "there is no such key here"
    assert [(p.reason, p.fix) for p in told] == [(reason, f"did you mean {path[-1]}?")], found
    assert told[0].file == file
    assert len(found) <= (2 if path[-1] not in ("kind", "models", "services") else 5), [str(p) for p in found]


def value_at(data: Any, path: Path) -> Any:
    """What lies at a path that is there."""
    for part in path:
        data = data[part]
    return data


def cases(data: dict[str, Any], whole: dict[str, Any]) -> list[Any]:
    """Every key with one of its slips, in turn."""
    out = []
    for index, path in enumerate(path for path in fields(data, whole) if path != ("base",)):
        slips = list(wrongly(str(path[-1])).values())
        wrong = slips[index % len(slips)]
        out.append(pytest.param(path, wrong, id=f"{'.'.join(map(str, path))}-{wrong}"))
    return out


TINY = read_file(DATA / "tiny.yaml", "platforms/tiny.yaml")
COMMITTED = read_file(ROOT / "platforms" / "llm-optimization.yaml", "platforms/llm-optimization.yaml")


@pytest.mark.parametrize(("path", "wrong"), cases(TINY.data, TINY.data))
def test_a_misspelt_key_of_the_smallest_platform_is_answered_with_the_right_one(path: Path, wrong: str) -> None:
    base = Document(TINY.name, renamed(TINY.data, path, wrong), TINY.lines)
    check(base, Document("o", tiny()), path, wrong, TINY.name)


@pytest.mark.parametrize(("path", "wrong"), cases(COMMITTED.data, COMMITTED.data))
def test_a_misspelt_key_of_the_committed_platform_is_answered_with_the_right_one(path: Path, wrong: str) -> None:
    base = Document(COMMITTED.name, renamed(COMMITTED.data, path, wrong), COMMITTED.lines)
    check(base, stack_file("prod").overlay, path, wrong, COMMITTED.name)


@pytest.mark.parametrize(
    ("stack", "path", "wrong"),
    [
        pytest.param(stack, *case.values, id=f"{stack}-{case.id}")
        for stack in STACKS
        for case in cases(stack_file(stack).overlay.data, {**COMMITTED.data, **stack_file(stack).overlay.data})
    ],
)
def test_a_misspelt_key_of_a_committed_stack_is_answered_with_the_right_one(stack: str, path: Path, wrong: str) -> None:
    file = stack_file(stack).overlay
    overlay = Document(file.name, renamed(file.data, path, wrong), file.lines)
    check(COMMITTED, overlay, path, wrong, file.name)


def everything(cluster: str) -> dict[str, Any]:
    """An overlay that says every field of every model, under names of its own, on a cluster of one kind."""
    kinds = {
        ("cluster",): cluster,
        ("hub", "token"): "external",
        ("models", "all", "engine"): "vllm",
        ("models", "all", "scaling"): "hpa",
        ("models", "other", "engine"): "max-serve",
        ("models", "other", "scaling"): "fixed",
        ("services", "all", "scaling"): "hpa",
    }
    entries = {("models",): ("all", "other"), ("services",): ("all",)}

    def build(path: Path, annotation: Any) -> Any:
        choices = models_at(path, {})
        if choices:
            kind = kinds.get(path)
            model = next(m for m in choices if kind is None or kind in get_args(m.model_fields["kind"].annotation))
            return of_model(path, model)
        if named_at(path, {}):
            names = entries.get(path) or (key_of(annotation),)
            return {name: build((*path, name), annotation_at((*path, name))) for name in names}
        listed = next((a for a in (*get_args(annotation), annotation) if get_origin(a) is tuple), None)
        if listed is not None:
            return [build((*path, 0), annotation_at((*path, 0)))]
        return read_text(sample(annotation), "sample").data

    def of_model(path: Path, model: type[BaseModel]) -> dict[str, Any]:
        out = {name: build((*path, name), annotation_at((*path, name))) for name in model.model_fields}
        return out | ({"kind": kinds[path]} if path in kinds else {})

    def key_of(annotation: Any) -> str:
        return next(iter(read_text(sample(annotation), "sample").data))

    return {**of_model((), PlatformSettings), "base": "tiny", "environment": "dev"}


EVERYTHING, EVERYTHING_EXISTING = everything("eks"), everything("existing")


def test_the_overlays_of_everything_have_the_shape_of_settings_and_every_field() -> None:
    for overlay in (EVERYTHING, EVERYTHING_EXISTING):
        assert not [p for p in faults(TINY, Document("o", overlay), ()) if p.rule == "shape"]
    said = {str(path[-1]) for overlay in (EVERYTHING, EVERYTHING_EXISTING) for path in fields(overlay, overlay)}
    known = {name for _, model in models() for name in model.model_fields}
    assert known <= said


@pytest.mark.parametrize(("path", "wrong"), cases(EVERYTHING, EVERYTHING))
def test_every_field_there_is_misspelt_in_an_overlay_is_answered_with_the_right_one(path: Path, wrong: str) -> None:
    found = faults(TINY, Document("o", renamed(EVERYTHING, path, wrong)), ())
    told = [(p.reason, p.fix) for p in found if p.path == (*path[:-1], wrong)]
    assert told == [("there is no such key here", f"did you mean {path[-1]}?")], [str(p) for p in found]


@pytest.mark.parametrize("wrong", list(wrongly("replicas").values()))
@pytest.mark.parametrize("key", ["replicas", "image"])
def test_a_misspelt_shorthand_is_answered_with_the_shorthand(key: str, wrong: str) -> None:
    assert key in SHORTHANDS["services"]
    wrong = wrong if key == "replicas" else "imgae"
    found = faults(TINY, Document("o", tiny(**{f"services__door__{wrong}": 2})), TINY_SECRETS)
    assert [(p.path, p.fix) for p in found] == [(("services", "door", wrong), f"did you mean {key}?")]


@pytest.mark.parametrize("wrong", list(wrongly("base").values()))
def test_a_misspelt_base_is_answered_before_anything_else_can_be_read(wrong: str) -> None:
    (problem,) = problems({wrong: "tiny", "environment": "dev"})
    assert (problem.path, problem.fix) == ((wrong,), "did you mean base?")


def test_a_kind_misspelt_where_no_other_file_says_it_is_answered_too() -> None:
    base = Document(TINY.name, renamed(TINY.data, ("cluster", "kind"), "knd"), TINY.lines)
    (problem,) = faults(base, Document("o", tiny()), TINY_SECRETS)
    assert (problem.path, problem.fix, problem.line) == (("cluster", "knd"), "did you mean kind?", 9)
    assert kinds_at(("cluster",)) == ["eks", "existing"]


def test_a_key_like_no_other_is_answered_with_all_that_there_are() -> None:
    (problem,) = faults(TINY, Document("o", tiny(registry__zzzzzz=1)), TINY_SECRETS)
    assert problem.fix == "use one of: host, keep, tag, unpinned"


@pytest.mark.parametrize(
    ("path", "wrong", "right"),
    [
        ("environment", "prd", "prod"),
        ("services__door__log_level", "debug", "DEBUG"),
        ("services__door__log_level", "WARN", "WARNING"),
        ("services__door__namespace", "frnt", "front"),
        ("services__door__pool", "generl", "general"),
        ("services__door__priority", "servin", "serving"),
        ("services__door__routes__work__to", "wroker", "worker"),
        ("services__worker__calls", ["mnd"], "mind"),
        ("node_pools__general__capacity", "ondemand", "on-demand"),
        ("node_pools__general__instance_types", ["m6i.xlrge"], "m6i.xlarge"),
        ("daemonsets__agent__pools", ["chep"], "cheap"),
        ("observability__namespace", "wtch", "watch"),
        ("models__mind__namespace", "bak", "back"),
        ("cluster__kind", "existng", "existing"),
        ("services__worker__scaling__kind", "hpaa", "hpa"),
        ("tiers__small__pod_security", "restrictd", "restricted"),
        ("aws__identity", "irsaa", "irsa"),
    ],
)
def test_a_misspelt_value_is_answered_with_the_right_one(path: str, wrong: Any, right: str) -> None:
    found = faults(TINY, Document("o", tiny(**{path: wrong})), TINY_SECRETS)
    told = [p for p in found if p.path[: len(path.split("__"))] == tuple(path.split("__"))]
    assert [p.fix for p in told] == [f"did you mean {right}?"], [str(p) for p in found]
