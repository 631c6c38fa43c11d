"""Brings a stack up on the local cluster: with the real engine where there is one, else by server-side apply.

Belongs here: what differs between a stack and its likeness on this machine, applying a plan in the order of its
dependencies, driving the engine, and what `up` tells its user. Does not belong here: the cluster (`localcluster`).
"""
