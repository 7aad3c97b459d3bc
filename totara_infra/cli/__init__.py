"""The `totara` command: thin, calls the library."""
