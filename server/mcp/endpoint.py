"""The workspace's OpenAI-style endpoint, as the tools and the terminal use it: found, or started."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from server.keys import local_key
from server.settings import Settings
from tools.errors import AfinaError, Conflict, DoesNotFit, InvalidArgument, MachineError, NotFound, WorkerDied
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock, is_held

START_TIMEOUT_S = 30.0
# A server that nobody asked for by name leaves after so long without a request.
IDLE_EXIT_S = 900
_POLL_S = 0.05
# What a server that was started here prints beside its log, which is in `server.log`.
START_LOG = "start.log"
# Loopback is never reached through a proxy.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Endpoint:
    """Where `/v1` is. `key`: one of the server's keys, None when it takes all."""

    url: str
    key: str | None = None

    def get(self, path: str, timeout_s: float = 10) -> dict[str, Any]:
        with self._open(path, None, timeout_s) as response:
            return _object(response.read())

    def stream_chat(self, request: dict[str, Any], timeout_s: float) -> Generator[dict[str, Any]]:
        """The chunks of a chat completion as they come. `timeout_s`: the longest silence between two.

        Raises AfinaError with the server's message when it refuses, or fails on the way.
        """
        body = {**request, "stream": True, "stream_options": {"include_usage": True}}
        with self._open("/v1/chat/completions", body, timeout_s) as response, _telling_lost_connection(self.url):
            for line in response:
                if not line.startswith(b"data:"):
                    continue
                data = line[5:].strip()
                if data == b"[DONE]":
                    return
                chunk = _object(data)
                if "error" in chunk:
                    raise _from_api(_status_of(chunk["error"]), chunk)
                yield chunk

    @contextmanager
    def _open(self, path: str, body: dict[str, Any] | None, timeout_s: float) -> Iterator[HTTPResponse]:
        request = urllib.request.Request(self.url + path, headers={"Content-Type": "application/json"})
        if body is not None:
            request.data = json.dumps(body).encode()
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        with _telling_lost_connection(self.url):
            try:
                response: HTTPResponse = _opener.open(request, timeout=timeout_s)
            except urllib.error.HTTPError as error:
                with error:
                    raise _from_api(error.code, _object(error.read())) from error
        with response:
            yield response


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _status_of(error: Any) -> int:
    """The status that an error would have had, had it come before the answer began."""
    kind, code = (error.get("type"), error.get("code")) if isinstance(error, dict) else (None, None)
    if code == "model_not_found":
        return 404
    return {"invalid_request_error": 400, "rate_limit_error": 429}.get(str(kind), 500)


def _from_api(status: int, body: dict[str, Any]) -> AfinaError:
    """Our own server's refusal, as the kind of error that it is."""
    error = body.get("error")
    told = error if isinstance(error, dict) else {}
    message = str(told.get("message") or f"The endpoint answered {status} without a reason.")
    if status in (401, 403):
        return InvalidArgument(
            "The endpoint of this workspace asks for a key.",
            field="api_key",
            fix="Set AFINA_API_KEY to one of the keys that it was started with.",
        )
    if status == 404:
        missing = NotFound("model", "", field="models", fix="list_workspace shows adapters and models.")
        missing.message, missing.fix = message, "list_workspace shows the adapters and models that can be asked."
        return missing
    if status in (429, 503):
        return MachineError(message, fix="Call again in a while.")
    if status == 413:
        return DoesNotFit(message)
    if status < 500:
        # The tools call the API's `model` by their own name for it.
        return InvalidArgument(message, field="models" if told.get("param") == "model" else told.get("param"))
    return MachineError(message, fix="Call again; the server's log in the workspace's `logs` folder tells more.")


@contextmanager
def _telling_lost_connection(url: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise MachineError(
            f"The endpoint at {url} did not answer in time.", fix="Ask for fewer tokens, or call again."
        ) from error
    except (OSError, HTTPException) as error:
        raise MachineError(
            f"The connection to the endpoint at {url} was lost.", fix="Call again: it is started anew when it is gone."
        ) from error


def find(ws: Workspace, settings: Settings) -> Endpoint | None:
    """The endpoint of the server that is alive on this workspace, once it answers."""
    row = ws.store.row("SELECT url FROM servers WHERE id = 1") if is_held(ws.lock_path("server")) else None
    if row is None:
        return None
    endpoint = Endpoint(str(row["url"]).rstrip("/"), local_key(ws) or next(iter(settings.api_keys), None))
    try:
        endpoint.get("/health", timeout_s=5)
    except AfinaError:
        return None
    return endpoint


def find_or_start(ws: Workspace, settings: Settings) -> Endpoint:
    """The workspace's endpoint; a server that leaves when idle is started when there is none.

    Raises Conflict when a living server does not answer, WorkerDied when the new one ended.
    """
    found = find(ws, settings)
    if found is not None:
        return found
    if not is_held(ws.lock_path("server")):
        _start(ws, settings)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        found = find(ws, settings)
        if found is not None:
            return found
        if not is_held(ws.lock_path("server")) and not is_held(_starter_lock(ws)):
            raise WorkerDied("The endpoint could not be started.", fix=f"Its last lines are in {ws.logs / START_LOG}.")
        time.sleep(_POLL_S)
    raise Conflict(
        "A server holds this workspace but does not answer.",
        fix="Stop it (`afina serve` in another terminal) and call again.",
    )


def _starter_lock(ws: Workspace) -> Path:
    return ws.lock_path("endpoint")


def _start(ws: Workspace, settings: Settings) -> None:
    from tools.workspace.processes import spawn_detached

    lock = FileLock.try_acquire(_starter_lock(ws))
    if lock is None:
        return  # another call is starting one
    spawn_detached(
        "server.cli",
        ["serve", "--workspace", str(ws.root), "--port", "0"],
        lock=lock,
        log=ws.logs / START_LOG,
        environment={
            **_variables(settings),
            "AFINA_EXIT_IDLE_S": str(settings.exit_idle_s or IDLE_EXIT_S),
            "AFINA_LOG_TO": "file",
        },
    )


def _variables(settings: Settings) -> dict[str, str]:
    """What was set for us, for the child: the place, the port and what may be read are its own."""
    own = {"workspace", "host", "port", "exit_idle_s", "allowed_roots"}
    return {
        f"AFINA_{name.upper()}": str(value)
        for name, value in settings.model_dump().items()
        if name not in own and value is not None and value != type(settings).model_fields[name].default
    }
