"""Who wants to hear when a run moves: a watch of the workspace's rows, kept while somebody listens.

Runs move in other processes, so that the rows are looked at once a second. The stateless protocol listens by
`subscriptions/listen`, the one with a handshake subscribes to single addresses; both hear from one bus.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import anyio.to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourcesListChanged, ResourceUpdated, ServerEvent
from mcp.types import EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams

log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
_KEPT_AS = "afina/subscribed"
# Address of a resource and when it last changed, in any measure that differs then.
Stamps = Mapping[str, float]


class WatchingBus(InMemorySubscriptionBus):
    """A bus that looks at `stamps` while it has listeners, and tells them which resources changed, came or went."""

    def __init__(self, stamps: Callable[[], Stamps], every_s: float = LOOK_EVERY_S) -> None:
        super().__init__()
        self._stamps, self._every_s = stamps, every_s
        self._listening = 0
        self._watch: asyncio.Task[None] | None = None

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        leave = super().subscribe(listener)
        self._listening += 1
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._look())
        left = False

        def unsubscribe() -> None:
            nonlocal left
            if left:
                return
            left = True
            leave()
            self._listening -= 1
            if self._listening == 0 and self._watch is not None:
                self._watch.cancel()
                self._watch = None

        return unsubscribe

    async def _look(self) -> None:
        known: Stamps | None = None
        while True:
            try:
                found = await anyio.to_thread.run_sync(self._stamps)
            except Exception:
                log.warning("the workspace could not be looked at", exc_info=True)
            else:
                for event in _changes(known, found):
                    await self.publish(event)
                known = found
            await asyncio.sleep(self._every_s)


def _changes(known: Stamps | None, found: Stamps) -> list[ServerEvent]:
    if known is None:
        return []
    events: list[ServerEvent] = [
        ResourceUpdated(uri) for uri, stamp in found.items() if known.get(uri, stamp) != stamp or uri not in known
    ]
    return [ResourcesListChanged(), *events] if known.keys() != found.keys() else events


def serve_subscriptions(server: MCPServer[Any], bus: InMemorySubscriptionBus) -> None:
    """Answer `resources/subscribe` and `resources/unsubscribe`, of the protocol with a handshake."""

    async def subscribe(ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        subscribed = _subscribed(ctx)
        if params.uri not in subscribed:
            subscribed[params.uri] = _told_of(bus, ctx, str(params.uri))
        return EmptyResult()

    async def unsubscribe(ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams) -> EmptyResult:
        leave = _subscribed(ctx).pop(params.uri, None)
        if leave is not None:
            leave()
        return EmptyResult()

    low = server._lowlevel_server
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)


def _subscribed(ctx: ServerRequestContext[Any, Any]) -> dict[str, Callable[[], None]]:
    """What this connection has subscribed to, and how each is left; all are left when it closes."""
    connection = ctx.session._connection  # the SDK shows handlers no other way to what lasts longer than a request
    if _KEPT_AS not in connection.state:
        subscribed: dict[str, Callable[[], None]] = {}
        connection.state[_KEPT_AS] = subscribed

        def leave_all() -> None:
            while subscribed:
                subscribed.popitem()[1]()

        connection.exit_stack.callback(leave_all)
    kept: dict[str, Callable[[], None]] = connection.state[_KEPT_AS]
    return kept


def _told_of(bus: InMemorySubscriptionBus, ctx: ServerRequestContext[Any, Any], uri: str) -> Callable[[], None]:
    session, changed = ctx.session, asyncio.Event()

    async def tell() -> None:
        while True:
            await changed.wait()
            changed.clear()
            await session.send_resource_updated(uri)

    def hear(event: ServerEvent) -> None:
        if isinstance(event, ResourceUpdated) and event.uri == uri:
            changed.set()

    leave, telling = bus.subscribe(hear), asyncio.get_running_loop().create_task(tell())

    def unsubscribe() -> None:
        leave()
        telling.cancel()

    return unsubscribe
