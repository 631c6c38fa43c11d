"""Selectors, ports and references between objects resolve inside the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policy.graph import Graph, KubernetesObject
from policy.rules.finding import Finding
from policy.rules.selectors import matches


def _pods(graph: Graph, namespace: str | None, selector: Mapping[str, Any]) -> list[KubernetesObject]:
    return [w for w in graph.workloads if w.namespace == namespace and matches(selector, w.pod_labels)]


def _open_ports(workload: KubernetesObject) -> dict[int | str, str]:
    out: dict[int | str, str] = {}
    for container in workload.containers:
        for port in container.get("ports") or ():
            out[port["containerPort"]] = port.get("protocol", "TCP")
            if "name" in port:
                out[port["name"]] = port.get("protocol", "TCP")
    return out


def selectors(graph: Graph) -> list[Finding]:
    """Services, budgets and autoscalers find their pods; ports of Services, Ingresses and policies are open there."""
    return [*_services(graph), *_budgets(graph), *_autoscalers(graph), *_ingresses(graph), *_policy_ports(graph)]


def _services(graph: Graph) -> Iterator[Finding]:
    for service in graph.of_kind("Service"):
        selector = service.spec.get("selector")
        if not selector:
            continue
        pods = _pods(graph, service.namespace, {"matchLabels": selector})
        if not pods:
            yield Finding(str(service), f"its selector {_shown(selector)} matches no pod of the namespace", "mend it")
        for port in service.spec.get("ports") or ():
            target = port.get("targetPort", port["port"])
            for pod in pods:
                if _open_ports(pod).get(target) != port.get("protocol", "TCP"):
                    ports = ", ".join(str(p) for p in _open_ports(pod)) or "none"
                    yield Finding(str(service), f"targetPort {target} is not open in {pod}", f"open there: {ports}")


def _budgets(graph: Graph) -> Iterator[Finding]:
    guarded: dict[str, str] = {}
    for budget in graph.of_kind("PodDisruptionBudget"):
        pods = _pods(graph, budget.namespace, budget.spec.get("selector") or {})
        if not pods:
            yield Finding(str(budget), "its selector matches no pod of the namespace", "select a workload, or drop it")
        for pod in pods:
            first = guarded.setdefault(str(pod), str(budget))
            if first != str(budget):
                reason = f"{pod} is also guarded by {first}; the eviction API refuses pods with two budgets"
                yield Finding(str(budget), reason, "keep one budget")


def _autoscalers(graph: Graph) -> Iterator[Finding]:
    for scaler in graph.of_kind("HorizontalPodAutoscaler"):
        target = scaler.spec.get("scaleTargetRef") or {}
        found = [o for o in graph.of_kind(target.get("kind", "")) if o.namespace == scaler.namespace]
        if target.get("name") not in {o.name for o in found}:
            reason = f"its target {target.get('kind')} {target.get('name')} does not exist"
            yield Finding(str(scaler), reason, "name a workload of its namespace")
        for metric in scaler.spec.get("metrics") or ():
            resource = (metric.get("resource") or {}).get("name")
            for workload in found if resource else ():
                if workload.name == target.get("name") and not all(
                    resource in ((c.get("resources") or {}).get("requests") or {}) for c in workload.containers
                ):
                    reason = f"it scales on {resource}, and a container of {workload} requests none"
                    yield Finding(str(scaler), reason, f"give every container a request for {resource}")


def _ingresses(graph: Graph) -> Iterator[Finding]:
    services = {(s.namespace, s.name): s for s in graph.of_kind("Service")}
    for ingress in graph.of_kind("Ingress"):
        for rule in ingress.spec.get("rules") or ():
            for path in (rule.get("http") or {}).get("paths") or ():
                backend = path["backend"]["service"]
                service = services.get((ingress.namespace, backend["name"]))
                if service is None:
                    yield Finding(str(ingress), f"its backend Service {backend['name']} does not exist", "name another")
                    continue
                ports = {p for port in service.spec["ports"] for p in (port["port"], port.get("name"))}
                wanted = backend["port"].get("number", backend["port"].get("name"))
                if wanted not in ports:
                    shown = ", ".join(str(p) for p in ports if p)
                    yield Finding(str(ingress), f"port {wanted} is not one of {service}", f"one of: {shown}")


def _policy_ports(graph: Graph) -> Iterator[Finding]:
    for policy in graph.of_kind("NetworkPolicy"):
        selector = policy.spec.get("podSelector") or {}
        if not selector:
            continue
        for pod in _pods(graph, policy.namespace, selector):
            for rule in policy.spec.get("ingress") or ():
                for port in rule.get("ports") or ():
                    if _open_ports(pod).get(port.get("port")) != port.get("protocol", "TCP"):
                        ports = ", ".join(str(p) for p in _open_ports(pod)) or "none"
                        reason = f"it lets port {port.get('port')} in, which is not open in {pod}"
                        yield Finding(str(policy), reason, f"open there: {ports}")


def objects(graph: Graph) -> list[Finding]:
    """Namespaces, ServiceAccounts, ConfigMaps, Secrets and PriorityClasses that are named exist and come first."""
    names = {(o.kind, o.namespace, o.name): o for o in graph.objects}
    after = {o.resource.urn: set(o.resource.dependencies) for o in graph.objects}
    out = []
    for thing in graph.objects:
        for kind, namespace, name in _references(thing):
            found = names.get((kind, namespace, name))
            if found is None:
                out.append(Finding(str(thing), f"it names {kind} {name}, which does not exist", f"make {kind} {name}"))
            elif found.resource.urn not in _reach(after, thing.resource.urn):
                reason = f"it needs {found}, and nothing says that this is made first"
                out.append(Finding(str(thing), reason, "add it to depends_on"))
    return out


def _reach(after: Mapping[str, set[str]], urn: str) -> set[str]:
    seen: set[str] = set()
    todo = [urn]
    while todo:
        for before in after.get(todo.pop(), ()):
            if before not in seen:
                seen.add(before)
                todo.append(before)
    return seen


def _references(thing: KubernetesObject) -> Iterator[tuple[str, str | None, str]]:
    namespace = thing.namespace
    if namespace is not None:
        yield "Namespace", None, namespace
    pod = (thing.template or {}).get("spec") or {}
    if pod.get("serviceAccountName"):
        yield "ServiceAccount", namespace, pod["serviceAccountName"]
    if pod.get("priorityClassName") and not pod["priorityClassName"].startswith("system-"):
        yield "PriorityClass", None, pod["priorityClassName"]
    for volume in pod.get("volumes") or ():
        if "configMap" in volume:
            yield "ConfigMap", namespace, volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", namespace, volume["secret"]["secretName"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", namespace, volume["persistentVolumeClaim"]["claimName"]
    for container in thing.containers:
        for source in container.get("envFrom") or ():
            if "configMapRef" in source:
                yield "ConfigMap", namespace, source["configMapRef"]["name"]
            if "secretRef" in source:
                yield "Secret", namespace, source["secretRef"]["name"]


def _shown(selector: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
