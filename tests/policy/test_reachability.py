"""NetworkPolicy semantics, on graphs made by hand, and against an evaluator that goes pod by pod."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.rules.reachability import reachability
from tests.policy.support import graph_of

BOTH = ["Ingress", "Egress"]


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def app(home: str, name: str, ports: Mapping[str, int] | None = None, **labels: str) -> dict[str, Any]:
    opened = [{"name": key, "containerPort": number} for key, number in (ports or {}).items()]
    template = {"metadata": {"labels": {"app": name, **labels}}, "spec": {"containers": [{"ports": opened}]}}
    return {"kind": "Deployment", "metadata": {"name": name, "namespace": home}, "spec": {"template": template}}


def policy(home: str, pods: Any, **spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"app": pods}} if isinstance(pods, str) else pods
    named = {"name": f"p{abs(hash(str((pods, spec))))}", "namespace": home}
    return {"kind": "NetworkPolicy", "metadata": named, "spec": {"podSelector": selector, **spec}}


def pods(name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"app": name}}}


def within(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def block(cidr: str, *excluded: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr, **({"except": list(excluded)} if excluded else {})}}


def edges(*objects: Mapping[str, Any], **how: Any) -> list[str]:
    return sorted(str(edge) for edge in reachability(graph_of(*objects), **how))


WORLD = (namespace("a", tier="team"), namespace("b"), app("a", "x"), app("a", "y"), app("b", "x"))


def into(*peers: Any, ports: Any = None) -> list[str]:
    """Who reaches b/x on the one ingress rule of its policy."""
    rule = {"from": list(peers)} | ({"ports": ports} if ports is not None else {})
    return edges(*WORLD, policy("b", "x", policyTypes=["Ingress"], ingress=[rule]))


def test_without_policies_nothing_is_governed_and_nothing_is_listed() -> None:
    assert edges(*WORLD) == []


def test_a_policy_without_rules_denies_its_pods_that_direction_and_leaves_the_other() -> None:
    shut = policy("a", "x", policyTypes=["Ingress"])
    assert edges(*WORLD, shut) == []
    assert "a/x -> b/x any port" in edges(*WORLD, shut, policy("b", "x", policyTypes=["Ingress"], ingress=[{}]))


def test_ingress_only_leaves_egress_open() -> None:
    found = edges(*WORLD, policy("a", "x", policyTypes=["Ingress"], ingress=[{"from": [pods("y")]}]))
    assert found == ["a/y -> a/x any port"]


def test_egress_only_leaves_ingress_open() -> None:
    found = edges(*WORLD, policy("a", "x", policyTypes=["Egress"], egress=[{"to": [pods("y")]}]))
    assert found == ["a/x -> a/y any port"]


def test_both_sides_must_allow() -> None:
    out = policy("a", "x", policyTypes=["Egress"], egress=[{"to": [within("b")]}])
    shut = policy("b", "x", policyTypes=["Ingress"])
    assert "a/x -> b/x any port" in edges(*WORLD, out)
    assert "a/x -> b/x any port" not in edges(*WORLD, out, shut)


@pytest.mark.parametrize("rule", [{}, {"from": []}, {"from": None}])
def test_a_rule_without_peers_means_everyone(rule) -> None:
    found = edges(*WORLD, policy("b", "x", policyTypes=["Ingress"], ingress=[rule]))
    assert found == [
        "(any namespace)/(any pod) -> b/x any port",
        "0.0.0.0/0 -> b/x any port",
        "::/0 -> b/x any port",
        "a/x -> b/x any port",
        "a/y -> b/x any port",
        "b/x -> b/x any port",
    ]


@pytest.mark.parametrize("spec", [{}, {"ingress": []}, {"ingress": None}])
def test_no_rules_mean_nobody(spec) -> None:
    assert edges(*WORLD, policy("b", "x", policyTypes=["Ingress"], **spec)) == []


def test_a_namespace_selector_alone_takes_all_its_pods() -> None:
    assert into(within("a")) == ["a/(any pod) -> b/x any port", "a/x -> b/x any port", "a/y -> b/x any port"]


def test_a_namespace_selector_goes_by_the_labels_of_the_namespace() -> None:
    assert into({"namespaceSelector": {"matchLabels": {"tier": "team"}}}) == [
        "(tier=team)/(any pod) -> b/x any port",
        "a/x -> b/x any port",
        "a/y -> b/x any port",
    ]


def test_a_pod_selector_alone_stays_in_the_namespace_of_the_policy() -> None:
    assert into(pods("x")) == ["b/x -> b/x any port"]
    assert into(pods("y")) == ["b/y -> b/x any port"]  # nothing runs it yet


def test_both_selectors_in_one_peer_are_both_needed() -> None:
    assert into({**within("a"), **pods("y")}) == ["a/y -> b/x any port"]


def test_two_peers_are_alternatives() -> None:
    assert into({**within("a"), **pods("y")}, pods("x")) == ["a/y -> b/x any port", "b/x -> b/x any port"]


def test_selectors_may_be_expressions() -> None:
    def expression(operator: str, *values: str) -> dict[str, Any]:
        entry = {"key": "app", "operator": operator} | ({"values": list(values)} if values else {})
        return {**within("a"), "podSelector": {"matchExpressions": [entry]}}

    assert "a/y -> b/x any port" in into(expression("In", "y", "z"))
    assert "a/x -> b/x any port" not in into(expression("In", "y", "z"))
    assert "a/x -> b/x any port" in into(expression("NotIn", "y"))
    assert "a/y -> b/x any port" not in into(expression("NotIn", "y"))
    assert "a/x -> b/x any port" in into(expression("Exists"))
    assert not {"a/x -> b/x any port", "a/y -> b/x any port"} & set(into(expression("DoesNotExist")))
    assert not {"a/x -> b/x any port", "a/y -> b/x any port"} & set(into(expression("Like", "y")))


def test_an_opening_to_nobody_in_particular_shows() -> None:
    """Otherwise a policy could open a namespace that the graph does not run anything in, unseen."""
    assert into(within("elsewhere")) == ["elsewhere/(any pod) -> b/x any port"]
    assert into({"namespaceSelector": {}})[0] == "(any namespace)/(any pod) -> b/x any port"
    assert into({**within("elsewhere"), **pods("z")}) == ["elsewhere/z -> b/x any port"]
    either = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["z", "w"]}]}
    assert into({**within("elsewhere"), "podSelector": either}) == ["elsewhere/(app In (z, w)) -> b/x any port"]


def test_a_stranger_is_held_by_the_policies_of_its_namespace() -> None:
    deny = policy("a", {}, policyTypes=BOTH)
    opened = policy("b", "x", policyTypes=["Ingress"], ingress=[{"from": [within("a")]}])
    assert edges(*WORLD, deny, opened) == []


def test_blocks_are_ends_of_their_own() -> None:
    assert into(block("10.0.0.0/24")) == ["10.0.0.0/24 -> b/x any port"]
    assert into(block("10.0.0.0/24", "10.0.0.0/25")) == ["10.0.0.0/24 except 10.0.0.0/25 -> b/x any port"]


def test_a_block_is_reached_if_all_of_it_is_opened() -> None:
    half, rest = block("10.0.0.0/25"), block("10.0.0.0/24", "10.0.0.0/25")
    other = policy("a", "x", policyTypes=["Egress"], egress=[{"to": [half]}, {"to": [block("10.0.0.0/24")]}])
    mine = policy("a", "y", policyTypes=["Egress"], egress=[{"to": [rest]}])
    found = edges(*WORLD, other, mine)
    assert "a/y -> 10.0.0.0/24 except 10.0.0.0/25 any port" in found
    assert "a/y -> 10.0.0.0/25 any port" not in found
    assert "a/y -> 10.0.0.0/24 any port" not in found
    assert "a/x -> 10.0.0.0/24 except 10.0.0.0/25 any port" in found


def test_a_hole_may_be_written_in_other_words() -> None:
    one, two = block("10.0.0.0/24", "10.0.0.0/25"), block("10.0.0.0/24", "10.0.0.0/26", "10.0.0.64/26")
    found = edges(
        *WORLD,
        policy("a", "x", policyTypes=["Egress"], egress=[{"to": [one]}]),
        policy("a", "y", policyTypes=["Egress"], egress=[{"to": [two]}]),
    )
    assert "a/y -> 10.0.0.0/24 except 10.0.0.0/25 any port" in found
    assert "a/x -> 10.0.0.0/24 except 10.0.0.0/26, 10.0.0.64/26 any port" in found


def test_blocks_of_two_versions_never_meet() -> None:
    found = into(block("::/0"), block("0.0.0.0/0"))
    assert found == ["0.0.0.0/0 -> b/x any port", "::/0 -> b/x any port"]


def test_addresses_that_are_not_known_yet_are_an_end_too() -> None:
    assert into(block("${aws:ec2/vpc:Vpc main.cidrBlock}")) == ["${aws:ec2/vpc:Vpc main.cidrBlock} -> b/x any port"]


def test_a_block_that_holds_addresses_of_pods_takes_every_pod() -> None:
    wide = policy("b", "x", policyTypes=["Ingress"], ingress=[{"from": [block("10.0.0.0/16")]}])
    assert edges(*WORLD, wide) == ["10.0.0.0/16 -> b/x any port"]
    assert edges(*WORLD, wide, pod_ranges=["10.0.64.0/18"]) == [
        "10.0.0.0/16 -> b/x any port",
        "a/x -> b/x any port",
        "a/y -> b/x any port",
        "b/x -> b/x any port",
    ]
    beside = policy("b", "x", policyTypes=["Ingress"], ingress=[{"from": [block("10.0.0.0/16", "10.0.64.0/18")]}])
    assert len(edges(*WORLD, beside, pod_ranges=["10.0.64.0/18"])) == 1


def ports_of(*ports: Any) -> list[str]:
    return [edge.removeprefix("a/y -> b/x ") for edge in into({**within("a"), **pods("y")}, ports=list(ports))]


def test_ports() -> None:
    assert ports_of() == ["any port"]
    assert ports_of({"port": 80}) == ["TCP 80"]
    assert ports_of({"port": 80.0}) == ["TCP 80"]
    assert ports_of({"port": 53, "protocol": "UDP"}, {"port": 53}) == ["TCP 53", "UDP 53"]
    assert ports_of({"protocol": "SCTP"}) == ["SCTP any"]
    assert ports_of({"port": 80, "endPort": 90}) == ["TCP 80-90"]
    assert ports_of({"port": 80, "endPort": 90}, {"port": 85}) == ["TCP 80-90"]
    assert ports_of({"port": 80, "endPort": 80}) == ["TCP 80"]


def test_ports_of_both_sides_meet() -> None:
    def met(outward: Any, inward: Any) -> list[str]:
        out = policy("a", "x", policyTypes=["Egress"], egress=[{"to": [within("b")], "ports": outward}])
        inn = policy("b", "x", policyTypes=["Ingress"], ingress=[{"from": [within("a")], "ports": inward}])
        prefix = "a/x -> b/x "
        return [e.removeprefix(prefix) for e in edges(*WORLD, out, inn) if e.startswith(prefix)]

    assert met([{"port": 80}], []) == ["TCP 80"]
    assert met([], [{"port": 80}]) == ["TCP 80"]
    assert met([], []) == ["any port"]
    assert met([{"port": 80}], [{"port": 81}]) == []
    assert met([{"port": 80}], [{"port": 80, "protocol": "UDP"}]) == []
    assert met([{"port": 80, "endPort": 90}], [{"port": 85, "endPort": 99}]) == ["TCP 85-90"]
    assert met([{"protocol": "TCP"}], [{"port": 80}, {"port": 53, "protocol": "UDP"}]) == ["TCP 80"]


def test_a_named_port_is_what_the_target_calls_so() -> None:
    named = {"ports": [{"port": "web"}]}
    target = app("b", "x", {"web": 8000})
    inward = policy("b", "x", policyTypes=["Ingress"], ingress=[{"from": [within("a"), pods("x")], **named}])
    outward = policy("a", "x", policyTypes=["Egress"], egress=[{"to": [within("b"), block("10.0.0.0/8")], **named}])
    source = app("a", "x", {"web": 9000})
    assert edges(source, target, inward) == [
        "a/(any pod) -> b/x TCP 8000",
        "a/x -> b/x TCP 8000",
        "b/x -> b/x TCP 8000",
    ]
    assert "a/x -> b/x TCP 8000" in edges(source, target, outward)
    assert not any("10.0.0.0/8" in edge for edge in edges(source, target, outward))  # addresses name no ports
    assert edges(source, app("b", "x", {"other": 8000}), inward) == []


def test_a_named_port_of_what_nothing_runs_stays_a_name() -> None:
    def to_z(*ports: Any) -> dict[str, Any]:
        return policy("a", "x", policyTypes=["Egress"], egress=[{"to": [{**within("b"), **pods("z")}], "ports": ports}])

    def by_z(*ports: Any) -> dict[str, Any]:
        return policy("b", "z", policyTypes=["Ingress"], ingress=[{"from": [within("a")], "ports": ports}])

    def met(*policies: Any) -> list[str]:
        return [e for e in edges(app("a", "x"), *policies) if e.startswith("a/x -> b/z")]

    assert met(to_z({"port": "web"})) == ["a/x -> b/z TCP web"]
    assert met(to_z({"port": "web"}), by_z({"port": 80})) == ["a/x -> b/z TCP 80"]
    assert met(to_z({"port": "web"}), by_z({"port": "admin"})) == []


def test_policies_add_up() -> None:
    one = policy("b", "x", policyTypes=["Ingress"], ingress=[{"from": [pods("x")], "ports": [{"port": 1}]}])
    two = policy("b", {}, policyTypes=["Ingress"], ingress=[{"from": [pods("x")], "ports": [{"port": 2}]}])
    none = policy("b", {}, policyTypes=["Ingress"])
    assert edges(*WORLD, one, two, none) == ["b/x -> b/x TCP 1", "b/x -> b/x TCP 2"]


@pytest.mark.parametrize(
    ("spec", "governed"),
    [
        ({}, {"in"}),
        ({"egress": []}, {"in"}),
        ({"egress": [{"to": [pods("nobody")]}]}, {"in", "out"}),
        ({"policyTypes": ["Egress"]}, {"out"}),
        ({"policyTypes": ["Egress"], "ingress": [{}]}, {"out"}),
        ({"policyTypes": ["Ingress"], "egress": [{}]}, {"in"}),
    ],
)
def test_policy_types_default_to_ingress_and_to_egress_where_there_are_such_rules(spec, governed) -> None:
    probe = policy("b", "x", policyTypes=BOTH, ingress=[{"from": [within("a")]}], egress=[{"to": [within("a")]}])
    found = edges(*WORLD, probe, policy("a", "x", **spec))
    assert ("b/x -> a/x any port" not in found) == ("in" in governed)
    assert ("a/x -> b/x any port" not in found) == ("out" in governed)


def test_a_policy_governs_its_own_namespace_only() -> None:
    assert edges(*WORLD, policy("a", "x", policyTypes=["Ingress"], ingress=[{"from": [pods("y")]}])) == [
        "a/y -> a/x any port"
    ]


def test_apps_that_nothing_runs_yet_are_ends() -> None:
    later = policy("b", "later", policyTypes=BOTH, egress=[{"to": [block("10.0.0.0/8")], "ports": [{"port": 443}]}])
    assert edges(later) == ["b/later -> 10.0.0.0/8 TCP 443"]


# An evaluator that shares nothing with the one above: it asks for one connection at a time, as a CNI does.

HOMES = {"a": {"tier": "team"}, "b": {}}
PODS = {
    "a/x": ("a", {"app": "x", "role": "api"}, {"web": 80}),
    "a/y": ("a", {"app": "y", "role": "job"}, {"web": 81}),
    "b/z": ("b", {"app": "z", "role": "api"}, {}),
}
ADDRESSES = ["10.0.0.1", "10.0.0.200", "10.0.1.1", "192.168.0.1"]
PORTS = [("TCP", 80), ("TCP", 81), ("TCP", 85), ("UDP", 80)]


def takes(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for entry in selector.get("matchExpressions", []):
        key, has = entry["key"], entry["key"] in labels
        good = {
            "In": has and labels.get(key) in entry.get("values", []),
            "NotIn": not has or labels.get(key) not in entry.get("values", []),
            "Exists": has,
            "DoesNotExist": not has,
        }
        if not good[entry["operator"]]:
            return False
    return True


def peer_is(peer: Mapping[str, Any], home: str, who: str) -> bool:
    if "ipBlock" in peer:
        if who in PODS:
            return False
        inside = ipaddress.ip_address(who) in ipaddress.ip_network(peer["ipBlock"]["cidr"])
        return inside and not any(
            ipaddress.ip_address(who) in ipaddress.ip_network(hole) for hole in peer["ipBlock"].get("except", [])
        )
    if who not in PODS:
        return False
    there, labels, _ = PODS[who]
    if "namespaceSelector" in peer:
        if not takes(peer["namespaceSelector"], {**HOMES[there], "kubernetes.io/metadata.name": there}):
            return False
    elif there != home:
        return False
    return takes(peer.get("podSelector", {}), labels)


Connection = tuple[str, str, str, int]
"""Source, target, protocol, port."""


def allowed(policies: Any, connection: Connection, direction: str) -> bool:
    """True if one side's policies allow it."""
    source, target, protocol, port = connection
    own, other, side = (target, source, "from") if direction == "Ingress" else (source, target, "to")
    if own not in PODS:
        return True
    home = PODS[own][0]
    speaking = [spec for spec in specs_in(policies, home) if speaks(spec, own, direction)]
    if not speaking:
        return True
    return any(
        (not rule.get(side) or any(peer_is(peer, home, other) for peer in rule[side]))
        and (not rule.get("ports") or any(port_is(entry, target, protocol, port) for entry in rule["ports"]))
        for spec in speaking
        for rule in spec.get(direction.lower(), [])
    )


