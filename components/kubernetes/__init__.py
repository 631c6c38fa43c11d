"""Pure builders of parts of Kubernetes objects, and the small values that component families hand each other.

Belongs here: labels, probes, placement, security contexts, wires. Does not belong here: anything that makes a
resource, or that knows the platform's settings as a whole.
"""
