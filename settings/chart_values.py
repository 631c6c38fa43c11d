"""The Helm values of each chart in `settings.charts`, as plain data: what differs from the chart's own values, or must
not follow when they change.

Values that are known only once something is made (the VPC's id, a role's ARN) are passed through as they come. Every
function takes `account`, the ServiceAccount that the chart is to make: its `name`, and the `annotations` that give it a
role. `nodes` selects untainted on-demand nodes: a controller that is taken back with a spot node is not there to
replace the node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settings.charts import CLUSTER_AUTOSCALER_IMAGES
from settings.model import PlatformSettings
from settings.names import POOL_LABEL
from settings.system import ALB, gpu_pools

DCGM_PORT = 9400
"""Metrics of dcgm-exporter (values.yaml service.port)."""
_REPLICAS = 2
"""One works, one waits with the lease: a lost node costs seconds, and webhooks are served by both."""
_BUDGET = {"maxUnavailable": 1}
"""A drain takes one of the two at a time."""
_CLUSTER_CRITICAL = "system-cluster-critical"
_NODE_CRITICAL = "system-node-critical"


def load_balancer_controller(
    settings: PlatformSettings,
    *,
    cluster: Any,
    vpc_id: Any,
    account: Mapping[str, Any],
    nodes: Mapping[str, str],
) -> dict[str, Any]:
    """Values of aws-load-balancer-controller: makes the load balancers of Ingresses, registers pods as targets."""
    return {
        "clusterName": cluster,
        # With a hop limit of 1 a pod cannot ask the node's metadata service for either.
        "region": settings.aws.region,
        "vpcId": vpc_id,
        "serviceAccount": _account(account),
        "replicaCount": _REPLICAS,
        "podDisruptionBudget": dict(_BUDGET),
        "priorityClassName": _CLUSTER_CRITICAL,
        # kubernetes-sigs/aws-load-balancer-controller v3.5.0 config/controller/controller.yaml
        "resources": _resources("100m", "200Mi", "500Mi"),
        "nodeSelector": dict(nodes),
        "topologySpreadConstraints": _spread("aws-load-balancer-controller"),
        # Its webhook on every new Service fails closed: nothing could be installed before the controller is ready
        # (kubernetes-sigs/aws-load-balancer-controller#4140). We have no Service of type LoadBalancer.
        "enableServiceMutatorWebhook": False,
        # Without it each upgrade makes a new certificate, and the webhooks fail until the pods have read it.
        "keepTLSSecret": True,
        # Its role has no rights to what we do not use, and it would ask at every turn.
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": settings.ingress is not None and settings.ingress.waf_arn is not None,
        # Pods have VPC addresses: no hop over a node port, and a deregistered pod gets no more requests.
        "defaultTargetType": "ip",
        "ingressClass": _ingress_class(settings),
        "createIngressClassResource": True,
    }


def external_secrets(
    *,
    account: Mapping[str, Any],
    nodes: Mapping[str, str],
) -> dict[str, Any]:
    """Values of external-secrets: writes Secrets from the store outside. Only the controller reads that store."""
    placed = {
        "replicaCount": _REPLICAS,
        "podDisruptionBudget": {"enabled": True, **_BUDGET},
        "priorityClassName": _CLUSTER_CRITICAL,
        # The chart's own comment requests 10m and 32Mi. It keeps the Secrets that it manages in memory; a limit of
        # 256Mi was once reached (external-secrets/external-secrets#1968), so it is twice that.
        "resources": _resources("10m", "32Mi", "512Mi"),
        "nodeSelector": dict(nodes),
        "topologySpreadConstraints": _spread(),
    }
    return {
        # With the chart, so that an upgrade of the chart upgrades them: they are templates there, not in crds/.
        "installCRDs": True,
        "leaderElect": True,
        "serviceAccount": _account(account),
        **placed,
        "webhook": dict(placed),
        "certController": dict(placed),
    }


def device_plugin(settings: PlatformSettings) -> dict[str, Any]:
    """Values of nvidia-device-plugin: tells the kubelet of each GPU node how many GPUs there are."""
    return _gpu_daemon(settings, "nvidia-device-plugin")


def dcgm_exporter(settings: PlatformSettings) -> dict[str, Any]:
    """Values of dcgm-exporter: metrics of each GPU, for Prometheus."""
    return {
        **_gpu_daemon(settings, "dcgm-exporter"),
        # A ServiceMonitor needs the Prometheus operator's CRDs, which nobody promises; the annotations need nothing.
        "serviceMonitor": {"enabled": False},
        "podAnnotations": {
            "prometheus.io/path": "/metrics",
            "prometheus.io/port": str(DCGM_PORT),
            "prometheus.io/scrape": "true",
        },
    }


def cluster_autoscaler(
    settings: PlatformSettings,
    *,
    cluster: Any,
    account: Mapping[str, Any],
    nodes: Mapping[str, str],
) -> dict[str, Any]:
    """Values of cluster-autoscaler: adds nodes for pods that have no room, takes away those that nobody needs.

    Raises: KeyError where there is no image for the cluster's Kubernetes minor.
    """
    return {
        "fullnameOverride": "cluster-autoscaler",  # else cluster-autoscaler-aws-cluster-autoscaler
        "cloudProvider": "aws",
        "awsRegion": settings.aws.region,
        "autoDiscovery": {"clusterName": cluster},
        "rbac": {"serviceAccount": _account(account)},
        "image": {"tag": CLUSTER_AUTOSCALER_IMAGES[settings.cluster.version].value},
        "replicaCount": _REPLICAS,
        "podDisruptionBudget": dict(_BUDGET),
        "priorityClassName": _CLUSTER_CRITICAL,
        # kubernetes/autoscaler cluster-autoscaler-1.35.0 cluster-autoscaler/cloudprovider/aws/examples/
        # cluster-autoscaler-autodiscover.yaml: 100m and 600Mi, and the two security contexts.
        "resources": _resources("100m", "600Mi", "600Mi"),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "fsGroup": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "nodeSelector": dict(nodes),
        "topologySpreadConstraints": _spread("aws-cluster-autoscaler"),
        "extraArgs": {
            # Of the groups that would do, the one whose new node is left with the least idle CPU.
            "expander": "least-waste",
            # Pools that differ in nothing that pods ask for grow evenly; each pool is one group over its zones.
            "balance-similar-node-groups": True,
            # Else one emptyDir keeps a node for ever. Ours are scratch, and the pods say so; kube-system's do not.
            "skip-nodes-with-local-storage": False,
            # Else one CoreDNS or metrics-server pod keeps a node; they have budgets, which are kept.
            "skip-nodes-with-system-pods": False,
            # The default, said: a rollout's surge and a spot pool's comings and goings are over in ten minutes.
            "scale-down-unneeded-time": "10m",
            # The default, said: the placeholders' priority of -10 counts on it. A pod below it gets no node.
            "expendable-pods-priority-cutoff": -10,
        },
    }


def external_dns(
    settings: PlatformSettings,
    *,
    cluster: Any,
    zone: Any,
    zone_id: Any,
    account: Mapping[str, Any],
    nodes: Mapping[str, str],
) -> dict[str, Any]:
    """Values of external-dns: keeps the records of our Ingresses' hosts in one hosted zone, whether public or private.

    One replica: the chart has no more, and while it is away records stay as they are.
    """
    return {
        "provider": {"name": "aws"},
        "env": [{"name": "AWS_DEFAULT_REGION", "value": settings.aws.region}],
        "serviceAccount": _account(account),
        "sources": ["ingress"],
        "domainFilters": [zone],
        # Never deletes: an Ingress that is gone by mistake, or that it cannot see, costs no name. A record that is
        # left over leads to a load balancer that is gone, and its role needs no right to delete.
        "policy": "upsert-only",
        # Records that another cluster, or a person, made in the zone are left alone.
        "registry": "txt",
        "txtOwnerId": cluster,
        # With a dot: the record of a host that is the zone itself lies in the zone, too (its docs/registry/txt.md).
        "txtPrefix": "%{record_type}-owner.",
        "priorityClassName": _CLUSTER_CRITICAL,
        # kubernetes-sigs/external-dns external-dns-helm-chart-1.21.1
        # docs/snippets/tutorials/rfc2136/values-extdns-rfc2136.yaml
        "resources": _resources("100m", "64Mi", "128Mi"),
        "nodeSelector": dict(nodes),
        "extraArgs": {
            "ingress-class": _ingress_class(settings),
            # Zones below this one match the name too; the role reads and changes this one only.
            "zone-id-filter": zone_id,
        },
    }


def _gpu_daemon(settings: PlatformSettings, name: str) -> dict[str, Any]:
    """Puts a daemon on every node of every GPU pool, whatever taint the pool has, and on no other."""
    pools = gpu_pools(settings)
    taints = {(t.key, t.value, t.effect) for pool in pools.values() for t in pool.taints}
    known = settings.daemonsets.get(name)
    requests = {"cpu": known.cpu, "memory": known.memory} if known else {}
    amounts = {resource: str(amount) for resource, amount in requests.items() if amount}
    selected = {"key": POOL_LABEL, "operator": "In", "values": sorted(pools)}
    terms = [{"matchExpressions": [selected]}]
    return {
        # Takes the place of the device plugin's own terms, which want labels that only feature discovery gives.
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}},
        "tolerations": [
            {"key": key, "operator": "Equal", "value": value, "effect": effect} for key, value, effect in sorted(taints)
        ],
        "priorityClassName": _NODE_CRITICAL,
        # What `daemonsets` takes off each node's room: the two cannot disagree.
        **({"resources": {"requests": amounts}} if amounts else {}),
    }


def _account(account: Mapping[str, Any]) -> dict[str, Any]:
    return {"create": True, "name": account["name"], "annotations": account["annotations"]}


def _resources(cpu: str, memory: str, most: str) -> dict[str, Any]:
    """No CPU limit: a controller that is throttled is late when it matters."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": most}}


def _spread(app: str | None = None) -> list[dict[str, Any]]:
    """Over zones, and over nodes in them, as far as there are any: a small cluster still takes both replicas.

    Without `app` the chart fills in its own selector.
    """
    selector = {"labelSelector": {"matchLabels": {"app.kubernetes.io/name": app}}} if app else {}
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "matchLabelKeys": ["pod-template-hash"],
            **selector,
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def _ingress_class(settings: PlatformSettings) -> str:
    return settings.ingress.class_name if settings.ingress else ALB
