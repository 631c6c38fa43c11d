"""What keeps tenants apart: default deny, a policy of its own for every pod, and a bound on what they take."""

from __future__ import annotations

from policy.graph import Graph, KubernetesObject
from policy.reading import at, listed, mappings, texts
from policy.rules.finding import Finding
from policy.rules.selectors import matches, takes_all

BOTH = {"Ingress", "Egress"}
DNS = 53


def isolated(graph: Graph) -> list[Finding]:
    """What is not written down is denied."""
    policies = graph.of_kind("NetworkPolicy")
    out = []
    for namespace in graph.of_kind("Namespace"):
        inside = [p for p in policies if p.namespace == namespace.name]
        if not any(_denies_everything(policy) for policy in inside):
            fix = "add a NetworkPolicy with an empty podSelector, both policyTypes and no rules"
            out.append(Finding(str(namespace), "nothing denies traffic by default", fix))
    for policy in policies:
        if matches(selected(policy), {}) and _opens_more_than_dns(policy):
            reason = "it opens more than DNS to every pod of the namespace"
            out.append(Finding(str(policy), reason, "select the pods that need it"))
    for workload in graph.workloads:
        own = [p for p in policies if p.namespace == workload.namespace and p.spec.get("podSelector")]
        types = {t for p in own if matches(p.spec["podSelector"], workload.pod_labels) for t in directions(p)}
        for direction in sorted(BOTH - types):
            reason = f"no policy of its own says what its {direction.lower()} traffic is"
            out.append(Finding(str(workload), reason, "add a NetworkPolicy that selects its pods"))
    return out


def bounded(graph: Graph) -> list[Finding]:
    """Every namespace has a quota, and a limit range: a quota alone refuses every pod that states no size."""
    out = []
    for namespace in graph.of_kind("Namespace"):
        for kind, part in (("ResourceQuota", "hard"), ("LimitRange", "limits")):
            if not any(thing.spec.get(part) for thing in graph.of_kind(kind) if thing.namespace == namespace.name):
                out.append(Finding(str(namespace), f"it has no {kind}", f"add a {kind}"))
    return out


def directions(policy: KubernetesObject) -> set[str]:
    """What a policy governs: its policyTypes; where it gives none, ingress, and egress if it has such rules
    (the API's default: kubernetes/kubernetes pkg/apis/networking/v1/defaults.go).
    """
    if policy.spec.get("policyTypes"):
        return set(texts(policy.spec["policyTypes"]))
    return BOTH if policy.spec.get("egress") else {"Ingress"}


def selected(policy: KubernetesObject) -> object:
    """A policy's podSelector; a missing one is empty, and takes every pod of the namespace."""
    selector = policy.spec.get("podSelector")
    return {} if selector is None else selector


def _opens_more_than_dns(policy: KubernetesObject) -> bool:
    rules = [*listed(policy.spec.get("ingress")), *listed(policy.spec.get("egress"))]
    ports = [mappings(at(rule, "ports")) for rule in rules]
    return any(not some or any(port.get("port") != DNS for port in some) for some in ports)


def _denies_everything(policy: KubernetesObject) -> bool:
    spec = policy.spec
    rules = spec.get("ingress"), spec.get("egress")
    return takes_all(selected(policy)) and directions(policy) >= BOTH and not any(rules)
