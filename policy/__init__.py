"""Rules over a graph of resources: what settings cannot see.

Belongs here: `graph` (the type of a resource graph), `rules` (pure functions over it), later the Pulumi policy pack.
This room imports nothing of the project and nothing of Pulumi: the engine runs the pack with this folder as its
working directory, the offline plan runs the same rules in its own process.
"""
