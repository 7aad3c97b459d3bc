"""The `totara` command: thin, calls the library."""

from totara_infra.local.compiled_files import keep_compiled_files

# Here, because the commands themselves are what is compiled next.
keep_compiled_files()
