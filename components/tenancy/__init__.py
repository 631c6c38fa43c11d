"""Namespaces, what guards them (quota, limits, Pod Security, default deny), and who may talk to whom inside."""
