"""One asynchronous client for all waits on a service.

A client of its own costs a wait 2 MB, and the triggerer's only event loop 50 ms: seconds, when hundreds begin at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

MAX_AGE_SECONDS = 600
"""An older client is not given out: a change of the Airflow connection is seen after so long at the latest."""

Connect = Callable[[], Awaitable[AbstractAsyncContextManager[Any]]]


class _Shared:
    """A client that is being opened, or is open, and how many use it."""

    def __init__(self, connect: Connect) -> None:
        self.users = 0
        self.made = time.monotonic()
        self.client = asyncio.ensure_future(self._open(connect))
        self._exits = AsyncExitStack()

    async def _open(self, connect: Connect) -> Any:
        return await self._exits.enter_async_context(await connect())

    async def close(self) -> None:
        self.client.cancel()  # nobody waits for it any more
        with suppress(asyncio.CancelledError, Exception):  # who asked for it was told
            await self.client
        await self._exits.aclose()


_newest: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str | None], _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def shared_client(hook: Any, connect: Connect) -> AsyncIterator[Any]:
    """The client of a hook's service and connection; it is closed when the last who use it have left.

    Args:
        hook: an AWS hook.
        connect: makes the client when there is none, as the hook's own `get_async_conn` does.
    """
    key, clients = (hook.client_type, hook.aws_conn_id), _newest.setdefault(asyncio.get_running_loop(), {})
    shared = clients.get(key)
    if shared is None or time.monotonic() - shared.made > MAX_AGE_SECONDS:
        shared = clients[key] = _Shared(connect)
    shared.users += 1
    try:
        yield await asyncio.shield(shared.client)  # one wait that is killed must not take it from the others
    finally:
        shared.users -= 1
        if not shared.users:
            if clients.get(key) is shared:
                del clients[key]
            await shared.close()
