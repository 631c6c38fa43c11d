"""Who may use an EKS cluster, and what its pods may do in the account."""

from __future__ import annotations

import json

from settings.arns import ArnParts, taken_apart
from settings.eks import EksCluster
from settings.iam import document, service_statements
from settings.model import PlatformSettings
from settings.names import partition
from settings.problems import Path, Problem, dotted, one_of, suggest
from settings.service import Permission

WHOLE = ("cluster-admin", "admin-view")
"""Policies of the whole cluster: what they add to admin and view lies in no namespace, or is meant to be everywhere
(EKS user guide, access-policy-reference)."""
ADMINS = ("break-glass", "deployer")
"""Entries that every cluster has."""
SYSTEM = "kube-system"
POLICY_LIMIT = 10_240
"""Characters of a role's inline policies, white space not counted (IAM user guide, reference_iam-quotas)."""


def principals(settings: PlatformSettings) -> list[Problem]:
    """Whoever may use the cluster is an IAM role or user of the account, and has one entry."""
    cluster, out = settings.cluster, list[Problem]()
    if not isinstance(cluster, EksCluster):
        return []
    named: list[tuple[Path, str]] = [
        (("cluster", "deployer"), cluster.deployer),
        (("cluster", "break_glass"), cluster.break_glass),
    ]
    named += [(("cluster", "access", name, "principal"), entry.principal) for name, entry in cluster.access.items()]
    first: dict[str, Path] = {}
    for path, arn in named:
        wrong = _wrong(settings, taken_apart(arn))
        if wrong is not None:
            out.append(Problem(path=path, reason=wrong, fix=_role(settings, taken_apart(arn))))
        elif first.setdefault(arn, path) != path:
            reason = f"is {dotted(first[arn])} too, and EKS takes one entry of each"
            if path == ("cluster", "break_glass"):
                reason = "is the deployer's: whatever breaks that one breaks this one"
            out.append(Problem(path=path, reason=reason, fix=f"another role: {_role(settings)}"))
    return out


def _role(settings: PlatformSettings, parts: ArnParts | None = None) -> str:
    """The ARN of a role that would do: of a session, its own."""
    name = "<name>"
    if parts is not None and parts.service == "sts" and parts.resource.startswith("assumed-role/"):
        name = parts.resource.split("/")[1]
    return f"arn:{partition(settings.aws.region)}:iam::{settings.aws.account or '<account>'}:role/{name}"


def _wrong(settings: PlatformSettings, parts: ArnParts) -> str | None:
    """Why it is nobody who could use the cluster."""
    aws, kind = settings.aws, parts.resource.partition("/")[0]
    if parts.service == "sts":
        return f"{parts.resource} is a session that ends, and EKS asks for the role"
    if parts.service != "iam" or kind not in ("role", "user") or "/" not in parts.resource:
        return f"{parts.service} {parts.resource.partition('/')[0]} is no IAM role or user"
    if "*" in parts.resource:
        return f"{parts.resource} is a pattern, and EKS takes one role or user"
    if parts.partition != partition(aws.region):
        return f"it is of partition {parts.partition}, the platform of {partition(aws.region)}"
    if parts.region:
        return f"it names {parts.region}, and IAM has no regions"
    if aws.account is not None and parts.account != aws.account:
        return f"it belongs to account {parts.account or '(none)'}, the cluster to {aws.account}"
    return None


def access(settings: PlatformSettings) -> list[Problem]:
    """Access is to namespaces that exist, by policies that can be limited to them."""
    if not isinstance(settings.cluster, EksCluster):
        return []
    out, known = [], sorted({*settings.namespaces, SYSTEM})
    for name, entry in settings.cluster.access.items():
        at: Path = ("cluster", "access", name)
        if name in ADMINS:
            out.append(Problem(path=at, reason="every cluster has an entry of this name", fix="another name"))
        if entry.namespaces and entry.policy in WHOLE:
            limited = {"cluster-admin": "admin", "admin-view": "view"}[entry.policy]
            reason = f"{entry.policy} is for the whole cluster, and {', '.join(entry.namespaces)} is a part of it"
            fix = f"{limited}, or leave out namespaces"
            out.append(Problem(path=(*at, "policy"), reason=reason, fix=fix))
        for index, namespace in enumerate(entry.namespaces):
            here: Path = (*at, "namespaces", index)
            if namespace not in known:
                reason = f"there is no namespace {namespace}"
                out.append(Problem(path=here, reason=reason, fix=suggest(namespace, known)))
            elif namespace in entry.namespaces[:index]:
                out.append(Problem(path=here, reason=f"{namespace} stands twice", fix="name it once"))
    return out


