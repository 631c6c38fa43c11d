"""Default deny in every namespace, and a policy of its own for every pod, in both directions."""

from __future__ import annotations

from policy.graph import Graph, KubernetesObject
from policy.rules.finding import Finding
from policy.rules.selectors import matches

BOTH = {"Ingress", "Egress"}


def isolated(graph: Graph) -> list[Finding]:
    """What is not written down is denied."""
    policies = graph.of_kind("NetworkPolicy")
    out = []
    for namespace in graph.of_kind("Namespace"):
        inside = [p for p in policies if p.namespace == namespace.name]
        if not any(_denies_everything(policy) for policy in inside):
            fix = "add a NetworkPolicy with an empty podSelector, both policyTypes and no rules"
            out.append(Finding(str(namespace), "nothing denies traffic by default", fix))
    for workload in graph.workloads:
        own = [p for p in policies if p.namespace == workload.namespace and p.spec.get("podSelector")]
        types = {t for p in own if matches(p.spec["podSelector"], workload.pod_labels) for t in p.spec["policyTypes"]}
        for direction in sorted(BOTH - types):
            reason = f"no policy of its own says what its {direction.lower()} traffic is"
            out.append(Finding(str(workload), reason, "add a NetworkPolicy that selects its pods"))
    return out


def _denies_everything(policy: KubernetesObject) -> bool:
    spec = policy.spec
    return (
        not spec.get("podSelector")
        and set(spec.get("policyTypes") or ()) >= BOTH
        and not spec.get("ingress")
        and not spec.get("egress")
    )
