"""The engine's end of the socket: messages in through a thread of their own, messages out at once."""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading

from server.engine.protocol import SOCKET_FD, Message, ToEngine, decode_to_engine, encode


class Link:
    """The connection to the server. When the server goes, so does this process, whatever it is doing."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._inbox: queue.SimpleQueue[ToEngine] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="link", daemon=True).start()

    @classmethod
    def from_environment(cls) -> Link:
        fd = int(os.environ.pop(SOCKET_FD))
        os.set_inheritable(fd, False)
        return cls(socket.socket(fileno=fd))

    def send(self, message: Message) -> None:
        try:
            self._connection.sendall(encode(message))
        except OSError:
            _leave("the server is gone")

    def receive(self, timeout_s: float) -> ToEngine | None:
        """The next message, or None when none comes in time; 0 does not wait."""
        try:
            return self._inbox.get(timeout=timeout_s) if timeout_s else self._inbox.get_nowait()
        except queue.Empty:
            return None

    def _read(self) -> None:
        with self._connection.makefile("rb") as lines:
            for line in lines:
                try:
                    self._inbox.put(decode_to_engine(line))
                except ValueError:
                    _leave("a message that the protocol does not have")
        _leave("the server closed the connection")


def _leave(why: str) -> None:
    sys.stderr.write(f"the engine ends: {why}\n")
    sys.stderr.flush()
    # At once: the main thread may be deep in a computation, and the memory is wanted back.
    os._exit(0)
