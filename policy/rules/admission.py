"""Pod Security: every pod is one that its namespace admits.

Kubernetes checks pods, not what makes them: a Deployment that breaks its namespace's level is taken, and its pods
never appear. The checks are those of the Pod Security Standards (kubernetes/kubernetes
staging/src/k8s.io/pod-security-admission/policy/check_*.go) as far as a Linux pod template can break them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policy.graph import Graph, KubernetesObject, unknown
from policy.reading import at, mapping, mappings, texts
from policy.rules.finding import Finding

LEVEL = "pod-security.kubernetes.io/enforce"
LEVELS = ("baseline", "restricted", "privileged")
RESTRICTED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected"),
    "secret",
}
BASELINE_CAPABILITIES = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
    *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
SECCOMP = ("Localhost", "RuntimeDefault")


def admitted(graph: Graph) -> list[Finding]:
    """Every namespace says its level, and every pod keeps to it."""
    levels = {namespace.name: namespace.labels.get(LEVEL) for namespace in graph.of_kind("Namespace")}
    out = [
        Finding(f"Namespace {name}", f"it has no Pod Security level: {LEVEL} is {level}", f"one of {', '.join(LEVELS)}")
        for name, level in levels.items()
        if level not in LEVELS and not unknown(level)
    ]
    for workload in graph.workloads:
        level = levels.get(workload.namespace or "")
        checks = {"baseline": (_baseline,), "restricted": (_baseline, _restricted)}.get(level or "", ())
        reasons = [reason for check in checks for reason in check(workload)]
        fix = f"as the {level} Pod Security Standard has it"
        out += [Finding(str(workload), f"its namespace refuses its pods: {reason}", fix) for reason in reasons]
    return out


def _containers(workload: KubernetesObject) -> Iterator[tuple[Any, Mapping[str, Any], Mapping[str, Any]]]:
    """Name, container and security context."""
    for container in (*workload.init_containers, *workload.containers):
        yield container.get("name"), container, mapping(container.get("securityContext"))


def _baseline(workload: KubernetesObject) -> Iterator[str]:
    pod = workload.pod
    yield from (f"{key} is on" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    yield from ("a volume is a hostPath" for volume in mappings(pod.get("volumes")) if volume.get("hostPath"))
    for name, container, context in _containers(workload):
        if context.get("privileged"):
            yield f"container {name} is privileged"
        if any(port.get("hostPort") for port in mappings(container.get("ports"))):
            yield f"container {name} opens a port of the node"
        extra = set(texts(at(context, "capabilities", "add"))) - BASELINE_CAPABILITIES
        if extra:
            yield f"container {name} adds the capabilities {', '.join(sorted(extra))}"


def _restricted(workload: KubernetesObject) -> Iterator[str]:
    context = mapping(workload.pod.get("securityContext"))
    for volume in mappings(workload.pod.get("volumes")):
        yield from (
            f"volumes of kind {kind}" for kind in sorted(set(volume) - RESTRICTED_VOLUMES - {"name", "hostPath"})
        )
    if context.get("runAsUser") == 0:
        yield "the pod runs as root"
    for name, _, own in _containers(workload):
        for key, good in (("runAsNonRoot", (True,)), ("seccompProfile", SECCOMP)):
            value = context.get(key) if own.get(key) is None else own[key]
            if (value.get("type") if isinstance(value, Mapping) else value) not in good:
                yield f"container {name} lacks {key}: {' or '.join(str(g) for g in good)}"
        if own.get("runAsUser") == 0:
            yield f"container {name} runs as root"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"container {name} lacks allowPrivilegeEscalation: False"
        if "ALL" not in texts(at(own, "capabilities", "drop")):
            yield f"container {name} does not drop all capabilities"
        if set(texts(at(own, "capabilities", "add"))) & (BASELINE_CAPABILITIES - {"NET_BIND_SERVICE"}):
            yield f"container {name} adds capabilities other than NET_BIND_SERVICE"
