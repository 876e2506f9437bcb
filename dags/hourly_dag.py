"""Bring each hour of a source into Silver soon after it has ended, and count it.

**When.** Each hour; it takes every hour without an entry in the ledger, so one run makes up for missed ones, and
nothing is caught up. The run waits, without holding a worker, until the delivery's watermark has passed. It begins
paused: switch it on when the path is provisioned.

**What it says.** Its entries are `provisional`: the records of Bronze, of Silver and of rejects are as many, and sum
up alike. An hour is `verified` by `daily` only, record by record, and without being processed again when nothing
changed. An hour that was verified and is touched by a late copy is proven anew here.

**By hand.** Trigger it at any time: all hours that are still open.

**Run twice.** The second run finds nothing to do. It and `daily` share one Glue job of one run at a time.

**When it fails.** As for `daily`: one page for each cause, with its runbook.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from clickstream.airflow.notifiers.page import PageOnFailure
from clickstream.airflow.proof import prove
from clickstream.airflow.timetables import HourlyUntil
from clickstream.sources.loader import load_sources

sources, _ = load_sources()

for source in sources.values():
    with DAG(
        dag_id=f"{source.name}__hourly",
        description=f"Bring each hour of {source.name} into Silver: {source.description}",
        doc_md=__doc__,
        schedule=HourlyUntil(source.verify_until),
        start_date=source.verify_from,
        catchup=False,
        is_paused_upon_creation=True,
        max_active_runs=1,
        tags=[source.name, "hourly"],
        default_args={
            "retries": 3,
            "retry_delay": timedelta(seconds=5),
            "on_failure_callback": [PageOnFailure(source.name)],
        },
    ) as dag:
        prove(source, final=False)
    globals()[dag.dag_id] = dag
