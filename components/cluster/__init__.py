"""What everything runs on. `connection` is the seam: a provider for the cluster, wherever that cluster comes from."""
