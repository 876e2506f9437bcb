"""The maintenance's own few lines: what each task takes from the run before it and hands to the next."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from jinja2 import Environment

from clickstream.airflow import maintenance
from clickstream.airflow.incidents import AlreadyPaged
from tests.unit.reconciliation.maintenance_stage import MaintenanceStage

RUN = "retail_web__lake_maintenance.manual__1.20261118T000001"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> MaintenanceStage:
    """One verified hour, and tasks that work on it."""
    made = MaintenanceStage()
    made.put(0, "x", b"a click")
    made.settle(0, 0, "r0")
    monkeypatch.setattr(maintenance, "open_run", lambda source, run: {"retail_web": made}[source].run(run))
    monkeypatch.setattr(maintenance, "run_key", lambda context: RUN)
    return made


@pytest.fixture
def dag(stage: MaintenanceStage) -> DAG:
    with DAG("retail_web__lake_maintenance", start_date=datetime(2026, 11, 17, tzinfo=UTC), schedule=None) as made:
        maintenance.maintain(stage.source)
    return made


def call(dag: DAG, task: str, *arguments: Any) -> Any:
    """What a task's function returns."""
    operator: Any = dag.get_task(task)
    return operator.python_callable(*arguments)


def plan(dag: DAG, monkeypatch: pytest.MonkeyPatch, *, whole: bool = False) -> Any:
    context = {"dag_run": SimpleNamespace(run_type="manual"), "params": {"whole": whole}}
    monkeypatch.setattr(maintenance, "get_current_context", lambda: context)
    return call(dag, "plan")


def test_the_job_is_given_the_plan_file_that_the_plan_left(
    dag: DAG, stage: MaintenanceStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = {"plan": plan(dag, monkeypatch)}
    assert stage.planned(RUN)["run_id"] == RUN
    context = {"ti": SimpleNamespace(xcom_pull=lambda task_ids: left[task_ids])}

    def rendered(template: str) -> str:
        return Environment(autoescape=True).from_string(template).render(context)

    job: Any = dag.get_task("lake_maintenance")
    check: Any = dag.get_task("check")
    assert {name: rendered(value) for name, value in job.arguments.items()} == {
        "--plan": stage.place.run_uri("retail_web", RUN, "maintenance_job")
    }
    assert rendered(job.run) == rendered(check.run) == RUN


def test_whole_reaches_the_plan(dag: DAG, stage: MaintenanceStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.maintain("m1")
    plan(dag, monkeypatch)
    since = stage.work(RUN)["silver"].since
    plan(dag, monkeypatch, whole=True)
    assert stage.work(RUN)["silver"].since < since


def test_the_verdict_is_told_and_fails_the_run_when_a_table_differs(dag: DAG, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []
    ti = SimpleNamespace(dag_id="retail_web__lake_maintenance", run_id="manual__1")
    monkeypatch.setattr(maintenance, "get_current_context", lambda: {"ti": ti})
    monkeypatch.setattr(maintenance, "report_maintenance", lambda run, *of: told.append((run.run, *of)))
    call(dag, "verdict", RUN, {"failed": [], "causes": []})
    with pytest.raises(AlreadyPaged, match=r"silver \(maintenance_differs\)"):
        call(dag, "verdict", RUN, {"failed": ["silver"], "causes": ["maintenance_differs"]})
    assert told == [(RUN, "retail_web__lake_maintenance", "manual__1")] * 2
