"""Who may speak to the server: host names, web origins and keys. `server.limits` has how much and how slowly.

A page in the user's browser can send requests to a server on the same machine. The Host check stops
names that were rebound to it, the Origin check stops pages that are not ours. Both hold for every route:
what is mounted (the MCP endpoint) makes no such checks of its own.
"""

from __future__ import annotations

import ipaddress
import socket

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.keys import Keyring
from server.openai.errors import ApiError
from server.settings import Settings
from tools.errors import InvalidArgument, printable

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# Told without a key: whether the server is alive.
OPEN_PATHS = frozenset({"/health", "/ready"})
_WILDCARDS = frozenset({"0.0.0.0", "::", ""})


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_exposure(settings: Settings) -> None:
    """Raises InvalidArgument for an address that others can reach while no key is asked for."""
    if not is_loopback(settings.host) and not Keyring(settings).asks:
        raise InvalidArgument(
            f"Serving on {printable(settings.host)} lets other machines in, and no key is asked for.",
            field="host",
            expected="a loopback address such as 127.0.0.1, or a key",
            fix="Make one with `afina keys add NAME`, or set AFINA_API_KEY to a long random text; or leave --host out.",
        )


def client_of(scope: Scope) -> str:
    """Who asks, as requests are shared out and logged: the name of the key, else the peer's address."""
    name = scope.get("state", {}).get("client")
    if isinstance(name, str):
        return name
    peer = scope.get("client")
    return str(peer[0]) if peer else "unknown"


def key_name(keys: Keyring, headers: Headers) -> str | None:
    """The name of the key that a request bears, None when it bears none that is known."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return keys.name_of(token.strip()) if scheme.lower() == "bearer" else None


class Guard:
    """Pure ASGI middleware: checks Host, Origin and key before anything else runs, and says who the client is."""

    def __init__(self, app: ASGIApp, settings: Settings, keys: Keyring) -> None:
        self._app = app
        self._keys = keys
        self._hosts = LOOPBACK_NAMES | _listed(settings.allowed_hosts) | {settings.host.lower()}
        self._any_address = settings.host in _WILDCARDS
        if self._any_address:
            self._hosts |= {socket.gethostname().lower()}
        self._origins = _listed(settings.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin in self._origins:
            send = _allowing(origin, send)
        try:
            self._check_host(headers)
            self._check_origin(headers)
            if origin in self._origins and _is_preflight(scope, headers):
                await _PREFLIGHT(scope, receive, send)
                return
            self._check_key(scope, headers)
        except ApiError as error:
            await error.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        name = _host_name(headers.get("host", ""))
        if name in self._hosts or (self._any_address and _is_address(name)):
            return
        raise ApiError(
            421,
            f"This server does not answer to the host name `{printable(name, 80)}`; "
            "names besides the loopback ones are allowed with --allowed-hosts.",
            code="host_not_allowed",
        )

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None or origin in self._origins:
            return
        # Our own pages; the host was found good before.
        if origin.partition("://")[2] == headers.get("host"):
            return
        raise ApiError(
            403,
            f"Pages of `{printable(origin, 80)}` may not call this server; --allowed-origins lets them.",
            code="origin_not_allowed",
        )

    def _check_key(self, scope: Scope, headers: Headers) -> None:
        name = key_name(self._keys, headers)
        if name is not None:
            scope.setdefault("state", {})["client"] = name
        elif self._keys.asks and scope["path"] not in OPEN_PATHS:
            raise _no_key()


def _no_key() -> ApiError:
    return ApiError(
        401,
        "A key is needed, in the header `Authorization: Bearer KEY`.",
        code="invalid_api_key",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _listed(text: str) -> frozenset[str]:
    return frozenset(item.strip().lower() for item in text.split(",") if item.strip())


def _host_name(host: str) -> str:
    """The name in a Host header: without the port, without an IPv6 address's brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rsplit(":", 1)[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    # A rebound name is a name: an address cannot be rebound.
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers


_PREFLIGHT = Response(
    status_code=204,
    headers={
        "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": (
            "authorization, content-type, mcp-protocol-version, mcp-session-id, last-event-id, x-request-id"
        ),
        "Access-Control-Max-Age": "600",
    },
)


def _allowing(origin: str | None, send: Send) -> Send:
    """Lets an allowed origin's page read the answer."""

    async def allowed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin or ""
            headers["Access-Control-Expose-Headers"] = "retry-after, mcp-session-id, x-request-id"
            headers.add_vary_header("Origin")
        await send(message)

    return allowed
