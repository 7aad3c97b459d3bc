"""Pieces of a value are hidden in whatever a library says; what is public stays readable."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import random
import string
import threading
import uuid
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import yaml
from hypothesis import given, settings
from psycopg.conninfo import conninfo_to_dict

from tests.redaction.passwords import URL, passwords, runs_in
from totara_infra.model import redaction
from totara_infra.model.redaction import keep_secret, redacted, redacted_data


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(redaction, "_known", redaction._Known())


def said_by_libraries(url: str, password: str) -> list[str]:
    """Their own words about a value that they can't read."""
    said = [f"no {quote(password)} or {password!r} or {json.dumps(password)} in {url}"]
    said += [base64.b64encode(f"{before}{url}".encode()).decode() for before in ("", "x", "xy")]
    for reads in (
        conninfo_to_dict,
        lambda u: urlsplit(u).port,
        lambda u: yaml.safe_load(f"{{{u}"),
        lambda u: int(u.partition(":")[2]),
        lambda u: u.encode("ascii"),
    ):
        try:
            reads(url)
        except (ValueError, psycopg.Error, yaml.YAMLError) as error:
            said += [str(error), repr(error)]
    return said


@settings(max_examples=60, deadline=None)
@given(passwords())
def test_no_four_characters_of_a_password_stay_in_what_libraries_say(password):
    url = URL.format(password)
    keep_secret(url)
    said = said_by_libraries(url, password)
    assert runs_in(" ".join(said), password), "nothing to hide: the test would prove nothing"
    for text in said:
        assert not runs_in(redacted(text), password), text


def test_what_is_public_and_ordinary_words_stay_readable():
    keep_secret(URL.format("Winter@Sunrise99"), "/bank/local/sunrise99/url")
    readable = (
        "bank_core of app_user at 127.0.0.1:1, port 5432: the integer of an enterprise, "
        "from /bank/local/sunrise99/url"
    )
    assert redacted(readable) == readable
    assert redacted("no host 'Sunrise99@127.0.0.1'") == "no host '***@127.0.0.1'"
    assert redacted("in winter, at sunrise") == "in ***, at ***"


def test_a_json_secret_hides_its_values_and_not_its_names():
    keep_secret('{"username": "mailer", "password": "Qx7-Zv9k", "more": [{"token": "Jw8kQz"}]}')
    text = "the password and the token of mailer are Zv9k and Jw8kQz"
    assert redacted(text) == "the password and the token of mailer are *** and ***"


def test_data_keeps_its_form():
    keep_secret('ab"cd\\ef')
    data = {"state": ['ab"cd\\ef', 'b"cd', 1, None], "abcd": {"x": "state"}}
    assert redacted_data(data) == {"state": ["***", "***", 1, None], "abcd": {"x": "state"}}


def test_threads_tracebacks_and_logging_write_through_it(capsys, monkeypatch):
    import sys

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", sys.stdout)
        patch.setattr(sys, "stderr", sys.stderr)
        redaction.guard_streams()
        keep_secret("Qx7Zv9kJw8")
        patch.setattr(threading, "excepthook", threading.__excepthook__)

        def fails() -> None:
            try:
                raise ValueError("inner Qx7Zv9kJw8")
            except ValueError as error:
                raise KeyError("outer Zv9kJw8") from error

        thread = threading.Thread(target=fails)
        thread.start()
        thread.join()
        handler = logging.StreamHandler()
        handler.emit(logging.makeLogRecord({"msg": "logged %s", "args": ("Qx7Zv9",)}))
        sys.stdout.write("printed Zv9kJw8")
    done = capsys.readouterr()
    assert "printed ***" in done.out
    for expected in ("inner ***", "outer ***", "logged ***", "Traceback"):
        assert expected in done.err


def test_ids_and_digests_are_not_torn_by_the_values_of_a_whole_environment() -> None:
    """Chance puts four characters of one of sixty values into many an id."""
    dice = random.Random(7)
    letters = string.ascii_letters + string.digits + "-_"
    for _ in range(60):
        token = "".join(dice.choices(letters, k=32))
        keep_secret(f"postgresql://app_user:{token}@127.0.0.1:5432/bank_core")
    ids = [str(uuid.UUID(int=dice.getrandbits(128))) for _ in range(500)]
    ids += [hashlib.sha256(text.encode()).hexdigest() for text in ids]
    ids += ["".join(dice.choices(letters, k=43)) for _ in range(500)]
    torn = [text for text in ids if redacted(text) != text]
    assert len(torn) <= len(ids) / 500, torn
