"""Every item of docs/requirements.md is accounted for, and the account is honest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.decisions import LEFT_OUT, rows, rows_of
from tests.requirements import CLAIMED, expand, marks_of, problems, shorten, status
from tests.requirements_report import STATUSES, lines, main
from tests.seeds import Leaf, files_of, leaves, rendered

NOW = status()
MARKED_CASE = 'pytest.param(1, marks=pytest.mark.requirement("S003-01"))'
SKIPPED_CASE = 'pytest.param(1, marks=[pytest.mark.skip, pytest.mark.requirement("S003-01")])'


def proves(source: str) -> list[str]:
    """The items that a test module proves."""
    return sorted({item for item, _ in marks_of(source, "test_it.py").pairs})


def test_the_checklist_has_every_item_of_the_five_documents_once() -> None:
    assert len(NOW.items) == len(set(NOW.items)) == 363
    counts = {
        seed: sum(item.startswith(seed) for item in NOW.items) for seed in ("S000", "S001", "S002", "S003", "S004")
    }
    assert counts == {"S000": 30, "S001": 135, "S002": 66, "S003": 114, "S004": 18}


def test_every_item_belongs_to_one_room() -> None:
    assert sorted(item for items in NOW.rooms.values() for item in items) == sorted(NOW.items)


def test_no_mark_and_no_decision_names_an_unknown_item_and_finished_work_stays_finished() -> None:
    assert problems(NOW) == []


def test_finished_work_is_shown_without_the_seed_documents_too() -> None:
    here = {item: [t for t in tests if "_yaml.py::" not in t] for item, tests in NOW.marks.items()}
    assert problems(replace(NOW, marks={item: tests for item, tests in here.items() if tests})) == []


def test_the_report_counts_every_item_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert capsys.readouterr().out == "\n".join(lines(NOW)) + "\n"
    assert sum(len(NOW.those(word)) for word in STATUSES) == len(NOW.items)


def test_a_lost_proof_a_wrong_id_and_a_decision_without_a_test_are_problems() -> None:
    lost = replace(NOW, marks={i: t for i, t in NOW.marks.items() if i != "S003-64"})
    assert any("S003-64" in problem for problem in problems(lost))
    wrong = replace(NOW, marks={**NOW.marks, "S003-999": ["tests/test_x.py::test_x"]})
    assert "tests/test_x.py::test_x proves S003-999, which is no item" in problems(wrong)
    unknown = replace(NOW, decided={**NOW.decided, "S009-01": ["0099-x.md"]})
    assert "0099-x.md decides S009-01, which is no item" in problems(unknown)
    silent = replace(NOW, decided={**NOW.decided, "S004-18": ["0099-x.md"]})
    assert "0099-x.md decides S004-18, and no test shows what we ship instead" in problems(silent)


def test_finished_work_names_items_that_exist() -> None:
    assert set(expand(CLAIMED)) <= set(NOW.items)
    assert shorten(expand(CLAIMED)) == CLAIMED


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ('@pytest.mark.requirement("S003-01", "S003-02")\ndef test_a(): ...', ["S003-01", "S003-02"]),
        ('pytestmark = pytest.mark.requirement("S003-01")\ndef test_a(): ...', ["S003-01"]),
        ('@pytest.mark.requirement("S003-01")\nclass TestA:\n    def test_a(self): ...', ["S003-01"]),
        (f'@pytest.mark.parametrize("x", [{MARKED_CASE}, 2])\ndef test_a(x): ...', ["S003-01"]),
        (f'CASES = [{MARKED_CASE}]\n@pytest.mark.parametrize("x", CASES)\ndef test_a(x): ...', ["S003-01"]),
        (
            '@pytest.mark.requirement("S003-01")\ndef test_a():\n    if not tool:\n        pytest.skip("no tool")',
            ["S003-01"],
        ),
    ],
)
def test_a_mark_on_a_test_its_class_its_module_or_its_case_counts(source: str, items: list[str]) -> None:
    assert proves(source) == items


@pytest.mark.parametrize(
    "source",
    [
        '@pytest.mark.requirement("S003-01")\ndef helper(): ...',
        '@pytest.mark.requirement("S003-01")\nclass Helper:\n    def test_a(self): ...',
        '@pytest.mark.skip\n@pytest.mark.requirement("S003-01")\ndef test_a(): ...',
        '@pytest.mark.skipif(True, reason="x")\n@pytest.mark.requirement("S003-01")\ndef test_a(): ...',
        '@pytest.mark.xfail(reason="x")\n@pytest.mark.requirement("S003-01")\ndef test_a(): ...',
        '@pytest.mark.requirement("S003-01")\ndef test_a():\n    pytest.skip("later")',
        'pytestmark = [pytest.mark.skip(reason="x")]\n@pytest.mark.requirement("S003-01")\ndef test_a(): ...',
        'pytest.skip("x", allow_module_level=True)\n@pytest.mark.requirement("S003-01")\ndef test_a(): ...',
        '@pytest.mark.parametrize("x", [])\n@pytest.mark.requirement("S003-01")\ndef test_a(x): ...',
        f"UNUSED = [{MARKED_CASE}]\ndef test_a(): ...",
        f'@pytest.mark.parametrize("x", [{SKIPPED_CASE}])\ndef test_a(x): ...',
        '@pytest.mark.skip\nclass TestA:\n    @pytest.mark.requirement("S003-01")\n    def test_a(self): ...',
    ],
)
def test_what_never_runs_to_its_end_proves_nothing(source: str) -> None:
    assert proves(source) == []


def test_ids_have_to_be_written_out() -> None:
    found = marks_of("@pytest.mark.requirement(ITEM)\ndef test_a(): ...", "test_it.py")
    assert found.pairs == []
    assert found.faults == ["test_it.py:1: write the ids of a requirement mark out"]


def test_a_decisions_table_is_read_row_by_row() -> None:
    table = """
