"""A history and a funnel are what plain Python makes of the same events, in any order; SQL sees when they are not."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from clickstream.provisioning.iceberg_tables import GoldTable, SilverTable
from clickstream.provisioning.resource import Cloud as Account
from clickstream.reconciliation.gold.dates import around
from tests.integration.spark.conftest import NAMES
from tests.integration.spark.gold_lake import START
from tests.integration.spark.gold_reference import Row
from tests.integration.spark.history_lake import ALL, HistoryLake, make_events, source_with_history
from tests.integration.spark.history_reference import Event

MIDDLE = ALL[2]


def empty_lake(session: SparkSession, account: Account) -> HistoryLake:
    source = source_with_history(next(NAMES))
    for table in (SilverTable(source, account), *GoldTable.all_of(source, account)):
        table.create()
    return HistoryLake(session, account, source)


@pytest.fixture
def lake(session: SparkSession, account: Account) -> HistoryLake:
    """Empty tables."""
    return empty_lake(session, account)


@dataclass(frozen=True)
class Made:
    """What one run of the job did, and what readers saw after it.

    Attributes:
        asked: the dates that it was asked for.
        replaced: the dates that it says it replaced.
        by_table: the dates that the new snapshot of each table names.
        rows, wanted: by table, of the job and of plain Python.
    """

    asked: list[str]
    replaced: list[str]
    by_table: dict[str, set[str]]
    rows: dict[str, list[Row]]
    wanted: dict[str, list[Row]]


def make(lake: HistoryLake, dates: Collection[date]) -> Made:
    replaced = lake.build(dates)["dates"]
    by_table = {kind: {*lake.summaries(kind).dates} for kind in lake.source.declared_gold.stored}
    return Made([*map(str, dates)], replaced, by_table, lake.rows(), lake.wanted())


@pytest.fixture(scope="module")
def runs(session: SparkSession, account: Account) -> tuple[HistoryLake, list[Made]]:
    """The last dates first, then those before, then late events of one date in the middle of them."""
    lake = empty_lake(session, account)
    events = make_events(10)
    late = {event for number, event in enumerate(events) if number % 4 == 0 and event.at.date() == ALL[1]}
    lake.arrive(event for event in events if event not in late)
    made = [make(lake, ALL[3:]), make(lake, ALL[:3])]
    return lake, [*made, make(lake, around(lake.arrive(late)))]


@pytest.fixture
def settled(runs: tuple[HistoryLake, list[Made]]) -> HistoryLake:
    """The lake after these; tests leave Gold true to Silver."""
    return runs[0]


@pytest.mark.parametrize("number", range(3), ids=["last dates", "dates before", "late events"])
def test_each_run_leaves_what_plain_python_makes(number: int, runs: tuple[HistoryLake, list[Made]]) -> None:
    assert runs[1][number].rows == runs[1][number].wanted


def test_changes_reach_the_sessions_of_later_dates_in_the_funnel_only(
    runs: tuple[HistoryLake, list[Made]],
) -> None:
    _, before, late = runs[1]
    assert before.replaced == [*map(str, ALL)]
    assert str(ALL[4]) in {*late.replaced} - {*late.asked}
    for made in (before, late):
        assert made.by_table == {kind: {*made.asked} for kind in made.by_table} | {"fact_funnel": {*made.replaced}}
    held, holds = before.rows["fact_funnel"], late.rows["fact_funnel"]
    assert {row[:3] for row in holds if row[0] == ALL[4] and row not in held}


def test_sql_finds_nothing_wrong(settled: HistoryLake) -> None:
    assert settled.check(ALL) == {}


@pytest.mark.full
@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (2, 4, 0, 3, 1)])
def test_days_one_by_one_in_any_order_and_late_events(order: tuple[int, ...], lake: HistoryLake) -> None:
    events = make_events(sum(order[:2]))
    dates = {ALL[order[1]], ALL[order[2]]}
    late = {event for number, event in enumerate(events) if number % 5 == 0 and event.at.date() in dates}
    lake.arrive(event for event in events if event not in late)
    for number in order:
        lake.build([ALL[number]])
        assert lake.rows() == lake.wanted()
    for number in (order[1], order[2]):
        touched = lake.arrive(event for event in late if event.at.date() == ALL[number])
        lake.build(around(touched))
        assert lake.rows() == lake.wanted()
    assert lake.check(ALL) == {}
    once, newest = lake.rows(), lake.snapshot("user_segments")
    lake.build(lake.built)
    assert lake.rows() == once
    assert lake.snapshot("user_segments") != newest


@pytest.mark.full
def test_a_change_that_goes_away_again_leaves_no_trace(settled: HistoryLake) -> None:
    change = Event("gone", START, "segment_change", user="user-0", segment="passing", active=True)
    before = settled.rows()
    settled.arrive([change])
    assert settled.build(around([ALL[0]]))["dates"][-1] > str(around([ALL[0]])[-1])
    assert settled.rows() == settled.wanted() != before
    settled.session.sql(f"delete from {settled._name('silver')} where event_id = 'gone'")
    settled.events.remove(change)
    settled.build(around([ALL[0]]))
    assert settled.rows() == settled.wanted() == before


@pytest.mark.full
@pytest.mark.parametrize("table", ["fact_funnel", "sessions", "user_segments", "user_segments_changes"])
def test_a_job_that_is_killed_before_it_publishes_a_table_is_made_up_for(
    table: str, settled: HistoryLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from branched_table import BranchedTable  # type: ignore[import-not-found,unused-ignore]

    honest = BranchedTable.publish

    def killed(branched: Any) -> int:
        if str(branched).startswith(f"clickstream.{settled.source.table(table)}.branch"):
            raise KeyboardInterrupt
        return int(honest(branched))

    segment = f"until {table}"
    settled.arrive(
        [
            Event(f"kill {table}", START, "segment_change", user="user-0", segment=segment, active=True),
            Event(f"visit {table}", START, "page_view", "new visitor", "user-0"),
        ]
    )
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(BranchedTable, "publish", killed)
        settled.build(around([ALL[0]]))
    settled.build(around([ALL[0]]))
    assert settled.rows() == settled.wanted()
    assert settled.check(ALL) == {}
    lineage = settled._history("fact_funnel")
    assert str(ALL[4]) in lineage[0].dates + lineage[1].dates


def _of_middle(kind: str, change: str, where: str) -> Callable[[HistoryLake], str]:
    return lambda lake: f"UPDATE {lake.table(kind)} SET {change} WHERE event_date = DATE '{MIDDLE}' AND {where}"


def _of_interval(change: str) -> Callable[[HistoryLake], str]:
    """Of those that begin on the date."""
    day = f"CAST(valid_from AS date) = DATE '{MIDDLE}'"
    return lambda lake: f"UPDATE {lake.table('user_segments')} SET {change} WHERE {day}"


def _without(kind: str, where: str) -> Callable[[HistoryLake], str]:
    return lambda lake: f"DELETE FROM {lake.table(kind)} WHERE {where}"


DEEDS: dict[str, tuple[Callable[[HistoryLake], str], set[str]]] = {
    "an interval's end": (_of_interval("valid_to = date_add('minute', 1, valid_from)"), {"gold_differs"}),
    "what is current": (_of_interval("is_current = NOT is_current"), {"gold_differs"}),
    "lost intervals": (_without("user_segments", f"CAST(valid_from AS date) = DATE '{MIDDLE}'"), {"gold_differs"}),
    "a change that was none": (_of_middle("user_segments_changes", "active = NOT active", "TRUE"), {"gold_differs"}),
    "lost changes": (_without("user_segments_changes", f"event_date = DATE '{MIDDLE}'"), {"gold_differs"}),
    "a step not taken": (_of_middle("fact_funnel", "interacted = TRUE", "NOT interacted"), {"gold_differs"}),
    "a segment": (_of_middle("fact_funnel", "segments = ARRAY['Z', 'é']", "TRUE"), {"gold_differs"}),
    "no segment": (
        _of_middle("fact_funnel", "segments = CAST(ARRAY[] AS array(varchar))", "cardinality(segments) > 0"),
        {"gold_differs"},
    ),
    "a target": (_of_middle("fact_funnel", "target = 'other'", "target IS NULL"), {"gold_differs"}),
    "lost sessions": (_without("fact_funnel", f"event_date = DATE '{MIDDLE}' AND clicked"), {"gold_differs"}),
    # What sessions keep, the funnel keeps as well.
    "a count": (_of_middle("sessions", "deeds = deeds + 1", "deeds > 0"), {"sessions_differ"}),
    "a first value": (
        _of_middle("sessions", "user_id_hash = 'nobody'", "user_id_hash IS NULL"),
        {"sessions_differ", "gold_differs"},
    ),
    "a last value": (_of_middle("sessions", "last_page = NULL", "last_page = '/'"), {"sessions_differ"}),
    "a sum": (_of_middle("sessions", "cents = cents + 1", "cents > 0"), {"sessions_differ", "gold_differs"}),
    "another page": (
        _of_middle("sessions", "saw_comparison_count = pageviews", "saw_comparison_count < pageviews"),
        {"funnel_differs"},
    ),
}
SHORT = ("an interval's end", "a segment")


@pytest.mark.parametrize(
    "deed", [deed if deed in SHORT else pytest.param(deed, marks=pytest.mark.full) for deed in DEEDS]
)
def test_what_is_wrong_is_found(deed: str, settled: HistoryLake) -> None:
    do, codes = DEEDS[deed]
    before, snapshots = settled.rows(), settled.snapshots()
    settled.ask(do(settled))
    changed = settled.rows() != before
    found: dict[str, list[Any]] = settled.check([MIDDLE])
    settled.roll_back(snapshots)
    assert changed, "the deed did nothing"
    assert {*found} == {str(MIDDLE)}
    assert {finding.code for findings in found.values() for finding in findings} == codes
    assert settled.rows() == before


def test_figures_of_a_date_are_conserved(settled: HistoryLake) -> None:
    answers = settled.answers([MIDDLE])
    changes = sum(event.at.date() == MIDDLE for event in settled.events if event.kind == "segment_change")
    sessions = sum(row[0] == MIDDLE for row in settled.wanted()["sessions"])
    for name, expected in (("user_segments", changes), ("fact_funnel", sessions)):
        (row,) = answers[name]
        assert (row["silver_events"], row["gold_events"]) == (str(expected),) * 2


@pytest.mark.full
def test_dates_that_nobody_changed_are_left_alone(settled: HistoryLake) -> None:
    dates: list[date] = around([ALL[0] - timedelta(days=1)])
    assert settled.build(dates)["dates"] == [*map(str, dates)]
    assert settled.rows() == settled.wanted()


@pytest.mark.full
@pytest.mark.parametrize(
    ("module", "careless", "table"),
    [("history", "valid_to is not null", "user_segments"), ("funnel", "size(segments) = 0", "fact_funnel")],
)
def test_a_write_that_loses_something_is_not_published(
    module: str, careless: str, table: str, settled: HistoryLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gold_job.funnel  # type: ignore[import-not-found,unused-ignore]
    import gold_job.history  # type: ignore[import-not-found,unused-ignore]
    from gold_job.table import AuditFailed  # type: ignore[import-not-found,unused-ignore]

    maker, name = {"history": (gold_job.history, "intervals"), "funnel": (gold_job.funnel, "funnel")}[module]
    honest, before = getattr(maker, name), settled.rows()
    with monkeypatch.context() as patch, pytest.raises(AuditFailed, match=f"{settled.source.table(table)}.branch"):
        patch.setattr(maker, name, lambda *arguments: honest(*arguments).where(careless))
        settled.build([MIDDLE])
    assert settled.rows() == before
