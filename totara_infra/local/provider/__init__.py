"""A small `pulumi-resource-aws` for the local environment.

It speaks Pulumi's provider protocol over gRPC and serves, through botocore, the resource types
that this project uses, against an emulator on a loopback address. Where it cannot be as good as
Pulumi's own AWS plugin it refuses and says so: unknown types, unknown properties and other
addresses than loopback are errors, and it never adopts a thing that it did not make.

`server` answers the engine, `registry` knows the types, one module an AWS service says how they
live, `diff` compares, `schema` holds what the SDK takes.
"""