def specs_in(policies: Any, home: str) -> list[Mapping[str, Any]]:
    return [p["spec"] for p in policies if p["metadata"]["namespace"] == home]


def speaks(spec: Mapping[str, Any], who: str, direction: str) -> bool:
    """True if a policy of its namespace governs a pod in this direction."""
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    return direction in types and takes(spec["podSelector"], PODS[who][1])


def port_is(entry: Mapping[str, Any], target: str, protocol: str, port: int) -> bool:
    if entry.get("protocol", "TCP") != protocol:
        return False
    if "port" not in entry:
        return True
    first = entry["port"]
    if isinstance(first, str):
        return target in PODS and PODS[target][2].get(first) == port and protocol == "TCP"
    return first <= port <= entry.get("endPort", first)


def listed(found: frozenset[Any], who: str) -> set[str]:
    """The names under which edges may speak of somebody."""
    if who in PODS:
        return {who}
    names = {edge.source for edge in found} | {edge.target for edge in found}
    blocks = [name for name in names if "/(" not in name and name[0].isdigit()]
    return {name for name in blocks if peer_is(parsed(name), "", who)}


def parsed(name: str) -> dict[str, Any]:
    cidr, _, holes = name.partition(" except ")
    return block(cidr, *(holes.split(", ") if holes else ()))


