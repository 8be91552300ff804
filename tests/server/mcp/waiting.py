"""A client whose call waits at the server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio
from mcp import Client


@contextlib.asynccontextmanager
async def a_call_that_waits(url: str) -> AsyncIterator[None]:
    """Within it a client waits for a run to move; at its end the client leaves, whatever the call has come to."""
    heard = anyio.Event()

    async def hear(*_: object) -> None:
        heard.set()

    async def wait() -> None:
        with contextlib.suppress(Exception):
            async with Client(f"{url}/mcp") as client:
                await client.call_tool("training_status", {"wait_s": 45}, progress_callback=hear)

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        with anyio.fail_after(20):
            await heard.wait()
        yield
        group.cancel_scope.cancel()
