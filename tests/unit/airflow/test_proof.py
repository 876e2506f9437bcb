"""The task group's own few lines: what each task takes from the run before it and hands to the next."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from jinja2 import Environment

from clickstream.airflow import proof
from clickstream.airflow.incidents import AlreadyPaged
from clickstream.reconciliation.plan import Plan
from clickstream.reconciliation.steps import Survey
from tests.unit.reconciliation.makers import at, text
from tests.unit.reconciliation.stage import Stage

RUN = "retail_web__daily.scheduled__17.20261118T000001"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """One verified hour, and tasks that work on it."""
    made = Stage()
    made.put(0, "x", b"a click")
    made.prove(0, 0, "r0")
    monkeypatch.setattr(proof, "open_run", lambda source, run: {"retail_web": made}[source].run(run))
    monkeypatch.setattr(proof, "run_key", lambda context: RUN)
    return made


@pytest.fixture
def dag(stage: Stage) -> DAG:
    with DAG("retail_web__daily", start_date=datetime(2026, 11, 17, tzinfo=UTC), schedule=None) as made:
        proof.prove(stage.source)
    return made


def call(dag: DAG, task: str, *arguments: Any) -> Any:
    """What a task's function returns."""
    operator: Any = dag.get_task(f"proof.{task}")
    return operator.python_callable(*arguments)


def plan(dag: DAG, monkeypatch: pytest.MonkeyPatch, first: int = 0, last: int = 0, **params: Any) -> Any:
    dag_run = SimpleNamespace(
        run_type="scheduled", clear_number=0, data_interval_start=at(first), data_interval_end=at(last + 1)
    )
    monkeypatch.setattr(proof, "get_current_context", lambda: {"dag_run": dag_run, "params": params})
    return call(dag, "plan")


def test_the_plan_is_left_for_the_steps_and_its_names_for_the_tasks(
    dag: DAG, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = f"{text(0)}/{text(2)}"
    assert plan(dag, monkeypatch, 0, 1) == {"run": RUN, "window": window, "lake": stage.place.lake}
    left = Plan.model_validate(stage.run(RUN).read("plan"))
    assert (left.run, left.window, left.triggered_by) == (RUN, window, "scheduled")
    assert (left.forced, left.contract) == (False, "pinned")


def test_the_params_reach_the_plan(dag: DAG, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    window = f"{text(5)}/{text(7)}"
    assert plan(dag, monkeypatch, window=window, force=True, contract="latest")["window"] == window
    left = stage.run(RUN).plan
    assert (left.hours, left.forced, left.contract) == ((text(5), text(6)), True, "latest")


def nothing(stage: Stage) -> None:
    """All is as it was."""


def new_hour(stage: Stage) -> None:
    stage.put(0, "late", b"b click")


def restored(stage: Stage) -> None:
    stage.lose(0, "x")
    stage.prove(0, 0, "r1")
    stage.put(0, "x", b"a click")


def lost(stage: Stage) -> None:
    stage.lose(0, "x")


@pytest.mark.parametrize(
    ("deed", "following"),
    [
        (nothing, "proof.record"),
        (new_hour, "proof.wait_for_watermark"),
        (restored, "proof.check"),
        (lost, "proof.record"),
    ],
    ids=["unchanged", "late", "restored", "lost"],
)
def test_the_inspection_says_which_task_comes_next(
    dag: DAG, stage: Stage, monkeypatch: pytest.MonkeyPatch, deed: Any, following: str
) -> None:
    deed(stage)
    plan(dag, monkeypatch)
    stage.ask(RUN, Survey())
    assert call(dag, "inspect", RUN) == following


def test_the_verdict_fails_the_run_and_names_the_hours(dag: DAG, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.lose(0, "x")
    plan(dag, monkeypatch)
    stage.ask(RUN, Survey())
    call(dag, "inspect", RUN)
    recorded = call(dag, "record", RUN)
    assert recorded == {"failed": [text(0)], "causes": ["object_missing"]}
    assert stage.states[0] == "failed"
    told = told_by(monkeypatch)
    with pytest.raises(AlreadyPaged, match=rf"{text(0)} \(object_missing\)"):
        call(dag, "verdict", RUN, recorded)
    assert told == [(RUN, "retail_web__daily", "scheduled__17")]


def test_a_run_without_a_failed_hour_ends_well_and_is_reported_too(dag: DAG, monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_by(monkeypatch)
    call(dag, "verdict", RUN, {"failed": [], "causes": []})
    assert told == [(RUN, "retail_web__daily", "scheduled__17")]


def told_by(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Run, DAG and DAG run of each verdict that is reported."""
    told: list[tuple[str, str, str]] = []
    ti = SimpleNamespace(dag_id="retail_web__daily", run_id="scheduled__17")
    monkeypatch.setattr(proof, "get_current_context", lambda: {"ti": ti})
    monkeypatch.setattr(proof, "report_verdict", lambda run, *of: told.append((run.run, *of)))
    return told


def test_the_job_is_given_the_plan_file_that_the_count_left(dag: DAG, stage: Stage) -> None:
    job: Any = dag.get_task("proof.bronze_to_silver")
    left = {"proof.plan": {"run": RUN, "window": "...", "lake": stage.place.lake}}
    context = {"ti": SimpleNamespace(xcom_pull=lambda task_ids: left[task_ids])}

    def rendered(template: str) -> str:
        return Environment(autoescape=True).from_string(template).render(context)

    assert job.job_name == "retail_web__bronze_to_silver"
    assert {name: rendered(value) for name, value in job.arguments.items()} == {
        "--plan": stage.place.run_uri("retail_web", RUN, "job")
    }
    assert rendered(job.run) == RUN
    for task in ("survey", "count_bronze", "check"):
        operator: Any = dag.get_task(f"proof.{task}")
        assert rendered(operator.run) == RUN
    sensor: Any = dag.get_task("proof.wait_for_watermark")
    assert rendered(sensor.window) == "..."
