"""Watch a source's live path: is it there, does it take records, are they delivered?

**When.** Every five minutes, for sources whose YAML has a `health` section; nothing is caught up. It begins paused:
switch it on when the path is provisioned and its events flow. `verify_until` does not end it.

**What.** Each round sends one heartbeat through the producer, then compares the live stream and delivery, and their
metrics of the last minutes, with the thresholds of that section. A metric that a heartbeat should have moved and did
not is a fault. Too little traffic counts in `traffic_hours` only, and without heartbeats. `docs/health.md` has the
rules.

**By hand.** Trigger it at any time: one round more.

**Run twice.** One heartbeat more, which is filtered as `canary` and counted by its receipt. Nobody is told twice.

**When it finds something.** The run succeeds: its findings are the result of `look`. One page is sent when a cause
turns up and one when it is gone; `docs/runbooks/` has one file for each. The run fails only when it could not look,
and then that is paged.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable

from clickstream.airflow.health import watch
from clickstream.airflow.notifiers.page import PageOnFailure
from clickstream.sources.loader import load_sources

IMPACT = "nobody watches the live path, and quiet hours get no heartbeat"

sources, _ = load_sources()

for source in sources.values():
    if source.health is None:
        continue
    with DAG(
        dag_id=f"{source.name}__health",
        description=f"Watch the live path of {source.name}: {source.description}",
        doc_md=__doc__,
        schedule=CronTriggerTimetable("*/5 * * * *", timezone="UTC"),
        start_date=source.verify_from,
        catchup=False,
        is_paused_upon_creation=True,
        max_active_runs=1,
        dagrun_timeout=timedelta(minutes=15),
        tags=[source.name, "health"],
        default_args={
            "retries": 2,
            "retry_delay": timedelta(seconds=5),
            "execution_timeout": timedelta(minutes=3),
            "on_failure_callback": [PageOnFailure(source.name, IMPACT)],
        },
    ) as dag:
        watch(source)
    globals()[dag.dag_id] = dag
