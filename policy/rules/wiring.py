"""Selectors find their pods, and ports that are named are open there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policy.graph import ContainerPort, Graph, KubernetesObject, unknown
from policy.reading import at, mapping, mappings, text, whole
from policy.rules.finding import Finding
from policy.rules.selectors import matches, shown

APP_LABEL = "app.kubernetes.io/name"
"""What the workloads of one app have in common."""


def _pods(graph: Graph, namespace: str | None, selector: Any) -> list[KubernetesObject]:
    return [w for w in graph.workloads if w.namespace == namespace and matches(selector, w.pod_labels)]


def opens(ports: Iterable[ContainerPort], port: Any, protocol: Any) -> bool:
    """True if a port, given by number or name, is one of these."""
    number, wanted = whole(port), text(protocol) or "TCP"
    return any(wanted == p.protocol and (number == p.number or (p.name and port == p.name)) for p in ports)


def shown_ports(ports: Iterable[ContainerPort]) -> str:
    """The open ports, for a message."""
    return "open there: " + (", ".join(sorted({str(port) for port in ports})) or "none")


def selectors(graph: Graph) -> list[Finding]:
    """Services, budgets, autoscalers and spreads find the pods of one workload; ports of Services, Ingresses and
    policies are open there.
    """
    parts = (_workloads, _services, _budgets, _autoscalers, _spreads, _ingresses, _policy_ports)
    return [finding for part in parts for finding in part(graph)]


def _workloads(graph: Graph) -> Iterator[Finding]:
    """Two controllers over the same pods count each other's."""
    for workload in graph.workloads:
        for other in _pods(graph, workload.namespace, workload.spec.get("selector")):
            if other.resource is not workload.resource:
                reason = f"its selector {shown(workload.spec['selector'])} takes the pods of {other} too"
                yield Finding(str(workload), reason, "select by a label that only its own pods have")


def _services(graph: Graph) -> Iterator[Finding]:
    for service in graph.of_kind("Service"):
        selector = service.spec.get("selector")
        if service.spec.get("type") == "ExternalName" or unknown(selector):
            continue
        if not selector:
            yield Finding(str(service), "it selects no pods, and nothing else gives it endpoints", "give it a selector")
            continue
        wanted = {"matchLabels": selector}
        pods = _pods(graph, service.namespace, wanted)
        if not pods:
            yield Finding(str(service), f"its selector {shown(wanted)} matches no pod of the namespace", "mend it")
        if len(pods) > 1 and not _one_app(pods):
            reason = f"its selector {shown(wanted)} takes the pods of {' and '.join(str(pod) for pod in pods)}"
            yield Finding(str(service), reason, "select by a label that only one of them has")
        if not service.spec.get("ports"):
            yield Finding(str(service), "it has no port", "name the ports that its pods open")
        for port in mappings(service.spec.get("ports")):
            target = port.get("targetPort") or port.get("port")
            for pod in pods:
                if not opens(pod.ports, target, port.get("protocol")):
                    yield Finding(str(service), f"targetPort {target} is not open in {pod}", shown_ports(pod.ports))


def _one_app(pods: Iterable[KubernetesObject]) -> bool:
    """True if workloads are parts of one app, and say so: then a Service over all of them is meant."""
    names = {pod.pod_labels.get(APP_LABEL) for pod in pods}
    return len(names) == 1 and None not in names


def _budgets(graph: Graph) -> Iterator[Finding]:
    guarded: dict[str, str] = {}
    for budget in graph.of_kind("PodDisruptionBudget"):
        pods = _pods(graph, budget.namespace, budget.spec.get("selector"))
        if not pods:
            yield Finding(str(budget), "its selector matches no pod of the namespace", "select a workload, or drop it")
        for pod in pods:
            first = guarded.setdefault(str(pod), str(budget))
            if first != str(budget):
                reason = f"{pod} is also guarded by {first}; the eviction API refuses pods with two budgets"
                yield Finding(str(budget), reason, "keep one budget")


