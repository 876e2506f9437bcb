"""What sessions with further columns, a history and a funnel must hold, worked out without the product: plain Python.

It knows what docs/gold.md says of them, and nothing of dates to rebuild, snapshots, branches or SQL.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from tests.integration.spark.gold_reference import Row, visits


class Event(NamedTuple):
    """An event of Silver, as far as these tables look at it."""

    id: str
    at: datetime
    """UTC, without a zone."""
    kind: str
    session: str | None = None
    user: str | None = None
    page: str | None = None
    target: str | None = None
    cents: int | None = None
    segment: str | None = None
    active: bool | None = None


def expected_sessions(events: Iterable[Event], dates: Collection[date]) -> list[Row]:
    """Rows of the sessions, sorted: date, id, first, last, events, after midnight, steps, two a step, page views,
    deeds, first user, target and page, last page, cents."""
    rows = []
    for session in _sessions(events, dates):
        at_compare, at_chart, at_click = _reached(session)
        rows.append(
            (
                *(session[0].at.date(), session[0].session, session[0].at, session[-1].at, len(session)),
                sum(event.at.date() > session[0].at.date() for event in session),
                sum(at is not None for at in (at_compare, at_chart, at_click)),
                *(at_compare, sum(map(_compares, session))),
                *(at_chart, _count(session, "chart_interaction")),
                *(at_click, _count(session, "affiliate_click")),
                *(_count(session, "page_view"), _count(session, "chart_interaction", "affiliate_click")),
                *(_first(session, "user"), _first(session, "target"), _first(session, "page"), _last(session, "page")),
                sum(event.cents for event in session if event.cents is not None and abs(event.cents) < 1e9),
            )
        )
    return sorted(rows, key=repr)


def expected_changes(events: Iterable[Event], dates: Collection[date]) -> list[Row]:
    """Rows of the changes, sorted: date, event id, time, user, segment, active."""
    return sorted(
        (
            (event.at.date(), event.id, event.at, event.user, event.segment, event.active)
            for event in _told(events, dates)
        ),
        key=repr,
    )


def expected_history(events: Iterable[Event], dates: Collection[date]) -> list[Row]:
    """Rows of the history of the changes that some dates tell, sorted: user, segment, from, to, current."""
    members = defaultdict(list)
    for event in _told(events, dates):
        members[event.user, event.segment].append(event)
    rows: list[Row] = []
    for (user, segment), told in members.items():
        since: datetime | None = None
        for at, at_once in itertools.groupby(
            sorted(told, key=lambda event: (event.at, event.id)), lambda event: event.at
        ):
            *_, counts = at_once
            if counts.active and since is None:
                since = at
            elif not counts.active and since is not None:
                rows.append((user, segment, since, at, False))
                since = None
        if since is not None:
            rows.append((user, segment, since, None, True))
    return sorted(rows, key=repr)


def expected_funnel(events: Iterable[Event], dates: Collection[date]) -> list[Row]:
    """Rows of the funnel, sorted: date, id, first event, three steps, user, target, cents, segments."""
    events = list(events)
    history = expected_history(events, dates)
    rows = []
    for day, session_id, started_at, *_, user, target, _, _, cents in expected_sessions(events, dates):
        segments = sorted(
            segment
            for member, segment, since, until, _ in history
            if member == user and since <= started_at and (until is None or started_at < until)
        )
        rows.append((day, session_id, started_at, user, target, cents, segments))
    steps = {row[:3]: [at is not None for at in row[7:13:2]] for row in map(tuple, expected_sessions(events, dates))}
    return sorted(((*row[:3], *steps[row[0], row[1], row[2]], *row[3:]) for row in rows), key=repr)


def _sessions(events: Iterable[Event], dates: Collection[date]) -> Iterator[list[Event]]:
    visitors = defaultdict(list)
    for event in events:
        if event.session:
            visitors[event.session].append(event)
    for visited in visitors.values():
        for session in visits(sorted(visited, key=lambda event: event.at)):
            if session[0].at.date() in dates:
                yield session


def _told(events: Iterable[Event], dates: Collection[date]) -> Iterator[Event]:
    for event in events:
        whole = None not in (event.user, event.segment, event.active)
        if event.kind == "segment_change" and whole and event.at.date() in dates:
            yield event


def _compares(event: Event) -> bool:
    return event.kind == "page_view" and "/compare" in (event.page or "")


def _reached(session: list[Event]) -> list[datetime | None]:
    steps = [
        [event.at for event in session if _compares(event)],
        [event.at for event in session if event.kind == "chart_interaction"],
        [event.at for event in session if event.kind == "affiliate_click"],
    ]
    reached: list[datetime | None] = []
    earlier: datetime | None = session[0].at
    for times in steps:
        earlier = next((at for at in times if earlier is not None and at >= earlier), None)
        reached.append(earlier)
    return reached


def _count(session: list[Event], *kinds: str) -> int:
    return sum(event.kind in kinds for event in session)


def _first(session: list[Event], field: str) -> Any:
    known = [(event.at, value) for event in session if (value := getattr(event, field)) is not None]
    return min(known)[1] if known else None


def _last(session: list[Event], field: str) -> Any:
    known = [(event.at, value) for event in session if (value := getattr(event, field)) is not None]
    return max(known)[1] if known else None
