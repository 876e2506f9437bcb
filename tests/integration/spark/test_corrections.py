"""A fact has the value of its latest correction, whatever arrives when; and SQL sees when it has not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from branched_table import BranchedTable  # type: ignore[import-not-found,unused-ignore]
from pyspark.sql import SparkSession

from clickstream.provisioning.iceberg_tables import GoldTable, SilverTable
from clickstream.provisioning.resource import Cloud as Account
from tests.integration.spark.conftest import NAMES
from tests.integration.spark.corrected_lake import (
    CORRECTING,
    DAYS,
    CorrectedLake,
    Told,
    make_told,
    source_with_corrections,
)
from tests.integration.spark.gold_lake import START

ALL = [(START + timedelta(days=day)).date() for day in range(DAYS)]
MIDDLE = ALL[DAYS // 2]


def empty_lake(session: SparkSession, account: Account, *, beside: bool = False) -> CorrectedLake:
    source = source_with_corrections(next(NAMES), beside=beside)
    for table in (SilverTable(source, account), *GoldTable.all_of(source, account)):
        table.create()
    return CorrectedLake(session, account, source)


@pytest.fixture
def lake(session: SparkSession, account: Account) -> CorrectedLake:
    """Empty tables."""
    return empty_lake(session, account)


def build(lake: CorrectedLake, dates: set[date]) -> None:
    """Build these dates only: the job must find all that they touch, and no more, and every row must be right then."""
    beside = {row[0] for row in lake.rows()["orders"] if row[5] and row[5].date() in dates}
    beside |= {order.date for order, correction in lake.corrected if correction.date in dates}
    result = lake.build(dates)
    assert [*map(date.fromisoformat, result["dates"])] == sorted(dates | beside)
    assert [*lake.summaries("orders").dates] == result["dates"]
    assert lake.rows() == lake.wanted()
    assert lake.check(sorted(dates | beside)) == {}


@pytest.fixture(scope="module")
def settled(session: SparkSession, account: Account) -> CorrectedLake:
    """All that was told, a date in the middle last: corrections of later dates, and newer ones, were there before."""
    lake, told = empty_lake(session, account), make_told(3)
    build(lake, lake.hear(each for each in told if each.date != MIDDLE))
    build(lake, lake.hear(each for each in told if each.date == MIDDLE))
    return lake


def test_a_row_returns_to_what_it_was_when_its_correction_goes_away(settled: CorrectedLake) -> None:
    gone = [each for each in settled.told if each.date == MIDDLE and each.kind in CORRECTING]
    returning = [row for row in settled.rows()["orders"] if row[4] in {each.id for each in gone}]
    assert any(row[0] < MIDDLE for row in returning)
    build(settled, settled.forget(gone))


def by_day(told: list[Told]) -> Iterator[list[Told]]:
    for day in sorted({each.date for each in told}):
        yield [each for each in told if each.date == day]


ORDERS: dict[str, Callable[[list[Told]], list[list[Told]]]] = {
    "days": lambda told: [*by_day(told)],
    "days in reverse": lambda told: [*reversed([*by_day(told)])],
    "days shuffled": lambda told: random.Random(1).sample(days := [*by_day(told)], len(days)),
    "corrections first": lambda told: [
        [each for each in told if each.refers],
        [each for each in told if not each.refers],
    ],
    "latest first": lambda told: [sorted(told, key=lambda each: each.at, reverse=True)[part::4] for part in range(4)],
}


@pytest.mark.full
@pytest.mark.parametrize("order", ORDERS)
def test_any_order_of_days_and_all_of_them_again(order: str, lake: CorrectedLake) -> None:
    for part in ORDERS[order](make_told(11)):
        build(lake, lake.hear(part))
    rows = lake.rows()
    build(lake, {each.date for each in lake.told})
    assert lake.rows() == rows


@pytest.mark.full
def test_what_a_killed_run_has_published_beside_its_dates_is_named_by_its_snapshot(
    session: SparkSession, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = empty_lake(session, account, beside=True)
    refund = Told("refund", START + timedelta(days=2), "refund", 4.0, "one")
    lake.build(lake.hear([Told("one", START, amount=9.0), refund]))
    dates, publish = lake.forget([refund]), BranchedTable.publish

    def publish_orders_only(table: Any) -> int:
        if "figures" in str(table):
            raise KeyboardInterrupt
        return int(publish(table))

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(BranchedTable, "publish", publish_orders_only)
        lake.build(dates)
    assert lake.rows() == lake.wanted()
    assert [*lake.summaries("orders").dates] == [str(ALL[0]), str(ALL[2])]
    # Run again it finds nothing to mend beside its dates.
    assert lake.build(dates)["dates"] == [str(ALL[2])]
    assert lake.rows() == lake.wanted()
    assert lake.check([ALL[0], ALL[2]]) == {}


def test_corrections_are_counted(settled: CorrectedLake) -> None:
    assert settled.rows() == settled.wanted()
    assert settled.check(ALL) == {}
    answers = settled.answers(ALL)
    found = {row["event_date"]: int(row["unmatched"] or 0) for row in answers["orders_corrections"]}
    assert {day: found.get(str(day), 0) for day in ALL} == {day: settled.unmatched(day) for day in ALL}
    assert sum(found.values())
    corrections = sum(int(row["corrections"] or 0) for row in answers["orders_corrections"])
    assert corrections == sum(each.kind in CORRECTING for each in settled.told)
    orders = sum(int(row["silver_events"] or 0) for row in answers["orders"])
    assert orders == sum(each.kind == "purchase" for each in settled.told)


def _corrected_later(lake: CorrectedLake) -> tuple[Any, ...]:
    """A row whose correction is of a later date."""
    return next(row for row in lake.wanted()["orders"] if row[5] and row[5].date() > row[0])


def _never_corrected(lake: CorrectedLake) -> tuple[Any, ...]:
    return next(row for row in lake.wanted()["orders"] if row[4] is None and row[3] is not None)


def _set(lake: CorrectedLake, row: tuple[Any, ...], *values: float | str | datetime | None) -> None:
    """Give a row another amount, corrected_by and corrected_at."""
    columns = zip(("amount", "corrected_by", "corrected_at"), map(_literal, values), strict=True)
    changes = ", ".join(f"{column} = {value}" for column, value in columns)
    where = f"event_date = DATE '{row[0]}' AND order_no = '{row[1]}'"
    lake.ask(f"UPDATE {lake.table('orders')} SET {changes} WHERE {where}")


def _literal(value: float | str | datetime | None) -> str:
    match value:
        case None:
            return "NULL"
        case str():
            return f"'{value}'"
        case datetime():
            return f"TIMESTAMP '{value}'"
        case _:
            return str(value)


def _finds(lake: CorrectedLake, day: date, row: tuple[Any, ...]) -> None:
    (found,) = lake.check([day])[str(day)]
    assert (found.code, found.records, found.samples) == ("gold_differs", 1, (row[1],))


def test_a_wrong_value_is_found_by_the_fact_s_date_and_by_its_correction_s(settled: CorrectedLake) -> None:
    row = _corrected_later(settled)
    _set(settled, row, 99.0, *row[4:])
    _finds(settled, row[0], row)
    _finds(settled, row[5].date(), row)
    _set(settled, row, *row[3:])
    assert settled.check(ALL) == {}


def test_a_correction_that_reached_no_row_is_found_by_its_own_date(settled: CorrectedLake) -> None:
    row = _corrected_later(settled)
    (order,) = (each for each in settled.told if (each.id, each.at) == (row[1], row[2]))
    _set(settled, row, order.amount, None, None)
    _finds(settled, row[5].date(), row)
    _set(settled, row, *row[3:])
    assert settled.check(ALL) == {}


def test_a_correction_that_is_not_there_any_more_is_found_by_its_own_date(settled: CorrectedLake) -> None:
    row = _never_corrected(settled)
    day = row[0] + timedelta(days=1)
    _set(settled, row, row[3], "gone", datetime.combine(day, datetime.min.time()))
    _finds(settled, day, row)
    _set(settled, row, *row[3:])
    assert settled.check(ALL) == {}
