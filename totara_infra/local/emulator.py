"""Starts, finds and stops the AWS emulators on this machine, one for each stack that needs one.

An emulator is known by a record in `.totara/emulators`. It counts as running when the process of
that id and time of creation is alive and answers; only that process is ever stopped.
"""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from totara_infra.local import emulator_program, process_record
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.locked_environment import EMULATOR
from totara_infra.local.loopback import spare_loopback
from totara_infra.local.process_record import ProcessIdentity
from totara_infra.local.project import LOCAL_STACK, state_directory

PORT_VARIABLE = "TOTARA_PORT"
PERSISTS_VARIABLE = "TOTARA_EMULATOR_PERSISTS"
"""Set, an emulator that ends leaves its content behind; tests copy whole environments that way."""
_HOST = "127.0.0.1"
_DEFAULT_PORT = 4566
_START_SECONDS = 30.0
_END_SECONDS = 10.0
_HEALTH_PATH = "/_ministack/health"
_NOT_INHERITED = (
    "EDGE_PORT",
    "LOCALSTACK_PERSISTENCE",
    "SERVICES",
    "SFTP_ENABLED",
    "USE_SSL",
)
"""Settings of someone's own emulator, which would change ours."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator, as its record says.

    Attributes:
        pid: Its process id.
        create_time: When the process was created, in seconds since the epoch.
        port: The TCP port on 127.0.0.1.
        endpoint: Its URL.
        region: The AWS region that it stands for.
    """

    pid: int
    create_time: float
    port: int
    endpoint: str
    region: str

    @property
    def identity(self) -> ProcessIdentity:
        """The process that it is."""
        return ProcessIdentity(self.pid, self.create_time)


def emulator_folder(name: str) -> Path:
    """Return the folder for an emulator's log and files.

    Args:
        name: The emulator's name, which is its stack's.
    """
    return state_directory() / name


def _record_file(name: str, folder: Path | None = None) -> Path:
    return (folder or state_directory()) / "emulators" / f"{name}.json"


def recorded(name: str, folder: Path | None = None) -> Emulator | None:
    """Return an emulator as recorded, whether or not it is still running.

    Args:
        name: The emulator's name.
        folder: The working folder that it belongs to; this process's where it is left out.
    """
    record = process_record.read(_record_file(name, folder))
    try:
        return Emulator(**record) if record is not None else None
    except TypeError:
        return None


def recorded_names() -> list[str]:
    """Return the names of all emulators that have a record."""
    return sorted(file.stem for file in (state_directory() / "emulators").glob("*.json"))


def running(name: str) -> Emulator | None:
    """Return an emulator if its very process is alive and answers, else None.

    Args:
        name: The emulator's name.
    """
    emulator = recorded(name)
    if emulator is None or emulator.identity.process() is None:
        return None
    return emulator if not _silence(emulator.endpoint) else None


def endpoint(name: str) -> str | None:
    """Return the URL of an emulator, or None where its process is not running.

    Args:
        name: The emulator's name.
    """
    emulator = recorded(name)
    if emulator is None or emulator.identity.process() is None:
        return None
    return emulator.endpoint


