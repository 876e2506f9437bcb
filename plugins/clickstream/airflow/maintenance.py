"""The tasks that keep a source's Iceberg tables small, and prove that no row was changed by it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import get_current_context, task

from clickstream.airflow.incidents import AlreadyPaged, report_maintenance
from clickstream.airflow.operators.athena_step import AthenaStepOperator
from clickstream.airflow.operators.glue_run import GlueRunOperator
from clickstream.airflow.runs import open_run, run_key
from clickstream.sources.model import Source

PLAN = "plan"


def _planned(field: str) -> str:
    return "{{ ti.xcom_pull(task_ids='" + PLAN + "')['" + field + "'] }}"


RUN = _planned("run")


def maintain(source: Source) -> None:
    """Make the tasks for a source in the DAG that is being defined."""
    from clickstream.reconciliation.maintenance.steps import JOB, CheckMaintenance

    name = source.name

    @task(task_id=PLAN)
    def plan() -> dict[str, str]:
        """Fix which partitions are compacted and which snapshots are kept, by what the ledger says."""
        from clickstream.reconciliation.maintenance.steps import plan_maintenance

        context = get_current_context()
        run, dag_run = open_run(name, run_key(context)), context["dag_run"]
        whole = bool(context["params"]["whole"])
        plan_maintenance(run, triggered_by=f"{dag_run.run_type}", now=datetime.now(UTC), whole=whole)
        return {"run": run.run, "plan": run.place.run_uri(name, run.run, "maintenance_job")}

    job = GlueRunOperator(
        task_id=JOB,
        run=RUN,
        job_name=f"{name}__{JOB}",
        arguments={"--plan": _planned("plan")},
        pool=name,
        doc_md="Compact settled partitions, expire snapshots, and remove the files of killed jobs.",
    )

    check = AthenaStepOperator(
        task_id="check", source=name, run=RUN, step=CheckMaintenance(), doc_md=CheckMaintenance.__doc__
    )

    @task
    def record(run: str) -> dict[str, Any]:
        """Append to the ledger of maintenance, before anybody is told."""
        from clickstream.reconciliation.maintenance.steps import record_maintenance

        verdict = record_maintenance(open_run(name, run))
        return {"failed": verdict.failed, "causes": verdict.causes}

    @task
    def verdict(run: str, recorded: dict[str, Any]) -> None:
        """Page what the ledger of maintenance says now; fail the run when a table lost or gained rows."""
        ti = get_current_context()["ti"]
        report_maintenance(open_run(name, run), ti.dag_id, ti.run_id)
        if recorded["failed"]:
            raise AlreadyPaged(f"failed: {', '.join(recorded['failed'])} ({', '.join(recorded['causes'])})")

    recorded = record(RUN)
    plan() >> job >> check >> recorded
    verdict(RUN, recorded)  # type: ignore[arg-type]