def port_shown(text: str, protocol: str, port: int) -> bool:
    if text == "any port":
        return True
    kind, _, number = text.partition(" ")
    first, _, last = number.partition("-")
    return kind == protocol and (number == "any" or int(first) <= port <= int(last or first))


LABELS = st.dictionaries(
    st.sampled_from(["app", "role"]), st.sampled_from(["x", "y", "z", "api", "job"]), min_size=1, max_size=2
)
EXPRESSIONS = st.builds(
    lambda key, operator, values: {
        "key": key,
        "operator": operator,
        **({"values": values} if operator.endswith("In") else {}),
    },
    st.sampled_from(["app", "role"]),
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.lists(st.sampled_from(["x", "y", "api"]), min_size=1, max_size=2),
)
SELECTORS = (
    st.just({})
    | LABELS.map(lambda labels: {"matchLabels": labels})
    | st.lists(EXPRESSIONS, min_size=1, max_size=2).map(lambda entries: {"matchExpressions": entries})
)
PLACES = st.sampled_from([{}, within("a")["namespaceSelector"], {"matchLabels": {"tier": "team"}}])
BLOCKS = st.sampled_from([
    block("10.0.0.0/24"), block("10.0.0.0/16", "10.0.0.0/24"), block("10.0.0.0/24", "10.0.0.0/25"),
    block("0.0.0.0/0"), block("0.0.0.0/0", "10.0.0.0/8"),
])  # fmt: skip
PEERS = (
    BLOCKS
    | SELECTORS.map(lambda s: {"podSelector": s})
    | PLACES.map(lambda s: {"namespaceSelector": s})
    | st.builds(lambda place, s: {"namespaceSelector": place, "podSelector": s}, PLACES, SELECTORS)
)
RULE_PORTS = st.lists(
    st.sampled_from([{"port": 80}, {"port": 80, "endPort": 84}, {"port": "web"}, {"protocol": "UDP"}, {"port": 85}]),
    max_size=2,
)


