"""Bronze to Silver of one source: every raw record of some arrival hours gets its fate, in Silver or in rejects.

Runs unchanged on AWS Glue 5.1 and on a local Spark. Its only argument of its own is `--plan`, the address of the plan
file. It may be killed anywhere: what readers see changes in two fast-forwards, and a run that finds the second one
missing does the first one's hours again.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from typing import Any

import boto3
from branched_table import BranchedTable
from plan_file import follow
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from silver_job.audit import audit
from silver_job.files import require_columns, write_good
from silver_job.judging import Judged, judge_objects
from silver_job.plan import BronzeObject, Plan
from silver_job.winners import Ruling, rule

from clickstream.lake.snapshots import ATTEMPT, HOURS, RUN_ID

FATES = ("good", "filtered", "quarantined", "duplicate")
SHUFFLE_BYTES = 32 * 1024**2
"""Compressed bytes of Bronze for each partition of a shuffle, which moves keys only."""


def run(spark: SparkSession, plan: Plan) -> dict[str, Any]:
    """Process the plan's hours, and those that must join them.

    Args:
        spark: the session; its catalog `glue_catalog` holds the source's tables.
        plan: what to process.

    Returns:
        The result document: hours processed, those that joined, both snapshots, and records by hour and fate.

    Raises:
        AuditFailed: the branches do not hold what was judged; they are kept, main is as it was.
        HourUnknown: an hour must join of which the plan knows no manifest.
        NotProvisioned: Silver lacks a column that the source declares; nothing was written.
    """
    branch = re.sub(r"[^a-z0-9]+", "_", plan.run_id.lower())
    silver = BranchedTable(spark, plan.source.table("silver"), branch)
    rejects = BranchedTable(spark, plan.source.table("rejects"), branch)
    require_columns(silver.name, silver.layout(), plan.source)
    window = sorted({*plan.hours, *_half_published(silver, rejects)})
    rejects.open_branch()
    silver.open_branch()

    attempt = uuid.uuid4().hex
    scratch = f"scratch/{plan.source.name}/{attempt}/"
    objects = [each for hour in window for each in plan.objects(hour)]
    judged = _judge(spark, plan, objects, 0, scratch)
    while joining := (ruling := rule(judged, silver, rejects, window, plan.source.events)).joining:
        more = [each for hour in sorted(joining) for each in plan.objects(hour)]
        judged |= _judge(spark, plan, more, len(objects), scratch)
        objects += more
        window = sorted({*window, *joining})

    summary = {RUN_ID: plan.run_id, HOURS: ",".join(window), ATTEMPT: attempt}
    rejects.overwrite(rejected(judged, ruling), "arrival_hour", window, summary)
    losers = [row._record for row in ruling.duplicates.select("_record").collect()]
    good = write_good(spark, judged.files, losers, silver.layout(), plan.source.silver_order, attempt)
    silver.overwrite_files(good, window, summary)
    fates = fates_after(judged, ruling)
    audit(silver, rejects, window, fates, judged.dates, plan.source.events, ruling.crowded)
    result = {
        "run_id": plan.run_id,
        "hours": window,
        "joined": sorted({*window} - {*plan.hours}),
        "rejects_snapshot": rejects.publish(),
        "silver_snapshot": silver.publish(),
        "counts": {hour: {fate: fates[hour, fate] for fate in FATES} for hour in window},
    }
    rejects.drop_branch()
    silver.drop_branch()
    boto3.resource("s3").Bucket(plan.lake).object_versions.filter(Prefix=scratch).delete()
    return result


def rejected(judged: Judged, ruling: Ruling) -> DataFrame:
    """The rows of rejects: what was filtered or quarantined, and the copies that lost."""
    refused = judged.records.where("_fate <> 'good'").select(
        "arrival_hour",
        "object_id",
        "raw_hash",
        F.col("_fate").alias("fate"),
        F.col("_reason").alias("reason"),
        F.col("_payload").alias("payload"),
        F.lit(None).cast("string").alias("event_id"),
        F.lit(None).cast("date").alias("event_date"),
        *(F.lit(None).cast("string").alias(name) for name in ("winner_hour", "winner_object", "winner_hash")),
        "contract",
    )
    exact = F.col("raw_hash") == F.col("winner_hash")
    lost = ruling.duplicates.withColumns(
        {
            "fate": F.lit("duplicate"),
            "reason": F.when(exact, "exact").otherwise("conflict"),
            "payload": F.lit(None).cast("binary"),
        }
    )
    return refused.union(lost.select(*refused.columns))


def fates_after(judged: Judged, ruling: Ruling) -> Counter[tuple[str, str]]:
    """Records by (arrival hour, fate), the copies that lost no longer counted as good."""
    fates = judged.fates + Counter({(hour, "duplicate"): count for hour, count in ruling.counts.items()})
    fates.subtract({(hour, "good"): count for hour, count in ruling.counts.items()})
    return +fates


def _half_published(silver: BranchedTable, rejects: BranchedTable) -> set[str]:
    """The hours of a run that was killed between its two fast-forwards: rejects is ahead of Silver."""
    ahead, behind = rejects.last_run(), silver.last_run()
    if ahead is None or (behind is not None and ahead.attempt == behind.attempt):
        return set()
    return set(ahead.hours)


def _judge(spark: SparkSession, plan: Plan, objects: list[BronzeObject], first: int, scratch: str) -> Judged:
    partitions = sum(each.size for each in objects) // SHUFFLE_BYTES
    spark.conf.set("spark.sql.shuffle.partitions", max(spark.sparkContext.defaultParallelism, partitions))
    return judge_objects(spark, plan, objects, first, scratch)


if __name__ == "__main__":
    follow(lambda spark, plan: run(spark, Plan.of(plan)))
