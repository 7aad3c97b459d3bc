"""What a value must look like, and new values of each format. No message repeats a value."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Callable
from unicodedata import normalize
from urllib.parse import quote, unquote_to_bytes, urlsplit

from totara_infra.model.declarations import Secret
from totara_infra.model.redaction import keep_secret
from totara_infra.model.vocabulary import SecretFormat

MAXIMUM_BYTES = 65_536
"""PutSecretValue, botocore service model."""
HMAC_MINIMUM_BYTES = 32
RSA_MINIMUM_BITS = 2048
RSA_BITS = 3072
"""128 bits of security, NIST SP 800-57 part 1; both RS256 and Snowflake's key pairs take it."""
GENERATED = (SecretFormat.PRIVATE_KEY_PEM, SecretFormat.HMAC_KEY)
"""Formats of what we make ourselves; the rest is issued by somebody else."""
_MINIMUM_DISTINCT_BYTES = 8
_DELIMITERS = "@/?#[] "
"""Characters that end a user name or password in a URL, or that a driver refuses there."""
_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def fault(form: SecretFormat, value: str) -> str | None:
    """What is wrong with a value, in words that don't show it; None where it is right.

    Args:
        form: what the catalogue says it is.
        value: the value, as it would be stored.
    """
    if not value.strip():
        return "it is empty"
    if len(value.encode()) > MAXIMUM_BYTES:
        return f"it has more than {MAXIMUM_BYTES:,} bytes, the most that Secrets Manager keeps"
    return _FAULTS[form](value)


def _text_fault(value: str) -> str | None:
    if value != value.strip():
        return "it starts or ends with white space, which no reader would expect"
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        return "it has a line break or another control character in it; a key or token is one line"
    return None


def _url_fault(value: str) -> str | None:
    if (found := _text_fault(value)) is not None:
        return found
    if (found := _escape_fault(value)) is not None:
        return found
    try:
        url = urlsplit(value)
        port_is_right = url.port is None or url.port > 0
    except ValueError:
        return "it is not a URL: its host or port can't be read"
    if url.scheme not in ("postgres", "postgresql"):
        return "it is not a PostgreSQL URL, postgresql://USER:PASSWORD@HOST/DATABASE"
    missing = [
        name
        for name, part in (
            ("user", url.username),
            ("password", url.password),
            ("host", url.hostname),
            ("database", url.path.strip("/")),
        )
        if not part
    ]
    if missing or not port_is_right:
        return f"the URL has no {' and no '.join(missing or ['usable port'])}"
    return None


def _escape_fault(url: str) -> str | None:
    """Which characters of a URL have to be percent-encoded.

    A driver would take what stands behind one of them for a host, a port or a database, and quote
    it in its error message.
    """
    unescaped = _unescaped(url)
    if unescaped:
        advice = " and ".join(f"`{c}` as `{quote(c, safe='')}`" for c in unescaped)
        return f"a character must be percent-encoded in a user name or password: write {advice}"
    try:
        decoded = unquote_to_bytes(url).decode()
    except UnicodeDecodeError:
        return "its percent-encoded bytes are not UTF-8: encode each byte of a character's UTF-8"
    return "it has `%00` in it, which PostgreSQL does not take" if "\0" in decoded else None


def _unescaped(url: str) -> list[str]:
    """Characters, each once, that stand in a URL as they are and must not."""
    _, found, rest = url.partition("://")
    if not found:
        return []
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    path, _, query = rest[len(authority) :].partition("?")
    # An `@` further on belongs to the parameters only where everything before it is whole.
    whole = "@" in authority and "@" not in path and path.strip("/") != ""
    place = len(rest) - len(query) if query and whole else len(rest)
    credentials = rest[:place].rpartition("@")[0]
    wrong = [c for c in credentials if c in _DELIMITERS or _read_as_delimiter(c)]
    wrong += [c for c in rest if c in "# "]
    wrong += ["%" for _ in _LONE_PERCENT.finditer(rest)]
    return list(dict.fromkeys(wrong))


def _read_as_delimiter(character: str) -> bool:
    """Whether a parser that normalizes takes a character, such as a wide at sign, for one."""
    return not character.isascii() and any(c in "@/?#:" for c in normalize("NFKC", character))