def rules(side: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    rule = st.builds(lambda peers, ports: {side: peers, "ports": ports}, st.lists(PEERS, max_size=2), RULE_PORTS)
    return st.lists(rule, max_size=2)


POLICIES = st.builds(
    lambda home, selector, types, ingress, egress: policy(
        home, selector, ingress=ingress, egress=egress, **({"policyTypes": types} if types else {})
    ),
    st.sampled_from(sorted(HOMES)),
    SELECTORS,
    st.sampled_from([[], ["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
    rules("from"),
    rules("to"),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(POLICIES, min_size=1, max_size=4))
def test_every_connection_is_judged_as_one_at_a_time(policies) -> None:
    objects = [namespace(name, **labels) for name, labels in HOMES.items()]
    objects += [app(home, labels["app"], ports, role=labels["role"]) for home, labels, ports in PODS.values()]
    found = reachability(graph_of(*objects, *policies))
    everybody = [*PODS, *ADDRESSES]
    for source in everybody:
        for target in everybody:
            if not governed(policies, source, target):
                continue
            sources, targets = listed(found, source), listed(found, target)
            ports = [edge.port for edge in found if edge.source in sources and edge.target in targets]
            for protocol, port in PORTS:
                connection = (source, target, protocol, port)
                wanted = all(allowed(policies, connection, direction) for direction in BOTH)
                shown = any(port_shown(text, protocol, port) for text in ports)
                assert shown == wanted, f"{source} -> {target} {protocol} {port}"


def governed(policies: Any, source: str, target: str) -> bool:
    """True if a policy speaks of the pair: of others no edges are listed. Addresses have no policies of their own."""
    return any(
        speaks(spec, own, direction)
        for own, direction in ((source, "Egress"), (target, "Ingress"))
        if own in PODS
        for spec in specs_in(policies, PODS[own][0])
    )
