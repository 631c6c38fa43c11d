"""Security contexts that the restricted Pod Security Standard admits."""

from __future__ import annotations

import pulumi_kubernetes as k8s

from settings.workload import Security


def restricted_pod(spec: Security, *, claims: bool = False) -> k8s.core.v1.PodSecurityContextArgs:
    """The pod's part: volumes belong to the group, the runtime's seccomp profile is on (S003-62).

    `claims`: some are large and last, so they are given to the group once and not at every start.
    """
    return k8s.core.v1.PodSecurityContextArgs(
        fs_group=spec.group,
        fs_group_change_policy="OnRootMismatch" if claims else None,
        run_as_non_root=True,
        seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def restricted_container(spec: Security, *, read_only_root: bool = True) -> k8s.core.v1.SecurityContextArgs:
    """The container's part: no root, no new privileges, no capabilities, a root file system that nothing changes.

    `read_only_root=False` is for containers that get a GPU: NVIDIA's container hook writes to their root (KServe's LLM
    template, "nvidia-cdi-hook requires a writable root filesystem").
    """
    return k8s.core.v1.SecurityContextArgs(
        allow_privilege_escalation=False,
        capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
        read_only_root_filesystem=read_only_root,
        run_as_group=spec.group,
        run_as_non_root=True,
        run_as_user=spec.user,
    )
