"""A stand-in for the AWS provider, for tests: it speaks an engine's protocol and makes nothing.

What it knows of types it reads off the pulumi_aws SDK: a misspelt field, a wrong kind of value or a missing required
field is refused, as the real provider would. What it "made" is in files, in the order in which an engine asked for it.
"""
