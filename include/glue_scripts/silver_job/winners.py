"""Which copy of an event wins, and whose recorded winner that changes.

The winner of (event date, event id) is its earliest copy by (arrival hour, object, raw hash), whatever the order in
which hours are processed. Copies in the window come from Bronze; copies elsewhere are as recorded: a Silver row is
its own winner, a duplicate in rejects names the one that it lost to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as F

from clickstream.sources.model import Events
from silver_job.judging import Judged
from silver_job.tables import BranchedTable

CROWD = 200_000
"""Rows of an event date outside the window, from which on ids are compared before rows are shuffled."""

_COPY = ("event_date", "event_id", "arrival_hour", "object_id", "raw_hash", "contract")
_WINNER = ("winner_hour", "winner_object", "winner_hash")


@dataclass(frozen=True)
class Ruling:
    """What deduplication decided.

    Attributes:
        duplicates: the window's copies that lost, with their winners; cached.
        counts: how many, by arrival hour.
        joining: hours outside the window with a row whose recorded winner no longer is the winner.
    """

    duplicates: DataFrame
    counts: Counter[str]
    joining: set[str]


def rule(judged: Judged, silver: BranchedTable, rejects: BranchedTable, window: Collection[str], events: Events) -> Ruling:
    """Find the winners among all copies of the ids that the window holds or held.

    Args:
        judged: the window's records.
        silver: the table as it stood before the run.
        rejects: as well.
        window: arrival hours that are processed.
        events: for the limits of an event's age, which bound the search.
    """
    good = judged.records.where("_fate = 'good'")
    here = good.select(*_COPY, "_record", *_winner(*[F.lit(None).cast("string")] * 3))
    outside = in_range(window, events) & ~F.col("arrival_hour").isin(*window)
    winners = sharing_ids(
        silver.published().where(outside & F.col("event_date").isin(*judged.dates)), good, silver.rows_by_date(window)
    ).select(*_COPY, _NO_RECORD(), *_winner("arrival_hour", "object_id", "raw_hash"))
    losers = (
        rejects.published()
        .where(outside & (F.col("fate") == "duplicate"))
        .where(F.col("event_date").isin(*judged.dates) | F.col("winner_hour").isin(*window))
        .select(*_COPY, _NO_RECORD(), *_WINNER)
    )
    elsewhere = winners.union(losers).persist()

    # Two events may share the 64 bits of a key, the copies of one always do: it only leaves out what has one copy.
    contested = good.groupBy(key()).count().where("count > 1").select("key").union(elsewhere.select(key()))
    copies = here.withColumn("key", key()).join(F.broadcast(contested), "key", "left_semi").drop("key").union(elsewhere)
    event = Over.partitionBy("event_date", "event_id")
    position = F.struct("arrival_hour", "object_id", "raw_hash", "_record")
    touched = F.isnotnull("_record") | F.col("winner_hour").isin(*window)
    decided = (
        copies.withColumns({"first": F.min(position).over(event), "touched": F.max(touched).over(event)})
        .where(
            "if(_record is not null, not _record <=> first._record, touched and"
            " (winner_hour <> first.arrival_hour or winner_object <> first.object_id or winner_hash <> first.raw_hash))"
        )
        .select(
            *_COPY,
            "_record",
            *_winner("first.arrival_hour", "first.object_id", "first.raw_hash"),
        )
        .persist()
    )
    counts: Counter[str] = Counter()
    joining = set()
    for hour, in_window, count in decided.groupBy("arrival_hour", F.isnotnull("_record")).count().collect():
        if in_window:
            counts[hour] = count
        else:
            joining.add(hour)
    return Ruling(decided.where("_record is not null"), counts, joining)


def _winner(*columns: str | Column) -> list[Column]:
    return [F.col(column).alias(name) if isinstance(column, str) else column.alias(name) for column, name in zip(columns, _WINNER)]

_NO_RECORD = lambda: F.lit(None).cast("bigint").alias("_record")

def key() -> Column:
    """64 bits of an event's identity."""
    return F.xxhash64("event_date", "event_id").alias("key")


def sharing_ids(rows: DataFrame, ids: DataFrame, rows_by_date: Counter[date]) -> DataFrame:
    """Leave out rows that share no (event_date, event_id) with `ids`, on dates where that is worth a look.

    Args:
        rows: of Silver, outside the window.
        ids: of the window.
        rows_by_date: how many rows Silver has outside the window.
    """
    crowded = F.col("event_date").isin([day for day, count in rows_by_date.items() if count > CROWD])
    if max(rows_by_date.values(), default=0) <= CROWD:
        return rows
    known = F.broadcast(ids.where(crowded).select(key()))
    return rows.where(~crowded).union(rows.where(crowded).join(known, key() == F.col("key"), "left_semi"))


def in_range(window: Collection[str], events: Events) -> Column:
    """Arrival hours that can hold a copy of an event that arrived in the window."""
    late = timedelta(days=events.max_late_days)
    skew = timedelta(hours=1, minutes=events.max_skew_minutes)
    oldest = (datetime.fromisoformat(min(window)) - late).date()
    newest = (datetime.fromisoformat(max(window)) + skew).date()
    midnight = datetime.min.time()
    first = datetime.combine(oldest, midnight, UTC) - skew
    last = datetime.combine(newest, midnight, UTC) + timedelta(days=1) + late
    return F.col("arrival_hour").between(f"{first:%Y-%m-%dT%H:00:00Z}", f"{last:%Y-%m-%dT%H:00:00Z}")
