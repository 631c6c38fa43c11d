"""What a container takes."""

from __future__ import annotations

import pulumi_kubernetes as k8s

from settings.workload import Amounts, Resources

GPU = "nvidia.com/gpu"


def requirements(spec: Resources, gpus: int = 0) -> k8s.core.v1.ResourceRequirementsArgs:
    """Requests and limits; GPUs are whole and stand in both, the only form that Kubernetes takes."""
    extra = {GPU: str(gpus)} if gpus else {}
    return k8s.core.v1.ResourceRequirementsArgs(
        requests={**_amounts(spec.requests), **extra}, limits={**_amounts(spec.limits), **extra}
    )


def _amounts(amounts: Amounts) -> dict[str, str]:
    return {
        "cpu": str(amounts.cpu),
        "ephemeral-storage": str(amounts.ephemeral_storage),
        "memory": str(amounts.memory),
    }
