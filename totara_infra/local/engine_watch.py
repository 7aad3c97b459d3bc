"""Ends a plugin whose engine is gone: an engine that was killed ends nobody."""

import os
import threading
import time

ENGINE_VARIABLE = "TOTARA_ENGINE_PROCESS"
"""Process id of the engine, which the plugins' start scripts set: asked for later, the parent of an
orphan is no longer the engine."""
_WATCH_SECONDS = 1.0


def end_with_engine(ended: threading.Event) -> None:
    """Set an event when the engine that started this process is gone.

    Args:
        ended: What the process waits for before it ends.
    """
    engine = int(os.environ.get(ENGINE_VARIABLE) or os.getppid())

    def watch() -> None:
        while os.getppid() == engine:
            time.sleep(_WATCH_SECONDS)
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
