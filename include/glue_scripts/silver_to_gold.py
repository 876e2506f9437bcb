"""Silver to Gold of one source: some event dates of every table that it declares, made anew.

Runs unchanged on AWS Glue 5.1 and on a local Spark. Its only argument of its own is `--plan`, the address of the plan
file. It may be killed anywhere and run again: it replaces whole event dates, and reads one snapshot of Silver.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from gold_job.daily import DailyMaker
from gold_job.dimension import DimensionMaker
from gold_job.events import silver_rows
from gold_job.facts import FactsMaker
from gold_job.funnel import FunnelMaker
from gold_job.history import HistoryMaker
from gold_job.plan import Plan
from gold_job.sessions import SessionsMaker
from gold_job.table import Job, TableMaker
from plan_file import follow
from pyspark.sql import SparkSession

from clickstream.lake.snapshots import ATTEMPT, DATES, RUN_ID, SILVER_SNAPSHOT

MAKERS: dict[str, type[TableMaker[Any]]] = {
    "daily": DailyMaker,
    "sessions": SessionsMaker,
    "facts": FactsMaker,
    "dimension": DimensionMaker,
    "history": HistoryMaker,
    "funnel": FunnelMaker,
}
"""By kind of table."""


def run(spark: SparkSession, plan: Plan) -> dict[str, Any]:
    """Replace the plan's event dates in all tables.

    Args:
        spark: the session; its catalog `glue_catalog` holds the source's tables.
        plan: what to make.

    Returns:
        The result document: the dates that were replaced in any table, and the snapshots of Silver and of each table.

    Raises:
        AuditFailed: the branches do not hold what Silver does; they are kept, main is as it was.
    """
    job = Job(
        spark=spark,
        source=plan.source,
        silver=silver_rows(spark, plan.source, plan.silver_snapshot),
        dates=plan.dates,
        branch=re.sub(r"[^a-z0-9]+", "_", plan.run_id.lower()),
        summary={
            RUN_ID: plan.run_id,
            DATES: ",".join(map(str, plan.dates)),
            SILVER_SNAPSHOT: str(plan.silver_snapshot),
            ATTEMPT: uuid.uuid4().hex,
        },
    )
    makers = [MAKERS[table.kind](name, table, job) for name, table in plan.source.declared_gold.published.items()]
    branches = {stored: branch for maker in makers for stored, branch in maker.branches.items()}
    for branch in branches.values():
        branch.open_branch()
    # What is made of others is published before them, so that a run that is killed in between finds again what to
    # look at: it is written after them.
    for maker in reversed(makers):
        maker.write()
    for maker in makers:
        maker.audit()
    snapshots = {stored: branch.publish() for stored, branch in branches.items()}
    for branch in branches.values():
        branch.drop_branch()
    return {
        "run_id": plan.run_id,
        "dates": sorted({str(day) for maker in makers for day in maker.dates}),
        "silver_snapshot": plan.silver_snapshot,
        "gold_snapshots": snapshots,
    }


if __name__ == "__main__":
    follow(lambda spark, plan: run(spark, Plan.of(plan)))
