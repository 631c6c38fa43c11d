"""What goes wrong with a cluster on this machine, in words for whoever typed the command."""

from __future__ import annotations


class ClusterError(Exception):
    """Raised when the local cluster cannot do what was asked; its message is shown as it is."""
