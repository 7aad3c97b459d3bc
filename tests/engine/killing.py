"""Updates that end without a word."""

from __future__ import annotations

import signal
import subprocess
import time

import psutil

from tests.engine.checkout import Checkout


def kill_in_the_middle(checkout: Checkout, command: subprocess.Popen[str]) -> None:
    """Kill the engine when things with ids that AWS makes are there, and much is not."""
    end = time.monotonic() + 120
    while time.monotonic() < end and command.poll() is None:
        if checkout.emulator_record().is_file():
            live = checkout.live()
            pools = live.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
            applications = live.client("appconfig").list_applications()["Items"]
            keys = live.client("kms").list_keys()["Keys"]
            if pools and applications and keys:
                engine = next(
                    process
                    for process in psutil.Process(command.pid).children()
                    if process.name() == "pulumi"
                )
                engine.send_signal(signal.SIGKILL)
                return
        time.sleep(0.1)
    raise AssertionError("the update ended before its engine could be killed")
