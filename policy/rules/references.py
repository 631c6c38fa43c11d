"""What an object names exists, is made before it, and nothing is made that no one names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.graph import Graph, KubernetesObject, unknown
from policy.reading import at, mapping, mappings, text
from policy.rules.finding import Finding

BUILT_IN_NAMESPACES = {"default", "kube-node-lease", "kube-public", "kube-system"}
BUILT_IN = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
"""What the control plane makes in every namespace."""


@dataclass(frozen=True)
class _Reference:
    kind: str
    namespace: str | None
    name: str
    key: str | None = None
    """What it reads in there."""


def objects(graph: Graph) -> list[Finding]:
    """Namespaces, ServiceAccounts, ConfigMaps, Secrets, claims and PriorityClasses that are named exist, hold the keys
    that are read, and come first.
    """
    out = [finding for workload in graph.workloads for finding in _mounts(workload)]
    known = {(o.kind, o.namespace, o.name): o for o in graph.objects}
    known |= {("Secret", o.namespace, _secret_of(o)): o for o in graph.of_kind("ExternalSecret")}
    before = {o.resource.urn: set(o.resource.dependencies) for o in graph.objects}
    for thing in graph.objects:
        for wanted in dict.fromkeys(_references(thing)):
            what = f"{wanted.kind} {wanted.name}"
            found = known.get((wanted.kind, wanted.namespace, wanted.name))
            if found is None and f"{wanted.kind}/{wanted.name}" in thing.external:
                continue  # it says that somebody else makes it
            if found is None:
                out.append(Finding(str(thing), f"it names {what}, which does not exist", f"make {what}"))
            elif not _holds(found, wanted.key):
                out.append(Finding(str(thing), f"it reads {wanted.key} of {what}, which is not there", "name another"))
            elif found.resource.urn not in _reach(before, thing.resource.urn):
                reason = f"it needs {found}, and nothing says that this is made first"
                out.append(Finding(str(thing), reason, "add it to depends_on"))
    return out


def used(graph: Graph) -> list[Finding]:
    """What is made for pods and taken by none is a mount, a variable or a name that somebody forgot."""
    taken = {(r.kind, r.namespace, r.name) for thing in graph.objects for r in _references(thing)}
    out = [
        Finding(str(thing), "nothing uses it", f"name it in a pod, or drop the {thing.kind}")
        for thing in graph.of_kind("ConfigMap", "PersistentVolumeClaim", "Secret", "ServiceAccount")
        if (thing.kind, thing.namespace, thing.name) not in taken
    ]
    out += [
        Finding(
            str(thing), f"nothing uses the Secret {_secret_of(thing)} that it fills", "name it in a pod, or drop it"
        )
        for thing in graph.of_kind("ExternalSecret")
        if ("Secret", thing.namespace, _secret_of(thing)) not in taken
    ]
    for workload in graph.workloads:
        mounted = [mount.get("name") for mount in _mounted_volumes(workload)]
        volumes = [volume.get("name") for volume in mappings(workload.pod.get("volumes"))]
        spare = [volume for volume in volumes if volume not in mounted]
        out += [Finding(str(workload), f"nothing mounts its volume {volume}", "mount or drop it") for volume in spare]
    return out


def _secret_of(thing: KubernetesObject) -> str:
    """The Secret that an ExternalSecret fills: of its own name where it says none."""
    return text(at(thing.spec, "target", "name")) or thing.name


def _mounts(workload: KubernetesObject) -> Iterator[Finding]:
    volumes = [volume.get("name") for volume in mappings(workload.pod.get("volumes"))]
    # A StatefulSet's claims are volumes as well.
    volumes += [at(claim, "metadata", "name") for claim in mappings(workload.spec.get("volumeClaimTemplates"))]
    for mount in _mounted_volumes(workload):
        if mount.get("name") not in volumes:
            reason = f"it mounts {mount.get('name')}, which is no volume of its pod"
            yield Finding(str(workload), reason, f"one of: {', '.join(str(v) for v in volumes) or 'none'}")


def _mounted_volumes(workload: KubernetesObject) -> list[Mapping[str, Any]]:
    containers = (*workload.init_containers, *workload.containers)
    return [mount for container in containers for mount in mappings(container.get("volumeMounts"))]


def _holds(thing: KubernetesObject, key: str | None) -> bool:
    if thing.kind == "ExternalSecret":
        filled = mappings(thing.spec.get("data"))
        return key is None or "dataFrom" in thing.spec or any(item.get("secretKey") == key for item in filled)
    contents = [thing.manifest.get(part) for part in ("data", "stringData", "binaryData")]
    return key is None or any(key in part if isinstance(part, Mapping) else unknown(part) for part in contents)


def _reach(before: Mapping[str, set[str]], urn: str) -> set[str]:
    seen: set[str] = set()
    todo = [urn]
    while todo:
        new = before.get(todo.pop(), set()) - seen
        seen |= new
        todo += new
    return seen


def _references(thing: KubernetesObject) -> Iterator[_Reference]:
    """What an object names that must exist; not what is optional, known only later, or made by the control plane."""
    if thing.namespace is not None and thing.namespace not in BUILT_IN_NAMESPACES and not unknown(thing.namespace):
        yield _Reference("Namespace", None, thing.namespace)
    priority = text(thing.pod.get("priorityClassName"))
    if priority and not priority.startswith("system-") and not unknown(priority):
        yield _Reference("PriorityClass", None, priority)
    for kind, given, key, optional in _named(thing):
        name = text(given)
        if name and not optional and not unknown(name) and (kind, name) not in BUILT_IN:
            yield _Reference(kind, thing.namespace, name, text(key) or None)


def _named(thing: KubernetesObject) -> Iterator[tuple[str, Any, Any, Any]]:
    """Kind, name, key and `optional` of everything that an object names in its namespace."""
    yield "ServiceAccount", thing.pod.get("serviceAccountName"), None, None
    for secret in mappings(thing.pod.get("imagePullSecrets")):
        yield "Secret", secret.get("name"), None, None
    for volume in mappings(thing.pod.get("volumes")):
        yield "PersistentVolumeClaim", at(volume, "persistentVolumeClaim", "claimName"), None, None
        for source in (volume, *mappings(at(volume, "projected", "sources"))):
            yield from _mounted("ConfigMap", mapping(source.get("configMap")))
            yield from _mounted("Secret", mapping(source.get("secret")))
    for container in (*thing.init_containers, *thing.containers):
        for kind, at_once, one in (
            ("ConfigMap", "configMapRef", "configMapKeyRef"),
            ("Secret", "secretRef", "secretKeyRef"),
        ):
            for source in mappings(container.get("envFrom")):
                yield kind, at(source, at_once, "name"), None, at(source, at_once, "optional")
            for variable in mappings(container.get("env")):
                ref = mapping(at(variable, "valueFrom", one))
                yield kind, ref.get("name"), ref.get("key"), ref.get("optional")
    if thing.kind == "Ingress":
        for tls in mappings(thing.spec.get("tls")):
            yield "Secret", tls.get("secretName"), None, None


def _mounted(kind: str, source: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, Any]]:
    name = source.get("secretName") or source.get("name")
    keys = [item.get("key") for item in mappings(source.get("items"))]
    for key in keys or [None]:
        yield kind, name, key, source.get("optional")
