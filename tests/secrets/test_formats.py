"""A value is held against its format before it is stored, and no message repeats it."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from totara_infra.model.vocabulary import SecretFormat
from totara_infra.operations.secrets import formats

NONE = serialization.NoEncryption()


def pem(key, encryption=NONE) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)
BROKEN = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
RANDOM = bytes(range(7, 39))
RIGHT = [
    (SecretFormat.TEXT, "q8Zt-token"),
    (SecretFormat.TEXT, "https://hooks.example.test/T0/B0/x"),
    (
        SecretFormat.POSTGRESQL_URL,
        "postgresql://app_user:p%40ss@db.example.test/bank?sslmode=require",
    ),
    (SecretFormat.POSTGRESQL_URL, "postgres://u:p@db.example.test:5432/bank"),
    (SecretFormat.POSTGRESQL_URL, "postgres://u:p%25:+é@[::1]:5432/bank?application_name=a@b"),
    (SecretFormat.PRIVATE_KEY_PEM, pem(RSA)),
    (SecretFormat.PRIVATE_KEY_PEM, pem(ec.generate_private_key(ec.SECP256R1()))),
    (SecretFormat.HMAC_KEY, RANDOM.hex()),
    (SecretFormat.HMAC_KEY, base64.b64encode(RANDOM).decode()),
    (SecretFormat.HMAC_KEY, base64.urlsafe_b64encode(RANDOM).decode().rstrip("=")),
    (SecretFormat.HMAC_KEY, "any characters, if there are enough of them!"),
    (SecretFormat.JSON, '{"client_id": "a", "nested": {"b": [1]}}'),
]
WRONG = [
    (SecretFormat.TEXT, "  \n ", "empty"),
    (SecretFormat.TEXT, "token ", "white space"),
    (SecretFormat.TEXT, "to\nken", "line break"),
    (SecretFormat.TEXT, "t" * 65_537, "65,536"),
    (SecretFormat.TEXT, "é" * 32_769, "65,536"),
    (SecretFormat.POSTGRESQL_URL, "mysql://u:p@h/d", "not a PostgreSQL URL"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://h/d", "no user and no password"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u@h/d", "no password"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:p@/d", "no host"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:p@h", "no database"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:p@h:70000/d", "can't be read"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:p@h:0/d", "usable port"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:p@[h/d", "can't be read"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win@ter@h/d", "`@` as `%40`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win%ter@h/d", "`%` as `%25`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win%2@h/d", "`%` as `%25`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win/ter@h/d", "`/` as `%2F`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win#ter@h/d", "`#` as `%23`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win?ter@h/d", "`?` as `%3F`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win@t?er@h/d", "`@` as `%40` and `?` as `%3F`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win[ter@h/d", "`[` as `%5B`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win]ter@h/d", "`]` as `%5D`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win ter@h/d", "` ` as `%20`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win\uff20ter@h/d", "`\uff20` as `%EF%BC%A0`"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win%fft@h/d", "not UTF-8"),
    (SecretFormat.POSTGRESQL_URL, "postgresql://u:Win%00t@h/d", "`%00`"),
    (SecretFormat.PRIVATE_KEY_PEM, BROKEN, "parsed"),
    (SecretFormat.PRIVATE_KEY_PEM, "secret", "parsed"),
    (
        SecretFormat.PRIVATE_KEY_PEM,
        pem(RSA, serialization.BestAvailableEncryption(b"pass phrase")),
        "pass phrase",
    ),
    (SecretFormat.PRIVATE_KEY_PEM, formats.public_half(pem(RSA)), "public key"),
    (SecretFormat.PRIVATE_KEY_PEM, pem(SHORT), "1024 bits"),
    (SecretFormat.PRIVATE_KEY_PEM, pem(ed25519.Ed25519PrivateKey.generate()), "neither RSA"),
    (SecretFormat.HMAC_KEY, RANDOM[:31].hex(), "31 bytes"),
    (SecretFormat.HMAC_KEY, "0123456789abcdef0123456789abcdef", "16 bytes"),
    (SecretFormat.HMAC_KEY, base64.b64encode(RANDOM[:24]).decode(), "24 bytes"),
    (SecretFormat.HMAC_KEY, "changeme", "bytes"),
    (SecretFormat.HMAC_KEY, "00" * 32, "repeats itself"),
    (SecretFormat.JSON, "{'a': 1}", "line 1, column 2"),
    (SecretFormat.JSON, '{"a": 1, "a": 2}', "stands twice"),
    (SecretFormat.JSON, '{"a": NaN}', "number is none"),
    (SecretFormat.JSON, '["a"]', "not an object"),
    (SecretFormat.JSON, "{}", "at least one key"),
]


@pytest.mark.parametrize(("form", "value"), RIGHT)
def test_a_right_value_is_taken(form, value):
    assert formats.fault(form, value) is None


@pytest.mark.parametrize(("form", "value", "told"), WRONG)
def test_a_wrong_value_is_refused_with_its_reason(form, value, told):
    assert told in (formats.fault(form, value) or "")


@given(st.sampled_from(list(SecretFormat)), st.text(min_size=12))
def test_any_text_gets_an_answer_that_does_not_repeat_it(form, value):
    answer = formats.fault(form, "zq#" + value)
    assert answer is None or "zq#" not in answer


@pytest.mark.parametrize("form", formats.GENERATED)
def test_what_is_generated_is_right_and_new(form):
    one, other = formats.generated(form), formats.generated(form)
    assert formats.fault(form, one) is None
    assert one != other


def test_throwaway_values_are_right_for_every_secret(catalogue):
    for module in catalogue.modules.values():
        for secret in module.secrets:
            if secret.format is not SecretFormat.PRIVATE_KEY_PEM:
                value = formats.throwaway(secret, secret.path.replace("{env}", "local"))
                assert formats.fault(secret.format, value) is None, secret.path


def test_a_generated_key_signs_what_a_standard_library_verifies():
    from joserfc import jwt
    from joserfc.jwk import RSAKey

    private = formats.generated(SecretFormat.PRIVATE_KEY_PEM)
    token = jwt.encode({"alg": "RS256"}, {"sub": "user"}, RSAKey.import_key(private))
    public = RSAKey.import_key(formats.public_half(private))
    assert jwt.decode(token, public).claims == {"sub": "user"}
    assert "PRIVATE" not in formats.public_half(private)
