"""Red cases of the AWS account: quotas, who may do what, names, tags, buckets, host names."""

from __future__ import annotations

from typing import Any

from settings.problems import Path
from tests.settings.red.case import Changes, Red
from tests.settings.red.eks import eks

ROLE = "arn:aws:iam::999988887777:role/{}"
STATED: Path = ("services", "worker", "permissions", 0)
HOST: Path = ("services", "door", "ingress", "host")
ZONE = {"zone": "example.com", "zone_id": "Z0123456789ABCDEFGHIJ"}
LOGS = "tiny-prod-logs-999988887777-us-west-2"


def may(*actions: str, on: str | None = "arn:aws:s3:::models/*", **more: Any) -> Changes:
    """One statement of what worker may do."""
    return eks(services__worker__permissions=[{"actions": list(actions), "resources": [on] if on else [], **more}])


MANY = [f"arn:aws:s3:::models/{number:03}/of/the/teams/that/share/them/all/{number:03}/*" for number in range(160)]
"""Resources of one statement."""


def entry(**said: Any) -> Changes:
    """One more who may use the cluster."""
    return eks(cluster__access={"team": {"principal": ROLE.format("team"), **said}})


VCPU_QUOTAS = (
    Red(
        "more nodes than are granted",
        eks(aws__quotas={"standard": 31, "standard_spot": 32, "g_spot": 28}),
        ("aws", "quotas", "standard"),
        ("AWS lets the account run 31 vCPU, and the pools run 32 vCPU", "2 nodes per zone in an update (general 32)"),
        "at least 32, granted by AWS",
        green=eks(aws__quotas={"standard": 32, "standard_spot": 32, "g_spot": 28}),
    ),
    Red(
        "more GPU nodes than are granted",
        eks(aws__quotas={"standard": 32, "standard_spot": 32, "g_spot": 27}),
        ("aws", "quotas", "g_spot"),
        ("AWS lets the account run 27 vCPU, and the pools run 28 vCPU", "(gpu 28)"),
        "at least 28, granted by AWS",
        green=eks(),
    ),
    Red(
        "two pools of one quota",
        eks(node_pools__cheap__capacity="on-demand"),
        ("aws", "quotas", "standard"),
        ("the pools run 64 vCPU", "(general 32, cheap 32)"),
        "at least 64, granted by AWS",
        green=eks(node_pools__cheap__capacity="on-demand", aws__quotas__standard=64),
    ),
    Red(
        "a quota that nobody has looked up",
        eks(aws__quotas={"standard": 32, "standard_spot": 32}),
        ("aws", "quotas", "g_spot"),
        ("is not known, and the pools run 28 vCPU",),
        "ask AWS for 28 vCPU (L-3819A6DF), then say g_spot: 28",
        green=eks(),
        strict=True,
    ),
    Red(
        "a family without a quota here",
        eks(
            node_pools__train={
                "instance_types": ["p5.4xlarge"],
                "capacity": "on-demand",
                "min": 0,
                "max": 1,
                "gpus": 1,
                "taints": [{"key": "nvidia.com/gpu", "value": "present"}],
                "node_start_up": "180s",
            }
        ),
        ("node_pools", "train", "instance_types", 0),
        ("family p has a quota that the settings do not know; the pool runs 80 vCPU",),
        "a type of family a, c, d, h, i, m, r, t, z, g, gr, vt",
        green=eks(),
        strict=True,
    ),
)

