"""The engine's child process: spawned, spoken to, ended. It knows nothing of requests' order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable

from server.engine.errors import EngineDied
from server.engine.protocol import (
    LINE_LIMIT,
    SOCKET_FD,
    VERSION,
    FromEngine,
    Message,
    Ready,
    Stop,
    decode_from_engine,
    encode,
)
from server.logs import set_aside_when_large
from tools.errors import BackendMissing
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock
from tools.workspace.machine import backend_installed, mlx_environment
from tools.workspace.processes import LOCK_FD, child_command, child_environment

log = logging.getLogger(__name__)

MODULE = "server.engine.worker"
LOG_NAME = "engine.log"
_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 5.0


class EngineProcess:
    """A living child and its socket. Make one with `spawn`.

    on_message is called with each message, on_death once when the child is gone.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_message: Callable[[FromEngine], None],
        on_death: Callable[[EngineProcess], None],
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._on_message = on_message
        self._on_death = on_death
        self._ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())
        self._heard_at = time.monotonic()
        self._why: str | None = None
        self.alive = True

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def spawn(
        cls,
        ws: Workspace,
        lock: FileLock,
        on_message: Callable[[FromEngine], None],
        on_death: Callable[[EngineProcess], None],
    ) -> EngineProcess:
        """Start the child, which holds `lock` from now on, and wait until it speaks.

        Raises EngineDied when it does not, BackendMissing where MLX cannot run.
        """
        if not backend_installed():
            raise BackendMissing(
                "MLX has no backend on this machine.",
                fix="Install Afina with the extra `cpu` (any Linux) or `cuda13` (NVIDIA): pip install 'afina[cpu]'.",
            )
        set_aside_when_large(ws.logs / LOG_NAME)
        ours, theirs = socket.socketpair()
        environment = await asyncio.to_thread(mlx_environment)
        handed = {SOCKET_FD: str(theirs.fileno()), LOCK_FD: str(lock.fd)}
        try:
            with theirs, lock, (ws.logs / LOG_NAME).open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *child_command(MODULE, []),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=child_environment({**environment, **handed}),
                    pass_fds=(theirs.fileno(), lock.fd),
                    start_new_session=True,
                    cwd="/",
                )
            reader, writer = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT)
        except BaseException:
            ours.close()
            raise
        started = cls(process, reader, writer, on_message, on_death)
        try:
            ready = await asyncio.wait_for(asyncio.shield(started._ready), _START_TIMEOUT_S)
            if ready.version != VERSION:
                raise EngineDied("The engine speaks another version of the protocol.", fix="Install Afina again.")
        except BaseException as error:
            await started.kill()
            if isinstance(error, TimeoutError):
                raise EngineDied("The engine did not start in time.", fix=f"See {ws.logs / LOG_NAME}.") from error
            raise
        return started

    @property
    def silent_s(self) -> float:
        """Seconds since the child last said anything; one that holds a base speaks at every step, or second."""
        return time.monotonic() - self._heard_at

    def heard(self) -> None:
        """Begin to count its silence now."""
        self._heard_at = time.monotonic()

    def send(self, message: Message) -> None:
        self.send_line(encode(message))

    def send_line(self, line: bytes) -> None:
        """Queue an encoded message; one to a dead child is dropped, its death is told by on_death."""
        if not self._writer.is_closing():
            self._writer.write(line)

    async def stop(self) -> None:
        """Ask the child to end, and see to it that it does."""
        self.send(Stop())
        try:
            await asyncio.wait_for(asyncio.shield(self._listening), _STOP_TIMEOUT_S)
        except TimeoutError:
            await self.kill()

    async def kill(self, why: str | None = None) -> None:
        """End the child at once. why: what people are told instead of the signal."""
        self._why = why
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._listening

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                message = decode_from_engine(line)
                self.heard()
                if isinstance(message, Ready):
                    if not self._ready.done():
                        self._ready.set_result(message)
                else:
                    self._on_message(message)
        except (OSError, ValueError):
            # A reset, or half a line: the child is gone or not to be trusted any longer.
            log.warning("the engine's connection broke", exc_info=True)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        code = await self._process.wait()
        self.alive = False
        self._writer.close()
        if not self._ready.done():
            self._ready.set_exception(EngineDied(f"The engine's process ended at its start ({ending(code)})."))
            self._ready.exception()
        self._on_death(self)

    @property
    def ending(self) -> str:
        """How the child ended, for people."""
        return self._why or ending(self._process.returncode)


def ending(code: int | None) -> str:
    if code is None:
        return "it has not ended"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
