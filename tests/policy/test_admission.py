"""Pod Security: what the API server would refuse without telling whoever applied the Deployment."""

from __future__ import annotations

import pytest

from policy.rules.admission import LEVEL
from tests.policy.support import edited, said
from tests.support import REMOVE

GATEWAY = "Deployment platform/gateway"
POD = "spec template spec"
OWN = "spec template spec containers 0"
REFUSES = f"{GATEWAY}: its namespace refuses its pods"

BASELINE = {
    "the node's network": ((f"{POD} hostNetwork", True), ["hostNetwork is on"]),
    "the node's processes": ((f"{POD} hostPID", True), ["hostPID is on"]),
    "the node's files": (
        (f"{POD} volumes 1", {"name": "n", "hostPath": {"path": "/"}}),
        ["a volume is a hostPath"],
    ),
    "the node's ports": ((f"{OWN} ports 0 hostPort", 80), ["container gateway opens a port of the node"]),
    "all privileges": ((f"{OWN} securityContext privileged", True), ["container gateway is privileged"]),
    "a capability": (
        (f"{OWN} securityContext capabilities add", ["NET_ADMIN"]),
        ["container gateway adds the capabilities NET_ADMIN"],
    ),
}
RESTRICTED = {
    "root allowed": (
        (f"{OWN} securityContext runAsNonRoot", False),
        ["container gateway lacks runAsNonRoot: True"],
    ),
    "root by number": ((f"{OWN} securityContext runAsUser", 0), ["container gateway runs as root"]),
    "root by number, of the pod": ((f"{POD} securityContext runAsUser", 0), ["the pod runs as root"]),
    "new privileges": (
        (f"{OWN} securityContext allowPrivilegeEscalation", REMOVE),
        ["container gateway lacks allowPrivilegeEscalation: False"],
    ),
    "capabilities kept": (
        (f"{OWN} securityContext capabilities", REMOVE),
        ["container gateway does not drop all capabilities"],
    ),
    "a harmless capability": (
        (f"{OWN} securityContext capabilities add", ["CHOWN"]),
        ["container gateway adds capabilities other than NET_BIND_SERVICE"],
    ),
    "no seccomp profile": (
        (f"{POD} securityContext seccompProfile", REMOVE),
        ["container gateway lacks seccompProfile: Localhost or RuntimeDefault"],
    ),
    "no seccomp": (
        (f"{OWN} securityContext seccompProfile", {"type": "Unconfined"}),
        ["container gateway lacks seccompProfile: Localhost or RuntimeDefault"],
    ),
    "a volume of the network": (
        (f"{POD} volumes 1", {"name": "n", "nfs": {"server": "s", "path": "/"}}),
        ["volumes of kind nfs"],
    ),
    "an init container of its own kind": (
        (f"{POD} initContainers", [{"name": "i", "securityContext": {"capabilities": {"drop": ["ALL"]}}}]),
        ["container i lacks allowPrivilegeEscalation: False"],
    ),
}
GREEN = {
    "the one capability": (f"{OWN} securityContext capabilities add", ["NET_BIND_SERVICE"]),
    "said once for the pod": (f"{OWN} securityContext runAsNonRoot", REMOVE),
    "said again for the container": (f"{OWN} securityContext seccompProfile", {"type": "Localhost"}),
    "a projected volume": (f"{POD} volumes 1", {"name": "t", "projected": {"sources": []}}),
}


@pytest.mark.parametrize(("change", "finds"), (BASELINE | RESTRICTED).values(), ids=BASELINE | RESTRICTED)
def test_a_pod_that_its_namespace_refuses_is_named(prod, change, finds) -> None:
    assert said("admission", edited(prod, GATEWAY, *change)) == [f"{REFUSES}: {reason}" for reason in finds]


@pytest.mark.parametrize("change", GREEN.values(), ids=GREEN)
def test_a_pod_that_its_namespace_admits_is_left_alone(prod, change) -> None:
    assert said("admission", edited(prod, GATEWAY, *change)) == []


@pytest.mark.parametrize(("change", "finds"), BASELINE.values(), ids=BASELINE)
def test_baseline_refuses_the_node(prod, change, finds) -> None:
    lower = edited(prod, "Namespace platform", f"metadata labels {LEVEL}", "baseline")
    assert said("admission", edited(lower, GATEWAY, *change)) == [f"{REFUSES}: {reason}" for reason in finds]


@pytest.mark.parametrize("change", [change for change, _ in RESTRICTED.values()], ids=RESTRICTED)
def test_baseline_admits_what_restricted_does_not(prod, change) -> None:
    lower = edited(prod, "Namespace platform", f"metadata labels {LEVEL}", "baseline")
    assert said("admission", edited(lower, GATEWAY, *change)) == []


def test_privileged_admits_everything(prod) -> None:
    open_ = edited(prod, "Namespace platform", f"metadata labels {LEVEL}", "privileged")
    assert said("admission", edited(open_, GATEWAY, f"{POD} hostNetwork", True)) == []


@pytest.mark.parametrize(("level", "shown"), [(REMOVE, None), ("strict", "strict")])
def test_a_namespace_without_a_level_is_named(prod, level, shown) -> None:
    graph = edited(prod, "Namespace platform", f"metadata labels {LEVEL}", level)
    assert said("admission", graph) == [f"Namespace platform: it has no Pod Security level: {LEVEL} is {shown}"]
