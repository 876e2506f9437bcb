"""The task group that proves a window of a source: one code path for every schedule.

plan, survey, inspect; then, for hours to process: wait for the watermark, repair partitions, count Bronze, Bronze to
Silver; then check, reconcile, record, and the verdict. Whatever was lost ends the run before anything is written; a
final run can have it accepted by a person before it is recorded.
The verdict tells people: the entry is in the ledger by then, and nothing that is done to the task can move it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, TaskGroup, TriggerRule, get_current_context, task

from clickstream.airflow.incidents import AlreadyPaged, Refused, report_verdict
from clickstream.airflow.operators.athena_step import AthenaStepOperator
from clickstream.airflow.operators.glue_run import GlueRunOperator
from clickstream.airflow.operators.waiver_review import WaiverReviewOperator, approval_by
from clickstream.airflow.runs import open_run, run_key
from clickstream.airflow.sensors.watermark import WatermarkSensor
from clickstream.lake.windows import hour_of, hour_text
from clickstream.sources.model import Source

if TYPE_CHECKING:
    from clickstream.reconciliation.request import Request
    from clickstream.reconciliation.steps import Run

GROUP = "proof"
PLAN, WAIVE = f"{GROUP}.plan", f"{GROUP}.waive"
RUN = "{{ ti.xcom_pull(task_ids='" + PLAN + "')['run'] }}"
WINDOW = "{{ ti.xcom_pull(task_ids='" + PLAN + "')['window'] }}"


def requested(context: Any, source: Source) -> Request:
    """What the Params of a DAG run ask for.

    Raises:
        Refused: they cannot be meant; names each with its value.
    """
    from clickstream.reconciliation.request import Contradiction, Occasion, read_request

    dag_run = context["dag_run"]
    occasion = Occasion(
        kind=dag_run.run_type,
        cleared=dag_run.clear_number > 0,
        interval=(dag_run.data_interval_start, dag_run.data_interval_end),
        now=datetime.now(UTC),
    )
    try:
        return read_request(context["params"], occasion, source)
    except Contradiction as contradiction:
        raise Refused(str(contradiction)) from contradiction


def still_open(context: Any, run: Run) -> Request:
    """Every hour without an entry up to the end of the DAG run's data interval; of a run without one, up to now."""
    from clickstream.reconciliation.plan import open_window
    from clickstream.reconciliation.request import Request

    end = context["dag_run"].data_interval_end or hour_of(datetime.now(UTC))
    return Request(open_window(run.source, run.current.keys(), end))


def prove(source: Source, *, final: bool = True) -> TaskGroup:
    """Make the task group for a source in the DAG that is being defined.

    Args:
        source: the source.
        final: prove the run's window; else count the hours that are still open.
    """
    from clickstream.reconciliation.steps import Check, CountBronze, Survey

    name = source.name
    with TaskGroup(GROUP, tooltip="Prove a window, hour by hour") as group:

        @task
        def plan() -> dict[str, str]:
            """Fix the hours and the snapshots that this run begins with."""
            from clickstream.reconciliation.plan import make_plan

            context = get_current_context()
            run = open_run(name, run_key(context))
            request = requested(context, run.source) if final else still_open(context, run)
            made = make_plan(
                run.place,
                run.source,
                request.window,
                run=run.run,
                triggered_by=f"{context['dag_run'].run_type}",
                forced=request.forced,
                final=final,
                contract=request.contract,
                waive=request.waive,
            )
            run.write("plan", made.model_dump(mode="json"))
            return {"run": run.run, "window": str(request.window), "lake": run.place.lake}

        survey = AthenaStepOperator(task_id="survey", source=name, run=RUN, step=Survey(), doc_md=Survey.__doc__)

        @task.branch
        def inspect(run: str) -> str:
            """Compare listings, manifests and tables; nothing is repaired here."""
            from clickstream.reconciliation.steps import inspect_run

            last = WAIVE if final else f"{GROUP}.record"
            following = {"process": f"{GROUP}.wait_for_watermark", "check": f"{GROUP}.check", "record": last}
            return following[inspect_run(open_run(name, run))]

        watermark = WatermarkSensor(
            task_id="wait_for_watermark",
            source=name,
            window=WINDOW,
            doc_md="Wait until everything that arrived before the window's end has been delivered.",
        )

        @task
        def repair_partitions(run: str) -> dict[str, list[str]]:
            """Register the hours that hold objects, now that they are closed."""
            from clickstream.reconciliation.steps import repair_run

            repair = repair_run(open_run(name, run))
            return {"added": list(map(hour_text, repair.added)), "dropped": list(map(hour_text, repair.dropped))}

        count = AthenaStepOperator(
            task_id="count_bronze", source=name, run=RUN, step=CountBronze(), doc_md=CountBronze.__doc__
        )

        job = GlueRunOperator(
            task_id="bronze_to_silver",
            run=RUN,
            job_name=f"{name}__bronze_to_silver",
            arguments={
                "--plan": "s3://{{ ti.xcom_pull(task_ids='" + PLAN + f"')['lake'] }}}}/runs/{name}/{RUN}/job.json"
            },
            pool=name,
            doc_md="Give every record of the hours to process its fate, in Silver or in rejects.",
        )

        check = AthenaStepOperator(
            task_id="check",
            source=name,
            run=RUN,
            step=Check(),
            doc_md=Check.__doc__,
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        )

        @task
        def reconcile(run: str) -> dict[str, int]:
            """Decide the state of each checked hour."""
            from clickstream.reconciliation.steps import reconcile_run

            return reconcile_run(open_run(name, run))

        @task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
        def record(run: str) -> dict[str, Any]:
            """Append to the ledger, before anybody is told."""
            from clickstream.reconciliation.steps import record_run

            approval = approval_by(get_current_context()["ti"], WAIVE) if final else None
            verdict = record_run(open_run(name, run), approval)
            return {"failed": verdict.failed, "causes": verdict.causes}

        @task(outlets=[Asset(name=f"{name}__silver_verified", uri=f"clickstream://{name}/silver")] if final else None)
        def verdict(run: str, recorded: dict[str, Any]) -> None:
            """Page what the ledger says now, and fail the run when an hour that it looked at is failed."""
            ti = get_current_context()["ti"]
            report_verdict(open_run(name, run), ti.dag_id, ti.run_id)
            if recorded["failed"]:
                raise AlreadyPaged(f"failed: {', '.join(recorded['failed'])} ({', '.join(recorded['causes'])})")

        planned = plan()
        inspected = inspect(RUN)
        repaired = repair_partitions(RUN)
        reconciled = reconcile(RUN)
        recorded = record(RUN)
        planned >> survey >> inspected >> watermark >> repaired >> count >> job >> check >> reconciled >> recorded
        inspected >> [check, recorded]
        if final:
            waive = WaiverReviewOperator(
                task_id="waive",
                source=name,
                run=RUN,
                trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
                doc_md="Ask whether the losses that were found may be accepted, when the Param `waive` says why.",
            )
            [inspected, reconciled] >> waive >> recorded
        verdict(RUN, recorded)  # type: ignore[arg-type]
    return group
