"""The second pass: what is wrong although the shape is right. One small pure function per rule.

Belongs here: `rule(settings) -> list[Problem]`, each with a message that names the setting, the reason with its
numbers, and a value that works. A rule never assumes that another one passed: a dangling reference is one rule's
finding and the next rule's missing entry.

Does not belong here: what needs the resource graph (that is `policy/`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from settings.model import PlatformSettings
from settings.problems import Problem
from settings.rules import (
    account,
    capacity,
    cluster,
    disruption,
    drain,
    identity,
    models,
    naming,
    network,
    node_groups,
    nodes,
    quotas,
    references,
    routing,
    scaling,
    start_up,
    storage,
    supply,
    vpc,
)


@dataclass(frozen=True)
class Rule:
    """A rule, and the sentence that says what holds when it finds nothing."""

    id: str
    holds: str
    check: Callable[[PlatformSettings], list[Problem]]


RULES: tuple[Rule, ...] = (
    Rule("references", "every name that is used is defined", references.resolve),
    Rule("names", "derived names are unique, free and within their limits", naming.names),
    Rule("config-keys", "no variable of a service is set twice", naming.config_keys),
    Rule("requests-within-limits", "requests never exceed limits", capacity.requests_within_limits),
    Rule("limit-range", "the limit range admits every container", capacity.limit_range),
    Rule("quota", "every namespace has a quota that holds all ceilings plus surge", capacity.quota),
    Rule("instance-fit", "every pod fits enough instance types of its pool", capacity.instance_fit),
    Rule("pool-size", "every pool holds its workloads at their ceilings plus surge", capacity.pool_size),
    Rule("placement", "every pod has nodes that take it", nodes.placement),
    Rule("node-pools", "node pools are of one known shape, bounded and tainted", nodes.pools),
    Rule("spot", "what must not be interrupted is on no spot node", nodes.spot),
    Rule("priorities", "no priority is too low to get a node", nodes.priorities),
    Rule("headroom", "placeholders keep room for a model, and make way for it", nodes.headroom),
    Rule("gpus", "every model runs on nodes with the GPUs that it takes", models.gpus),
    Rule("gpu-memory", "every model and its longest sequence fit each GPU that it may get", models.memory),
    Rule("engine", "every engine is told what its version and its GPU know, once", models.engine),
    Rule("adapters", "no adapter has a model's name", models.adapters),
    Rule("start-up", "every start-up budget holds its parts", start_up.budgets),
    Rule("outage", "no lost node takes a model away, or somebody says why it may", start_up.outages),
    Rule("caches", "every cache can be mounted where it is, and holds its weights", storage.caches),
    Rule("storage-classes", "every cache of an EKS cluster names a class that is made for it", storage.classes),
    Rule("hub-token", "what is gated on the hub is fetched with a token", storage.tokens),
    Rule("autoscaler", "autoscalers have a range, a metric and windows that the API takes", scaling.autoscaler),
    Rule("stabilisation", "scale-down waits at least two minutes", scaling.stabilisation),
    Rule("replicas", "every service has at least two replicas", scaling.replicas),
    Rule("budget", "at the autoscaler's minimum a drain can always take a pod", disruption.budget),
    Rule("rollout", "every rollout can move and leaves pods to serve", disruption.rollout),
    Rule("drain", "settle + longest request + buffer fits what the node can promise", drain.fits),
    Rule("timeouts", "inner timeouts are shorter than outer ones", drain.timeouts),
    Rule("probes", "liveness is more patient than readiness", drain.probes),
    Rule("routes", "A/B weights sum to 100 and name adapters that are served", routing.variants),
    Rule("hosts", "every host leads to one service", routing.hosts),
    Rule("network", "address ranges and zones fit together", network.addresses),
    Rule("zones", "the platform spans at least two zones", network.zones),
    Rule("pod-addresses", "private subnets hold all nodes and pods, with one zone lost", vpc.pods),
    Rule("ranges", "no range of others lies among Services or leaves our own subnets out", vpc.ranges),
    Rule("public-endpoint", "the API server is never open to the world", vpc.public),
    Rule("connected", "networks that are connected to the VPC are private, and beside it", vpc.connected),
    Rule("private-endpoint", "the API server is reached from inside the VPC", vpc.private),
    Rule("nat", "no zone takes the others' way out down with it", cluster.nat),
    Rule("endpoints", "what pods may reach inside the VPC only is there", cluster.endpoints),
    Rule("images", "images are versioned, and pinned or declared unpinned", supply.images),
    Rule("models", "model weights are pinned or declared unpinned", supply.models),
    Rule("pins", "nothing that is pinned says that it is not", supply.contradictions),
    Rule("kubernetes", "the cluster's Kubernetes knows everything that it is sent", supply.kubernetes),
    Rule("eks-version", "EKS has the cluster's Kubernetes in standard support", cluster.version),
    Rule("controllers", "every controller that is installed is for the cluster's Kubernetes", cluster.controllers),
    Rule("steady-pool", "controllers have nodes that AWS does not take back", node_groups.steady),
    Rule("node-groups", "node groups have disks and images that AWS takes and models need", node_groups.groups),
    Rule("vcpu-quotas", "AWS has granted the vCPUs of all pools at their most", quotas.granted),
    Rule("principals", "whoever may use the cluster is one role or user of the account", identity.principals),
    Rule("access", "access is to namespaces that exist, by policies that can be limited", identity.access),
    Rule("permissions", "pods may do what they need in the account, and give no rights", identity.permissions),
    Rule("account-names", "names in the account are as short as AWS wants them", account.account_names),
    Rule("tags", "tags are nobody else's and leave room", account.tags),
    Rule("buckets", "buckets are made, and load balancers write into theirs", account.buckets),
    Rule("dns", "public host names lie in the hosted zone, with one certificate", account.dns),
    Rule(
        "exposure", "what is public is encrypted with a certificate that fits, and pods are restricted", supply.exposure
    ),
)


def check(settings: PlatformSettings) -> list[Problem]:
    """What every rule finds, each problem marked with its rule."""
    return [replace(problem, rule=rule.id) for rule in RULES for problem in rule.check(settings)]
