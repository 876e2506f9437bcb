"""Keep a source's Iceberg tables small: compaction, expiry of snapshots, removal of what killed jobs left.

**When.** Each Sunday at 03:00 UTC; nothing is caught up.

**What.** The small files of each partition that settled since the last maintenance become one. Snapshots are expired
that nobody can need any more: not those of the last `maintenance.keep_days`, and none that a run's walk through history
or a branch of a failed audit leads to. Files that no snapshot names are removed after `maintenance.orphan_days`. Then
SQL compares all rows, before and after, and the ledger of maintenance has a line for each table: only by it do other
runs believe that a snapshot changed nothing. `docs/lake-maintenance.md` has the rules.

**By hand.** Trigger it at any time. With `whole`, after a backfill of old days: all settled partitions are looked at.

**Run twice.** The second run finds nothing to do. Its job and those of `hourly` and `daily` queue up, one at a
time.

**When it fails.** One page, with its runbook; no table is worse than it was, and rows that a compaction had changed can
be read at the snapshot before it. A run that was killed anywhere can be cleared, or left to the next one.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param

from clickstream.airflow.maintenance import maintain
from clickstream.airflow.notifiers.page import PageOnFailure
from clickstream.sources.loader import load_sources

IMPACT = "the tables are not maintained: queries plan more files each week, and nothing old is deleted"

sources, _ = load_sources()

for source in sources.values():
    with DAG(
        dag_id=f"{source.name}__lake_maintenance",
        description=f"Keep the tables of {source.name} small: {source.description}",
        doc_md=__doc__,
        schedule=CronTriggerTimetable("0 3 * * 0", timezone="UTC"),
        start_date=source.verify_from,
        catchup=False,
        max_active_runs=1,
        tags=[source.name, "lake_maintenance"],
        default_args={
            "retries": 2,
            "retry_delay": timedelta(seconds=15),
            "on_failure_callback": [PageOnFailure(source.name, IMPACT)],
        },
        params={
            "whole": Param(
                False,
                type="boolean",
                title="Whole",
                description="Look at all settled partitions, and not only at those that settled since the last run.",
            ),
        },
    ) as dag:
        maintain(source)
    globals()[dag.dag_id] = dag
