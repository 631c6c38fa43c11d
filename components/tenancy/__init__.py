"""Namespaces with their guards (quota, limit range, Pod Security, default deny) network policies of workloads."""
