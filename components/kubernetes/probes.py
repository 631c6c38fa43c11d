"""Probes from their spec."""

from __future__ import annotations

import pulumi_kubernetes as k8s

from settings.workload import Probe


def http_probe(spec: Probe, port: int) -> k8s.core.v1.ProbeArgs:
    """An HTTP probe; every number is written out, so that no default of an API version decides."""
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=spec.path, port=port),
        initial_delay_seconds=spec.initial_delay.seconds,
        period_seconds=spec.period.seconds,
        failure_threshold=spec.failures,
        success_threshold=1,
        timeout_seconds=spec.timeout.seconds,
    )
