"""An assistant's connection over plain HTTP: the protocol's messages, and none of a client library's own work."""

from __future__ import annotations

import itertools
import json
from typing import Any

import httpx2

VERSION = "2025-06-18"
_ACCEPT = "application/json, text/event-stream"


class Session:
    """Calls of one session of the handshake era, over a connection pool of the caller's."""

    def __init__(self, http: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        self._http = http
        self._headers = headers
        self._ids = itertools.count(1)

    @classmethod
    async def open(cls, http: httpx2.AsyncClient) -> Session:
        """Shake hands. http: its base URL is the server's."""
        session = cls(http, {"Accept": _ACCEPT})
        about = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "session", "version": "1"}}
        hello = await session._post({"id": 0, "method": "initialize", "params": about})
        session._headers |= {"Mcp-Session-Id": hello.headers["mcp-session-id"], "MCP-Protocol-Version": VERSION}
        await session._post({"method": "notifications/initialized"})
        return session

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured result of a call that succeeds."""
        number = next(self._ids)
        params = {"name": tool, "arguments": arguments}
        answer = await self._post({"id": number, "method": "tools/call", "params": params})
        events = [
            json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:") and line[5:].strip()
        ]
        [result] = [event["result"] for event in events if event.get("id") == number]
        assert not result.get("isError"), result
        structured: dict[str, Any] = result["structuredContent"]
        return structured

    async def _post(self, message: dict[str, Any]) -> httpx2.Response:
        answer = await self._http.post("/mcp", json={"jsonrpc": "2.0", **message}, headers=self._headers)
        assert answer.is_success, answer.text
        return answer


def connections(url: str, count: int) -> httpx2.AsyncClient:
    """A pool of `count` connections to a server."""
    limits = httpx2.Limits(max_connections=count, max_keepalive_connections=count)
    return httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False, limits=limits)
