"""Seed 003's own YAML, leaf by leaf, against the plans of the stacks that it stands for.

Base is staging, the overlays are dev and prod. A value that we ship otherwise has its row in
docs/decisions/0006-seed-003-values.md, and a row has its difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.decisions import Row, values
from tests.seeds import Leaf, compared, not_shown, seed_files

EVERY = ("dev", "staging", "prod")
OVERLAYS = ("dev", "prod")

PLATFORM_QUOTA, PLATFORM_LIMITS = "ResourceQuota platform/platform-quota", "LimitRange platform/platform-limits"
QUANT_QUOTA, QUANT_LIMITS = "ResourceQuota quant/quant-quota", "LimitRange quant/quant-limits"
GATEWAY, GATEWAY_CONFIG = "Deployment platform/gateway", "ConfigMap platform/gateway-config"
QUANT, QUANT_CONFIG = "Deployment quant/quant-api", "ConfigMap quant/quant-config"
INGRESS, GRAFANA = "Ingress platform/platform-ingress", "Ingress observability/grafana-ingress"
HPA = "HorizontalPodAutoscaler platform/gateway-hpa"

POD = "spec.template.spec"
C1 = f"{POD}.containers[gateway]"
C2 = f"{POD}.containers[quant-api]"
ALB = 'metadata.annotations."alb.ingress.kubernetes.io'
APART = f"{POD}.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm"
LABELLED = (
    *("metadata.labels", "spec.template.metadata.labels", "spec.selector", "spec.selector.matchLabels"),
    f"{APART}.labelSelector.matchLabels",
)
"""Where `commonLabels` go."""
COMMON = [f'{at}."app.kubernetes.io/{label}"' for at in LABELLED for label in ("managed-by", "part-of")]
ENVIRONMENT = [f"{at}.environment" for at in LABELLED]

ROWS = values()

ITEMS = [  # item, stacks, object, paths; a leaf belongs to the item with the longest path above it
    pytest.param("S003-30", EVERY, "Namespace platform", [""], marks=pytest.mark.requirement("S003-30")),
    pytest.param("S003-31", EVERY, PLATFORM_QUOTA, [""], marks=pytest.mark.requirement("S003-31")),
    pytest.param(
        "S003-32",
        EVERY,
        PLATFORM_QUOTA,
        ["spec.hard.pods", "spec.hard.services", "spec.hard.configmaps", "spec.hard.secrets"],
        marks=pytest.mark.requirement("S003-32"),
    ),
    pytest.param("S003-33", EVERY, PLATFORM_LIMITS, [""], marks=pytest.mark.requirement("S003-33")),
    pytest.param("S003-34", EVERY, "Namespace quant", [""], marks=pytest.mark.requirement("S003-34")),
    pytest.param("S003-35", EVERY, QUANT_QUOTA, [""], marks=pytest.mark.requirement("S003-35")),
    pytest.param("S003-36", EVERY, QUANT_LIMITS, [""], marks=pytest.mark.requirement("S003-36")),
    pytest.param("S003-50", EVERY, GATEWAY, [""], marks=pytest.mark.requirement("S003-50")),
    pytest.param("S003-51", EVERY, GATEWAY, ["spec.strategy"], marks=pytest.mark.requirement("S003-51")),
    pytest.param(
        "S003-52", EVERY, GATEWAY, ["spec.template.metadata.annotations"], marks=pytest.mark.requirement("S003-52")
    ),
    pytest.param("S003-53", EVERY, GATEWAY, [f"{POD}.serviceAccountName"], marks=pytest.mark.requirement("S003-53")),
    pytest.param(
        "S003-54", EVERY, GATEWAY, [f"{POD}.terminationGracePeriodSeconds"], marks=pytest.mark.requirement("S003-54")
    ),
    pytest.param(
        "S003-55",
        ["staging"],
        GATEWAY,
        [f"{C1}.image", f"{C1}.imagePullPolicy"],
        marks=pytest.mark.requirement("S003-55"),
    ),
    pytest.param("S003-55", OVERLAYS, GATEWAY, [f"{C1}.imagePullPolicy"], marks=pytest.mark.requirement("S003-55")),
    pytest.param("S003-56", EVERY, GATEWAY, [f"{C1}.ports"], marks=pytest.mark.requirement("S003-56")),
    pytest.param("S003-57", EVERY, GATEWAY, [f"{C1}.envFrom"], marks=pytest.mark.requirement("S003-57")),
    pytest.param("S003-58", EVERY, GATEWAY, [f"{C1}.startupProbe"], marks=pytest.mark.requirement("S003-58")),
    pytest.param("S003-59", EVERY, GATEWAY, [f"{C1}.livenessProbe"], marks=pytest.mark.requirement("S003-59")),
    pytest.param("S003-60", EVERY, GATEWAY, [f"{C1}.readinessProbe"], marks=pytest.mark.requirement("S003-60")),
    pytest.param("S003-61", EVERY, GATEWAY, [f"{C1}.resources"], marks=pytest.mark.requirement("S003-61")),
    pytest.param("S003-62", EVERY, GATEWAY, [f"{C1}.securityContext"], marks=pytest.mark.requirement("S003-62")),
    pytest.param("S003-63", EVERY, GATEWAY, [f"{POD}.affinity"], marks=pytest.mark.requirement("S003-63")),
    pytest.param("S003-64", EVERY, "Service platform/gateway", [""], marks=pytest.mark.requirement("S003-64")),
    pytest.param(
        "S003-65", EVERY, "ServiceAccount platform/gateway-sa", [""], marks=pytest.mark.requirement("S003-65")
    ),
    pytest.param("S003-66", EVERY, GATEWAY_CONFIG, [""], marks=pytest.mark.requirement("S003-66")),
    pytest.param(
        "S003-67",
        EVERY,
        GATEWAY_CONFIG,
        ["data.OTEL_EXPORTER_OTLP_ENDPOINT", "data.OTEL_SERVICE_NAME"],
        marks=pytest.mark.requirement("S003-67"),
    ),
    pytest.param(
        "S003-68",
        EVERY,
        GATEWAY_CONFIG,
        ["data.QUANT_SERVICE_URL", "data.FINETUNE_SERVICE_URL", "data.EVAL_SERVICE_URL"],
        marks=pytest.mark.requirement("S003-68"),
    ),
    pytest.param("S003-69", EVERY, GATEWAY_CONFIG, ["data.ROUTE_TABLE"], marks=pytest.mark.requirement("S003-69")),
    pytest.param(
        "S003-70",
        EVERY,
        GATEWAY_CONFIG,
        ["data.ROUTE_TABLE.finetune.ab_variants"],
        marks=pytest.mark.requirement("S003-70"),
    ),
    pytest.param("S003-72", EVERY, QUANT, [""], marks=pytest.mark.requirement("S003-72")),
    pytest.param(
        "S003-73",
        EVERY,
        QUANT,
        ["spec.strategy", f"{POD}.terminationGracePeriodSeconds"],
        marks=pytest.mark.requirement("S003-73"),
    ),
    pytest.param(
        "S003-74", EVERY, QUANT, ["spec.template.metadata.annotations"], marks=pytest.mark.requirement("S003-74")
    ),
    pytest.param("S003-75", ["staging"], QUANT, [f"{C2}.image"], marks=pytest.mark.requirement("S003-75")),
    pytest.param(
        "S003-75", EVERY, QUANT, [f"{C2}.imagePullPolicy", f"{C2}.ports"], marks=pytest.mark.requirement("S003-75")
    ),
    pytest.param("S003-76", EVERY, QUANT, [f"{C2}.startupProbe"], marks=pytest.mark.requirement("S003-76")),
    pytest.param(
        "S003-77",
        EVERY,
        QUANT,
        [f"{C2}.livenessProbe", f"{C2}.readinessProbe"],
        marks=pytest.mark.requirement("S003-77"),
    ),
    pytest.param("S003-78", EVERY, QUANT, [f"{C2}.resources"], marks=pytest.mark.requirement("S003-78")),
    pytest.param("S003-79", EVERY, QUANT, [f"{C2}.securityContext"], marks=pytest.mark.requirement("S003-79")),
    pytest.param("S003-80", EVERY, "Service quant/quant-api", [""], marks=pytest.mark.requirement("S003-80")),
    pytest.param("S003-81", EVERY, "ServiceAccount quant/quant-sa", [""], marks=pytest.mark.requirement("S003-81")),
    pytest.param("S003-82", EVERY, QUANT_CONFIG, [""], marks=pytest.mark.requirement("S003-82")),
    pytest.param(
        "S003-83",
        EVERY,
        QUANT_CONFIG,
        ["data.SAGEMAKER_ENDPOINT_NAME", "data.SAGEMAKER_TIMEOUT_MS"],
        marks=pytest.mark.requirement("S003-83"),
    ),
    pytest.param("S003-84", EVERY, QUANT_CONFIG, ["data.ENABLE_FALLBACK"], marks=pytest.mark.requirement("S003-84")),
    pytest.param("S003-87", OVERLAYS, INGRESS, [""], marks=pytest.mark.requirement("S003-87")),
    pytest.param(
        "S003-88",
        OVERLAYS,
        INGRESS,
        [f'{ALB}/scheme"', f'{ALB}/target-type"'],
        marks=pytest.mark.requirement("S003-88"),
    ),
    pytest.param(
        "S003-89",
        OVERLAYS,
        INGRESS,
        [f'{ALB}/listen-ports"', f'{ALB}/certificate-arn"'],
        marks=pytest.mark.requirement("S003-89"),
    ),
    pytest.param(
        "S003-90",
        OVERLAYS,
        INGRESS,
        [
            *(f'{ALB}/healthcheck-{part}"' for part in ("path", "interval-seconds", "timeout-seconds")),
            *(f'{ALB}/{part}-threshold-count"' for part in ("healthy", "unhealthy")),
        ],
        marks=pytest.mark.requirement("S003-90"),
    ),
    pytest.param("S003-91", OVERLAYS, INGRESS, ["spec.rules"], marks=pytest.mark.requirement("S003-91")),
    pytest.param("S003-92", OVERLAYS, GRAFANA, [""], marks=pytest.mark.requirement("S003-92")),
    pytest.param("S003-93", EVERY, "*", COMMON, marks=pytest.mark.requirement("S003-93")),
    pytest.param("S003-94", ["dev"], "*", ENVIRONMENT, marks=pytest.mark.requirement("S003-94")),
    pytest.param("S003-97", ["prod"], "*", ENVIRONMENT, marks=pytest.mark.requirement("S003-97")),
    pytest.param(
        "S003-25",
        ["dev"],
        GATEWAY,
        ["spec.replicas", f"{C1}.resources.limits"],
        marks=pytest.mark.requirement("S003-25"),
    ),
    pytest.param("S003-95", ["dev"], GATEWAY, [f"{C1}.image"], marks=pytest.mark.requirement("S003-95")),
    pytest.param("S003-95", ["dev"], QUANT, [f"{C2}.image"], marks=pytest.mark.requirement("S003-95")),
    pytest.param("S003-96", ["dev"], GATEWAY_CONFIG, ["data.LOG_LEVEL"], marks=pytest.mark.requirement("S003-96")),
    pytest.param("S003-98", ["prod"], GATEWAY, ["spec.replicas"], marks=pytest.mark.requirement("S003-98")),
    pytest.param("S003-99", ["prod"], QUANT, ["spec.replicas"], marks=pytest.mark.requirement("S003-99")),
    pytest.param("S003-100", ["prod"], GATEWAY, [f"{C1}.image"], marks=pytest.mark.requirement("S003-100")),
    pytest.param("S003-100", ["prod"], QUANT, [f"{C2}.image"], marks=pytest.mark.requirement("S003-100")),
    pytest.param("S003-101", ["prod"], GATEWAY_CONFIG, ["data.LOG_LEVEL"], marks=pytest.mark.requirement("S003-101")),
    pytest.param("S003-103", ["prod"], HPA, [""], marks=pytest.mark.requirement("S003-103")),
    pytest.param("S003-104", ["prod"], HPA, ["spec.metrics"], marks=pytest.mark.requirement("S003-104")),
    pytest.param("S003-105", ["prod"], HPA, ["spec.behavior.scaleDown"], marks=pytest.mark.requirement("S003-105")),
    pytest.param("S003-106", ["prod"], HPA, ["spec.behavior.scaleUp"], marks=pytest.mark.requirement("S003-106")),
    pytest.param(
        "S003-107",
        ["prod"],
        "PodDisruptionBudget platform/gateway-pdb",
        [""],
        marks=pytest.mark.requirement("S003-107"),
    ),
    pytest.param(
        "S003-108", ["prod"], "PodDisruptionBudget quant/quant-api-pdb", [""], marks=pytest.mark.requirement("S003-108")
    ),
]


def is_under(path: str, above: str) -> bool:
    """True if `above` is the path, or one of the parts that it lies in."""
    return above in ("", path) or path.startswith((f"{above}.", f"{above}["))


def owner(leaf: Leaf) -> str | None:
    """The item that a leaf belongs to."""
    claims = [
        (len(path), item)
        for item, stacks, thing, paths in (case.values for case in ITEMS)
        for path in paths
        if leaf.stack in stacks and thing in (leaf.thing, "*") and is_under(leaf.path, path)
    ]
    return max(claims)[1] if claims else None


def decided(leaf: Leaf) -> list[Row]:
    """The rows that say that this leaf differs in just this way."""
    same = [row for row in ROWS if row.is_about(leaf.stack, leaf.thing, leaf.path)]
    return [row for row in same if (row.seed, row.ours) == (leaf.seed, leaf.ours)]


def shown(stack: str) -> list[Leaf]:
    """Every leaf that the seed shows for a stack."""
    return list(compared("003", stack))


@pytest.mark.parametrize(("item", "stacks", "thing", "paths"), ITEMS)
def test_what_the_seed_shows_is_planned_or_decided_otherwise(
    item: str, stacks: Sequence[str], thing: str, paths: Sequence[str]
) -> None:
    for stack in stacks:
        mine = [
            leaf
            for leaf in shown(stack)
            if thing in (leaf.thing, "*") and any(is_under(leaf.path, p) for p in paths) and owner(leaf) == item
        ]
        assert mine, f"the seed shows nothing of {item} for {stack}"
        different = [leaf for leaf in mine if leaf.differs]
        assert [str(leaf) for leaf in different if not any(item in row.ids for row in decided(leaf))] == []


@pytest.mark.parametrize("stack", EVERY)
def test_every_leaf_of_the_seed_belongs_to_an_item(stack: str) -> None:
    assert [str(leaf) for leaf in shown(stack) if owner(leaf) is None] == []


def test_every_row_of_the_decisions_is_a_difference_in_each_of_its_stacks() -> None:
    different = [leaf for stack in EVERY for leaf in shown(stack) if leaf.differs]
    met = {(str(row), leaf.stack) for leaf in different for row in decided(leaf)}
    stale = [f"{row}: no such difference in {s}" for row in ROWS for s in row.stacks if (str(row), s) not in met]
    assert stale == []


def test_what_the_seed_names_without_showing_it_is_known() -> None:
    """Nothing here was compared with YAML; tests/stacks/test_seed_003_*.py say what stands in its place."""
    apis = [f"base/{a}/{f}.yaml" for a in ("finetune-api", "eval-api") for f in ("configmap", "deployment", "service")]
    assert not_shown(seed_files("003")) == {
        *apis,
        "base/eval-api/serviceaccount.yaml",
        "base/finetune-api/serviceaccount.yaml",
        "base/llm-baseline/deployment.yaml",
        "base/llm-baseline/pvc.yaml",
        "base/llm-baseline/service.yaml",
        "base/namespace-eval.yaml",
        "base/namespace-finetune.yaml",
        "base/namespace-llm-baseline.yaml",
        "base/namespace-observability.yaml",
        "overlays/dev/patches/gateway-replicas.yaml",
        "overlays/dev/patches/resource-limits.yaml",
        "overlays/prod/ingress.yaml",
    }
