"""Volumes of a cluster that this program makes: which classes there are, and who owns what is written."""

from __future__ import annotations

from settings.model import PlatformSettings

BLOCK_CLASS = "gp3"
"""The default class: a disk for one node."""
EBS_DRIVER = "ebs.csi.aws.com"
"""Of kubernetes-sigs/aws-ebs-csi-driver."""
EFS_DRIVER = "efs.csi.aws.com"
"""Of kubernetes-sigs/aws-efs-csi-driver."""


def shared_classes(settings: PlatformSettings) -> dict[str, tuple[int, int]]:
    """Class of shared volumes -> user and group that own what is written there; the caches that name it have them.

    The file system takes every client for this user, so that a download writes and the servers read.
    """
    return {
        cache.storage_class: (cache.security.user, cache.security.group)
        for cache in settings.caches.values()
        if cache.access_mode == "ReadWriteMany" and cache.storage_class is not None
    }
