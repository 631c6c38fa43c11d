"""Who owns replica counts, what a drain may take, who goes first. They take a `ScaleTarget`, never a workload."""
