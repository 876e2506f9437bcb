"""Silver to Gold of one source: the daily table and the sessions of some event dates, made anew.

Runs unchanged on AWS Glue 5.1 and on a local Spark. Its only argument of its own is `--plan`, the address of the plan
file. It may be killed anywhere and run again: it replaces whole event dates, and reads one snapshot of Silver.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from typing import Any

import boto3
from awsglue.utils import getResolvedOptions
from branched_table import BranchedTable
from gold_job.audit import audit
from gold_job.daily import daily
from gold_job.events import on_dates, silver_rows
from gold_job.plan import Plan
from gold_job.sessions import dates_read, sessions
from pyspark.sql import SparkSession

from clickstream.lake.objects import write_json
from clickstream.lake.snapshots import ATTEMPT, DATES, RUN_ID, SILVER_SNAPSHOT


def run(spark: SparkSession, plan: Plan) -> dict[str, Any]:
    """Replace the plan's event dates in both tables.

    Args:
        spark: the session; its catalog `glue_catalog` holds the source's tables.
        plan: what to make.

    Returns:
        The result document: dates, and all three snapshots.

    Raises:
        AuditFailed: the branches do not hold what Silver does; they are kept, main is as it was.
    """
    branch = re.sub(r"[^a-z0-9]+", "_", plan.run_id.lower())
    counted = BranchedTable(spark, plan.source.table("gold_daily"), branch)
    visits = BranchedTable(spark, plan.source.table("gold_sessions"), branch)
    counted.open_branch()
    visits.open_branch()

    gold = plan.source.declared_gold
    silver = silver_rows(spark, plan.source, plan.silver_snapshot)
    of_dates = on_dates(silver, plan.dates)
    made = on_dates(sessions(on_dates(silver, dates_read(plan.dates)), gold), plan.dates)
    summary = {
        RUN_ID: plan.run_id,
        DATES: ",".join(map(str, plan.dates)),
        SILVER_SNAPSHOT: str(plan.silver_snapshot),
        ATTEMPT: uuid.uuid4().hex,
    }
    counted.overwrite(daily(of_dates, gold), "event_date", plan.dates, summary)
    visits.overwrite(made, "event_date", plan.dates, summary)
    audit(counted, visits, of_dates, gold, plan.dates)
    result = {
        "run_id": plan.run_id,
        "dates": list(map(str, plan.dates)),
        "silver_snapshot": plan.silver_snapshot,
        "gold_daily_snapshot": counted.publish(),
        "gold_sessions_snapshot": visits.publish(),
    }
    counted.drop_branch()
    visits.drop_branch()
    return result


def main(argv: list[str]) -> None:
    """Parse the arguments, run, and put the result where the plan says."""
    plan = Plan.read(getResolvedOptions(argv, ["JOB_NAME", "plan"])["plan"])
    result = run(SparkSession.builder.getOrCreate(), plan)
    write_json(boto3.client("s3"), plan.result, result)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv)
