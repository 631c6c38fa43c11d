"""Custom resources are held against their controllers' own schemas, with nothing unknown let by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import planned
from tests.judges import crds
from tests.policy.support import edited
from tests.support import REMOVE

TOKEN = "ExternalSecret llm-baseline/weights-token"
CRD = """
spec:
  group: external-secrets.io
  names: {kind: ExternalSecret}
  versions:
    - {name: v1beta1, served: false, schema: {openAPIV3Schema: {type: object}}}
    - name: v1
      served: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            apiVersion: {type: string}
            kind: {type: string}
            metadata: {type: object}
            spec:
              type: object
              properties:
                count: {x-kubernetes-int-or-string: true}
                open: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: string}}}
                list: {type: array, items: {type: object, properties: {name: {type: string}}}}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CRDs of our own in place of the module's."""
    (tmp_path / "crd.yaml").write_text(CRD)
    crds.validator.cache_clear()
    monkeypatch.setattr(crds, "folder", lambda _: (tmp_path, "a test"))
    yield
    crds.validator.cache_clear()


def resource(spec: Mapping[str, Any], version: str = "v1") -> dict[str, Any]:
    return {
        "apiVersion": f"external-secrets.io/{version}",
        "kind": "ExternalSecret",
        "metadata": {"a": 1},
        "spec": spec,
    }


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "spec", [{}, {"count": 1}, {"count": "50%"}, {"open": {"whatever": 1}}, {"list": [{"name": "a"}]}], ids=str
)
def test_what_the_schema_knows_is_taken(spec: dict[str, Any]) -> None:
    assert crds.against_crd(resource(spec)) == []


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"cuont": 1}, "spec: Additional properties are not allowed ('cuont' was unexpected)"),
        ({"list": [{"nmae": "a"}]}, "spec.list.0: Additional properties"),
        ({"list": {"name": "a"}}, "spec.list: {'name': 'a'} is not of type 'array'"),
        ({"count": [1]}, "spec.count: [1] is not of type"),
    ],
    ids=str,
)
def test_what_the_api_server_would_prune_or_refuse_is_found(spec: dict[str, Any], says: str) -> None:
    (found,) = crds.against_crd(resource(spec))
    assert found.startswith(says)


@pytest.mark.usefixtures("own")
def test_a_version_that_is_not_served_is_found() -> None:
    (found,) = crds.against_crd(resource({}, "v1beta1"))
    assert "no CRD of" in found
    assert "serves external-secrets.io/v1beta1 ExternalSecret" in found


def test_a_schema_that_cannot_be_had_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    crds.folder.cache_clear()
    crds.validator.cache_clear()
    monkeypatch.setenv("PATH", "")
    assert "there is no `go` on the PATH" in str(crds.why_not(resource({})))
    assert crds.against_crd(resource({"cuont": 1})) == []
    assert "nobody knows" in str(crds.why_not({"apiVersion": "example.com/v1", "kind": "X"}))
    crds.folder.cache_clear()
    crds.validator.cache_clear()


def test_the_token_holds_against_the_controllers_own_schema_and_its_misspellings_do_not() -> None:
    graph = planned("prod").graph
    (secret,) = graph.of_kind("ExternalSecret")
    if why := crds.why_not(secret.manifest):
        pytest.skip(f"DID NOT RUN: {why}")
    assert crds.against_crd(secret.manifest) == []
    for path, value in (
        ("spec refreshIntervall", "1h"),
        ("spec target creationPolicy", "Sometimes"),
        ("spec data 0 remoteRef key", REMOVE),
        ("spec secretStoreRef kind", "Store"),
    ):
        (broken,) = edited(graph, TOKEN, path, value).of_kind("ExternalSecret")
        assert len(crds.against_crd(broken.manifest)) == 1, path
