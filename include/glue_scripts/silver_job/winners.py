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

from branched_table import BranchedTable
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as F

from clickstream.sources.model import Events
from silver_job.judging import Judged

_COPY = ("event_date", "event_id", "arrival_hour", "object_id", "raw_hash", "contract")
_WINNER = ("winner_hour", "winner_object", "winner_hash")
CROWD = 200_000
"""Rows of an event date outside the run's hours, from which on ids are compared before rows are shuffled."""


@dataclass(frozen=True)
class Ruling:
    """What deduplication decided.

    Attributes:
        duplicates: the window's copies that lost, with their winners; cached.
        counts: how many, by arrival hour.
        joining: hours outside the window where a row's recorded winner no longer is the winner.
    """

    duplicates: DataFrame
    counts: Counter[str]
    joining: set[str]
    crowded: set[date]


def rule(
    judged: Judged, silver: BranchedTable, rejects: BranchedTable, window: Collection[str], events: Events
) -> Ruling:
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
    crowded = crowded_dates(silver, window)
    elsewhere = copies_elsewhere(judged, silver, rejects, window, events, crowded).persist()

    # Two events may share the 64 bits of a key, the copies of one always do: it only leaves out what has one copy.
    contested = good.groupBy(key()).count().where("count > 1").select("key").union(elsewhere.select(key()))
    copies = here.withColumn("key", key()).join(F.broadcast(contested), "key", "left_semi").drop("key").union(elsewhere)
    event = Over.partitionBy("event_date", "event_id")
    position = F.struct("arrival_hour", "object_id", "raw_hash", "_record")
    is_here = F.isnotnull("_record")
    concerned = is_here | F.col("winner_hour").isin(*window)
    lost = F.expr("not _record <=> first._record")
    misled = F.expr(
        "winner_hour <> first.arrival_hour or winner_object <> first.object_id or winner_hash <> first.raw_hash"
    )
    decided = (
        copies.withColumns({"first": F.min(position).over(event), "concerned": F.max(concerned).over(event)})
        .where((is_here & lost) | (~is_here & F.col("concerned") & misled))
        .select(*_COPY, "_record", *_winner(*map(F.col, ("first.arrival_hour", "first.object_id", "first.raw_hash"))))
        .persist()
    )
    counts: Counter[str] = Counter()
    joining = set()
    for hour, in_window, count in decided.groupBy("arrival_hour", is_here).count().collect():
        if in_window:
            counts[hour] = count
        else:
            joining.add(hour)
    return Ruling(decided.where(is_here), counts, joining, crowded)


def copies_elsewhere(
    judged: Judged,
    silver: BranchedTable,
    rejects: BranchedTable,
    window: Collection[str],
    events: Events,
    crowded: Collection[date],
) -> DataFrame:
    """The copies outside the window that may share an event with it, each with its recorded winner."""
    outside = in_reach(window, events) & ~F.col("arrival_hour").isin(*window)
    on_dates = F.col("event_date").isin(*judged.dates)
    no_record = F.lit(None).cast("bigint").alias("_record")
    ids = judged.records.where("_fate = 'good'")
    rows = sharing_ids(silver.published().where(outside & on_dates), ids, crowded)
    winners = rows.select(*_COPY, no_record, *_winner(*map(F.col, ("arrival_hour", "object_id", "raw_hash"))))
    duplicates = rejects.published().where(outside & (F.col("fate") == "duplicate"))
    losers = duplicates.where(on_dates | F.col("winner_hour").isin(*window)).select(*_COPY, no_record, *_WINNER)
    return winners.union(losers)


def crowded_dates(silver: BranchedTable, hours: Collection[str]) -> set[date]:
    """Event dates of which Silver has more than CROWD rows outside some arrival hours."""
    outside = silver.partitions().where(~F.col("partition.arrival_hour").isin(*hours))
    rows = outside.groupBy("partition.event_date").agg(F.sum("record_count").alias("records"))
    return {row.event_date for row in rows.where(F.col("records") > CROWD).collect()}


def _winner(hour: Column, object_id: Column, raw_hash: Column) -> list[Column]:
    return [column.alias(name) for column, name in zip((hour, object_id, raw_hash), _WINNER, strict=True)]


def key() -> Column:
    """64 bits of an event's identity."""
    return F.xxhash64("event_date", "event_id").alias("key")


def sharing_ids(rows: DataFrame, ids: DataFrame, crowded: Collection[date]) -> DataFrame:
    """Leave out rows of crowded dates that share no event with `ids`, before anything is shuffled.

    Args:
        rows: of Silver.
        ids: with event_date and event_id.
        crowded: event dates of which there are many rows.
    """
    if not crowded:
        return rows
    on_crowded = F.col("event_date").isin(*crowded)
    known = F.broadcast(ids.where(on_crowded).select(key().alias("known")))
    return rows.where(~on_crowded).union(rows.where(on_crowded).join(known, key() == F.col("known"), "left_semi"))


def in_reach(window: Collection[str], events: Events) -> Column:
    """Whether an arrival hour can hold a copy of an event that arrived in the window."""
    late = timedelta(days=events.max_late_days)
    skew = timedelta(hours=1, minutes=events.max_skew_minutes)
    hours = [datetime.fromisoformat(hour) for hour in (min(window), max(window))]
    oldest = (hours[0] - late).date()
    newest = (hours[1] + skew).date()
    midnight = datetime.min.time()
    first = datetime.combine(oldest, midnight, UTC) - skew
    last = datetime.combine(newest, midnight, UTC) + timedelta(days=1) + late
    return F.col("arrival_hour").between(f"{first:%Y-%m-%dT%H:00:00Z}", f"{last:%Y-%m-%dT%H:00:00Z}")