PRINCIPALS = (
    Red(
        "a session for a role",
        eks(cluster__deployer="arn:aws:sts::999988887777:assumed-role/deployer/me"),
        ("cluster", "deployer"),
        ("assumed-role/deployer/me is a session that ends, and EKS asks for the role",),
        ROLE.format("deployer"),
        green=eks(cluster__deployer=ROLE.format("deployer")),
    ),
    Red(
        "a group",
        eks(cluster__break_glass="arn:aws:iam::999988887777:group/admins"),
        ("cluster", "break_glass"),
        ("iam group is no IAM role or user",),
        "arn:aws:iam::999988887777:role/",
        green=eks(cluster__break_glass="arn:aws:iam::999988887777:user/admin"),
    ),
    Red(
        "somebody of another account",
        eks(cluster__deployer="arn:aws:iam::111122223333:role/deployer"),
        ("cluster", "deployer"),
        ("it belongs to account 111122223333, the cluster to 999988887777",),
        "arn:aws:iam::999988887777:role/",
        green=eks(),
    ),
    Red(
        "somebody of another partition",
        eks(cluster__deployer="arn:aws-cn:iam::999988887777:role/deployer"),
        ("cluster", "deployer"),
        ("it is of partition aws-cn, the platform of aws",),
        "arn:aws:iam::999988887777:role/",
        green=eks(),
    ),
    Red(
        "a role in a region",
        eks(cluster__deployer="arn:aws:iam:us-west-2:999988887777:role/deployer"),
        ("cluster", "deployer"),
        ("it names us-west-2, and IAM has no regions",),
        "arn:aws:iam::999988887777:role/",
        green=eks(),
    ),
    Red(
        "a pattern of roles",
        entry(principal=ROLE.format("team-*")),
        ("cluster", "access", "team", "principal"),
        ("role/team-* is a pattern",),
        "arn:aws:iam::999988887777:role/",
        green=entry(),
    ),
    Red(
        "one key for both doors",
        eks(cluster__break_glass=ROLE.format("deployer")),
        ("cluster", "break_glass"),
        ("is the deployer's: whatever breaks that one breaks this one",),
        "another role: arn:aws:iam::999988887777:role/",
        green=eks(),
    ),
    Red(
        "somebody twice",
        entry(principal=ROLE.format("deployer")),
        ("cluster", "access", "team", "principal"),
        ("is cluster.deployer too, and EKS takes one entry of each",),
        "another role: arn:aws:iam::999988887777:role/",
        green=entry(),
    ),
)

ACCESS = (
    Red(
        "a namespace that does not exist",
        entry(namespaces=["frnt"]),
        ("cluster", "access", "team", "namespaces", 0),
        ("there is no namespace frnt",),
        "did you mean front?",
        green=entry(namespaces=["front"]),
    ),
    Red(
        "a namespace twice",
        entry(namespaces=["front", "front"]),
        ("cluster", "access", "team", "namespaces", 1),
        ("front stands twice",),
        "name it once",
        green=entry(namespaces=["front", "back"]),
    ),
    Red(
        "the whole cluster in a part of it",
        entry(namespaces=["front"], policy="cluster-admin"),
        ("cluster", "access", "team", "policy"),
        ("cluster-admin is for the whole cluster, and front is a part of it",),
        "admin, or leave out namespaces",
        green=entry(namespaces=["front"], policy="admin"),
    ),
    Red(
        "a view of everything in a part of it",
        entry(namespaces=["front", "back"], policy="admin-view"),
        ("cluster", "access", "team", "policy"),
        ("admin-view is for the whole cluster, and front, back is a part of it",),
        "view, or leave out namespaces",
        green=entry(policy="admin-view"),
    ),
    Red(
        "the name of an entry that is there",
        eks(cluster__access={"deployer": {"principal": ROLE.format("team")}}),
        ("cluster", "access", "deployer"),
        ("every cluster has an entry of this name",),
        "another name",
        green=entry(),
    ),
)