def permissions(settings: PlatformSettings) -> list[Problem]:
    """What pods may do is limited to what they need: no pattern for everything, no rights to give rights."""
    out = []
    for name, service in settings.services.items():
        for index, permission in enumerate(service.permissions):
            at: Path = ("services", name, "permissions", index)
            out += [*_hollow(at, permission), *_resources(at, permission, partition(settings.aws.region))]
            out += _powers(at, permission)
        size = len(json.dumps(document(service_statements(settings, name)), separators=(",", ":")))
        if size > POLICY_LIMIT:
            reason = f"together they are a policy of {size} characters, IAM takes {POLICY_LIMIT}"
            out.append(Problem(path=("services", name, "permissions"), reason=reason, fix="fewer, or by pattern"))
    return out


def _hollow(at: Path, permission: Permission) -> list[Problem]:
    """Parts that say nothing: AWS refuses the policy, or takes it for something else."""
    out = []
    for key, example in (("actions", "[s3:GetObject]"), ("resources", "[arn:aws:s3:::models/*]")):
        if not getattr(permission, key):
            out.append(Problem(path=(*at, key), reason="is empty", fix=f"for example {example}"))
    for operator, keys in permission.conditions.items():
        here: Path = (*at, "conditions", operator)
        if not keys:
            out.append(Problem(path=here, reason="compares nothing", fix="give it keys and values, or leave it out"))
        for key, values in keys.items():
            if not values:
                out.append(Problem(path=(*here, key), reason="has no value", fix="give values, or leave it out"))
    return out


def _resources(at: Path, permission: Permission, own: str) -> list[Problem]:
    out = []
    for index, arn in enumerate(permission.resources):
        parts, here = taken_apart(arn), (*at, "resources", index)
        if parts.partition != own:
            reason = f"it is of partition {parts.partition}, the platform of {own}"
            out.append(Problem(path=here, reason=reason, fix=f"arn:{own}:{arn.split(':', 2)[2]}"))
        if not parts.resource.strip("*/:") and not permission.conditions:
            reason = f"{arn} is everything that {parts.service} has"
            fix = f"the part that is needed: {arn.rsplit(':', 1)[0]}:<name>; or conditions"
            out.append(Problem(path=here, reason=reason, fix=fix))
    return out


def _powers(at: Path, permission: Permission) -> list[Problem]:
    """Rights by which pods would get further rights."""
    out = []
    keys = {key for keys in permission.conditions.values() for key in keys}
    wide = [arn for arn in permission.resources if "*" in taken_apart(arn).resource]
    for index, action in enumerate(permission.actions):
        service, _, name = action.partition(":")
        here: Path = (*at, "actions", index)
        if service == "sts" and name.startswith("A") and wide:
            reason = f"{action} on {wide[0]} takes any role that trusts the account"
            out.append(Problem(path=here, reason=reason, fix="name the roles in resources"))
        elif action == "iam:PassRole":
            if "iam:PassedToService" not in keys:
                reason = "passes a role to any service of AWS"
                fix = "conditions: {StringEquals: {iam:PassedToService: [<service>.amazonaws.com]}}"
                out.append(Problem(path=here, reason=reason, fix=fix))
        elif service == "iam" and not name.startswith(("Get", "List")):
            reason = f"{action} lets pods give themselves any right"
            fix = f"use only {one_of(['iam:Get...', 'iam:List...', 'iam:PassRole'])}"
            out.append(Problem(path=here, reason=reason, fix=fix))
    return out
