"""Who may talk to whom follows from the settings, each connection once."""

from __future__ import annotations

from settings.flows import INTERNET, Addresses, Flow, Pods, flows, model_pods, quiet, service_pods
from tests.support import EKS, resolved, tiny

NAME = "app.kubernetes.io/name"
DOOR, WORKER, MIND = Pods("front", "door"), Pods("back", "worker"), Pods("back", "mind")
COLLECTOR, PROMETHEUS = Pods("watch", "otel-collector", NAME), Pods("watch", "prometheus", NAME)
GRAFANA = Pods("watch", "grafana", NAME)


def found(**changes: object) -> set[tuple[object, object, int, str]]:
    return {(f.source, f.target, f.port, f.why) for f in flows(resolved(tiny(**changes)).settings)}


def named(name: str, *cidrs: str, excluded: tuple[str, ...] = ()) -> Addresses:
    return Addresses(name, cidrs, excluded)


def test_the_flows_of_the_smallest_platform_are_these_and_no_others() -> None:
    endpoints = named("aws-endpoints", "10.0.224.0/20", "10.0.240.0/20")
    load_balancer = named("load-balancer", "10.0.224.0/20", "10.0.240.0/20")
    private = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
    assert found() == {
        (load_balancer, DOOR, 8000, "ingress"),
        (load_balancer, GRAFANA, 3000, "ingress"),
        (DOOR, WORKER, 8000, "route"),
        (WORKER, MIND, 9000, "calls"),
        (DOOR, endpoints, 443, "STS"),
        (WORKER, endpoints, 443, "SageMaker, STS"),
        (DOOR, COLLECTOR, 4317, "telemetry"),
        (WORKER, COLLECTOR, 4317, "telemetry"),
        (MIND, COLLECTOR, 4317, "telemetry"),
        (PROMETHEUS, DOOR, 8000, "metrics"),
        (PROMETHEUS, WORKER, 8000, "metrics"),
        (PROMETHEUS, MIND, 9000, "metrics"),
        (Pods("back", "store"), named("internet", "0.0.0.0/0", excluded=private), 443, "weights"),
    }


def test_a_route_that_is_gone_takes_its_flow_along() -> None:
    assert (DOOR, WORKER, 8000, "route") not in found(services__door__routes=None)


def test_flows_lead_to_the_pods_port_and_not_to_the_services() -> None:
    assert (DOOR, WORKER, 9001, "route") in found(services__worker__port=9001, services__worker__service_port=81)


def test_the_agent_on_the_node_gives_roles_under_pod_identity_and_sts_without() -> None:
    agent = named("pod-identity-agent", "169.254.170.23/32")
    some = found(aws__identity="pod-identity")
    assert (DOOR, agent, 80, "Pod Identity") in some
    assert "STS" not in {why for *_, why in some}
    assert (WORKER, named("aws-endpoints", "10.0.224.0/20", "10.0.240.0/20"), 443, "SageMaker") in some


def test_what_a_service_may_do_in_aws_it_also_reaches_inside_the_vpc_where_there_is_an_endpoint() -> None:
    may = [
        {"actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:us-west-2:999988887777:jobs"]},
        {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::papers/*"]},
    ]
    some = found(
        **EKS, cluster__network={"endpoints": ["sqs", "sts", "sagemaker.runtime"]}, services__door__permissions=may
    )
    out = {(target.name, why) for source, target, _, why in some if source == DOOR and isinstance(target, Addresses)}
    assert out == {("aws-endpoints", "STS, sqs"), ("internet", "s3")}
    elsewhere = found(services__door__permissions=may)
    assert (DOOR, INTERNET, 443, "s3, sqs") in elsewhere
    stated = found(services__door__permissions=may, aws__endpoint_cidrs=["192.168.1.0/24"])
    assert (DOOR, named("aws-endpoints", "192.168.1.0/24"), 443, "STS, s3, sqs") in stated


def test_without_an_account_there_are_no_roles_to_fetch() -> None:
    whys = [why for *_, why in found(aws__account=None)]
    assert "STS" not in whys
    assert "Pod Identity" not in whys


def test_without_telemetry_nobody_talks_to_a_collector() -> None:
    assert not {why for *_, why in found(observability=None)} & {"telemetry", "metrics"}


def test_webhooks_are_called_by_the_control_plane() -> None:
    source = named("control-plane", "10.0.224.0/20", "10.0.240.0/20")
    assert (source, Pods("watch", "checker", NAME), 9443, "webhook") in found(
        namespaces__watch__webhooks={"checker": 9443}
    )


def test_one_connection_is_one_flow_however_many_settings_ask_for_it() -> None:
    twice = {"services__door__routes": {"again": {"to": "worker", "timeout": "25s"}}}
    all_ = flows(resolved(tiny(**twice)).settings)
    keys = [(f.source, f.target, f.port, f.protocol) for f in all_]
    assert len(keys) == len(set(keys))
    assert all_ == sorted(all_, key=lambda f: (str(f.source), str(f.target), f.port, f.protocol))


def test_pods_are_selected_by_the_label_that_holds_their_name() -> None:
    assert DOOR.labels == {"app": "door"}
    assert COLLECTOR.labels == {NAME: "otel-collector"}
    assert Flow(DOOR, WORKER, 1, "x").protocol == "TCP"


def test_what_nobody_calls_is_told_apart_from_what_has_a_flow() -> None:
    settings = resolved(tiny()).settings
    busy = {end for flow in flows(settings) for end in (flow.source, flow.target)}
    assert not set(quiet(settings)) & busy
    every = {service_pods(settings, name) for name in settings.services} | {
        model_pods(settings, name) for name in settings.models
    }
    assert every <= busy | set(quiet(settings))


def test_placeholders_on_the_pool_of_a_floor_have_a_policy_too() -> None:
    steady = {
        "instance_types": ["g6.xlarge"],
        "capacity": "on-demand",
        "min": 1,
        "max": 3,
        "gpus": 1,
        "node_start_up": "240s",
        "taints": [{"key": "nvidia.com/gpu", "value": "present"}],
        "headroom": {"namespace": "watch", "priority": "idle"},
    }
    idle = {"value": -5, "preempts": False, "description": "makes way"}
    changes = {"node_pools__steady": steady, "models__mind__floor": {"pool": "steady"}, "models__mind__replicas": 1}
    settings = resolved(tiny(**changes, priorities__idle=idle)).settings
    assert Pods("watch", "steady-headroom") in quiet(settings)
