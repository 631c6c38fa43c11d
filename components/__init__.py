"""ComponentResources: nothing else in this project makes a resource.

`llm_platform` composes the families (cluster, tenancy, serving, scaling, observability); families never import each
other and get each other's results as small values from `kubernetes.wires`. A component sees its own spec and its
wires: never the settings tree, the stack's name, or global configuration.
"""