def _autoscalers(graph: Graph) -> Iterator[Finding]:
    for scaler in graph.of_kind("HorizontalPodAutoscaler"):
        kind, name = (text(at(scaler.spec, "scaleTargetRef", key)) for key in ("kind", "name"))
        found = [o for o in graph.of_kind(kind) if o.namespace == scaler.namespace and o.name == name]
        if not found:
            yield Finding(str(scaler), f"its target {kind} {name} does not exist", "name a workload of its namespace")
        for metric in mappings(scaler.spec.get("metrics")):
            resource = text(at(metric, "resource", "name"))
            for workload in found if resource else ():
                if not all(resource in mapping(at(c, "resources", "requests")) for c in workload.containers):
                    reason = f"it scales on {resource}, and a container of {workload} requests none"
                    yield Finding(str(scaler), reason, f"give every container a request for {resource}")


def _spreads(graph: Graph) -> Iterator[Finding]:
    """A spread or anti-affinity over no pod keeps nothing apart, and nobody is told."""
    for workload in graph.workloads:
        terms = [*mappings(workload.pod.get("topologySpreadConstraints"))]
        apart = mapping(at(workload.pod, "affinity", "podAntiAffinity"))
        terms += mappings(apart.get("requiredDuringSchedulingIgnoredDuringExecution"))
        for preferred in mappings(apart.get("preferredDuringSchedulingIgnoredDuringExecution")):
            terms.append(mapping(preferred.get("podAffinityTerm")))
        for term in terms:
            if not matches(term.get("labelSelector"), workload.pod_labels):
                reason = (
                    f"its spread over {term.get('topologyKey')} counts {shown(term.get('labelSelector'))}, not its pods"
                )
                yield Finding(str(workload), reason, "select its own pods")


def _ingresses(graph: Graph) -> Iterator[Finding]:
    services = {(s.namespace, s.name): s for s in graph.of_kind("Service")}
    for ingress in graph.of_kind("Ingress"):
        backends = _backends(ingress)
        if not backends:
            yield Finding(str(ingress), "it sends requests nowhere", "give it a rule with a backend")
        for backend in (mapping(b["service"]) for b in backends if "service" in b):
            name = text(backend.get("name"))
            if unknown(name):
                continue
            service = services.get((ingress.namespace, name))
            if service is None and f"Service/{name}" in ingress.external:
                continue  # it says that somebody else makes it
            if service is None:
                yield Finding(str(ingress), f"its backend Service {name} does not exist", "name another")
                continue
            ports = mappings(service.spec.get("ports"))
            number, named = at(backend, "port", "number"), at(backend, "port", "name")
            if not any(number == p.get("port") if number is not None else named == p.get("name") for p in ports):
                known = ", ".join(str(p.get("port")) for p in ports) or "none"
                wanted = named if number is None else number
                yield Finding(str(ingress), f"port {wanted} is not one of {service}", f"one of: {known}")


def _backends(ingress: KubernetesObject) -> list[Mapping[str, Any]]:
    """Where an Ingress sends requests: to a Service, or to something that is none of ours."""
    rules = mappings(ingress.spec.get("rules"))
    paths = [path for rule in rules for path in mappings(at(rule, "http", "paths"))]
    return mappings([*(path.get("backend") for path in paths), ingress.spec.get("defaultBackend")])


def _policy_ports(graph: Graph) -> Iterator[Finding]:
    for policy in graph.of_kind("NetworkPolicy"):
        selector = policy.spec.get("podSelector")
        if not selector:
            continue
        ports = [port for rule in mappings(policy.spec.get("ingress")) for port in mappings(rule.get("ports"))]
        for pod in _pods(graph, policy.namespace, selector):
            for port in ports:
                if port.get("port") is not None and not _lets_in(port, pod.ports):
                    reason = f"it lets port {port['port']} in, which is not open in {pod}"
                    yield Finding(str(policy), reason, shown_ports(pod.ports))


def _lets_in(rule: Mapping[str, Any], ports: Iterable[ContainerPort]) -> bool:
    first, last = whole(rule.get("port")), whole(rule.get("endPort"))
    if first is None or last is None:
        return opens(ports, rule.get("port"), rule.get("protocol"))
    return any(first <= port.number <= last for port in ports)
