"""The YAML's shape and its rules.

Belongs here: pydantic models of what a user writes, value types (quantities, durations, CIDRs, ...), the merge of
platform file and stack file, the rules that refuse, and pure arithmetic over settings (capacity, drain, flows,
addresses). Everything is plain data: it can be used, and tested, without Pulumi.

Does not belong here: resources, Pulumi Outputs (only `load.py` reads `pulumi.Config`), Kubernetes object builders.
"""
