"""The `totara` command: thin, calls the library."""

import gc

from totara_infra.local.compiled_files import keep_compiled_files

# A command makes hundreds of thousands of objects that stay, and hardly any garbage: to look for
# some after every 700 of them took a tenth of its time.
gc.set_threshold(50_000)
# Here, because the commands themselves are what is compiled next.
keep_compiled_files()
