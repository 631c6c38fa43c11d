"""Parts of pods and of what stands beside them that every kind of workload has alike."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

SCRATCH = "tmp"
"""Name of the volume under /tmp, the one place that every pod may write to."""
SCRATCH_PATH = "/tmp"  # noqa: S108  # the container's own


def cluster_ip(selector: Mapping[str, str], port: int, target: int) -> k8s.core.v1.ServiceSpecArgs:
    """A Service inside the cluster: its port, and the port of the pods that it leads to.

    It is made unawaited: the engine would wait until its endpoints have not changed for ten seconds (pulumi-kubernetes,
    await of core/v1 Service), and what that tells is known otherwise: that the selector meets pods and the port is
    open, from the policy `selectors` before anything is made; that the pods are ready, from the Deployment's own wait.
    """
    ports = [k8s.core.v1.ServicePortArgs(name="http", port=port, protocol="TCP", target_port=target)]
    return k8s.core.v1.ServiceSpecArgs(ports=ports, selector=dict(selector), type="ClusterIP")


def scratch(size: str) -> tuple[k8s.core.v1.VolumeArgs, k8s.core.v1.VolumeMountArgs]:
    """A writable /tmp of a size: the volume, and its mount."""
    return (
        k8s.core.v1.VolumeArgs(name=SCRATCH, empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(size_limit=size)),
        k8s.core.v1.VolumeMountArgs(name=SCRATCH, mount_path=SCRATCH_PATH),
    )


def claimed(
    name: str, claim: str, path: str, *, read_only: bool
) -> tuple[k8s.core.v1.VolumeArgs, k8s.core.v1.VolumeMountArgs]:
    """A claim at a path: the volume, and its mount."""
    source = k8s.core.v1.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim, read_only=read_only or None)
    return (
        k8s.core.v1.VolumeArgs(name=name, persistent_volume_claim=source),
        k8s.core.v1.VolumeMountArgs(name=name, mount_path=path, read_only=read_only or None),
    )


def evictable() -> dict[str, str]:
    """Lets the cluster autoscaler remove the pod's node: a volume on its disk otherwise forbids that for ever (its FAQ,
    skip-nodes-with-local-storage), and what lies in /tmp is worth nothing after the pod.
    """
    return {"cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes": SCRATCH}


def scraped(path: str, port: int) -> dict[str, str]:
    """Annotations by which Prometheus finds the pod's metrics."""
    return {"prometheus.io/path": path, "prometheus.io/port": str(port), "prometheus.io/scrape": "true"}


def variables(values: Mapping[str, str]) -> list[k8s.core.v1.EnvVarArgs]:
    """Environment variables, sorted."""
    return [k8s.core.v1.EnvVarArgs(name=key, value=value) for key, value in sorted(values.items())]


def pull_policy(image: str) -> str:
    """When the registry is asked. What a digest names cannot have changed: a server of many gigabytes that starts again
    on its node must not depend on a registry at that moment.
    """
    return "IfNotPresent" if "@" in image else "Always"


def patience(seconds: int) -> pulumi.CustomTimeouts:
    """How long the engine waits for a resource, with a minute for the API server; its own default is ten minutes, after
    which it calls a deployment failed that is still going well.
    """
    return pulumi.CustomTimeouts(create=f"{seconds + 60}s", update=f"{seconds + 60}s")


def unawaited() -> dict[str, str]:
    """Tells the engine to go on as soon as the object is there, where its own wait would be for nothing or too long."""
    return {"pulumi.com/skipAwait": "true"}


def rollout_time(deadline: int, replicas: int, step: int) -> int:
    """Seconds that a whole rollout may take: so many pods, `step` of them at a time, each within its deadline."""
    return deadline * -(-replicas // max(1, step))


def sleeping(seconds: int) -> k8s.core.v1.LifecycleArgs:
    """A pre-stop wait that needs no program in the image."""
    sleep = k8s.core.v1.SleepActionArgs(seconds=seconds)
    return k8s.core.v1.LifecycleArgs(pre_stop=k8s.core.v1.LifecycleHandlerArgs(sleep=sleep))


def rolling(surge: int, unavailable: int) -> k8s.apps.v1.DeploymentStrategyArgs:
    """A rolling update."""
    return k8s.apps.v1.DeploymentStrategyArgs(
        type="RollingUpdate",
        rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=surge, max_unavailable=unavailable),
    )
