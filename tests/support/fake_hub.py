"""A hub on this machine: a real HTTP server with the routes that huggingface_hub calls.

Weights are answered as the real hub answers large files: a redirect to a store on another address.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40


@dataclass
class Repository:
    folder: Path
    commit: str = COMMIT
    gated: bool = False
    # Sizes to claim in place of the real ones.
    claimed: dict[str, int] = field(default_factory=dict)

    def siblings(self) -> list[dict[str, Any]]:
        return [self._sibling(path) for path in sorted(self.folder.rglob("*")) if path.is_file()]

    def _sibling(self, path: Path) -> dict[str, Any]:
        name, content = path.relative_to(self.folder).as_posix(), path.read_bytes()
        size = self.claimed.get(name, len(content))
        told: dict[str, Any] = {
            "rfilename": name,
            "size": size,
            "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        }
        if name.endswith(".safetensors"):
            told["lfs"] = {"size": size, "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}
        return told


@dataclass
class Request:
    method: str
    path: str
    range: str | None
    token: str | None


class FakeHub:
    """repositories: by `org/name`. requests: what was asked, in order."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        # Weights stop after so many bytes, until `resume` is set; `stalled` tells that one has.
        self.stall_after: int | None = None
        self.stalled, self.resume = threading.Event(), threading.Event()
        # Weights are sent with this byte changed.
        self.damage_at: int | None = None
        self.endpoint = self.store = ""

    def add(self, name: str, folder: Path, **more: Any) -> Repository:
        self.repositories[name] = Repository(folder, **more)
        return self.repositories[name]

    def asked(self, method: str, end: str) -> list[Request]:
        return [r for r in self.requests if r.method == method and r.path.endswith(end)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self._answer(head=False)

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, *, head: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        given = self.headers
        self.hub.requests.append(Request(self.command, path, given.get("Range"), given.get("Authorization")))
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._model("/".join(parts[2:4]), parts[5] if len(parts) > 5 else None)
        elif parts[0] == "store":
            self._file(self.hub.repositories["/".join(parts[1:3])].folder / "/".join(parts[3:]), head, {})
        elif len(parts) > 4 and parts[2] == "resolve":
            self._resolve("/".join(parts[:2]), "/".join(parts[4:]), head)
        else:
            self._error(404, "RepoNotFound")

    def _model(self, name: str, revision: str | None) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None:
            return self._error(404, "RepoNotFound")
        if repository.gated:
            return self._error(403, "GatedRepo")
        if revision not in (None, "main", repository.commit):
            return self._error(404, "RevisionNotFound")
        body = json.dumps({"id": name, "sha": repository.commit, "siblings": repository.siblings()}).encode()
        return self._send(200, body, {"Content-Type": "application/json"})

    def _resolve(self, name: str, file: str, head: bool) -> None:
        repository = self.hub.repositories[name]
        path = repository.folder / file
        if not path.is_file():
            return self._error(404, "EntryNotFound")
        tag = hashlib.sha256(path.read_bytes()).hexdigest()
        headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{tag}"'}
        if not file.endswith(".safetensors"):
            return self._file(path, head, headers)
        headers |= {"X-Linked-Size": str(path.stat().st_size), "X-Linked-Etag": f'"{tag}"'}
        return self._send(302, b"", {**headers, "Location": f"{self.hub.store}/store/{name}/{file}"})

    def _file(self, path: Path, head: bool, headers: dict[str, str]) -> None:
        content = bytearray(path.read_bytes())
        weights = path.suffix == ".safetensors"
        if weights and self.hub.damage_at is not None:
            content[self.hub.damage_at] ^= 0xFF
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in self.headers else 0
        if start:
            headers = {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self.send_response(206 if start else 200)
        for key, value in {**headers, "Content-Length": str(len(content) - start)}.items():
            self.send_header(key, value)
        self.end_headers()
        if head:
            return
        stop = self.hub.stall_after if weights else None
        if stop is not None and not self.hub.resume.is_set():
            self.wfile.write(content[start:stop])
            self.wfile.flush()
            self.hub.stalled.set()
            self.hub.resume.wait(60)
            start = stop
        self.wfile.write(content[start:])

    def _error(self, code: int, kind: str) -> None:
        self._send(code, b"", {"X-Error-Code": kind, "X-Error-Message": "words of the hub"})

    def _send(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    servers = [_Server(("127.0.0.1", 0), handler) for _ in range(2)]
    hub.endpoint, hub.store = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hub
    finally:
        hub.resume.set()
        for server in servers:
            server.shutdown()
            server.server_close()
