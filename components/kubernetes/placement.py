"""Where pods go: apart from each other, and onto the nodes of their pool."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_kubernetes as k8s

from components.kubernetes.wires import NodePlacement

HOST = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"


def apart_from(selector: Mapping[str, str]) -> k8s.core.v1.AffinityArgs:
    """Prefers nodes without a pod of the same app (S003-63). Preferred, not required: it never leaves a pod Pending."""
    term = k8s.core.v1.PodAffinityTermArgs(
        label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(selector)), topology_key=HOST
    )
    weighted = k8s.core.v1.WeightedPodAffinityTermArgs(weight=100, pod_affinity_term=term)
    return k8s.core.v1.AffinityArgs(
        pod_anti_affinity=k8s.core.v1.PodAntiAffinityArgs(
            preferred_during_scheduling_ignored_during_execution=[weighted]
        )
    )


def over_zones(selector: Mapping[str, str]) -> list[k8s.core.v1.TopologySpreadConstraintArgs]:
    """Spreads the pods of each revision over the zones as evenly as room allows."""
    return [
        k8s.core.v1.TopologySpreadConstraintArgs(
            label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(selector)),
            # Counts each revision by itself: otherwise a rollout places new pods against the old ones' layout.
            match_label_keys=["pod-template-hash"],
            max_skew=1,
            node_taints_policy="Honor",  # tainted GPU nodes are no place for these pods, so no domain either
            topology_key=ZONE,
            when_unsatisfiable="ScheduleAnyway",
        )
    ]


def tolerations(placement: NodePlacement) -> list[k8s.core.v1.TolerationArgs]:
    """Lets pods onto the tainted nodes of their own pool, and no others."""
    return [
        k8s.core.v1.TolerationArgs(effect=effect, key=key, operator="Equal", value=value)
        for key, value, effect in placement.tolerations
    ]
