"""What the judge over Helm values finds, and what it says when it cannot look."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.charts import CHARTS
from tests.judges import charts as judge
from tests.judges.charts import Release, check

VALUES = """
name: null
replicaCount: 1
account: {create: true, annotations: {}}
resources: {requests: {cpu: 1m}}
free: {}
nested: {deep: {known: 1}}
side: {enabled: false}
"""
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  count: {{ .Values.replicaCount | quote }}
  version: {{ .Capabilities.KubeVersion.Minor | quote }}
{{- if eq (int .Values.replicaCount) 13 }}{{ fail "thirteen brings bad luck" }}{{ end }}
"""
ABOUT = {
    "apiVersion": "v2",
    "name": "tiny",
    "version": "1.2.3",
    "kubeVersion": ">= 1.30.0-0",
    "dependencies": [
        {"name": "aside", "version": "1.0.0", "repository": "oci://example.com/x", "condition": "side.enabled"}
    ],
}


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """A folder of one tiny chart, somewhere below."""
    chart = tmp_path / "charts" / "some" / "where"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(yaml.safe_dump(ABOUT))
    (chart / "values.yaml").write_text(VALUES)
    (chart / "templates" / "map.yaml").write_text(TEMPLATE)
    return tmp_path / "charts"


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helm that renders nothing but one object, so that the rest can be looked at without Helm."""
    program = tmp_path / "bin" / "helm"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'kind: ConfigMap'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


def tiny(values: Mapping[str, Any], version: str = "1.2.3", chart: str = "tiny") -> Release:
    return Release(chart=chart, version=version, values=values, kubernetes="1.35")


@pytest.mark.usefixtures("helm")
def test_known_keys_and_free_maps_are_taken(charts: Path) -> None:
    values = {
        "name": "x",
        "account": {"annotations": {"any/thing": "goes"}},
        "resources": {"limits": {"memory": "1Mi"}},
        "free": {"any": {"thing": "goes"}},
        "nested": {"deep": {"known": 2}},
    }
    assert check([tiny(values)], charts) == []


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"replicas": 2}, "replicas"),
        ({"account": {"annotation": {}}}, "account.annotation"),
        ({"nested": {"deep": {"knwon": 2}}}, "nested.deep.knwon"),
    ],
    ids=str,
)
def test_an_unknown_key_is_found(charts: Path, values: dict[str, Any], path: str) -> None:
    assert check([tiny(values)], charts) == [f"tiny: values.yaml has no {path}"]


@pytest.mark.usefixtures("helm")
def test_another_version_is_found(charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check([tiny({}, "1.2.4")], charts) == ["tiny: $CHARTS has 1.2.3, the release is of 1.2.4"]
    monkeypatch.setitem(judge.CHARTS, "tiny", CHARTS["external-dns"])
    assert check([tiny({})], charts) == [f"tiny: 1.2.3 is not the pin, {CHARTS['external-dns'].version}"]


@pytest.mark.usefixtures("helm")
def test_an_absent_chart_is_said_and_the_others_are_judged(charts: Path) -> None:
    assert check([tiny({}, chart="absent"), tiny({"x": 1})], charts) == [
        "DID NOT RUN: absent: $CHARTS has no folder of it",
        "tiny: values.yaml has no x",
    ]


def test_what_is_missing_is_said_and_no_fault(
    charts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert check([tiny({"x": 1})], charts) == ["DID NOT RUN: helm is not on the PATH"]
    monkeypatch.setenv("CHARTS", str(charts / "nowhere"))
    assert judge.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "DID NOT RUN: helm is not on the PATH",
        "DID NOT RUN: $CHARTS names no folder of charts",
    ]


@pytest.mark.usefixtures("helm")
def test_every_chart_of_prod_is_asked_for(
    charts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHARTS", str(charts))
    assert judge.main() == 0
    *absent, summary = capsys.readouterr().out.splitlines()
    assert sorted(absent) == sorted(f"DID NOT RUN: {name}: $CHARTS has no folder of it" for name in CHARTS)
    assert summary == "0 of 6 charts rendered and held against: 0 findings"


def test_a_dependency_that_is_off_is_left_out_and_one_that_is_on_is_not(charts: Path) -> None:
    (chart,) = judge.chart_folders(charts).values()
    judge.leave_out(chart, {"side": {"enabled": True}})
    assert judge.read(chart / "Chart.yaml")["dependencies"] == ABOUT["dependencies"]
    judge.leave_out(chart, {})
    assert judge.read(chart / "Chart.yaml")["dependencies"] == []


def test_the_outer_of_two_charts_of_one_name_is_taken(charts: Path) -> None:
    inner = charts / "some" / "where" / "charts" / "tiny"
    inner.mkdir(parents=True)
    (inner / "Chart.yaml").write_text(yaml.safe_dump({"name": "tiny", "version": "0"}))
    assert judge.chart_folders(charts) == {"tiny": charts / "some" / "where"}


@pytest.mark.skipif(shutil.which("helm") is None, reason="DID NOT RUN: helm is not on the PATH")
def test_helm_renders_it_for_the_stacks_kubernetes_and_its_refusal_is_told(charts: Path) -> None:
    text, faults = judge.rendered(tiny({"replicaCount": 2}), charts / "some" / "where")
    assert faults == []
    assert yaml.safe_load(text)["data"] == {"count": "2", "version": "35"}
    (refusal,) = check([tiny({"replicaCount": 13})], charts)
    assert "thirteen brings bad luck" in refusal
    assert str(charts) not in refusal
    (refusal,) = check([tiny({"side": {"enabled": True}})], charts)
    assert "aside" in refusal
