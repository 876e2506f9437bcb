"""Pacing: how far the clock is moved before which record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from clickstream.sources.loader import load_sources
from commands.cloud_clock import CloudClock
from commands.pacing import STEP, Load, TooMuch, paced, shards_of

START = datetime(2026, 11, 18, 13, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock(CloudClock):
    """A clock that writes down where it is moved; without a cloud, and it does not tick."""

    def __init__(self) -> None:
        self.moves: list[datetime] = []

    def advance(self, when: datetime) -> None:
        self.moves.append(when)


def _send(records: list[bytes], end: datetime, shards: int = 2) -> tuple[Clock, list[int]]:
    """The clock, and how many records had been pulled at each of its moves."""
    clock = Clock()
    pulled: list[int] = []
    for number, _ in enumerate(paced(records, Load.of(records), clock, START, end, shards)):
        if len(clock.moves) > len(pulled):
            pulled.append(number)
    return clock, pulled


def test_small_records_are_spread_evenly_a_producers_batch_at_a_time() -> None:
    clock, pulled = _send([b"x" * 200] * 2000, START + HOUR)
    assert pulled == [0, STEP, 2 * STEP, 3 * STEP]
    assert clock.moves == [START + n * HOUR / 4 for n in range(4)]


def test_large_records_count_by_their_bytes() -> None:
    clock, pulled = _send([b"x" * 250_000] * 8, START + HOUR)
    assert pulled == [0, 2, 4, 6]
    assert clock.moves == [START + n * HOUR / 4 for n in range(4)]


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("record", [b"x", b"x" * 1500, b"x" * 1_000_000])
def test_no_second_gets_more_than_the_shards_take(record: bytes, shards: int) -> None:
    count = 3 * shards * 1000 * 1000 // max(1000, len(record))
    clock, pulled = _send([record] * count, START + timedelta(seconds=6), shards)
    for (began, at), (ended, later) in pairwise(zip(pulled, clock.moves, strict=True)):
        seconds = (later - at).total_seconds()
        assert ended - began <= 1000 * shards * seconds
        assert (ended - began) * len(record) <= 1_000_000 * shards * seconds


def test_what_the_shards_cannot_take_in_time_is_refused_with_the_numbers() -> None:
    records = [b"x"] * 4001
    assert Load.of(records) == Load(4001, 4001, 4001)
    with pytest.raises(TooMuch) as refusal:
        _send(records, START + timedelta(seconds=2))
    assert str(refusal.value) == (
        "4,001 records (0.0 MB) take 2.0 s at the limits of 2 shards (1,000 records/s and 1 MB/s each); "
        "from 13:00:00 there are 2.0 s for them"
    )
    assert _send(records[1:], START + timedelta(seconds=2))[0].moves


def test_a_path_takes_what_its_shards_take_or_what_firehose_does() -> None:
    source = load_sources()[0]["retail_web"]
    assert shards_of(source) == 2
    on_demand = source.declared_stream.model_copy(update={"mode": "on_demand", "shards": None})
    assert shards_of(source.model_copy(update={"stream": on_demand})) == 4
    assert shards_of(source.model_copy(update={"stream": None})) == 5


def test_no_records_move_no_clock() -> None:
    assert _send([], START + HOUR)[0].moves == []
