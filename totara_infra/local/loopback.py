"""Keeps what stays on this machine away from the proxies that are set for the rest of the world.

Every program reads the variables in its own way. Python and botocore know names, suffixes and `*`,
but no CIDR; gRPC knows no `*`, and only the variables in lower case; Go never proxies a loopback
address. So the addresses are named, in every spelling and in each of the variables.
"""

from collections.abc import MutableMapping

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Addresses of this machine that emulators, engines, plugins and databases are reached by."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")
_GRPC_EXCEPTIONS = "no_grpc_proxy"
_ALL = "*"


def spare_loopback(environment: MutableMapping[str, str]) -> None:
    """Have no proxy used for this machine; for everything else the variables stay as they are.

    Args:
        environment: Variables of a process, such as `os.environ`; changed in place.
    """
    if not any(environment.get(n) or environment.get(n.upper()) for n in _PROXIES):
        return
    known = {name: environment.get(name, "").strip() for name in _EXCEPTIONS}
    either = known["no_proxy"] or known["NO_PROXY"]
    for name in _EXCEPTIONS:
        value = known[name] or either
        # Python takes `*` only by itself, and it spares everything already.
        environment[name] = value if value == _ALL else _with_loopback(value)
    # gRPC reads this one first, and takes a `*` for the name of a host.
    grpc = environment.get(_GRPC_EXCEPTIONS) or either
    environment[_GRPC_EXCEPTIONS] = _with_loopback("" if grpc == _ALL else grpc)


def _with_loopback(value: str) -> str:
    given = [entry.strip() for entry in value.split(",") if entry.strip()]
    return ",".join([*given, *(address for address in LOOPBACK if address not in given)])
