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

FEW_IDS = 500_000
"""Of a date: as many ids are sent to every executor, to leave out rows with others before they are shuffled."""

_COPY = {
    "event_date": "date",
    "event_id": "string",
    "arrival_hour": "string",
    "object_id": "string",
    "raw_hash": "string",
    "contract": "string",
    "_record": "bigint",
}
_OWN = ("arrival_hour", "object_id", "raw_hash")
_WINNER = ("winner_hour", "winner_object", "winner_hash")


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


def rule(judged: Judged, silver: DataFrame, rejects: DataFrame, window: Collection[str], events: Events) -> Ruling:
    """Find the winners among all copies of the ids that the window holds or held.

    Args:
        judged: the window's records.
        silver: the table, as it stood before the run.
        rejects: as well.
        window: arrival hours that are processed.
        events: for the limits of an event's age, which bound the search.
    """
    good = judged.records.where("_fate = 'good'")
    here = good.select(*_COPY, *[F.lit(None).cast("string").alias(name) for name in _WINNER])
    elsewhere = copies_elsewhere(judged, silver, rejects, window, events)
    copies = here.union(elsewhere).withColumn("key", key())

    lost_winner = F.col("winner_hour").isin(*window)
    contested = (
        copies.select("key", F.isnotnull("_record").alias("here"), lost_winner.alias("orphan"))
        .groupBy("key")
        .agg(F.count("*").alias("copies"), F.max("here").alias("here"), F.max("orphan").alias("orphan"))
        .where("orphan or here and copies > 1")
        .select("key")
    )
    event = Over.partitionBy("event_date", "event_id")
    position = F.struct("arrival_hour", "object_id", "raw_hash", "_record")
    decided = (
        copies.join(F.broadcast(contested), "key", "left_semi")
        .withColumn("winner", F.min(position).over(event))
        .where(
            "_record <> winner._record or _record is not null and winner._record is null"
            " or winner_hour <> winner.arrival_hour or winner_object <> winner.object_id"
            " or winner_hash <> winner.raw_hash"
        )
        .select(
            "_record", "arrival_hour", "object_id", "raw_hash", "contract", "event_id", "event_date",
            F.col("winner.arrival_hour").alias("winner_hour"),
            F.col("winner.object_id").alias("winner_object"),
            F.col("winner.raw_hash").alias("winner_hash"),
        )
        .persist()
    )  # fmt: skip
    counts: Counter[str] = Counter()
    joining = set()
    by_hour = decided.groupBy("arrival_hour", F.isnotnull("_record").alias("here")).count()
    for hour, in_window, count in by_hour.collect():
        if in_window:
            counts[hour] = count
        else:
            joining.add(hour)
    return Ruling(decided.where("_record is not null"), counts, joining)


def copies_elsewhere(
    judged: Judged, silver: DataFrame, rejects: DataFrame, window: Collection[str], events: Events
) -> DataFrame:
    """The copies outside the window that share an event with it, each with its recorded winner."""
    first, last = arrival_range(window, events)
    outside = F.col("arrival_hour").between(first, last) & ~F.col("arrival_hour").isin(*window)
    columns = [*list(_COPY)[:-1], F.lit(None).cast("bigint").alias("_record")]
    winners = silver.where(outside & F.col("event_date").isin(*judged.dates)).select(
        *columns, *(F.col(own).alias(name) for own, name in zip(_OWN, _WINNER, strict=True))
    )
    concerned = F.col("event_date").isin(*judged.dates) | F.col("winner_hour").isin(*window)
    losers = rejects.where((F.col("fate") == "duplicate") & outside & concerned).select(*columns, *_WINNER)
    ids = judged.records.where("_fate = 'good'").select("event_date", "event_id")
    return sharing_keys(winners, ids, judged.dates).union(losers).persist()


def key() -> Column:
    """64 bits of an event's identity: two events may share them, one event's copies always do."""
    return F.xxhash64("event_date", "event_id")


def sharing_keys(rows: DataFrame, ids: DataFrame, dates: Counter[date]) -> DataFrame:
    """The rows without those that surely share no (event date, event id) with `ids`.

    Args:
        rows: of a whole table, as far as their event dates go.
        ids: event_date and event_id.
        dates: roughly how many ids there are by event date.
    """
    few = F.col("event_date").isin([day for day, count in dates.items() if count <= FEW_IDS])
    known = ids.where(few).select(key().alias("key"))
    return rows.where(~few).union(rows.where(few).join(F.broadcast(known), key() == F.col("key"), "left_semi"))


def arrival_range(window: Collection[str], events: Events) -> tuple[str, str]:
    """First and last arrival hour that can hold a copy of an event that arrived in the window."""
    late = timedelta(days=events.max_late_days)
    skew = timedelta(hours=1, minutes=events.max_skew_minutes)
    hours = [datetime.fromisoformat(hour) for hour in (min(window), max(window))]
    oldest = (hours[0] - late).date()
    newest = (hours[1] + skew).date()
    midnight = datetime.min.time()
    first = datetime.combine(oldest, midnight, UTC) - skew
    last = datetime.combine(newest, midnight, UTC) + timedelta(days=1) + late
    return f"{first:%Y-%m-%dT%H:00:00Z}", f"{last:%Y-%m-%dT%H:00:00Z}"
