"""What was written, against what was judged: asked of the branches, before anyone can read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date

from pyspark.sql import functions as F

from clickstream.sources.model import Events
from silver_job.tables import BranchedTable
from silver_job.winners import in_range, sharing_ids


class AuditFailed(RuntimeError):
    """The branches do not hold what was judged; main is as it was."""


def audit(
    silver: BranchedTable,
    rejects: BranchedTable,
    window: Collection[str],
    expected: Counter[tuple[str, str]],
    dates: Collection[date],
    events: Events,
) -> None:
    in_window = F.col("arrival_hour").isin(*window)
    rows = silver.written().where(in_range(window, events))
    fates = rejects.written().where(in_range(window, events))
    duplicates = fates.where((F.col("fate") == "duplicate") & (in_window | F.col("winner_hour").isin(*window)))
    written = rows.where(in_window)
    rows_by_date = silver.rows_by_date(window)
    if max(rows_by_date.values(), default=0) > 200000:
        ids = written.select("event_date", "event_id").union(duplicates.select("event_date", "event_id"))
        rows = written.union(sharing_ids(rows.where(~in_window & F.col("event_date").isin(*dates)), ids, rows_by_date))
    else:
        rows = rows.where(in_window | F.col("event_date").isin(*dates))
    held = rows.select(
        "event_date",
        "event_id",
        F.lit(1).alias("rows"),
        F.when(in_window, F.col("arrival_hour").cast("timestamp").cast("bigint")).alias("hour"),
        F.xxhash64("arrival_hour", "object_id", "raw_hash").alias("winner"),
        F.expr("event_time is null or object_id is null or raw_hash is null").alias("hollow"),
    )
    named = duplicates.select(
        "event_date",
        "event_id",
        F.lit(0),
        F.lit(None).cast("bigint"),
        F.xxhash64("winner_hour", "winner_object", "winner_hash"),
        F.expr("object_id is null or raw_hash is null"),
    )
    events_held = held.union(named).groupBy("event_date", "event_id").agg(
        F.sum("rows").alias("rows"),
        F.min("hour").alias("hour"),
        F.expr("sum(rows) <> 1 or min(winner) <> max(winner) or max(hollow)"
               " or event_date is null or event_id is null").alias("wrong"),
    )
    counts = (
        events_held.groupBy("hour")
        .agg(F.sum("rows").alias("records"), F.count_if("wrong").alias("wrong"))
        .select(F.expr("date_format(timestamp_seconds(hour), \"yyyy-MM-dd'T'HH:mm:ss'Z'\")").alias("hour"), F.lit("good").alias("fate"), "records", "wrong")
        .union(fates.where(in_window).groupBy("arrival_hour", "fate").agg(F.count("*"), F.count_if(F.expr("object_id is null or raw_hash is null"))))
    ).collect()
    found = Counter({(row.hour, row.fate): row.records for row in counts if row.hour})
    wrong = sum(row.wrong for row in counts)
    if found != expected or wrong:
        raise AuditFailed(f"{silver} and {rejects} are kept: {wrong} events with a wrong winner or an empty key; "
            f"expected {expected - found or 'no'} more, {found - expected or 'no'} fewer")