def asked_port(name: str) -> int | None:
    """Return the port that the user asks for, or None where any free one will do.

    Args:
        name: The emulator's name.

    Raises:
        LocalEnvironmentError: TOTARA_PORT is no port.
    """
    if name != LOCAL_STACK:
        return None
    text = os.environ.get(PORT_VARIABLE) or str(_DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise LocalEnvironmentError(
            f"{PORT_VARIABLE}={text} is no port.",
            fix=f"Give a number up to 65535: `{PORT_VARIABLE}=4567 make up`.",
        )
    return int(text)


def emulator_command() -> list[str]:
    """Return the command that starts an emulator; everything else it takes from its environment.

    Raises:
        LocalEnvironmentError: The emulator is not installed.
    """
    # Isolated: the emulator must not find its modules in the folder of that file.
    return [str(EMULATOR.python()), "-I", emulator_program.__file__]


def start(name: str, *, region: str) -> Emulator:
    """Start an emulator and wait until it answers; one that is running is left as it is.

    Args:
        name: The emulator's name.
        region: The AWS region that it stands for.

    Returns:
        The running emulator.

    Raises:
        LocalEnvironmentError: Its port is taken, or it did not start.
    """
    if emulator := running(name):
        return emulator
    # One that no longer answers is in the way.
    stop(name)
    port = asked_port(name) or _free_port()
    command = emulator_command()
    require_free_port(port)
    folder = emulator_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "emulator.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder, port, region),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal of `make up` must not reach it.
            start_new_session=True,
        )
    identity = ProcessIdentity.of(process.pid)
    url = f"http://{_HOST}:{port}"
    emulator = Emulator(identity.pid, identity.create_time, port, url, region)
    # Recorded before it answers, so that it is found whatever happens meanwhile.
    process_record.write(_record_file(name), asdict(emulator))
    deadline = time.monotonic() + _START_SECONDS
    while reason := _silence(url):
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            stop(name)
            how = "ended at once" if ended else f"did not answer within {_START_SECONDS:.0f} s"
            raise LocalEnvironmentError(
                f"The AWS emulator was started on port {port} but {how}: {reason}.",
                f"Its log is in {log}.",
                "Run the command again when that is mended.",
            )
        time.sleep(0.05)
    if process.poll() is not None:
        # Something else took the port in the same moment, and that is what answered.
        stop(name)
        raise LocalEnvironmentError(
            f"The AWS emulator could not have port {port}: something else took it meanwhile.",
            f"Its log is in {log}.",
            f"Run the command again, or choose another port: {PORT_VARIABLE}=4567 make up",
        )
    return emulator


def stop(name: str) -> Emulator | None:
    """Stop an emulator, if its very process is running, and remove its record.

    Args:
        name: The emulator's name.

    Returns:
        The emulator that was stopped, or None.
    """
    emulator = recorded(name)
    process = emulator.identity.process() if emulator else None
    if process is not None:
        processes = [process, *process.children(recursive=True)]
        for each in processes:
            _signal(each.terminate)
        _, alive = psutil.wait_procs(processes, timeout=_END_SECONDS)
        for each in alive:
            _signal(each.kill)
        psutil.wait_procs(alive, timeout=_END_SECONDS)
    _record_file(name).unlink(missing_ok=True)
    return emulator if process is not None else None


def remove_files(name: str) -> None:
    """Remove what an emulator that has ended leaves behind: its log and temporary files.

    Args:
        name: The emulator's name.
    """
    shutil.rmtree(emulator_folder(name), ignore_errors=True)


def require_free_port(port: int) -> None:
    """Check that a port on 127.0.0.1 can be listened on.

    Args:
        port: The port.

    Raises:
        LocalEnvironmentError: Something else has it; says what, where the system tells.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections of an earlier listener that still linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise LocalEnvironmentError(
                f"Port {port} is taken by {_listener(port)}; stop it, or use another port: "
                f"`{PORT_VARIABLE}={port + 1 if port < 65535 else port - 1} make up`."
            ) from error


def _listener(port: int) -> str:
    """Name the process that listens on a port, as far as the system tells."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and tuple(connection.laddr)[1:2] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        # macOS tells only root.
        pass
    return "another program"


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _environment(folder: Path, port: int, region: str) -> dict[str, str]:
    # Nobody's AWS credentials have any business in an emulator.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _NOT_INHERITED and not name.startswith("AWS_")
    }
    spare_loopback(inherited)
    return {
        **inherited,
        "BIND_HOST": _HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region,
        # `totara sequence verify` reads the order from CloudTrail, so all of an update must fit.
        "CLOUDTRAIL_RECORDING": "1",
        "CLOUDTRAIL_MAX_EVENTS": "500000",
        # As AWS does: a sign-in that the trigger refuses gets no token.
        "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",
        # It would listen on every address as soon as there is cryptography.
        "IOT_MTLS_ENABLED": "0",
        # Ended in an orderly way it then leaves its content in its folder, and starts with that.
        "PERSIST_STATE": "1" if os.environ.get(PERSISTS_VARIABLE) else "0",
        "S3_PERSIST": "1" if os.environ.get(PERSISTS_VARIABLE) else "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
    }


def _silence(url: str) -> str:
    """Why an emulator does not answer; nothing where it does."""
    # No proxy: the address is this machine's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url + _HEALTH_PATH, timeout=5) as answer:
            return "" if answer.status == 200 else f"{url} answered {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return f"{url}: {getattr(error, 'reason', None) or error or type(error).__name__}"


def _signal(send: Callable[[], None]) -> None:
    """Send a signal to a process that may have ended by itself."""
    with contextlib.suppress(psutil.NoSuchProcess):
        send()
