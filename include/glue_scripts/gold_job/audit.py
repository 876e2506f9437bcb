"""What was written, against Silver; asked of the branches, before anyone can read them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from branched_table import BranchedTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from clickstream.sources.model import Gold
from gold_job.events import cents
from gold_job.sessions import DAY

Sums = dict[date, tuple[int, int]]
"""Events and hundredths of revenue by event date; dates without events are left out."""


class AuditFailed(RuntimeError):
    """The branches do not hold what Silver does; main is as it was."""


def audit(
    daily: BranchedTable, sessions: BranchedTable, silver: DataFrame, gold: Gold, dates: Collection[date]
) -> None:
    """Check both branches: no event and no revenue of the dates is lost or counted twice.

    Args:
        silver: rows of Silver of these dates.
        gold: what the source declares.
        dates: event dates that were written.

    Raises:
        AuditFailed: naming the branch, and the dates that differ.
    """
    worth = silver.withColumn("_cents", cents(gold))
    _compare(
        daily,
        _sums(worth, "count(*)", "sum(_cents)"),
        _sums(_on(daily, dates), "sum(event_count)", "sum(cast(revenue * 100 as bigint))"),
    )
    # What a session of the date before has after midnight is known where that date was written as well.
    whole = {day for day in dates if day - DAY in dates}
    in_session = worth.where((F.col(gold.sessions.key) != "") & F.col("event_date").isin(*whole))
    written = _on(sessions, dates)
    tails = written.withColumn("event_date", F.date_add("event_date", 1))
    conserved = (
        written.selectExpr("event_date", "event_count - events_after_midnight as events")
        .union(tails.selectExpr("event_date", "events_after_midnight"))
        .where(F.col("event_date").isin(*whole) & (F.col("events") > 0))
    )
    _compare(sessions, _sums(in_session, "count(*)", "0"), _sums(conserved, "sum(events)", "0"))


def _on(table: BranchedTable, dates: Collection[date]) -> DataFrame:
    return table.written().where(F.col("event_date").isin(*dates))


def _sums(rows: DataFrame, events: str, worth: str) -> Sums:
    sums = rows.groupBy("event_date").agg(F.expr(events).alias("events"), F.expr(worth).alias("worth"))
    return {row.event_date: (row.events, row.worth) for row in sums.collect()}


def _compare(table: BranchedTable, expected: Sums, found: Sums) -> None:
    if differing := sorted(day for day in {*expected, *found} if expected.get(day) != found.get(day)):
        told = "; ".join(f"{day}: Silver has {expected.get(day)}, the branch {found.get(day)}" for day in differing)
        raise AuditFailed(f"{table} is kept: {told}")