PERMISSIONS = (
    Red(
        "no action",
        may(),
        (*STATED, "actions"),
        ("is empty",),
        "for example [s3:GetObject]",
        green=may("s3:GetObject"),
    ),
    Red(
        "on nothing",
        may("s3:GetObject", on=None),
        (*STATED, "resources"),
        ("is empty",),
        "for example [arn:aws:s3:::models/*]",
        green=may("s3:GetObject"),
    ),
    Red(
        "a condition of nothing",
        may("s3:GetObject", conditions={"StringEquals": {}}),
        (*STATED, "conditions", "StringEquals"),
        ("compares nothing",),
        "give it keys and values",
        green=may("s3:GetObject", conditions={"StringEquals": {"aws:SourceVpc": ["vpc-1"]}}),
    ),
    Red(
        "a condition without a value",
        may("s3:GetObject", conditions={"StringEquals": {"aws:SourceVpc": []}}),
        (*STATED, "conditions", "StringEquals", "aws:SourceVpc"),
        ("has no value",),
        "give values",
        green=may("s3:GetObject", conditions={"StringEquals": {"aws:SourceVpc": ["vpc-1"]}}),
    ),
    Red(
        "every bucket",
        may("s3:GetObject", on="arn:aws:s3:::*"),
        (*STATED, "resources", 0),
        ("arn:aws:s3:::* is everything that s3 has",),
        "the part that is needed: arn:aws:s3:::<name>; or conditions",
        green=may(
            "s3:GetObject", on="arn:aws:s3:::*", conditions={"StringEquals": {"aws:ResourceAccount": ["999988887777"]}}
        ),
    ),
    Red(
        "everything behind slashes",
        may("s3:GetObject", on="arn:aws:s3:::*/*"),
        (*STATED, "resources", 0),
        ("arn:aws:s3:::*/* is everything that s3 has",),
        "the part that is needed",
        green=may("s3:GetObject", on="arn:aws:s3:::models-*/*"),
    ),
    Red(
        "a policy that is too long",
        eks(services__worker__permissions=[{"actions": ["s3:GetObject"], "resources": MANY}]),
        ("services", "worker", "permissions"),
        ("together they are a policy of 1", "IAM takes 10240"),
        "fewer, or by pattern",
        green=eks(services__worker__permissions=[{"actions": ["s3:GetObject"], "resources": MANY[:100]}]),
    ),
    Red(
        "another partition",
        may("s3:GetObject", on="arn:aws-cn:s3:::models/*"),
        (*STATED, "resources", 0),
        ("it is of partition aws-cn, the platform of aws",),
        "arn:aws:s3:::models/*",
        green=may("s3:GetObject"),
    ),
    Red(
        "any role",
        may("sts:AssumeRole", on=ROLE.format("*")),
        (*STATED, "actions", 0),
        ("sts:AssumeRole on arn:aws:iam::999988887777:role/* takes any role that trusts the account",),
        "name the roles in resources",
        green=may("sts:AssumeRole", on=ROLE.format("reader")),
    ),
    Red(
        "a role for any service",
        may("iam:PassRole", on=ROLE.format("trainer")),
        (*STATED, "actions", 0),
        ("passes a role to any service of AWS",),
        "conditions: {StringEquals: {iam:PassedToService: [<service>.amazonaws.com]}}",
        green=may(
            "iam:PassRole",
            on=ROLE.format("trainer"),
            conditions={"StringEquals": {"iam:PassedToService": ["sagemaker.amazonaws.com"]}},
        ),
    ),
    Red(
        "rights to give rights",
        may("iam:GetRole", "iam:PutRolePolicy", on=ROLE.format("trainer")),
        (*STATED, "actions", 1),
        ("iam:PutRolePolicy lets pods give themselves any right",),
        "use only iam:Get..., iam:List..., iam:PassRole",
        green=may("iam:GetRole", "iam:ListRolePolicies", on=ROLE.format("trainer")),
    ),
    Red(
        "a pattern of rights to give rights",
        may("iam:P*", on=ROLE.format("trainer")),
        (*STATED, "actions", 0),
        ("iam:P* lets pods give themselves any right",),
        "use only iam:Get...",
        green=may("iam:Get*", on=ROLE.format("trainer")),
    ),
)

LONG = "a" * 31
"""A prefix with which the longest role has one character too many: `<it>-prod-aws-load-balancer-controller`."""

ACCOUNT_NAMES = (
    Red(
        "a prefix that leaves no room for the controllers' roles",
        eks(prefix=LONG),
        ("prefix",),
        (f"its role {LONG}-prod-aws-load-balancer-controller has 65 characters, IAM takes 64",),
        "shorten it by 1",
        green=eks(prefix=LONG[1:]),
    ),
    Red(
        "a pool's long name",
        eks(
            **{
                f"node_pools__{'p' * 37}": {
                    "instance_types": ["m6i.xlarge"],
                    "capacity": "on-demand",
                    "min": 0,
                    "max": 1,
                    "node_start_up": "180s",
                }
            },
            aws__quotas__standard=64,
        ),
        ("node_pools", "p" * 37),
        ("its node group has 64 characters with the suffix, EKS takes 63",),
        "shorten the pool's name by 1",
        green=eks(
            **{
                f"node_pools__{'p' * 36}": {
                    "instance_types": ["m6i.xlarge"],
                    "capacity": "on-demand",
                    "min": 0,
                    "max": 1,
                    "node_start_up": "180s",
                }
            },
            aws__quotas__standard=64,
        ),
    ),
    Red(
        "a bucket's long name",
        eks(**{f"buckets__{'b' * 31}": {"holds": "telemetry", "expire": 30}}),
        ("buckets", "b" * 31),
        (f"its name tiny-prod-{'b' * 31}-999988887777-us-west-2 has 64 characters, S3 takes 63",),
        "shorten the bucket's name or `prefix` by 1",
        green=eks(**{f"buckets__{'b' * 30}": {"holds": "telemetry", "expire": 30}}),
    ),
)

