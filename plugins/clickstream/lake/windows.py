"""Arrival hours, and the windows of them that a run works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

HOUR = timedelta(hours=1)


def hour_of(moment: datetime) -> datetime:
    """The start of the hour that a moment lies in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def hour_text(hour: datetime) -> str:
    """An arrival hour as it stands in tables, ledger and plans: `2026-11-18T13:00:00Z`."""
    return hour.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_hour(text: str) -> datetime:
    """The inverse of `hour_text`.

    Raises:
        ValueError: no time in UTC, or not a whole hour.
    """
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0):
        raise ValueError(f"{text!r} is not a time in UTC, such as 2026-11-18T13:00:00Z")
    if moment != hour_of(moment):
        raise ValueError(f"{text!r} is not a whole hour")
    return moment.astimezone(UTC)


@dataclass(frozen=True)
class Window:
    """`[start, end)` in whole arrival hours.

    Example:
        >>> len(Window.parse("2026-11-18T00:00:00Z/2026-11-19T00:00:00Z"))
        24
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"the window {self} is empty: its start must lie before its end")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `start/end`, the ISO 8601 form of an interval.

        Raises:
            ValueError: not two whole hours in UTC, or empty.
        """
        start, slash, end = text.partition("/")
        if not slash:
            raise ValueError(f"{text!r} is no window: write START/END, both whole hours in UTC")
        return cls(parse_hour(start), parse_hour(end))

    def __iter__(self) -> Iterator[datetime]:
        hour = self.start
        while hour < self.end:
            yield hour
            hour += HOUR

    def __len__(self) -> int:
        return int((self.end - self.start) / HOUR)

    def __str__(self) -> str:
        return f"{hour_text(self.start)}/{hour_text(self.end)}"
