"""What Gold must hold, worked out without the product: plain Python over all events at once.

It knows what docs/gold.md says of a day's figures and of sessions, and nothing of dates to rebuild, snapshots or SQL.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

STEPS = {"view": "product_view", "cart": "add_to_cart", "checkout": "checkout_start", "purchase": "purchase"}
GAP = timedelta(minutes=30)

Row = tuple[Any, ...]


class Event(NamedTuple):
    """An event of Silver, as far as Gold looks at it."""

    at: datetime
    """UTC, without a zone."""
    session: str | None
    kind: str
    device: str | None
    country: str | None
    amount: float | None

    @property
    def member(self) -> str:
        return f"customer of {self.session or 'no session'}"

    @property
    def cents(self) -> int:
        worth = self.kind == "purchase" and self.amount is not None and abs(self.amount) < 1e9
        return round(self.amount * 100) if worth and self.amount else 0


def expected_daily(events: Iterable[Event]) -> list[Row]:
    """Rows of the daily table, sorted: date, event type, device, country, events, hundredths."""
    counts: Counter[Row] = Counter()
    worth: Counter[Row] = Counter()
    for event in events:
        group = (event.at.date(), event.kind, event.device, event.country)
        counts[group] += 1
        worth[group] += event.cents
    return sorted(((*group, count, worth[group]) for group, count in counts.items()), key=repr)


def expected_sessions(events: Iterable[Event]) -> list[Row]:
    """Rows of the sessions, sorted: date, id, first, last, events, after midnight, hundredths, steps, two a step."""
    visitors = defaultdict(list)
    for event in events:
        if event.session:
            visitors[event.session].append(event)
    rows = []
    for visitor, visited in visitors.items():
        for session in visits(sorted(visited, key=lambda event: event.at)):
            first, last = session[0].at, session[-1].at
            after = sum(event.at.date() > first.date() for event in session)
            reached, counts = _funnel(session)
            steps = itertools.chain.from_iterable(zip(reached, counts, strict=True))
            rows.append(
                (
                    *(first.date(), visitor, first, last, len(session), after),
                    *(sum(event.cents for event in session), sum(at is not None for at in reached)),
                    *steps,
                )
            )
    return sorted(rows, key=repr)


def expected_facts(events: Iterable[Event]) -> list[Row]:
    """Rows of the facts, sorted: date, time, event type, amount."""
    return sorted(((event.at.date(), event.at, event.kind, event.amount) for event in events), key=repr)


def expected_members(events: Iterable[Event]) -> list[Row]:
    """Rows of the dimension, sorted: member, first and last seen, events, last known device and country."""
    members: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        members[event.member].append(event)
    return sorted((_member(name, seen) for name, seen in members.items()), key=repr)


def expected_member_days(events: Iterable[Event]) -> list[Row]:
    """The same of each date for itself."""
    days: dict[tuple[date, str], list[Event]] = defaultdict(list)
    for event in events:
        days[event.at.date(), event.member].append(event)
    return sorted(((day, *_member(name, seen)) for (day, name), seen in days.items()), key=repr)


def _member(name: str, seen: list[Event]) -> Row:
    times = [event.at for event in seen]
    devices = [(event.at, event.device) for event in seen if event.device is not None]
    countries = [(event.at, event.country) for event in seen if event.country is not None]
    return name, min(times), max(times), len(seen), _last(devices), _last(countries)


def _last(known: list[tuple[datetime, str]]) -> str | None:
    return max(known)[1] if known else None


def visits(events: list[Any]) -> Iterator[list[Any]]:
    """The sessions of one visitor, of events in the order of their times `at`."""
    chain = [events[0]]
    for earlier, event in itertools.pairwise(events):
        if event.at - earlier.at > GAP:
            yield from _cut(chain)
            chain = []
        chain.append(event)
    yield from _cut(chain)


def _cut(chain: list[Any]) -> Iterator[list[Any]]:
    """Over the first midnight it goes on; over each further one it is another session."""
    by_date: dict[date, list[Any]] = defaultdict(list)
    for event in chain:
        by_date[event.at.date()].append(event)
    days = list(by_date.values())
    yield list(itertools.chain.from_iterable(days[:2]))
    yield from days[2:]


def _funnel(session: list[Event]) -> tuple[list[datetime | None], list[int]]:
    reached: list[datetime | None] = []
    earlier: datetime | None = session[0].at
    for kind in STEPS.values():
        times = [event.at for event in session if event.kind == kind and earlier is not None and event.at >= earlier]
        earlier = times[0] if times else None
        reached.append(earlier)
    return reached, [sum(event.kind == kind for event in session) for kind in STEPS.values()]
