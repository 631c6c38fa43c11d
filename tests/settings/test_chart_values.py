"""The values of the charts: the GPU daemons go where the GPUs are, and what must be said is said."""

from __future__ import annotations

import re
from typing import Any

import pytest

from settings import chart_values
from settings.charts import ADDONS, CHARTS, CLUSTER_AUTOSCALER_IMAGES
from settings.model import PlatformSettings
from settings.names import POOL_LABEL
from settings.nodes import NodePool
from settings.system import gpu_pools
from settings.versions import KUBERNETES
from tests.judges.charts import Release
from tests.support import STACKS, resolved, stack_settings, tiny

PROD = stack_settings("prod").settings
DAEMONS = {"nvidia-device-plugin": chart_values.device_plugin, "dcgm-exporter": chart_values.dcgm_exporter}
CARDS = {"instance_types": ["g6.xlarge"], "capacity": "on-demand", "min": 0, "max": 2, "gpus": 1, "node_start_up": "5m"}


def of_settings(settings: PlatformSettings) -> list[Release]:
    """The releases of a stack, with stand-ins for what AWS would say."""
    nodes = {"llmplatform.dev/pool": "general"}
    cluster, zone = settings.stem, "example.com"

    def account(name: str) -> dict[str, Any]:
        role = f"arn:aws:iam::111122223333:role/{settings.stem}-{name}"
        return {"name": name, "annotations": {"eks.amazonaws.com/role-arn": role}}

    values = {
        "aws-load-balancer-controller": chart_values.load_balancer_controller(
            settings,
            cluster=cluster,
            vpc_id="vpc-0123456789abcdef0",
            account=account("aws-load-balancer-controller"),
            nodes=nodes,
        ),
        "external-secrets": chart_values.external_secrets(account=account("external-secrets"), nodes=nodes),
        "nvidia-device-plugin": chart_values.device_plugin(settings),
        "dcgm-exporter": chart_values.dcgm_exporter(settings),
        "cluster-autoscaler": chart_values.cluster_autoscaler(
            settings, cluster=cluster, account=account("cluster-autoscaler"), nodes=nodes
        ),
        "external-dns": chart_values.external_dns(
            settings,
            cluster=cluster,
            zone=zone,
            zone_id="Z0123456789ABCDEFGHIJ",
            account=account("external-dns"),
            nodes=nodes,
        ),
    }
    return [
        Release(chart=name, version=CHARTS[name].version, values=made, kubernetes=settings.cluster.version)
        for name, made in values.items()
    ]


def lands(values: dict[str, Any], name: str, pool: NodePool) -> bool:
    """Whether a daemon's pod goes onto a node of the pool, as the scheduler decides it."""
    (term,) = values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    (selected,) = term["matchExpressions"]
    assert selected["key"] == POOL_LABEL
    assert selected["operator"] == "In"
    borne = {(t["key"], t["value"], t["effect"]) for t in values["tolerations"] if t["operator"] == "Equal"}
    return name in selected["values"] and {(t.key, t.value, t.effect) for t in pool.taints} <= borne


@pytest.mark.parametrize("daemon", DAEMONS)
@pytest.mark.parametrize("stack", STACKS)
def test_a_gpu_daemon_lands_on_every_gpu_pool_and_on_no_other(stack: str, daemon: str) -> None:
    settings = stack_settings(stack).settings
    values = DAEMONS[daemon](settings)
    reached = {name for name, pool in settings.node_pools.items() if lands(values, name, pool)}
    assert reached == set(gpu_pools(settings))
    counted = settings.daemonsets[daemon].pools
    assert counted is not None
    assert set(counted) == reached  # what they take is taken off the room of these pools' nodes


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_gpu_daemon_bears_the_taints_of_each_gpu_pool(daemon: str) -> None:
    taints = [{"key": "nvidia.com/gpu", "value": "present"}, {"key": "team", "effect": "NoExecute"}]
    plain = CARDS | {"taints": [{"key": "nvidia.com/gpu"}]}
    settings = resolved(tiny(node_pools__two=CARDS | {"taints": taints}, node_pools__three=plain)).settings
    assert {"two", "three"} <= set(gpu_pools(settings))
    values = DAEMONS[daemon](settings)
    assert all(lands(values, name, pool) for name, pool in gpu_pools(settings).items())


def test_a_gpu_daemon_requests_what_its_nodes_room_is_less_by() -> None:
    assert chart_values.dcgm_exporter(PROD)["resources"] == {"requests": {"cpu": "100m", "memory": "128Mi"}}
    assert "resources" not in chart_values.device_plugin(PROD)
    more = PROD.daemonsets["nvidia-device-plugin"].model_copy(update={"cpu": PROD.daemonsets["aws-node"].cpu})
    settings = PROD.model_copy(update={"daemonsets": {"nvidia-device-plugin": more}})
    assert chart_values.device_plugin(settings)["resources"] == {"requests": {"cpu": "50m"}}
    assert "resources" not in chart_values.dcgm_exporter(settings)


