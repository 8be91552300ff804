"""One server per workspace: its lock, its socket, its row, and its end."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette

from server.connections import protocol_of
from server.keys import remove_local_key, write_local_key
from server.limits import MAX_HEADER_BYTES
from server.settings import Settings
from server.state import AppState
from tools.errors import AfinaError, Conflict, InvalidArgument, MachineError, NoPermission, printable
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock

# What has begun may go on for so long after the signal to stop.
GRACE_S = 3.0
_BACKLOG = 1024
# The database, the log, the engine, what tools read.
_OTHER_FILES = 256
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


class Listener:
    """Holds the workspace's server lock and a bound socket. Used as a context manager.

    Raises Conflict when the workspace has a server or the port is taken, InvalidArgument or
    NoPermission for an address that cannot be had.
    """

    def __init__(self, ws: Workspace, settings: Settings) -> None:
        self._ws = ws
        self._settings = settings
        lock = FileLock.try_acquire(ws.lock_path("server"))
        if lock is None:
            raise _already_served(ws)
        self._lock = lock
        try:
            self._socket = _bind(settings.host, settings.port)
        except BaseException:
            lock.release()
            raise
        self.url = _url(settings.host, self._socket.getsockname()[1])

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        remove_local_key(self._ws)
        # The row counts while the lock is held: one that a full disk keeps says nothing.
        with contextlib.suppress(MachineError):
            self._ws.store.write("DELETE FROM servers WHERE pid = ?", (os.getpid(),))
        self._lock.release()

    def run(self, app: Starlette, announce: Callable[[str], None]) -> None:
        """Serve until a signal says to stop."""
        state: AppState = app.state.afina
        _allow_files(self._settings.max_connections)
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=protocol_of(self._settings, state.over),
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=self._settings.keep_alive_s,  # type: ignore[arg-type]  # a timer's delay
            timeout_graceful_shutdown=int(GRACE_S) + 2,
        )
        server = _Server(config, state, lambda: self._open(state, announce))
        # uvicorn raises the signal again once it is down: that is the end of a good run, not a death.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _exit)
        try:
            server.run(sockets=[self._socket])
        except SystemExit as error:
            if error.code:
                raise MachineError("The server could not start.", fix="The lines above tell why.") from error
        if server.refusal is not None:
            raise server.refusal

    def _open(self, state: AppState, announce: Callable[[str], None]) -> None:
        state.keys.local = write_local_key(self._ws)
        self._ws.store.write(
            "INSERT OR REPLACE INTO servers (id, url, pid, started) VALUES (1, ?, ?, ?)",
            (self.url, os.getpid(), time.time()),
        )
        announce(self.url)


def _allow_files(connections: int) -> None:
    """Raise this process's own limit of open files to what so many connections need; macOS starts with 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard >= 0 else wanted, hard))


def _exit(*_: Any) -> None:
    raise SystemExit(0)


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it listens and lets the engine finish before it closes connections."""

    def __init__(self, config: uvicorn.Config, state: AppState, on_open: Callable[[], None]) -> None:
        super().__init__(config)
        self._state = state
        self._on_open = on_open
        self.refusal: AfinaError | None = None
        state.exit = self._leave

    def _leave(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        try:
            self._on_open()
        except AfinaError as error:
            # Raised here, it would end the loop in the middle of its start.
            self.refusal = error
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._state.engine.stop(GRACE_S)
        await super().shutdown(sockets)


def _already_served(ws: Workspace) -> Conflict:
    row = ws.store.row("SELECT url FROM servers WHERE id = 1")
    where = f" at {row['url']}" if row else ""
    return Conflict(
        f"Afina already serves this workspace{where}.",
        fix="Use that one, stop it, or choose another folder with --workspace.",
    )


def _bind(host: str, port: int) -> socket.socket:
    shown = printable(host, 80)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise InvalidArgument(f"`{shown}` is no address of this machine.", field="host") from error
    try:
        bound = socket.create_server((str(address[0]), int(address[1])), family=family, backlog=_BACKLOG)
        # asyncio sends at once (TCP_NODELAY) only where the protocol is named: else an answer on a
        # connection that is kept waits some 40 ms.
        return socket.socket(bound.family, bound.type, socket.IPPROTO_TCP, fileno=bound.detach())
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"Port {port} on {shown} is taken by another program.",
                field="port",
                fix="Choose another with --port; 0 takes any free one.",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise NoPermission(
                f"No permission to listen on port {port}.", field="port", fix="Choose one above 1023 with --port."
            ) from error
        raise InvalidArgument(f"`{shown}` is no address of this machine.", field="host") from error


def _url(host: str, port: int) -> str:
    """Where a client on this machine reaches the server."""
    name = _WILDCARDS.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"
