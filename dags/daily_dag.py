"""Prove a day of a source: every record that arrived is accounted for, from the producer to Silver and Gold.

**When.** Each day at 00:00 UTC for the day before, and every day since the source's `verify_from`. The run waits,
without holding a worker, until the delivery's watermark has passed the day's end. It begins paused: switch it on when
the path is provisioned.

**Gold.** Once the run's hours stand proven, the event dates of Gold that are out of date are made anew from Silver,
and proven themselves (`docs/gold.md`). A failed verdict of Silver leaves Gold as it is.

**Data quality.** Beside Gold the run's records are held against the expectations of their source: shares, volumes,
lateness (`docs/quality.md`). Its verdict is its own: it fails the run, and neither the proof nor Gold waits for it.

**For others.** DAGs that read Silver or Gold wait for the assets `<source>__silver_verified` and
`<source>__gold_verified`: they are updated by the verdicts, not by the writes.

**By hand.** Trigger it with `window`, such as `2026-11-18T13:00:00Z/2026-11-18T15:00:00Z` (whole hours, UTC), or make a
backfill of the dates. Without `force`, hours that are verified and unchanged are inspected but not processed again;
a backfill, a cleared run and `force` process them from Bronze.

**What is truly lost.** Trigger it with the failed hours as `window`, and in `waive` why the loss shall be accepted.
Before anything is recorded the task `waive` asks (*Required Actions*), with each hour, finding and number. Approve:
these hours are `excepted`, in the name of who approved; Reject, or no answer within a day: they fail as ever. What can
be made again cannot be waived, and a new or larger loss fails (`docs/waivers.md`).

**Run twice.** The same window gives the same rows. A run that was killed anywhere can be cleared.

**When it fails.** Params that contradict each other are refused by `plan`, which names them; nobody is paged. The
verdict names the hours. An object that is gone or changed stays failed, whatever is run, until it is back or its loss
is accepted. What differs in Silver or rejects stays failed until a forced run rebuilds it from Bronze. One page
is sent when a cause turns up and one when it is gone (`docs/paging.md`); `docs/runbooks/` has one file for each.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from clickstream.airflow.gold import make_gold
from clickstream.airflow.notifiers.page import PageOnFailure
from clickstream.airflow.proof import prove
from clickstream.airflow.quality import make_quality
from clickstream.airflow.timetables import DailyUntil
from clickstream.quality.suites import has_suites
from clickstream.reconciliation.request import LONGEST_REASON, SHORTEST_REASON, WINDOW_PATTERN
from clickstream.sources.loader import load_sources

sources, _ = load_sources()

for source in sources.values():
    with DAG(
        dag_id=f"{source.name}__daily",
        description=f"Prove each day of {source.name}: {source.description}",
        doc_md=__doc__,
        schedule=DailyUntil(source.verify_until),
        start_date=source.verify_from,
        catchup=True,
        is_paused_upon_creation=True,
        max_active_runs=1,
        tags=[source.name, "daily"],
        default_args={
            "retries": 3,
            "retry_delay": timedelta(seconds=5),
            "on_failure_callback": [PageOnFailure(source.name)],
        },
        params={
            "window": Param(
                None,
                type=["null", "string"],
                pattern=WINDOW_PATTERN,
                title="Window",
                description="START/END in whole hours, UTC. Required for a run by hand; a scheduled run has its day.",
            ),
            "force": Param(
                False,
                type="boolean",
                title="Force",
                description="Process every hour of the window again from Bronze, changed or not.",
            ),
            "contract": Param(
                "pinned",
                enum=["pinned", "latest"],
                title="Contract",
                description="Judge by the version that an hour was first processed with, or by the newest one.",
            ),
            "waive": Param(
                None,
                type=["null", "string"],
                minLength=SHORTEST_REASON,
                maxLength=LONGEST_REASON,
                title="Waive",
                description="Why the losses found in the window shall be accepted: people are asked to approve it.",
            ),
        },
    ) as dag:
        proven = prove(source)
        if source.gold:
            proven >> make_gold(source)
        if has_suites(source):
            proven.get_child_by_label("record") >> make_quality(source)
    globals()[dag.dag_id] = dag
