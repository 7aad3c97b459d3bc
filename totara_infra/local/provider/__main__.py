"""`python -m totara_infra.local.provider <engine-address>` serves the plugin until told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from totara_infra.local.engine_watch import end_with_engine
from totara_infra.local.loopback import spare_loopback


def main() -> None:
    """Print the port and serve; SIGINT and SIGTERM end it quietly."""
    # The user's own AWS settings are of no use to an emulator, and a broken profile would stop
    # botocore.
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

    spare_loopback(os.environ)
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    end_with_engine(ended)

    from totara_infra.local.provider.server import serve  # noqa: PLC0415 - signals are caught first

    server, port = serve()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended.wait()
    server.stop(grace=None)
    # The engine has gone or wants us gone: threads that still wait for AWS must not hold the
    # process.
    os._exit(0)


if __name__ == "__main__":
    main()
