"""What it costs where the state is kept, and how often it is written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3

from benchmarks.engine import empty_stack, workplace
from benchmarks.figure import Figure
from totara_infra.local import emulator
from totara_infra.model.stack import StackSettings

_BUCKET = "bank-state"
_STORE = "state-rehearsal"
COUNT_VARIABLE = "TOTARA_BENCH_PARAMETERS"
"""Number of resources that the program `parameters` makes."""
_COUNT = 300
"""A state of half the platform's size; of the whole one a run with checkpoints takes minutes."""
_KEYS = {"AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "emulated"}


def measure_state(settings: StackSettings) -> list[Figure]:
    """`up` from empty with the state in a file and in a bucket, with checkpoints and without.

    One way after the other, on the same machine: the ratios count, the seconds depend on what
    else it does.

    Args:
        settings: of the stack.
    """
    with workplace() as folder, _bucket(settings.region) as url:
        in_bucket = {"PULUMI_BACKEND_URL": url, **_KEYS}
        ways: dict[str, Mapping[str, str]] = {
            "once": {"PULUMI_SKIP_CHECKPOINTS": "true"},
            "file": {"PULUMI_SKIP_CHECKPOINTS": "false"},
            "bucket once": {"PULUMI_SKIP_CHECKPOINTS": "true", **in_bucket},
            "bucket": {"PULUMI_SKIP_CHECKPOINTS": "false", **in_bucket},
        }
        times: dict[str, float] = {}
        for way, variables in ways.items():
            with _variables({COUNT_VARIABLE: str(_COUNT), **variables}):
                times[way] = _up(folder, settings)
    return [
        _figure("state written after every step, to once, in a file", times, "file", "once"),
        _figure("the same in a bucket of S3", times, "bucket", "bucket once"),
        _figure("state in a bucket of S3, to a file, after every step", times, "bucket", "file"),
    ]


def _figure(what: str, times: Mapping[str, float], one: str, other: str) -> Figure:
    detail = f"{_COUNT} parameters: {times[one]:.1f} s to {times[other]:.1f} s"
    return Figure("state", f"up: {what}", times[one] / times[other], "ratio", None, detail)


def _up(folder: Path, settings: StackSettings) -> float:
    with empty_stack(folder, "parameters", settings) as stack:
        return stack.up().seconds


@contextlib.contextmanager
def _bucket(region: str) -> Iterator[str]:
    """URL of a bucket in an emulator of its own."""
    running = emulator.start(_STORE, region=region)
    client = boto3.client(
        "s3",
        endpoint_url=running.endpoint,
        region_name=region,
        aws_access_key_id=_KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=_KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    place = {"LocationConstraint": region}
    client.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration=place)
    address = running.endpoint.removeprefix("http://")
    yield (
        f"s3://{_BUCKET}?endpoint={address}&disableSSL=true&s3ForcePathStyle=true&region={region}"
    )
    emulator.stop(_STORE)


@contextlib.contextmanager
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
