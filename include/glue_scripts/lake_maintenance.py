"""Maintenance of a source's Iceberg tables: compaction, expiry of snapshots, removal of orphan files.

Runs unchanged on AWS Glue 5.1 and on a local Spark. Its only argument of its own is `--plan`, the address of the plan
file. It may be killed anywhere and run again: each table is in order after each step, and no step looks at what the
ones before it said.
"""

from __future__ import annotations

from typing import Any

from maintenance_job.audit import AuditFailed, audit
from maintenance_job.plan import Plan, TablePlan
from maintenance_job.table import MaintainedTable
from plan_file import follow
from pyspark.sql import SparkSession

from clickstream.lake.retention import expirable
from clickstream.lake.snapshots import Snapshot


def run(spark: SparkSession, plan: Plan) -> dict[str, Any]:
    """Maintain the plan's tables, one after the other.

    Args:
        spark: the session; its catalog `glue_catalog` holds them.
        plan: what to do to which.

    Returns:
        The result document: for each kind of table that anybody ever wrote to, the snapshots before and after it, the
        rows that both hold in the partitions that were compacted, and what was made smaller.

    Raises:
        AuditFailed: a table does not hold the rows from before; its main is as it was found.
    """
    tables = {table.kind: maintain(spark, plan, table) for table in plan.tables}
    return {"run_id": plan.run_id, "tables": {kind: done for kind, done in tables.items() if done}}


def maintain(spark: SparkSession, plan: Plan, of_table: TablePlan) -> dict[str, Any] | None:
    """Maintain one table; what was done, or None when nobody ever wrote to it."""
    table = MaintainedTable(spark, of_table, plan.run_id)
    history = table.history()
    if not history:
        return None
    before = last_written(history, plan)
    files, manifests = table.held(before), table.manifests()
    if of_table.settles_by:
        table.compact()
        table.rewrite_manifests()
    after = table.history()[0].id
    try:
        content = audit(table, before, after)
    except AuditFailed:
        table.roll_back(history[0].id)
        raise
    now = table.held(after)
    expired = expirable(
        table.metadata(), anchor=of_table.anchor, before=plan.keep_since, keep_snapshots=plan.keep_snapshots
    )
    return {
        "before": before,
        "after": after,
        "rows": content.rows,
        "files_before": files.files,
        "files_after": now.files,
        "bytes_before": files.bytes,
        "bytes_after": now.bytes,
        "manifests_before": manifests,
        "manifests_after": table.manifests(),
        "snapshots_expired": len(expired),
        "files_expired": table.expire(expired) if expired else 0,
        "orphans_removed": len(table.remove_orphans(plan.orphans_before)),
    }


def last_written(history: list[Snapshot], plan: Plan) -> int:
    """The newest snapshot that is not one of maintenance which nobody has checked: a killed run leaves such ones."""
    written = (each.id for each in history if each.id in plan.proven or each.replaces or each.run_id is None)
    return next(written, history[-1].id)


if __name__ == "__main__":
    follow(lambda spark, plan: run(spark, Plan.of(plan)))
