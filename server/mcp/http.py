"""The MCP server over streamable HTTP, as an ASGI app to be mounted at `/mcp`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp

from server.mcp.registry import context_of
from server.mcp.server import build_server
from server.settings import Settings
from tools.workspace.layout import Workspace


@asynccontextmanager
async def make_mcp_app(ws: Workspace, settings: Settings) -> AsyncIterator[ASGIApp]:
    """The app, for as long as its sessions may live: to be entered in the outer app's lifespan.

    It answers whatever path it is reached by. Host, Origin and keys are checked by the outer app, for
    all routes alike.
    """
    server = build_server(context_of(ws, settings))
    server.streamable_http_app(
        max_request_body_size=int(settings.max_body_mb * 1024**2),
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    async with server.session_manager.run():
        yield server.session_manager.asgi_app