| id | stacks | object | path | seed | rule or reason | ours |
|---|---|---|---|---|---|---|
| S003-54, S003-73 | dev, prod | `Deployment *` | `spec.a[0].b` | `30` | because | `"90"` |
| S003-98 | all | `*` | `spec.replicas` | `4` | because | `left out` |

| number | is |
|---|---|
| S003-01 | no decision |
"""
    first, second = rows_of(table, "0001-x.md")
    assert (first.ids, first.stacks, first.seed, first.ours) == (("S003-54", "S003-73"), ("dev", "prod"), 30, "90")
    assert first.is_about("dev", "Deployment platform/gateway", "spec.a[0].b")
    assert not first.is_about("staging", "Deployment platform/gateway", "spec.a[0].b")
    assert not first.is_about("dev", "Service platform/gateway", "spec.a[0].b")
    assert not first.is_about("dev", "Deployment platform/gateway", "spec.a[0]")
    assert (second.stacks, second.ours) == (("dev", "staging", "prod"), LEFT_OUT)
    assert second.is_about("staging", "Service quant/quant-api", "spec.replicas")


def test_every_row_of_every_decision_names_an_item() -> None:
    assert [str(row) for row in rows() if not row.ids] == []


SEED = """
```yaml
# base/kustomization.yaml
resources: [a.yaml, b.yaml]
commonLabels: {part-of: it}
```
```yaml
# base/a.yaml
kind: Deployment
metadata: {name: door, namespace: front}
spec:
  replicas: 1
  selector: {matchLabels: {app: door}}
  template: {metadata: {labels: {app: door}}, spec: {containers: [{name: door, image: "here/dev/door:1"}]}}
---
kind: ConfigMap
metadata: {name: door-config, namespace: front}
data: {LEVEL: INFO, TABLE: '{"a": {"b": 1}}'}
```
```yaml
# overlays/prod/kustomization.yaml
resources: [../../base]
commonLabels: {environment: prod}
replicas: [{name: door, count: 4}]
images: [{name: here/prod/door, newTag: "2"}]
configMapGenerator: [{name: door-config, literals: [LEVEL=DEBUG]}]
```
"""


def test_a_seeds_overlay_is_put_over_its_base_as_it_means_it() -> None:
    objects = rendered(files_of(SEED), "prod")
    door = objects["Deployment front/door"]
    labels = {"app": "door", "part-of": "it", "environment": "prod"}
    assert door["spec"]["replicas"] == 4
    assert door["spec"]["selector"]["matchLabels"] == door["spec"]["template"]["metadata"]["labels"] == labels
    assert door["spec"]["template"]["spec"]["containers"][0]["image"] == "here/prod/door:2"
    assert objects["ConfigMap front/door-config"]["data"]["LEVEL"] == "DEBUG"
    staging = rendered(files_of(SEED), "staging")
    assert staging["Deployment front/door"]["spec"]["replicas"] == 1


def test_leaves_are_named_by_the_names_in_lists_and_json_is_read() -> None:
    thing = {
        "containers": [{"name": "a", "args": ["x", "y"]}],
        "rules": [{"host": "h"}],
        "data": {"TABLE": '{"k": {"n": 1}}'},
        "labels": {"a.b/c": "d"},
    }
    assert dict(leaves(thing)) == {
        "containers[a].name": "a",
        "containers[a].args": ["x", "y"],
        "rules[0].host": "h",
        "data.TABLE.k.n": 1,
        'labels."a.b/c"': "d",
    }


def test_true_is_not_one_in_a_comparison() -> None:
    assert Leaf("dev", "Deployment a/b", "spec.x", True, 1).differs
    assert not Leaf("dev", "Deployment a/b", "spec.x", {"a": 1, "b": 2}, {"b": 2, "a": 1}).differs
