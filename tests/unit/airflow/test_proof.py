"""The task group's own few lines: what each task takes from the run before it and hands to the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from jinja2 import Environment

from clickstream.airflow import proof
from clickstream.airflow.incidents import AlreadyPaged
from clickstream.lake.windows import hour_text
from clickstream.reconciliation.plan import Plan
from clickstream.reconciliation.steps import Survey, propose_waiver
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
        run_type="manual" if params else "scheduled",
        clear_number=0,
        data_interval_start=at(first),
        data_interval_end=at(last + 1),
    )
    given = {"window": None, "force": False, "contract": "pinned", "waive": None, **params}
    monkeypatch.setattr(proof, "get_current_context", lambda: {"dag_run": dag_run, "params": given, "ti": Reviewed()})
    return call(dag, "plan")


class Reviewed:
    """The task's own instance, in a run whose review was answered like this."""

    def __init__(self, asked: str | None = None, answer: Any = None) -> None:
        self.xcoms = {"asked": asked, "return_value": answer}

    def xcom_pull(self, *, task_ids: str, key: str = "return_value") -> Any:
        return {"proof.waive": self.xcoms}[task_ids][key]


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
    plan(dag, monkeypatch, window=window, waive="no version of it is left")
    assert stage.run(RUN).plan.waive == "no version of it is left"


@pytest.mark.parametrize(("interval_end", "last"), [(at(5), text(4)), (None, text(30))])
def test_an_hourly_run_takes_what_is_open_up_to_its_interval_s_end_or_to_now(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, interval_end: datetime | None, last: str
) -> None:
    stage.put(0, "x", b"a click")
    stage.prove(0, 0, "r1")
    monkeypatch.setattr(proof, "datetime", SimpleNamespace(now=lambda zone: at(31) + timedelta(minutes=20)))
    context = {"dag_run": SimpleNamespace(data_interval_end=interval_end)}
    hours = [hour_text(hour) for hour in proof.still_open(context, stage.run(RUN)).window]
    assert (hours[0], hours[-1]) == (text(1), last)


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
        (nothing, "proof.waive"),
        (new_hour, "proof.wait_for_watermark"),
        (restored, "proof.check"),
        (lost, "proof.waive"),
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


@pytest.mark.parametrize(
    ("choice", "state"), [("Approve", "excepted"), ("Reject", "failed"), (None, "failed")], ids=str
)
def test_only_an_approval_excepts_hours(
    dag: DAG, stage: Stage, monkeypatch: pytest.MonkeyPatch, choice: str | None, state: str
) -> None:
    stage.lose(0, "x")
    plan(dag, monkeypatch, window=f"{text(0)}/{text(1)}", waive="no version of it is left")
    stage.ask(RUN, Survey())
    call(dag, "inspect", RUN)
    answered = {
        "chosen_options": [choice],
        "responded_at": datetime(2026, 11, 21, 9, tzinfo=UTC),
        "responded_by_user": {"id": "7", "name": "Maria"},
    }
    asked = propose_waiver(stage.run(RUN)).digest
    review = Reviewed(asked, answered if choice else None)
    monkeypatch.setattr(proof, "get_current_context", lambda: {"ti": review})
    assert call(dag, "record", RUN)["failed"] == ([] if state == "excepted" else [text(0)])
    assert stage.states[0] == state
    assert [(w.waived_by, w.waived_at) for w in stage.entry(0).waivers] == (
        [("Maria (7)", "2026-11-21T09:00:00.000+00:00")] if state == "excepted" else []
    )


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
