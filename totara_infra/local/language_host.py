"""The Python language host: what the engine starts to run a Python program.

Pulumi's own is a Go program that can't be had as a Go module. This one builds on the server that
the SDK has for inline programs, which is private API: the SDK is pinned, and a test fails when what
is used here moves. It runs the program in this process, with the Python of the project.

It is silent about required packages: the engine asks a plugin's version of each resource anyway.
"""

import asyncio
import contextlib
import contextvars
import importlib.metadata
import linecache
import logging
import os
import queue
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import grpc  # type: ignore[import-untyped]
import pulumi
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.automation._server import LanguageServer
from pulumi.runtime import run_in_stack, set_all_config
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)
from pulumi.runtime.settings import reset_options

from totara_infra.local.engine_watch import end_with_engine
from totara_infra.local.loopback import spare_loopback

_WORKERS = 32
"""Calls served side by side: the program's run, and one for each plugin that runs in a folder."""
_END_SECONDS = 5.0

_Message = tuple[str, bytes]


def user_traceback(error: BaseException, program: Path) -> str:
    """Return the traceback of a program's error from the program's own first line on.

    Args:
        error: What the program raised.
        program: The program's folder or file.

    Returns:
        The traceback without the frames that lead to the program; all of it where the program does
        not occur.
    """
    start = str(program / "__main__.py" if program.is_dir() else program)
    frames = traceback.extract_tb(error.__traceback__)
    first = next((n for n, frame in enumerate(frames) if frame.filename == start), 0)
    return "".join(traceback.format_exception(error, limit=first - len(frames)))


def _run_loop(main: Coroutine[Any, Any, None], parallel: int) -> None:
    """Run a coroutine on an event loop of its own, as Pulumi's own host sets it up."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # As Pulumi's own host: four calls under way for each resource that the engine works on.
    executor = ThreadPoolExecutor(max_workers=max(parallel, 1) * 4)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(main)
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        executor.shutdown(wait=True, cancel_futures=True)
        loop.close()


class ProgramHost(LanguageServer):
    """Serves `pulumirpc.LanguageRuntime` for Python programs.

    Args:
        engine_address: Where the engine listens.
        stop: Called when the engine wants the host to end.
    """

    def __init__(self, engine_address: str, stop: Callable[[], None]) -> None:
        super().__init__(lambda: None)
        self._engine_address = engine_address
        self._stop = stop
        self._plugins: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        """Agree; the engine's address came as an argument."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        """Answer with the version of the SDK."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def RuntimeOptionsPrompts(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        """Ask nothing: there is one Python, the project's."""
        return language_pb2.RuntimeOptionsResponse()

    def Run(self, request: Any, _context: grpc.ServicerContext) -> Any:
        """Run the program and say how it ended."""
        # The SDK keeps the present deployment in context variables.
        return contextvars.copy_context().run(self._run, request)

    def Cancel(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        """End the plugins and then the host."""
        self.end_plugins()
        self._stop()
        return empty_pb2.Empty()

    def _run(self, request: Any) -> Any:
        # An update that fails leaves futures unobserved, which asyncio reports at length.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        reset_options(
            project=request.project,
            stack=request.stack,
            root_directory=request.info.root_directory,
            parallel=request.parallel,
            engine_address=self._engine(),
            monitor_address=request.monitor_address,
            preview=request.dryRun,
            organization=request.organization or "organization",
        )
        set_all_config(dict(request.config), list(request.configSecretKeys))
        folder = Path(request.info.program_directory)
        program = (folder / request.info.entry_point).resolve()
        os.chdir(folder)
        sys.argv = [str(program), *request.args]

        def execute() -> None:
            runpy.run_path(str(program), run_name="__main__")

        try:
            _run_loop(run_in_stack(execute), request.parallel)
        except grpc.RpcError as error:
            # An engine that has gone has told its user why.
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                return _failed(f"The engine refused a call: {error.details()}")
        except pulumi.RunError as error:
            return _failed(str(error))
        except SystemExit as ending:
            if ending.code not in (None, 0):
                return _failed(f"Program exited with code: {ending.code}")
        except BaseException as error:
            linecache.checkcache()
            trace = user_traceback(error, program)
            return _failed(f"Program failed with an unhandled exception:\n{trace}")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        return language_pb2.RunResponse()

    def _engine(self) -> Any:
        """The engine as the program calls it."""
        channel = grpc.insecure_channel(self._engine_address, options=_GRPC_CHANNEL_OPTIONS)
        return engine_pb2_grpc.EngineStub(channel)

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Run a plugin that is a folder of Python, such as a policy pack, and relay its output."""
        program = Path(request.info.program_directory) / request.info.entry_point
        environment = {**os.environ, **dict(entry.split("=", 1) for entry in request.env)}
        plugin = subprocess.Popen(
            [sys.executable, "-u", str(program), *request.args],
            cwd=request.pwd or None,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._plugins.add(plugin)
        # The call is cancelled when the engine is done with the plugin, or gone.
        if not context.add_callback(lambda: _end(plugin)):
            _end(plugin)
        try:
            for stream, text in _output(plugin):
                if stream == "stdout":
                    yield language_pb2.RunPluginResponse(stdout=text)
                else:
                    yield language_pb2.RunPluginResponse(stderr=text)
            yield language_pb2.RunPluginResponse(exitcode=plugin.wait())
        finally:
            _end(plugin)
            self._plugins.discard(plugin)

    def end_plugins(self) -> None:
        """End every plugin that is still running."""
        for plugin in list(self._plugins):
            _end(plugin)


def _failed(message: str) -> Any:
    """Report an error to the user; `bail` tells the engine that it need not add its own."""
    pulumi.log.error(message)
    return language_pb2.RunResponse(bail=True)


def _output(plugin: subprocess.Popen[bytes]) -> Iterator[_Message]:
    """Yield what a program writes, as it comes, until both its streams have ended."""
    messages: queue.Queue[_Message | None] = queue.Queue()

    def read(name: str, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            messages.put((name, chunk))
        messages.put(None)

    streams = [("stdout", plugin.stdout), ("stderr", plugin.stderr)]
    readers = [
        threading.Thread(target=read, args=(name, stream), daemon=True)
        for name, stream in streams
        if stream is not None
    ]
    for reader in readers:
        reader.start()
    open_streams = len(readers)
    while open_streams:
        message = messages.get()
        if message is None:
            open_streams -= 1
        else:
            yield message
    for _, stream in streams:
        if stream is not None:
            stream.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    """Serve until the engine ends the host or is gone itself."""
    # The engine is spoken to through gRPC, which would ask a proxy for it.
    spare_loopback(os.environ)
    ended = threading.Event()
    # The engine ends its plugins with SIGINT; Python's own answer would be a traceback.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    # The engine's address is the one argument that is no flag.
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    host = ProgramHost(addresses[0] if addresses else "", ended.set)
    server = grpc.server(ThreadPoolExecutor(max_workers=_WORKERS), options=_GRPC_CHANNEL_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    end_with_engine(ended)
    ended.wait()
    host.end_plugins()
    server.stop(grace=None)
    # A program's own threads must not keep the host alive.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
