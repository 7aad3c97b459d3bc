"""The local environment: the real Pulumi engine against an AWS emulator, on any machine.

`virtual_environment` makes `.venv`, `setup` the engine, its plugins and the emulator, `lifecycle`
keeps emulator and state consistent, `pulumi_command` is the project's own `pulumi`.
"""
