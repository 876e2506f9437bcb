"""The task group that makes Gold of proven Silver, and proves it: only the event dates that are out of date."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, TaskGroup, TriggerRule, get_current_context, task

from clickstream.airflow.incidents import AlreadyPaged, report_gold
from clickstream.airflow.operators.athena_step import AthenaStepOperator
from clickstream.airflow.operators.glue_run import GlueRunOperator
from clickstream.airflow.proof import PLAN, RUN
from clickstream.airflow.runs import open_run
from clickstream.sources.model import Source

GROUP = "gold"


def make_gold(source: Source) -> TaskGroup:
    """Make the task group for a source in the DAG that is being defined; it comes after the proof of its run."""
    from clickstream.reconciliation.gold.steps import JOB, CheckGold, PlanGold

    name = source.name
    with TaskGroup(GROUP, tooltip="Make and prove the event dates of Gold that are out of date") as group:
        plan = AthenaStepOperator(task_id="plan", source=name, run=RUN, step=PlanGold(), doc_md=PlanGold.__doc__)

        @task.branch
        def choose(run: str) -> str:
            """The job when a date is out of date; else the check, or nothing."""
            from clickstream.reconciliation.gold.steps import next_of_gold

            following = {"build": JOB, "check": "check", "none": "record"}
            return f"{GROUP}.{following[next_of_gold(open_run(name, run))]}"

        job = GlueRunOperator(
            task_id=JOB,
            run=RUN,
            job_name=f"{name}__{JOB}",
            arguments={
                "--plan": "s3://{{ ti.xcom_pull(task_ids='" + PLAN + f"')['lake'] }}}}/runs/{name}/{RUN}/gold_job.json"
            },
            pool=name,
            doc_md="Make the dates of Gold that are out of date anew from Silver.",
        )

        check = AthenaStepOperator(
            task_id="check",
            source=name,
            run=RUN,
            step=CheckGold(),
            doc_md=CheckGold.__doc__,
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        )

        @task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
        def record(run: str) -> dict[str, Any]:
            """Append to the ledger of dates, before anybody is told."""
            from clickstream.reconciliation.gold.steps import record_gold

            verdict = record_gold(open_run(name, run))
            return {"failed": verdict.failed, "causes": verdict.causes}

        @task(outlets=[Asset(name=f"{name}__gold_verified", uri=f"clickstream://{name}/gold")])
        def verdict(run: str, recorded: dict[str, Any]) -> None:
            """Page what the ledger of dates says now; fail the run when a date that it checked is failed."""
            ti = get_current_context()["ti"]
            report_gold(open_run(name, run), ti.dag_id, ti.run_id)
            if recorded["failed"]:
                raise AlreadyPaged(f"failed: {', '.join(recorded['failed'])} ({', '.join(recorded['causes'])})")

        chosen = choose(RUN)
        recorded = record(RUN)
        plan >> chosen >> job >> check >> recorded
        chosen >> [check, recorded]
        verdict(RUN, recorded)  # type: ignore[arg-type]
    return group
