"""What the AWS Load Balancer Controller may do: make and change application load balancers of one cluster.

Its own policy (kubernetes-sigs/aws-load-balancer-controller v3.5.0 docs/install/iam_policy.json), less what we do not
use (Cognito, Shield, classic WAF, network load balancers, looking for certificates), and narrowed to this account, this
region and, by the tag that the controller gives to everything it makes, this cluster.
"""

from __future__ import annotations

from settings.iam import Statement, arn
from settings.model import PlatformSettings

OWN = "elbv2.k8s.aws/cluster"
"""The tag, with the cluster's name (its docs/guide/tasks/migrate_v1_v2.md; pkg/deploy/tracking/provider.go)."""
_LOOKS = (
    *("ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones"),
    *("ec2:DescribeCoipPools", "ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeIpamPools"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"),
    *("ec2:DescribeTags", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeVpcs"),
    *("elasticloadbalancing:DescribeCapacityReservation", "elasticloadbalancing:DescribeListenerAttributes"),
    *("elasticloadbalancing:DescribeListenerCertificates", "elasticloadbalancing:DescribeListeners"),
    *("elasticloadbalancing:DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancers"),
    *("elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeSSLPolicies"),
    *("elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetGroupAttributes"),
    *("elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth"),
    "elasticloadbalancing:DescribeTrustStores",
)
_SHAPES = (
    *("elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteTargetGroup"),
    *("elasticloadbalancing:ModifyCapacityReservation", "elasticloadbalancing:ModifyLoadBalancerAttributes"),
    *("elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes"),
    *("elasticloadbalancing:SetIpAddressType", "elasticloadbalancing:SetSecurityGroups"),
    "elasticloadbalancing:SetSubnets",
)
_LISTENERS = (
    *("elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:CreateRule"),
    *("elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteRule"),
    *("elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyListenerAttributes"),
    *("elasticloadbalancing:ModifyRule", "elasticloadbalancing:RemoveListenerCertificates"),
    "elasticloadbalancing:SetRulePriorities",
)


def load_balancer_statements(settings: PlatformSettings) -> tuple[Statement, ...]:
    """The statements of its role."""
    region, cluster = settings.aws.region, settings.stem
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    made, asked = _tagged("ResourceTag", cluster), _tagged("RequestTag", cluster)
    groups = arn(settings, "ec2", "security-group/*")
    balancers, targets = _elb(settings, "loadbalancer/app/*/*"), _elb(settings, "targetgroup/*/*")
    listeners = (_elb(settings, "listener/app/*/*/*"), _elb(settings, "listener-rule/app/*/*/*/*"))
    nodes = {"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{cluster}": "owned"}}
    everything = (balancers, targets, *listeners)
    tag = ("elasticloadbalancing:AddTags",)
    makes = ["CreateListener", "CreateLoadBalancer", "CreateRule", "CreateTargetGroup"]
    at_creation = {"elasticloadbalancing:CreateAction": makes}
    rules = ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress")
    out = [
        Statement(sid="Look", actions=_LOOKS, resources=("*",), conditions=here),
        Statement(
            sid="ServiceRole",
            actions=("iam:CreateServiceLinkedRole",),
            resources=(arn(settings, "iam", _SERVICE_ROLE, region=""),),
            conditions={"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
        ),
        Statement(
            sid="InVpc",
            actions=("ec2:CreateSecurityGroup", "ec2:GetSecurityGroupsForVpc"),
            resources=(arn(settings, "ec2", "vpc/*"),),
        ),
        Statement(sid="Group", actions=("ec2:CreateSecurityGroup",), resources=(groups,), conditions=asked),
        Statement(
            sid="TagNewGroup",
            actions=("ec2:CreateTags",),
            resources=(groups,),
            conditions={"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup", **asked["StringEquals"]}},
        ),
        Statement(
            sid="OwnGroups",
            actions=("ec2:CreateTags", "ec2:DeleteSecurityGroup", "ec2:DeleteTags", *rules),
            resources=(groups,),
            conditions=made,
        ),
        Statement(sid="NodesGroup", actions=rules, resources=(groups,), conditions=nodes),
        Statement(
            sid="Make",
            actions=("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"),
            resources=(balancers, targets),
            conditions=asked,
        ),
        Statement(
            sid="TagNew",
            actions=tag,
            resources=everything,
            conditions={"StringEquals": {**at_creation, **asked["StringEquals"]}},
        ),
        Statement(
            sid="TagOwn",
            actions=(*tag, "elasticloadbalancing:RemoveTags"),
            resources=everything,
            conditions=made,
        ),
        Statement(sid="Shape", actions=_SHAPES, resources=(balancers, targets), conditions=made),
        # The controller tags listeners and rules as it makes them (pkg/deploy/elbv2/listener_manager.go): whoever could
        # tag or change others' would own every load balancer of the account.
        Statement(
            sid="Listen",
            actions=("elasticloadbalancing:CreateListener",),
            resources=(balancers,),
            conditions=made,
        ),
        Statement(sid="Listeners", actions=_LISTENERS, resources=listeners, conditions=made),
        Statement(
            sid="Targets",
            actions=("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"),
            resources=(targets,),
            conditions=made,
        ),
    ]
    return (*out, *_firewall(settings, balancers))


_SERVICE_ROLE = "role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"


def _tagged(which: str, cluster: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {f"aws:{which}/{OWN}": cluster}}


def _elb(settings: PlatformSettings, resource: str) -> str:
    return arn(settings, "elasticloadbalancing", resource)


def _firewall(settings: PlatformSettings, balancers: str) -> list[Statement]:
    """Puts the web ACL in front, where there is one."""
    if settings.ingress is None or settings.ingress.waf_arn is None:
        return []
    calls = ("AssociateWebACL", "DisassociateWebACL", "GetWebACL", "GetWebACLForResource")
    return [
        Statement(
            sid="Firewall",
            actions=("elasticloadbalancing:SetWebAcl", *(f"wafv2:{call}" for call in calls)),
            resources=(settings.ingress.waf_arn, balancers),
        )
    ]
