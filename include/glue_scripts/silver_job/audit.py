"""What was written, against what was judged; asked of the branches, before anyone can read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date

from branched_table import BranchedTable
from pyspark.sql import functions as F

from clickstream.sources.model import Events
from silver_job.winners import in_reach, key, sharing_ids


class AuditFailed(RuntimeError):
    """The branches do not hold what was judged; main is as it was."""


def audit(
    silver: BranchedTable,
    rejects: BranchedTable,
    window: Collection[str],
    expected: Counter[tuple[str, str]],
    dates: Collection[date],
    events: Events,
    crowded: Collection[date],
) -> None:
    """Check both branches: the records of each hour by fate, one row an event, and the winners that rejects names.

    Args:
        window: arrival hours that were written.
        expected: records by (arrival hour, fate).
        dates: event dates of the good ones.
        events: for the limits of an event's age, which bound the search.
        crowded: event dates of which Silver has many rows outside the window.

    Raises:
        AuditFailed: naming the branches, and what differs by hour.
    """
    in_window = F.col("arrival_hour").isin(*window)
    rows = silver.written().where(in_reach(window, events))
    fates = rejects.written().where(in_reach(window, events))
    duplicates = fates.where((F.col("fate") == "duplicate") & (in_window | F.col("winner_hour").isin(*window)))
    written = rows.where(in_window)
    ids = written.select("event_date", "event_id").union(duplicates.select("event_date", "event_id"))
    others = rows.where(~in_window & F.col("event_date").isin(*dates))
    held = written.union(sharing_ids(others, ids, crowded)).select(
        key(),
        F.lit(1).alias("rows"),
        F.when(in_window, F.col("arrival_hour").cast("timestamp").cast("bigint")).alias("hour"),
        F.xxhash64("arrival_hour", "object_id", "raw_hash").alias("winner"),
        F.expr("event_id is null or event_time is null or object_id is null or raw_hash is null").alias("hollow"),
    )
    named = duplicates.select(
        key(),
        F.lit(0),
        F.lit(None).cast("bigint"),
        F.xxhash64("winner_hour", "winner_object", "winner_hash"),
        F.expr("event_id is null or object_id is null or raw_hash is null"),
    )
    # By 64 bits of the identity: a false alarm about two events that share them has odds of one in a million
    # at five million events, and main stays as it was.
    events_held = (
        held.union(named)
        .groupBy("key")
        .agg(
            F.min("hour").alias("hour"),
            F.sum("rows").alias("rows"),
            F.expr("sum(rows) <> 1 or min(winner) <> max(winner) or max(hollow)").alias("wrong"),
        )
    )
    hour_text = F.expr("date_format(timestamp_seconds(hour), \"yyyy-MM-dd'T'HH:mm:ss'Z'\")")
    hollow_reject = F.expr("object_id is null or raw_hash is null")
    by_hour = events_held.groupBy("hour").agg(F.sum("rows").alias("records"), F.count_if("wrong").alias("wrong"))
    by_fate = fates.where(in_window).groupBy("arrival_hour", "fate").agg(F.count("*"), F.count_if(hollow_reject))
    counts = (
        by_hour.select(hour_text.alias("hour"), F.lit("good").alias("fate"), "records", "wrong")
        .union(by_fate)
        .collect()
    )
    found = Counter({(row.hour, row.fate): row.records for row in counts if row.hour})
    wrong = sum(row.wrong for row in counts)
    if found != expected or wrong:
        raise AuditFailed(
            f"{silver} and {rejects} are kept: {wrong} events with a wrong winner or an empty key; "
            f"expected {expected - found or 'no'} more, {found - expected or 'no'} fewer"
        )
