"""Waits on one service share a client, which lives as long as one of them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Self

import pytest

from clickstream.airflow.triggers import shared_client as module
from clickstream.airflow.triggers.shared_client import shared_client

HOOK = SimpleNamespace(client_type="glue", aws_conn_id="aws_default")


class Service:
    """Makes clients, and knows which of them are open."""

    def __init__(self) -> None:
        self.made = 0
        self.open: list[Client] = []

    async def connect(self) -> Client:
        await asyncio.sleep(0)
        self.made += 1
        return Client(self)


class Client:
    def __init__(self, service: Service) -> None:
        self.service = service

    async def __aenter__(self) -> Self:
        self.service.open.append(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.service.open.remove(self)


def test_waits_at_once_share_a_client_that_the_last_closes() -> None:
    service = Service()

    async def wait(ended: asyncio.Event) -> Client:
        async with shared_client(HOOK, service.connect) as client:
            await ended.wait()
            assert client in service.open
            return client  # type: ignore[no-any-return]

    async def both() -> None:
        first, second = asyncio.Event(), asyncio.Event()
        waits = [asyncio.create_task(wait(first)), asyncio.create_task(wait(second))]
        first.set()
        one = await waits[0]
        second.set()
        assert await waits[1] is one

    asyncio.run(both())
    assert (service.made, service.open) == (1, [])
    asyncio.run(both())
    assert (service.made, service.open) == (2, [])


def test_a_wait_that_is_killed_while_it_connects_takes_nothing_from_the_others() -> None:
    service, ready = Service(), asyncio.Event()

    async def connect() -> Client:
        await ready.wait()
        return await service.connect()

    async def wait() -> bool:
        async with shared_client(HOOK, connect) as client:
            return client in service.open

    async def kill_one() -> None:
        killed, other = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        killed.cancel()
        await asyncio.wait([killed])
        ready.set()
        assert await other

    asyncio.run(kill_one())
    assert (service.made, service.open) == (1, [])


def test_one_that_cannot_be_made_fails_who_asked_and_is_tried_anew() -> None:
    service = Service()

    async def refuse() -> Client:
        raise ConnectionError("no such connection")

    async def ask() -> None:
        with pytest.raises(ConnectionError):
            async with shared_client(HOOK, refuse):
                pass
        async with shared_client(HOOK, service.connect) as client:
            assert client in service.open

    asyncio.run(ask())
    assert service.open == []


def test_other_services_and_old_clients_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()

    async def ask() -> None:
        async with (
            shared_client(HOOK, service.connect) as glue,
            shared_client(SimpleNamespace(client_type="athena", aws_conn_id="aws_default"), service.connect) as athena,
        ):
            monkeypatch.setattr(module, "MAX_AGE_SECONDS", -1)
            async with shared_client(HOOK, service.connect) as later:
                assert len({glue, athena, later}) == 3
            assert service.open == [glue, athena]

    asyncio.run(ask())
    assert service.open == []
