"""Silver of visitors whose segments change, and sessions, a history and a funnel made of it date by date."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from clickstream.lake.windows import hour_text
from clickstream.sources.gold import Gold
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Column, Source
from tests.integration.spark.gold_lake import DAYS, START, GoldLake
from tests.integration.spark.history_reference import (
    Event,
    expected_changes,
    expected_funnel,
    expected_history,
    expected_sessions,
)

ALL = [(START + timedelta(days=day)).date() for day in range(DAYS)]
SEGMENTS = ("newcomer", "bargain hunter", "é", "Z")
GOLD = {
    "event_type": "event_type",
    "tables": {
        # First, though it is made of the others.
        "fact_funnel": {
            "kind": "funnel",
            "sessions": "sessions",
            "history": "user_segments",
            "key": "user_id_hash",
            "columns": ["user_id_hash", "target", "cents"],
        },
        "sessions": {
            "kind": "sessions",
            "key": "session_id",
            "funnel": [
                {"name": "saw_comparison", "event_types": ["page_view"], "holding": {"page_url": "/compare"}},
                {"name": "interacted", "event_types": ["chart_interaction"]},
                {"name": "clicked", "event_types": ["affiliate_click"]},
            ],
            "counts": {"pageviews": ["page_view"], "deeds": ["chart_interaction", "affiliate_click"]},
            "first": {"user_id_hash": "user_id_hash", "target": "affiliate_target", "first_page": "page_url"},
            "last": {"last_page": "page_url"},
            "sums": {"cents": "payout_cents"},
        },
        "user_segments": {
            "kind": "history",
            "event_types": ["segment_change"],
            "key": "user_id_hash",
            "value": "segment_key",
            "active": "segment_active",
        },
    },
}
TYPES = {"payout_cents": "bigint", "segment_active": "boolean"}
COLUMNS = (
    *("event_type", "session_id", "user_id_hash", "page_url", "affiliate_target"),
    *("payout_cents", "segment_key", "segment_active"),
)


def source_with_history(name: str) -> Source:
    """A source whose Gold is GOLD."""
    silver = {column: Column(path=column, type=TYPES.get(column, "string")) for column in COLUMNS}
    update = {"name": name, "silver": silver, "gold": Gold.model_validate(GOLD)}
    return load_sources()[0]["retail_web"].model_copy(update=update)


def make_events(seed: int = 7) -> list[Event]:
    """Visits and changes of segments: across midnights, at equal times, without a session or a user."""
    rng = random.Random(seed)
    events = [event for user in range(24) for event in _of_user(rng, f"user-{user}")]
    events += [_visit_event(rng, START + timedelta(days=rng.random() * DAYS), None, None) for _ in range(20)]
    told = [{"segment": None}, {"user": None}, {"active": None}]
    return [*events, *(_change(rng, START + timedelta(hours=12), "user-1", "Z")._replace(**lack) for lack in told)]


def _of_user(rng: random.Random, user: str) -> Iterator[Event]:
    starts = []
    for visit in range(5):
        at = START + timedelta(days=visit + 1) - timedelta(minutes=rng.choice([15, 90, 700]) * rng.random())
        starts.append(at)
        for _ in range(rng.randrange(1, 12)):
            # Some events do not know their user, and some visits have none at all.
            known = user if rng.random() < 0.7 and not user.endswith("9") else None
            yield _visit_event(rng, at, f"{user}/{visit % 3}", known)
            at += timedelta(seconds=rng.choice([0, 0, 40, 900, 1801]))
    for _ in range(rng.randrange(12)):
        # Also at the very time at which a session starts, and several at one time.
        at = rng.choice([*starts, START + timedelta(hours=rng.randrange(24 * DAYS))])
        segment = rng.choice(SEGMENTS)
        for _ in range(rng.choice([1, 1, 3])):
            yield _change(rng, at, user, segment)


def _visit_event(rng: random.Random, at: datetime, session: str | None, user: str | None) -> Event:
    kind = rng.choice(["page_view", "page_view", "chart_interaction", "affiliate_click"])
    page = rng.choice(["/", "/compare/phones", "/about", None]) if kind == "page_view" else None
    target = rng.choice(["acme", "zenith"]) if kind == "affiliate_click" else None
    cents = rng.choice([0, 125, -3000, 2**62, -(2**63)]) if target else None
    return Event(_id(rng), at, kind, session, user, page, target, cents)


def _change(rng: random.Random, at: datetime, user: str, segment: str) -> Event:
    return Event(_id(rng), at, "segment_change", user=user, segment=segment, active=rng.random() < 0.6)


def _id(rng: random.Random) -> str:
    return f"{rng.getrandbits(64):016x}"


@dataclass
class HistoryLake(GoldLake):
    """Tables of one source with a history."""

    built: set[date] = field(default_factory=set)
    """Event dates that Gold was made of: changes on others are not in the history yet."""

    def arrive(self, events: Iterable[Event], hour: datetime = START) -> set[date]:  # type: ignore[override]
        new = list(events)
        rows = [
            (
                *(event.id, event.at.date(), event.at, event.kind, event.session, event.user, event.page, event.target),
                *(event.cents, event.segment, event.active, hour_text(hour.replace(tzinfo=UTC))),
                hashlib.md5(event.id.encode()).hexdigest(),
            )
            for event in new
        ]
        columns = ", ".join(f"{column} {TYPES.get(column, 'string')}" for column in COLUMNS)
        schema = f"event_id string, event_date date, event_time timestamp_ntz, {columns}, \
            arrival_hour string, raw_hash string"
        made = self.session.createDataFrame(rows, schema)
        missing = [c for c in self.session.table(self._name("silver")).columns if c not in made.columns]
        made.selectExpr("*", *(f"null as {name}" for name in missing)).writeTo(self._name("silver")).append()
        self.events += new
        return {event.at.date() for event in new}

    def build(self, dates: Collection[date]) -> dict[str, Any]:
        self.built |= {*dates}
        return super().build(dates)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        steps = ", ".join(f"{step}_at, {step}_count" for step in ("saw_comparison", "interacted", "clicked"))
        sessions = f"event_date, session_id, started_at, ended_at, event_count, events_after_midnight, steps_reached, \
            {steps}, pageviews, deeds, user_id_hash, target, first_page, last_page, cents"
        funnel = "event_date, session_id, started_at, saw_comparison, interacted, clicked, user_id_hash, target, cents"
        return {
            "fact_funnel": self._select("fact_funnel", f"{funnel}, segments"),
            "sessions": self._select("sessions", sessions),
            "user_segments": self._select(
                "user_segments", "user_id_hash, segment_key, valid_from, valid_to, is_current"
            ),
            "user_segments_changes": self._select(
                "user_segments_changes", "event_date, event_id, event_time, user_id_hash, segment_key, active"
            ),
        }

    def wanted(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            "fact_funnel": expected_funnel(self.events, self.built),
            "sessions": expected_sessions(self.events, self.built),
            "user_segments": expected_history(self.events, self.built),
            "user_segments_changes": expected_changes(self.events, self.built),
        }
