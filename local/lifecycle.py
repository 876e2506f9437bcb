"""What is started and stopped with the server, around ministack's own start and stop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from local import alarms, catalog, firehose, kinesis, metrics, persistence, record_log
from local.clock import clock
from local.settings import port

Message = dict[str, Any]

_tasks: list[asyncio.Task[None]] = []


def before(receive: Callable[[], Awaitable[Message]]) -> Callable[[], Awaitable[Message]]:
    """Do what comes before ministack starts and before it stops."""

    async def received() -> Message:
        message = await receive()
        if message["type"] == "lifespan.startup":
            clock.restore()
            persistence.start()
        if message["type"] == "lifespan.shutdown":
            persistence.stop()
            await asyncio.gather(*_tasks)
        return message

    return received


def after(send: Callable[[Message], Awaitable[None]]) -> Callable[[Message], Awaitable[None]]:
    """Do what comes when ministack has started and its state is back."""

    async def sent(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            record_log.restore()
            kinesis.start()
            metrics.start()
            alarms.start()
            catalog.start()
            firehose.start()
            _tasks.append(asyncio.create_task(persistence.keep_saving()))
            _tasks.append(asyncio.create_task(_start_clock()))
        await send(message)

    return sent


async def _start_clock() -> None:
    """Let timers go off once we listen: what they do comes back to us as requests."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port())
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        clock.start()
        return
