"""The tables against their sources: the SDK, and the API models of botocore."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import botocore.session
import pytest

from totara_infra.local.provider.registry import resource_type, tokens
from totara_infra.local.provider.resource import ResourceType
from totara_infra.local.provider.schema import SCHEMA_FILE, from_sdk, schemas, sdk_class

TYPES = [resource_type(token) for token in tokens()]
by_token = pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.token.split(":")[-1])


def test_the_schema_is_that_of_the_sdk() -> None:
    classes = {token: sdk_class(token) for token in tokens()}
    assert json.loads(SCHEMA_FILE.read_text()) == from_sdk(classes), (
        "run `python -m totara_infra.local.provider.schema`"
    )
    for token, cls in classes.items():
        assert cls.pulumi_type == token


@by_token
def test_every_property_exists_in_the_sdk(kind: ResourceType) -> None:
    known = schemas()[kind.token]
    assert kind.serves <= set(known.inputs)
    assert known.required <= kind.serves
    assert set(kind.replaces) <= kind.serves
    assert set(kind.defaults) <= kind.serves
    assert kind.computed | kind.unreadable | kind.sets <= kind.serves
    assert kind.policies | kind.json_values <= kind.serves
    assert set(kind.unique) <= kind.serves
    assert kind.name is None or kind.name in kind.serves
    assert set(kind.outputs) <= known.outputs
    assert kind.volatile <= set(kind.outputs)
    if kind.tagged:
        assert "tagsAll" in known.outputs


DOCUMENTED = re.compile(
    r"https://docs[.]aws[.]amazon[.]com/[^ ]+[.]html.*[a-z]"
    r"|terraform-provider-aws internal/[^ ]+[.]go: [a-z_]+ ForceNew"
)


@by_token
def test_every_replacement_names_its_source(kind: ResourceType) -> None:
    for name, source in kind.replaces.items():
        if found := re.fullmatch(
            r"([^ ]+) ([A-Za-z]+) (takes no|identifies by) ([A-Za-z]+)", source
        ):
            service, operation, claim, member = found.groups()
            model = botocore.session.get_session().get_service_model(service)
            shape = model.operation_model(operation).input_shape
            assert (member in shape.members) == (claim == "identifies by"), f"{name}: {source}"
        else:
            assert DOCUMENTED.match(source), f"{kind.token} {name}: {source!r} is no source"


@by_token
def test_nothing_is_updated_that_has_no_update(kind: ResourceType) -> None:
    if kind.update is None:
        assert kind.serves == set(kind.replaces)


def test_the_plugin_starts_fast_and_ends_quietly() -> None:
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "totara_infra.local.provider", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    port = process.stdout.readline()
    took = time.monotonic() - started
    assert int(port) > 0
    process.terminate()
    rest, errors = process.communicate(timeout=10)
    assert (rest, errors, process.returncode) == ("", "", 0)
    # About 1 s on an idle machine of 2 cores; the bound leaves room for a busy one.
    assert took < 5
