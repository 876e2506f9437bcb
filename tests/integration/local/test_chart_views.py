"""The views of the comparison charts on the local Athena, against plain Python over the same rows."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from clickstream.lake.queries import FOLDER, Table, render
from tests.integration.local.athena_queries import Athena, Row
from tests.integration.local.conftest import Cloud

VIEWS = FOLDER / "views" / "chart_affiliates"
START = datetime.fromisoformat("2026-11-17")
DAY = timedelta(days=1)
DATES = [START.date(), START.date() + DAY, START.date() + 2 * DAY]

TABLES = {
    "fact_affiliate_clicks": "event_date date, event_id string, affiliate_link_id string, affiliate_target string, "
    "payout_cents bigint, corrected_by string",
    "fact_funnel": "event_date date, session_id string, ab_variant string, saw_comparison boolean, "
    "interacted_chart boolean, clicked_affiliate boolean, payout_cents bigint",
    "user_segments": "user_id_hash string, segment_key string, valid_from timestamp, valid_to timestamp",
}
"""The columns of Gold that the views read."""


class Click(NamedTuple):
    day: date
    id: str
    link: str | None
    target: str | None
    payout: int | None
    corrected_by: str | None


class Session(NamedTuple):
    day: date
    id: str
    variant: str | None
    saw: bool
    interacted: bool
    clicked: bool
    payout: int | None


class Stay(NamedTuple):
    """A user's time in a segment."""

    user: str
    segment: str
    begins: datetime
    ends: datetime | None


def _stays(rng: random.Random) -> list[Stay]:
    stays = [
        Stay("whole day", "s1", START, START + DAY),
        Stay("until midnight and again", "s1", START - DAY, START),
        Stay("until midnight and again", "s1", START + timedelta(hours=3), None),
    ]
    for number in range(120):
        begins = START + timedelta(hours=rng.randrange(-30, 70))
        ends = rng.choice([None, begins + timedelta(hours=rng.randrange(1, 40))])
        stays.append(Stay(f"u{number % 23}", rng.choice(["s1", "s2", "o'clock"]), begins, ends))
    return stays


RNG = random.Random(3)
LINKS = [("studio-top", "studio.example"), ("studio-row", "studio.example"), (None, None)]
CLICKS = [
    Click(RNG.choice(DATES), f"e{n}", *RNG.choice(LINKS), RNG.choice([None, 0, 4200, 70]), RNG.choice([None, "e900"]))
    for n in range(80)
]
SESSIONS = [
    Session(
        RNG.choice(DATES), f"s{n}", RNG.choice("AB") if n % 9 else None, n % 7 < 5, n % 7 < 3, n % 7 < 1, n % 4 or None
    )
    for n in range(120)
]
STAYS = _stays(RNG)
ROWS: dict[str, list[Any]] = {"fact_affiliate_clicks": CLICKS, "fact_funnel": SESSIONS, "user_segments": STAYS}


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int():
            return str(value)
        case datetime():
            return f"TIMESTAMP '{value}'"
        case date():
            return f"DATE '{value}'"
        case _:
            return "'" + str(value).replace("'", "''") + "'"


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    return Athena(common_cloud)


def view(athena: Athena, name: str, *tables: str) -> list[Row]:
    """The rows of a view over the tables that it names."""
    for table in tables:
        athena.run(
            f"CREATE TABLE {table} ({TABLES[table]}) LOCATION 's3://{athena.bucket}/{table}/' "
            "TBLPROPERTIES ('table_type' = 'ICEBERG')"
        )
        rows = ", ".join(f"({', '.join(map(_literal, row))})" for row in ROWS[table])
        athena.run(f"INSERT INTO {table} VALUES {rows}")
    lines = render(name, VIEWS, **{table: Table(athena.database, table) for table in tables}).splitlines()
    query = "\n".join(line for line in lines if not line.startswith("--"))
    athena.run(f"CREATE OR REPLACE VIEW {name} AS\n{query}")
    return athena.rows(f"SELECT * FROM {name}")


def test_each_view_is_tested_here() -> None:
    assert {file.stem for file in VIEWS.iterdir()} == {"affiliate_payouts", "funnel_by_variant", "active_segments"}


def _told(*values: object) -> Row:
    return tuple(None if value is None else str(value) for value in values)


def test_payouts_by_link_and_day(athena: Athena) -> None:
    of_link = defaultdict(list)
    for click in CLICKS:
        of_link[click.day, click.link, click.target].append(click)
    expected = {
        _told(
            *link,
            len(clicks),
            sum(click.payout is not None for click in clicks),
            sum(click.corrected_by is not None for click in clicks),
            sum(click.payout or 0 for click in clicks),
        )
        for link, clicks in of_link.items()
    }
    found = view(athena, "affiliate_payouts", "fact_affiliate_clicks")
    assert len(found) == len(expected)
    assert {*found} == expected


def test_the_funnel_by_variant(athena: Athena) -> None:
    of_variant = defaultdict(list)
    for session in SESSIONS:
        of_variant[session.day, session.variant].append(session)
    expected = {
        _told(
            *variant,
            len(sessions),
            sum(session.saw for session in sessions),
            sum(session.interacted for session in sessions),
            sum(session.clicked for session in sessions),
            sum(session.clicked for session in sessions) / len(sessions),
            sum(session.payout or 0 for session in sessions),
        )
        for variant, sessions in of_variant.items()
    }
    found = view(athena, "funnel_by_variant", "fact_funnel")
    assert len(found) == len(expected)
    assert {*found} == expected


def test_active_segments_by_day(athena: Athena) -> None:
    users: dict[tuple[date, str], set[str]] = defaultdict(set)
    at_end: dict[tuple[date, str], set[str]] = defaultdict(set)
    for day in DATES:
        midnight = datetime.combine(day, datetime.min.time())
        for second in range(0, 86_400, 1800):
            # The stays begin and end at whole hours.
            moment = midnight + timedelta(seconds=second)
            for stay in STAYS:
                if stay.begins <= moment and (stay.ends is None or moment < stay.ends):
                    users[day, stay.segment].add(stay.user)
                    if second == 86_400 - 1800:
                        at_end[day, stay.segment].add(stay.user)
    expected = Counter(_told(*key, len(of_day), len(at_end[key])) for key, of_day in users.items())
    found = view(athena, "active_segments", "fact_funnel", "user_segments")
    assert Counter(found) == expected
    assert any(row[2] != row[3] for row in found)
