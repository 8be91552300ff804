"""The MCP server over streamable HTTP, as an ASGI app to be mounted at `/mcp`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from server.mcp.registry import context_of
from server.mcp.server import build_server
from server.settings import Settings
from tools.workspace.layout import Workspace

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@asynccontextmanager
async def make_mcp_app(ws: Workspace, settings: Settings) -> AsyncIterator[ASGIApp]:
    """The app, for as long as its sessions may live: to be entered in the outer app's lifespan.

    It answers whatever path it is reached by. Host and Origin are checked here too, beside the outer
    app's checks; keys are the outer app's alone.
    """
    server = build_server(context_of(ws, settings))
    server.streamable_http_app(
        max_request_body_size=int(settings.max_body_mb * 1024**2), transport_security=_transport_security(settings)
    )
    manager = server.session_manager

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await manager.asgi_app(scope, receive, send)

    async with manager.run():
        yield app


def _transport_security(settings: Settings) -> TransportSecuritySettings:
    hosts = [*_LOOPBACK, *_listed(settings.allowed_hosts)]
    origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in _LOOPBACK]
    origins += _listed(settings.allowed_origins)
    return TransportSecuritySettings(
        allowed_hosts=[form for host in hosts for form in (host, f"{host}:*")],
        allowed_origins=[form for origin in origins for form in (origin, f"{origin}:*")],
    )


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
