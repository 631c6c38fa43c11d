"""Every IAM document of a plan, linted by parliament: actions that do not exist, resources that cannot match, stars."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.graph import leaves
from tests.judges.aws_findings import Judgement
from tests.judges.markers import DOCUMENTS
from tests.judges.terraform_plan import TerraformPlan
from tests.judges.venvs import ask

IDENTITY = frozenset({"aws:iam/policy:Policy", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"})
"""Types whose documents say what an identity may do; the others' say who may use the resource."""
OTHER = frozenset({"aws:ecr/lifecyclePolicy:LifecyclePolicy"})
"""Types whose `policy` is no IAM document."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document."""

    stack: str
    type: str
    name: str
    path: str
    kind: str
    """trust, identity or resource."""
    text: str

    @property
    def content(self) -> Any:
        """The document itself; None if the text is none."""
        try:
            return json.loads(self.text)
        except json.JSONDecodeError:
            return None


def documents(plan: TerraformPlan) -> list[Document]:
    """Every IAM document of a plan, without markers."""
    return [
        Document(stack=stack, type=resource.type, name=resource.name, path=path, kind=kind, text=text)
        for address, (stack, resource) in plan.resources.items()
        for path, kind, text in _of(resource.type, plan.inputs[address])
    ]


def _of(type_: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for path, leaf in leaves(inputs):
        last = path.rpartition(".")[2]
        if last in DOCUMENTS and isinstance(leaf, str) and type_ not in OTHER:
            kind = "trust" if last == "assumeRolePolicy" else "identity" if type_ in IDENTITY else "resource"
            yield path, kind, leaf


def lint(found: list[Document]) -> list[Judgement]:
    """What parliament says of documents."""
    readable = [document for document in found if isinstance(document.content, dict)]
    answers = ask("iam.py", [{"kind": document.kind, "document": document.content} for document in readable])
    out = [_judgement(document, "MALFORMED_JSON", "") for document in found if document not in readable]
    for document, answer in zip(readable, answers, strict=True):
        out += [_judgement(document, finding["id"], finding["text"]) for finding in answer]
    return out


def _judgement(document: Document, issue: str, text: str) -> Judgement:
    what = {"stack": document.stack, "type": document.type, "name": document.name}
    return Judgement(judge="parliament", id=issue, text=f"{document.path}: {text}", **what)