TAGS = (
    Red(
        "a tag that everything has",
        {"aws__tags": {"managed-by": "us"}},
        ("aws", "tags", "managed-by"),
        ("sets this tag itself",),
        "give it another key",
        green={"aws__tags": {"owner": "us"}},
    ),
    Red(
        "a tag that is ours in capital letters",
        {"aws__tags": {"Environment": "development"}},
        ("aws", "tags", "Environment"),
        ("the program sets environment, which is the same tag to IAM",),
        "give it another key",
        green={"aws__tags": {"Env": "development"}},
    ),
    Red(
        "one tag in two spellings",
        {"aws__tags": {"CostCenter": "1", "costcenter": "2"}},
        ("aws", "tags", "costcenter"),
        ("is the same tag as CostCenter to IAM",),
        "keep one of the two",
        green={"aws__tags": {"CostCenter": "1", "cost-center": "2"}},
    ),
    Red(
        "more tags than fit",
        {"aws__tags": {f"tag-{number}": "x" for number in range(41)}},
        ("aws", "tags"),
        ("41 tags; AWS takes 50 of a resource, and 10 are for ours and EKS's",),
        "keep 40 of them",
        green={"aws__tags": {f"tag-{number}": "x" for number in range(40)}},
    ),
)

BUCKETS = (
    Red(
        "a bucket that nobody makes",
        {"buckets": {"logs": {"holds": "telemetry", "expire": 30}}},
        ("buckets", "logs"),
        ("nobody makes it for a cluster that exists",),
        "remove it",
        green=eks(buckets={"logs": {"holds": "telemetry", "expire": 30}}),
    ),
)

DNS = (
    Red(
        "a host of another zone",
        eks(cluster__dns={**ZONE, "zone": "example.org"}),
        HOST,
        ("door.example.com does not lie in the hosted zone example.org",),
        "for example door.example.org",
        green=eks(cluster__dns=ZONE),
    ),
    Red(
        "a host that is too long for a certificate",
        eks(
            cluster__dns={**ZONE, "certificate": True},
            ingress__certificate_arn=None,
            observability__grafana__host=f"{'w' * 53}.example.com",
        ),
        ("observability", "grafana", "host"),
        ("has 65 characters, and a certificate of ACM takes 64",),
        "shorten it by 1",
        green=eks(
            cluster__dns={**ZONE, "certificate": True},
            ingress__certificate_arn=None,
            observability__grafana__host=f"{'w' * 52}.example.com",
        ),
    ),
    Red(
        "a dashboard of another zone",
        eks(cluster__dns=ZONE, observability__grafana__host="watch.notexample.com"),
        ("observability", "grafana", "host"),
        ("watch.notexample.com does not lie in the hosted zone example.com",),
        "for example watch.example.com",
        green=eks(cluster__dns=ZONE, observability__grafana__host="example.com"),
    ),
    Red(
        "two certificates",
        eks(cluster__dns={**ZONE, "certificate": True}),
        ("ingress", "certificate_arn"),
        ("cluster.dns.certificate makes one, and this one is there already",),
        "leave one of the two out",
        green=eks(cluster__dns={**ZONE, "certificate": True}, ingress__certificate_arn=None),
    ),
    Red(
        "a certificate of no host",
        eks(
            cluster__dns={**ZONE, "certificate": True},
            ingress__certificate_arn=None,
            services__door__ingress=None,
            observability__grafana=None,
        ),
        ("cluster", "dns", "certificate"),
        ("no load balancer would show it",),
        "leave it out",
        green=eks(cluster__dns=ZONE, services__door__ingress=None, observability__grafana=None),
    ),
)

RED = {
    "vcpu-quotas": VCPU_QUOTAS,
    "principals": PRINCIPALS,
    "access": ACCESS,
    "permissions": PERMISSIONS,
    "account-names": ACCOUNT_NAMES,
    "tags": TAGS,
    "buckets": BUCKETS,
    "dns": DNS,
}
