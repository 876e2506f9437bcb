"""The task group that holds a run's data against the expectations of their source; its verdict is its own.

It comes after the entry of the proof, beside Gold, and nothing waits for it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import TaskGroup, get_current_context, task

from clickstream.airflow.incidents import AlreadyPaged, report_quality
from clickstream.airflow.operators.athena_step import AthenaStepOperator
from clickstream.airflow.proof import RUN
from clickstream.airflow.runs import open_run
from clickstream.sources.model import Source

GROUP = "quality"


def make_quality(source: Source) -> TaskGroup:
    """Make the task group for a source in the DAG that is being defined; it comes after the record of its proof."""
    from clickstream.quality.steps import Measure

    name = source.name
    with TaskGroup(GROUP, tooltip="Hold the data against what is expected of them") as group:
        measure = AthenaStepOperator(task_id="measure", source=name, run=RUN, step=Measure(), doc_md=Measure.__doc__)

        @task
        def validate(run: str) -> dict[str, Any]:
            """Hold what was measured against the suites, and append to its ledger, before anybody is told."""
            from clickstream.quality.steps import validate_run

            verdict = validate_run(open_run(name, run))
            return {"failed": verdict.failed, "causes": verdict.causes}

        @task
        def verdict(run: str, validated: dict[str, Any]) -> None:
            """Page what the ledger of quality says now; fail the run when a critical expectation failed in it."""
            ti = get_current_context()["ti"]
            report_quality(open_run(name, run), ti.dag_id, ti.run_id)
            if validated["failed"]:
                raise AlreadyPaged("; ".join(validated["failed"]))

        validated = validate(RUN)
        measure >> validated
        verdict(RUN, validated)  # type: ignore[arg-type]
    return group
