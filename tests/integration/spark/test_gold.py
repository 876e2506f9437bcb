"""Gold is what plain Python makes of the same events, in whatever order dates are made; and SQL sees when it is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from clickstream.provisioning.iceberg_tables import GoldTable, SilverTable
from clickstream.provisioning.resource import Cloud as Account
from clickstream.reconciliation.gold.dates import around
from tests.integration.spark.conftest import NAMES
from tests.integration.spark.gold_lake import DAYS, START, GoldLake, make_events, source_with_gold
from tests.integration.spark.gold_reference import Event

ALL = [(START + timedelta(days=day)).date() for day in range(DAYS)]
MIDDLE = ALL[2]


def empty_lake(session: SparkSession, account: Account) -> GoldLake:
    source = source_with_gold(next(NAMES))
    for table in (SilverTable(source, account), *GoldTable.all_of(source, account)):
        table.create()
    return GoldLake(session, account, source)


@pytest.fixture
def lake(session: SparkSession, account: Account) -> GoldLake:
    """Empty tables."""
    return empty_lake(session, account)


@pytest.fixture
def built(lake: GoldLake) -> GoldLake:
    """All events in Silver, and Gold made of them at once."""
    lake.build(around(lake.arrive(make_events())))
    return lake


@pytest.fixture(scope="module")
def mended(session: SparkSession, account: Account) -> GoldLake:
    """As `built`, for all tests that leave Gold as it was."""
    lake = empty_lake(session, account)
    lake.build(around(lake.arrive(make_events())))
    return lake


def test_all_dates_at_once_and_again(built: GoldLake) -> None:
    once = built.rows()
    assert once == built.wanted()
    newest = built.summaries("gold_sessions")
    built.build(ALL)
    assert built.rows() == once
    assert built.summaries("gold_sessions").id != newest.id
    assert built.check(ALL) == {}


def test_dates_one_by_one_in_reverse_and_with_late_events(lake: GoldLake) -> None:
    events = make_events(8)
    late = [event for number, event in enumerate(events) if number % 5 == 0]
    lake.arrive(event for number, event in enumerate(events) if number % 5)
    for day in reversed(ALL):
        result = lake.build([day])
        assert result["dates"] == [str(day)]
    assert lake.rows() == lake.wanted()
    for day in (ALL[3], ALL[0], MIDDLE, ALL[4], ALL[1]):
        touched = lake.arrive(event for event in late if event.at.date() == day)
        lake.build(around(touched))
        assert lake.rows() == lake.wanted()
    assert lake.check(ALL) == {}


def test_a_snapshot_says_what_it_was_made_of(built: GoldLake) -> None:
    silver = built.snapshot("silver")
    built.arrive([Event(START, "later", "click", None, None, None)])
    made = built.summaries("gold_daily")
    assert made.run_id == f"{built.source.name}.1"
    assert set(made.dates) >= {str(day) for day in ALL}
    assert made.attempt == built.summaries("gold_sessions").attempt
    assert silver != built.snapshot("silver")


def test_gold_is_made_of_the_snapshot_that_the_plan_names_whatever_is_in_silver_by_then(lake: GoldLake) -> None:
    from gold_job.events import silver_rows  # type: ignore[import-not-found,unused-ignore]

    lake.arrive([Event(START, "one", "click", None, None, None)])
    planned = lake.snapshot("silver")
    lake.arrive([Event(START, "later", "click", None, None, None)])
    lake.refresh()
    assert [row.session_id for row in silver_rows(lake.session, lake.source, planned).collect()] == ["one"]


def test_figures_of_a_date_are_conserved(mended: GoldLake) -> None:
    answers = mended.answers([MIDDLE])
    of_date = [event for event in mended.events if event.at.date() == MIDDLE]
    in_session = [event for event in of_date if event.session]
    (daily,), (sessions,) = answers["gold_daily"], answers["gold_sessions"]
    for of_events in ("facts", "members"):
        (row,) = answers[of_events]
        assert (row["silver_events"], row["gold_events"]) == (str(len(of_date)),) * 2
    assert (daily["silver_events"], daily["gold_events"]) == (str(len(of_date)),) * 2
    assert (sessions["silver_events"], sessions["gold_events"]) == (str(len(in_session)),) * 2
    worth = sum(event.cents for event in of_date)
    assert (daily["silver_cents"], daily["gold_cents"]) == (str(worth),) * 2
    held = mended.held([MIDDLE])[MIDDLE]
    assert (held.content.records, held.in_hours) == (len(of_date), len(of_date))
    assert held.without_session == len(of_date) - len(in_session)


def _delete_row(kind: str, where: str) -> Callable[[GoldLake], None]:
    return lambda lake: _run(lake, f"DELETE FROM {lake.table(kind)} WHERE event_date = DATE '{MIDDLE}' AND {where}")


def _update(kind: str, change: str, where: str) -> Callable[[GoldLake], None]:
    return lambda lake: _run(
        lake, f"UPDATE {lake.table(kind)} SET {change} WHERE event_date = DATE '{MIDDLE}' AND {where}"
    )


def _run(lake: GoldLake, sql: str) -> None:
    before = lake.rows()
    lake.ask(sql)
    assert lake.rows() != before, "the deed did nothing"


def _update_member(change: str) -> Callable[[GoldLake], None]:
    return lambda lake: _run(lake, f"UPDATE {lake.table('members')} SET {change} WHERE {_is_member_of_date(lake)}")


def _forget_member(lake: GoldLake) -> None:
    _run(lake, f"DELETE FROM {lake.table('members')} WHERE {_is_member_of_date(lake)}")


def _is_member_of_date(lake: GoldLake) -> str:
    """One member that has events on the date."""
    of_date = f"SELECT max(customer_id) FROM {lake.table('members_days')} WHERE event_date = DATE '{MIDDLE}'"
    return f"customer_id = ({of_date})"


def _copy_rows(lake: GoldLake) -> None:
    _run(lake, f"INSERT INTO {lake.table('gold_daily')} SELECT * FROM {lake.table('gold_daily')}")


DEEDS: dict[str, tuple[Callable[[GoldLake], None], set[str]]] = {
    "a count": (_update("gold_daily", "event_count = event_count + 1", "event_type = 'click'"), {"gold_differs"}),
    "a lost row": (_delete_row("gold_daily", "country IS NULL"), {"gold_differs"}),
    "doubled rows": (_copy_rows, {"gold_differs"}),
    "revenue": (_update("gold_daily", "revenue = revenue + 0.01", "event_type = 'purchase'"), {"gold_differs"}),
    "a lost session": (_delete_row("gold_sessions", "session_id LIKE 'visitor-%'"), {"sessions_differ"}),
    "another end": (
        _update("gold_sessions", "ended_at = date_add('minute', 1, ended_at)", "event_count > 3"),
        {"sessions_differ"},
    ),
    "a session's revenue": (_update("gold_sessions", "revenue = revenue + 1", "event_count > 3"), {"sessions_differ"}),
    "another midnight": (
        _update("gold_sessions", "events_after_midnight = events_after_midnight + 1", "event_count > 3"),
        {"sessions_differ"},
    ),
    "a step that was not reached": (
        _update("gold_sessions", "cart_at = started_at", "cart_at IS NULL"),
        {"funnel_differs"},
    ),
    "a step's count": (
        _update("gold_sessions", "view_count = view_count + 1", "view_count > 0"),
        {"funnel_differs"},
    ),
    "the steps reached": (_update("gold_sessions", "steps_reached = 4", "steps_reached = 2"), {"funnel_differs"}),
    "a fact's amount": (_update("facts", "amount = 1.5", "amount = 7.5"), {"gold_differs"}),
    "a lost fact": (_delete_row("facts", "kind = 'click'"), {"gold_differs"}),
    "a member's last event": (_update_member("last_seen = date_add('minute', 1, last_seen)"), {"gold_differs"}),
    "a member's events": (_update_member("event_count = event_count - 1"), {"gold_differs"}),
    "what was last known of a member": (_update_member("country = 'FR'"), {"gold_differs"}),
    "what a date says of a member": (
        _update("members_days", "device = 'tv'", "device = 'mobile'"),
        {"gold_differs"},
    ),
    "a lost member": (_forget_member, {"gold_differs"}),
    "a step too late": (
        _update("gold_sessions", "purchase_at = ended_at", "purchase_at < ended_at"),
        {"funnel_differs"},
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_wrong_in_gold_is_found(deed: str, mended: GoldLake) -> None:
    do, codes = DEEDS[deed]
    before = mended.snapshots()
    do(mended)
    found = mended.check([MIDDLE])
    mended.roll_back(before)
    assert {*found} == {str(MIDDLE)}
    assert {finding.code for findings in found.values() for finding in findings} == codes


def test_whatever_is_wrong_is_mended_by_making_it_anew(mended: GoldLake) -> None:
    before = mended.snapshots()
    for deed in sorted(DEEDS, key=lambda deed: "lost" in deed):  # what is gone cannot be changed any more
        do, _ = DEEDS[deed]
        do(mended)
    assert {kind for kind, snapshot in mended.snapshots().items() if snapshot != before[kind]} == {*mended.rows()}
    mended.build(ALL)
    assert mended.rows() == mended.wanted()
    assert mended.check(ALL) == {}


def test_sessions_that_end_at_every_midnight_are_found(built: GoldLake) -> None:
    """They conserve every sum; only SQL that puts events together itself sees it."""
    table = built.table("gold_sessions")
    columns = "session_id, started_at, ended_at, event_count, events_after_midnight, revenue, steps_reached"
    steps = ", ".join(f"{step}_{what}" for step in ("view", "cart", "checkout", "purchase") for what in ("at", "count"))
    after = f"event_date = DATE '{MIDDLE}' AND events_after_midnight > 0"
    built.ask(
        f"INSERT INTO {table} (event_date, {columns}, {steps}) SELECT date_add('day', 1, event_date), session_id, "
        f"ended_at, ended_at, events_after_midnight, 0, revenue, steps_reached, {steps} FROM {table} WHERE {after}"
    )
    built.ask(
        f"UPDATE {table} SET event_count = event_count - events_after_midnight, events_after_midnight = 0 WHERE {after}"
    )
    found = built.check([MIDDLE])
    assert "sessions_differ" in {finding.code for finding in found[str(MIDDLE)]}


@pytest.mark.parametrize(
    "table",
    ["gold_sessions", "members", *(pytest.param(name, marks=pytest.mark.full) for name in ("gold_daily", "facts"))],
)
def test_a_write_that_loses_something_is_not_published_and_its_branch_is_kept_for_a_look(
    table: str, mended: GoldLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from branched_table import BranchedTable  # type: ignore[import-not-found,unused-ignore]
    from gold_job.table import AuditFailed  # type: ignore[import-not-found,unused-ignore]

    honest, before = BranchedTable._overwrite, mended.rows()

    def careless(branched: Any, rows: Any, *rest: Any) -> None:
        honest(branched, rows.limit(1) if branched.name.endswith(f".{mended.source.table(table)}") else rows, *rest)

    with monkeypatch.context() as patch, pytest.raises(AuditFailed, match=rf"{table}\.branch_run_\w+ is kept"):
        patch.setattr(BranchedTable, "_overwrite", careless)
        mended.build(around([MIDDLE]))
    assert mended.rows() == before
    assert {*mended.branches()} == {*before}
    mended.build(around([MIDDLE]))
    assert mended.rows() == before
    assert mended.branches() == {}


def test_a_date_whose_events_are_gone_is_cleared(built: GoldLake) -> None:
    gone: date = ALL[4]
    built.session.sql(
        f"delete from glue_catalog.clickstream.{built.source.table('silver')} where event_date = '{gone}'"
    )
    built.events = [event for event in built.events if event.at.date() != gone]
    built.build(around([gone]))
    assert built.rows() == built.wanted()
