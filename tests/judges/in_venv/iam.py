"""Lints policy documents with parliament: a list of {kind, document} comes in, a list of lists of findings goes out.

parliament was written for policies of identities. Of the other two kinds it says things that do not hold:

- a trust policy has no Resource, and its provider is an EKS cluster's issuer, which parliament does not know;
- in a resource's own policy, Resource "*" means that resource.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from typing import Any

warnings.filterwarnings("ignore")

import parliament  # noqa: E402  # looks for its data with pkg_resources, which warns on stderr when it is imported

PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/oidc\.eks\.[a-z0-9-]+\.amazonaws\.com/id/\w+")
CLAIM = re.compile(r"Unknown condition oidc\.eks\.[a-z0-9-]+\.amazonaws\.com/id/\w+:(aud|sub) for action .*")


def lint(kind: str, document: dict[str, Any]) -> list[dict[str, str]]:
    """What parliament finds in a document of this kind, without what does not hold for it."""
    if kind == "trust":
        statements = document.get("Statement", [])
        statements = statements if isinstance(statements, list) else [statements]
        document = {**document, "Statement": [{"Resource": "*", **statement} for statement in statements]}
    analyzed = parliament.analyze_policy_string(json.dumps(document))
    found = [(finding.issue, text) for finding in analyzed.findings for text in _texts(finding)]
    return [{"id": issue, "text": text} for issue, text in found if not _beside(kind, issue, text)]


def _texts(finding: Any) -> list[str]:
    """What a finding says, one thing at a time; the same thing once."""
    if not isinstance(finding.detail, list):
        return [finding.detail or str(finding.location.get("string", ""))]
    parts = (
        f"{part['action']} takes {part['required_format']}" if isinstance(part, dict) else str(part)
        for part in finding.detail
    )
    return sorted(set(parts))


def merge_services() -> None:
    """Makes one of the services that share a prefix: both kinds of load balancers are called elasticloadbalancing.

    parliament would look an action up in the first alone.
    """
    merged: dict[str, dict[str, Any]] = {}
    for service in parliament.iam_definition:
        known = merged.setdefault(service["prefix"], service)
        if known is not service:
            _merge(known, service)
    parliament.iam_definition[:] = merged.values()


def _merge(known: dict[str, Any], other: dict[str, Any]) -> None:
    known["resources"] += other["resources"]
    known["conditions"] += other["conditions"]
    by_name = {privilege["privilege"]: privilege for privilege in known["privileges"]}
    for privilege in other["privileges"]:
        if privilege["privilege"] not in by_name:
            known["privileges"].append(privilege)
            continue
        # Either service's resource will do.
        types = by_name[privilege["privilege"]]["resource_types"] + privilege["resource_types"]
        optional = [{**type_, "resource_type": type_["resource_type"].rstrip("*")} for type_ in types]
        by_name[privilege["privilege"]]["resource_types"] = optional


def _beside(kind: str, issue: str, text: str) -> bool:
    """True of what does not hold for this kind of document."""
    if kind == "resource":
        return issue == "RESOURCE_STAR"
    if kind == "trust":
        return (
            issue == "RESOURCE_STAR"
            or (issue == "UNKNOWN_FEDERATION_SOURCE" and PROVIDER.fullmatch(text) is not None)
            or (issue == "UNKNOWN_CONDITION_FOR_ACTION" and CLAIM.fullmatch(text) is not None)
        )
    return False


if __name__ == "__main__":
    merge_services()
    json.dump([lint(**document) for document in json.load(sys.stdin)], sys.stdout)
