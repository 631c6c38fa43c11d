"""A HorizontalPodAutoscaler: the one owner of its target's replica count."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.wires import ScaleTarget
from settings.types import Percent
from settings.workload import HpaScaling, ScalingDirection, ScalingRate


@dataclass(frozen=True, kw_only=True)
class HorizontalScalerArgs:
    """What is scaled, and how."""

    target: ScaleTarget
    """The workload; its `replicas` must be left out."""
    spec: HpaScaling
    """Range, metrics, behaviour."""
    name: str
    """metadata.name."""
    labels: dict[str, str]
    """What every object of the workload carries."""


class HorizontalScaler(pulumi.ComponentResource):
    """Scales a workload on the mean CPU and memory utilisation of its pods, in percent of their requests."""

    def __init__(self, name: str, args: HorizontalScalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:HorizontalScaler", name, None, opts)
        target, spec = args.target, args.spec
        k8s.autoscaling.v2.HorizontalPodAutoscaler(
            f"{name}-hpa",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=args.name, namespace=target.namespace, labels=args.labels),
            spec=k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
                scale_target_ref=k8s.autoscaling.v2.CrossVersionObjectReferenceArgs(
                    api_version=target.api_version, kind=target.kind, name=target.name
                ),
                min_replicas=spec.min,
                max_replicas=spec.max,
                metrics=[
                    _utilisation(resource, percent)
                    for resource, percent in (("cpu", spec.metrics.cpu), ("memory", spec.metrics.memory))
                    if percent is not None
                ],
                behavior=k8s.autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                    scale_down=_rules(spec.behavior.scale_down), scale_up=_rules(spec.behavior.scale_up)
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[target.resource]),
        )
        self.register_outputs({})


def _utilisation(resource: str, percent: Percent) -> k8s.autoscaling.v2.MetricSpecArgs:
    target = k8s.autoscaling.v2.MetricTargetArgs(type="Utilization", average_utilization=percent.value)
    return k8s.autoscaling.v2.MetricSpecArgs(
        type="Resource", resource=k8s.autoscaling.v2.ResourceMetricSourceArgs(name=resource, target=target)
    )


def _rules(direction: ScalingDirection) -> k8s.autoscaling.v2.HPAScalingRulesArgs:
    return k8s.autoscaling.v2.HPAScalingRulesArgs(
        stabilization_window_seconds=direction.window.seconds,
        select_policy="Max",
        policies=[_policy(rate) for rate in direction.rates],
    )


def _policy(rate: ScalingRate) -> k8s.autoscaling.v2.HPAScalingPolicyArgs:
    kind, value = ("Percent", rate.percent.value) if rate.percent else ("Pods", rate.pods or 0)
    return k8s.autoscaling.v2.HPAScalingPolicyArgs(type=kind, value=value, period_seconds=rate.period.seconds)
