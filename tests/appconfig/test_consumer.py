"""A real consumer reads what `totara up` built, and sees a change without being restarted."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests.appconfig.conftest import REGION, Copy
from tests.appconfig.consumer import MAX_AGE
from tests.conftest import PROJECT

pytestmark = pytest.mark.engine


class Function:
    """The consumer's process."""

    def __init__(self, copy: Copy) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROJECT / "tests" / "appconfig" / "consumer.py")],
            env={
                "AWS_ENDPOINT_URL": copy.endpoint,
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "000000000000",
                "AWS_SECRET_ACCESS_KEY": "emulated",
                "BANK_ENV": "local",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self, *words: str):
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def setting(self, key: str, tenant: str = "acorn", application: str = "bank-payments"):
        return self.read("setting", application, "runtime", tenant, key)

    def becomes(self, wanted: object, key: str, **place: str) -> float:
        """Seconds until the setting has the value; fails after the cache time."""
        started = time.monotonic()
        while self.setting(key, **place) != wanted:
            # A call beside the cache's age, for the two requests that fill it again.
            assert time.monotonic() - started < MAX_AGE + 1, f"{key} is not {wanted} in time"
            time.sleep(0.1)
        return time.monotonic() - started


@pytest.fixture
def function(up: Copy):
    started = Function(up)
    yield started
    started.process.terminate()
    started.process.wait()


def test_flag_setting_parameter_and_secret(up: Copy, function: Function) -> None:
    assert function.setting("payments.bpay.enabled", "totara-bank") is True
    assert function.setting("payments.bpay.enabled", "acorn") is False
    assert function.setting("payments.openbanking.profiles") == ["nz_payments_nz"]
    assert function.setting("payments.hold.delay-window") == 24
    switch = function.read(
        "setting", "bank-platform", "module-activation", "acorn", "MOD-118.enabled"
    )
    assert switch is True
    path = "/bank/local/tenant-acorn/institution-type"
    assert function.read("parameter", path) == "mutual"
    secret = up.client("secretsmanager").list_secrets()["SecretList"][0]["Name"]
    up.client("secretsmanager").put_secret_value(SecretId=secret, SecretString="put-by-the-test")
    assert function.read("secret", secret) == "put-by-the-test"


def test_a_change_is_live_within_the_cache_time_without_restart(
    up: Copy, function: Function
) -> None:
    visible = "app.card-controls.cards-visible"
    assert function.setting("payments.hold.delay-window") == 24
    assert function.setting(visible, application="bank-app") is True
    process = function.process.pid
    up.edit("stacks/acorn.yaml", overrides={"payments.hold.delay-window": 36}, options=["branch"])
    up.up()
    function.becomes(36, "payments.hold.delay-window")
    function.becomes(False, visible, application="bank-app")
    # The other tenant keeps its values, and it is the same process throughout.
    assert function.setting("payments.hold.delay-window", "totara-bank") == 24
    assert function.setting(visible, "totara-bank", "bank-app") is True
    assert function.process.pid == process and function.process.poll() is None