def test_what_is_known_only_later_is_passed_through_as_it_came() -> None:
    later: Any = object()
    account = {"name": "lbc", "annotations": later}
    values = chart_values.load_balancer_controller(PROD, cluster=later, vpc_id=later, account=account, nodes={})
    assert values["clusterName"] is later
    assert values["vpcId"] is later
    assert values["serviceAccount"] == {"create": True, "name": "lbc", "annotations": later}
    dns = chart_values.external_dns(PROD, cluster=later, zone=later, zone_id=later, account=account, nodes={})
    assert dns["domainFilters"] == [later]
    assert dns["txtOwnerId"] is later
    assert "aws-zone-type" not in dns["extraArgs"], "its id says which zone"
    assert dns["extraArgs"]["zone-id-filter"] is later


def of(chart: str, settings: PlatformSettings = PROD) -> dict[str, Any]:
    return next(dict(release.values) for release in of_settings(settings) if release.chart == chart)


def test_the_controllers_do_not_ask_the_nodes_metadata_service() -> None:
    region = PROD.aws.region
    assert of("aws-load-balancer-controller")["region"] == region
    assert of("cluster-autoscaler")["awsRegion"] == region
    assert of("external-dns")["env"] == [{"name": "AWS_DEFAULT_REGION", "value": region}]


@pytest.mark.parametrize("chart", ["aws-load-balancer-controller", "external-secrets", "cluster-autoscaler"])
def test_controllers_have_two_replicas_a_budget_and_their_nodes(chart: str) -> None:
    values = of(chart)
    parts = [values, *(values[part] for part in ("webhook", "certController") if part in values)]
    assert len(parts) == (3 if chart == "external-secrets" else 1)
    for part in parts:
        assert part["replicaCount"] == 2
        assert part["podDisruptionBudget"]["maxUnavailable"] == 1
        assert part["nodeSelector"] == {POOL_LABEL: "general"}
        assert {c["topologyKey"].rpartition("/")[2] for c in part["topologySpreadConstraints"]} == {"zone", "hostname"}


def test_the_ingress_class_is_the_platforms() -> None:
    ours = PROD.model_copy(update={"ingress": PROD.ingress.model_copy(update={"class_name": "ours"})})
    for settings, name in ((ours, "ours"), (PROD.model_copy(update={"ingress": None}), "alb")):
        assert of("aws-load-balancer-controller", settings)["ingressClass"] == name
        assert of("external-dns", settings)["extraArgs"]["ingress-class"] == name


@pytest.mark.parametrize("stack", STACKS)
def test_every_stacks_kubernetes_has_its_charts_image_and_addons(stack: str) -> None:
    minor = stack_settings(stack).settings.cluster.version
    number = int(minor.partition(".")[2])
    assert CLUSTER_AUTOSCALER_IMAGES[minor].value.startswith(f"v{minor}.")
    assert ADDONS["kube-proxy"][minor].value.startswith(f"v{minor}.")
    assert [name for name, versions in ADDONS.items() if minor not in versions] == []
    for chart in CHARTS.values():
        assert int(chart.oldest.partition(".")[2]) <= number
        assert chart.newest is None or number <= int(chart.newest.partition(".")[2])


def test_the_autoscalers_image_is_of_the_clusters_minor_or_there_is_none() -> None:
    older = PROD.model_copy(update={"cluster": PROD.cluster.model_copy(update={"version": "1.34"})})
    assert of("cluster-autoscaler", older)["image"]["tag"] == CLUSTER_AUTOSCALER_IMAGES["1.34"].value
    unknown = PROD.model_copy(update={"cluster": PROD.cluster.model_copy(update={"version": "1.99"})})
    with pytest.raises(KeyError, match=r"1\.99"):
        of("cluster-autoscaler", unknown)


def test_every_pin_says_who_states_it() -> None:
    pins = [*CLUSTER_AUTOSCALER_IMAGES.items(), *(pin for versions in ADDONS.values() for pin in versions.items())]
    assert KUBERNETES.value in dict(pins)
    for minor, pin in pins:
        assert re.fullmatch(r"1\.[0-9]{2}", minor)
        assert re.fullmatch(r"v[0-9]+\.[0-9]+\.[0-9]+(-eksbuild\.[0-9]+)?", pin.value)
        assert re.search(r"[\w-]+/[\w.-]+ ?[@#]", pin.source)
    for chart in CHARTS.values():
        assert re.match(r"[\w-]+/[\w-]+ @[0-9a-f]{8} ", chart.source)
        assert chart.repository.startswith("https://")
