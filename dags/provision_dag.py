"""Make a source's path what its file declares: stream, delivery, tables, job; or take the path away.

**When.** By hand: after `include/sources/<name>.yaml` or the code of a job has changed, or to bring back what
somebody deleted. Run twice, the second plan is empty.

**By hand.** `mode` `plan` shows what differs, `apply` makes it so, `destroy` deletes the path. The plan stands under
*Rendered Templates* of `review`. When something would be replaced, deleted or made dearer, `review` asks for approval
(*Required Actions*): Reject changes nothing, and no answer within seven days is none. What lives is compared once more
after the approval: if it changed meanwhile, nothing is done. A new resource of a declared source needs no approval.

**What destroy keeps.** Bronze, the evidence, and the tables of Silver, rejects and Gold, unless `delete_data` holds
the source's name: then these go with their rows. Bronze and evidence are never deleted from here. Stop the producers
first: what the stream holds and Firehose has not delivered is lost.

**Run twice.** Each step does only what is left to do, so a run that was killed anywhere can be cleared.

**When it fails.** One page, and one when a later run ends well. Nothing is rolled back: mend the cause, then clear
the failed tasks, or trigger it again. At the end of `apply` a record of our own has been seen in the stream, where
there is one, and in Bronze; it is filtered as `canary`.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from clickstream.airflow.notifiers.page import PageOnFailure, ResolveFailures
from clickstream.airflow.provision import provision
from clickstream.sources.loader import load_sources

IMPACT = "the path is as the last step left it: not all of it may be as declared"

sources, _ = load_sources()

for source in sources.values():
    with DAG(
        dag_id=f"{source.name}__provision",
        description=f"Set up the path of {source.name}: {source.description}",
        doc_md=__doc__,
        schedule=None,
        max_active_runs=1,
        tags=[source.name, "provision"],
        default_args={
            "retries": 2,
            "retry_delay": timedelta(seconds=15),
            "on_failure_callback": [PageOnFailure(source.name, IMPACT)],
        },
        # Of the DAG, not of its last task: a run that only plans, or is rejected, ends well before that one.
        on_success_callback=[ResolveFailures(source.name)],
        params={
            "mode": Param(
                "plan",
                enum=["plan", "apply", "destroy"],
                title="Mode",
                description="Show what differs, make it so, or delete the path.",
            ),
            "delete_data": Param(
                None,
                type=["null", "string"],
                title="Delete data",
                description="With destroy: the source's name, to delete the rows of Silver, rejects and Gold as well.",
            ),
        },
    ) as dag:
        provision(source)
    globals()[dag.dag_id] = dag
