"""Spreading records over a stretch of the local cloud's time, within what the path takes.

The unit is a share: a shard takes 1,000 a second, and a record is one for each begun 1,000 bytes of it, so that
both limits, 1,000 records/s and 1 MB/s, are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from clickstream.sources.model import Source
from commands.cloud_clock import CloudClock
from commands.terminal import Failed

SHARES_PER_SECOND = 1000
BYTES_PER_SHARE = 1000
STEP = 500
"""Shares between two moves of the clock: as many as the producer puts at once when records are small."""


SHARDS_OF_A_DELIVERY = 5
"""A delivery that is put to directly takes 5 MiB a second, and more records than these shards would."""


class TooMuch(Failed):
    """The records need more time than there is; the text has the numbers."""


@dataclass
class Load:
    """How much there is to send."""

    records: int = 0
    size: int = 0
    shares: int = 0

    @classmethod
    def of(cls, records: Iterable[bytes]) -> Self:
        load = cls()
        for record in records:
            load.records += 1
            load.size += len(record)
            load.shares += _shares(record)
        return load


def shards_of(source: Source) -> int:
    """The shards that a source's path takes as much as."""
    return source.stream.shards_at_first if source.stream else SHARDS_OF_A_DELIVERY


def paced(
    records: Iterable[bytes], load: Load, clock: CloudClock, start: datetime, end: datetime, shards: int
) -> Iterator[bytes]:
    """The records, moving the clock on before each step of them so that they are spread evenly from start to end.

    :param load: of these records.
    :param shards: what the path takes; see `shards_of`.
    :raises TooMuch: before the first record: the shards cannot take them in that time.
    """
    available = (end - start).total_seconds()
    needed = load.shares / (SHARES_PER_SECOND * shards)
    if needed > available:
        raise TooMuch(
            f"{load.records:,} records ({load.size / 1e6:,.1f} MB) take {needed:,.1f} s at the limits of {shards} "
            f"shards (1,000 records/s and 1 MB/s each); from {start:%H:%M:%S} there are {available:,.1f} s for them"
        )
    return _spread(records, clock, start, timedelta(seconds=available / max(load.shares, 1)))


def _spread(records: Iterable[bytes], clock: CloudClock, start: datetime, share: timedelta) -> Iterator[bytes]:
    sent, next_step = 0, 0
    for record in records:
        if sent >= next_step:
            clock.advance(start + sent * share)
            next_step = sent + STEP
        yield record
        sent += _shares(record)


def _shares(record: bytes) -> int:
    return -(-len(record) // BYTES_PER_SHARE)