def _pem_fault(value: str) -> str | None:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - 60 ms to import
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    if "PUBLIC KEY-----" in value or "CERTIFICATE-----" in value:
        return "it is a public key or a certificate; the private key is wanted"
    try:
        key = load_pem_private_key(value.encode(), password=None)
    except TypeError:
        return "the private key is locked with a pass phrase that no reader has; store it without"
    except (ValueError, UnsupportedAlgorithm):
        return "it is not a private key in PEM form that can be parsed"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < RSA_MINIMUM_BITS:
        return f"the RSA key has {key.key_size} bits; at least {RSA_MINIMUM_BITS} are needed"
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return "the key is neither RSA nor on an elliptic curve"
    return None


def _hmac_fault(value: str) -> str | None:
    if (found := _text_fault(value)) is not None:
        return found
    key = _key_bytes(value)
    if len(key) < HMAC_MINIMUM_BYTES:
        return f"the key has {len(key)} bytes; at least {HMAC_MINIMUM_BYTES} random ones are needed"
    if len(set(key)) < _MINIMUM_DISTINCT_BYTES:
        return "the key repeats itself; it has to be random"
    return None


def _key_bytes(value: str) -> bytes:
    """The bytes behind a key's text: hexadecimal, base64, or the characters themselves.

    The least that it can be counts: 32 hexadecimal digits are 16 random bytes.
    """
    if re.fullmatch(r"([0-9A-Fa-f]{2})+", value):
        return bytes.fromhex(value)
    if re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", value):
        unpadded = value.rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
        except binascii.Error:
            return value.encode()
    return value.encode()


def _json_fault(value: str) -> str | None:
    try:
        content = json.loads(value, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return f"it is not JSON: line {error.lineno}, column {error.colno} can't be read"
    except (ValueError, RecursionError):
        return "it is not JSON: a key stands twice, or a number is none"
    if not isinstance(content, dict) or not content:
        return "it is JSON, but not an object with at least one key"
    return None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def _no_constant(_name: str) -> object:
    raise ValueError


_FAULTS: dict[SecretFormat, Callable[[str], str | None]] = {
    SecretFormat.TEXT: _text_fault,
    SecretFormat.POSTGRESQL_URL: _url_fault,
    SecretFormat.PRIVATE_KEY_PEM: _pem_fault,
    SecretFormat.HMAC_KEY: _hmac_fault,
    SecretFormat.JSON: _json_fault,
}


def generated(form: SecretFormat) -> str:
    """A new value of a format that we make ourselves.

    Args:
        form: one of `GENERATED`.

    Returns:
        An RSA private key as PKCS #8 PEM, or 32 random bytes in base64.
    """
    if form is SecretFormat.HMAC_KEY:
        return base64.b64encode(secrets.token_bytes(HMAC_MINIMUM_BYTES)).decode()
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - 60 ms to import
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_half(private_key: str) -> str:
    """The public key of a private one, as PEM, for whoever checks its signatures."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - 60 ms to import

    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    # The modulus is in both halves, and this one is there to be shown.
    keep_secret(private_key, *public.split())
    return public


def key_id(private_key: str) -> str:
    """The `kid` of a key: the thumbprint of its public half, RFC 7638.

    Signer and verifier compute the same one from what they hold, so no list of ids is kept.

    Raises:
        ValueError: this is no private key that signs; nothing of it is repeated.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - 60 ms to import
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    from joserfc.jwk import ECKey, RSAKey  # noqa: PLC0415

    try:
        # It was checked when it was stored, and to check it again takes most of the time.
        key = load_pem_private_key(
            private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ValueError from None
    if isinstance(key, rsa.RSAPrivateKey):
        return RSAKey.import_key(key.public_key()).thumbprint()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ECKey.import_key(key.public_key()).thumbprint()
    raise ValueError


def throwaway(secret: Secret, path: str) -> str:
    """A random value that opens nothing, in the right format, for an emulated environment."""
    token = secrets.token_urlsafe(24)
    match secret.format:
        case SecretFormat.POSTGRESQL_URL:
            database = quote(f"bank_{path.split('/')[3]}")
            return f"postgresql://throwaway:{token}@127.0.0.1:5432/{database}"
        case SecretFormat.PRIVATE_KEY_PEM | SecretFormat.HMAC_KEY:
            return generated(secret.format)
        case SecretFormat.JSON:
            return json.dumps({"username": "throwaway", "password": token})
        case _:
            return f"throwaway-{token}"
