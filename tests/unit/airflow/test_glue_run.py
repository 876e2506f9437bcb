"""The Glue operator over the lives of a task: retry, clear, kill, and a job that is busy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import TaskDeferred

from clickstream.airflow.operators.glue_run import GlueRunOperator, JobRunFailed
from clickstream.airflow.triggers.glue_run import GlueRunTrigger
from tests.unit.lake.memory_s3 import refused

JOB = "retail_web__bronze_to_silver"


class Glue:
    """Job runs by id, listed newest first and two a page; one at a time, as MaxConcurrentRuns=1 has it."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.stopped: list[str] = []

    def start_job_run(self, *, JobName: str, Arguments: dict[str, str]) -> Any:  # noqa: N803
        if any(run["JobRunState"] in ("STARTING", "RUNNING", "STOPPING") for run in self.runs.values()):
            raise refused("StartJobRun", "ConcurrentRunsExceededException", 400)
        made = f"jr_{len(self.runs) + 1}"
        self.runs[made] = {"Id": made, "JobName": JobName, "Arguments": Arguments, "JobRunState": "RUNNING"}
        return {"JobRunId": made}

    def batch_stop_job_run(self, *, JobName: str, JobRunIds: list[str]) -> Any:  # noqa: N803
        self.stopped += JobRunIds
        for run in JobRunIds:
            self.end("STOPPING", run=run)
        return {}

    def get_job_run(self, *, JobName: str, RunId: str) -> Any:  # noqa: N803
        return {"JobRun": self.runs[RunId]}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_job_runs"
        listed = [*reversed(self.runs.values())]
        pages = [{"JobRuns": listed[start : start + 2]} for start in range(0, max(len(listed), 1), 2)]
        return SimpleNamespace(paginate=lambda **_: iter(pages))

    def end(self, state: str, message: str | None = None, run: str | None = None) -> None:
        """The newest run, or one by its id, ends."""
        ended = self.runs[run or [*self.runs][-1]]
        ended["JobRunState"] = state
        if message:
            ended["ErrorMessage"] = message


@pytest.fixture(autouse=True)
def outside_the_task_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow lets nobody but its task runner call an operator."""
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)


@pytest.fixture
def glue() -> Glue:
    return Glue()


@pytest.fixture
def operator(glue: Glue) -> GlueRunOperator:
    return operator_of("r1", glue)


def operator_of(run: str, glue: Glue) -> GlueRunOperator:
    made: Any = GlueRunOperator(task_id="job", run=run, job_name=JOB, arguments={"--plan": "s3://lake/plan.json"})
    made.hook = SimpleNamespace(conn=glue)
    operator: GlueRunOperator = made
    return operator


def context(clear_number: int = 0, map_index: int = -1) -> dict[str, Any]:
    return {
        "ti": SimpleNamespace(task_id="job", map_index=map_index, try_number=1),
        "dag_run": SimpleNamespace(clear_number=clear_number),
    }


def deferred(operator: GlueRunOperator, *arguments: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as raised:
        operator.execute(*arguments)
    return raised.value


def test_it_starts_one_run_with_its_arguments_and_waits_deferred(operator: GlueRunOperator, glue: Glue) -> None:
    waiting = deferred(operator, context())
    assert isinstance(waiting.trigger, GlueRunTrigger)
    assert (waiting.trigger.run_id, waiting.method_name) == ("jr_1", "execute_complete")
    assert glue.runs["jr_1"]["Arguments"]["--plan"] == "s3://lake/plan.json"
    assert len(glue.runs) == 1


def test_its_success_is_the_task_s(operator: GlueRunOperator, glue: Glue) -> None:
    deferred(operator, context())
    glue.end("SUCCEEDED")
    assert operator.execute_complete(context(), {"status": "success", "run_id": "jr_1"}) == "jr_1"


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "WAITING", "STOPPING"])
def test_a_retry_goes_on_waiting_for_its_run(operator: GlueRunOperator, glue: Glue, state: str) -> None:
    deferred(operator, context())
    glue.end(state)
    again = deferred(operator, context())
    assert isinstance(again.trigger, GlueRunTrigger)
    assert again.trigger.run_id == "jr_1"
    assert len(glue.runs) == 1


def test_a_retry_takes_the_success_of_a_run_that_ended_while_nobody_looked(
    operator: GlueRunOperator, glue: Glue
) -> None:
    deferred(operator, context())
    glue.end("SUCCEEDED")
    assert operator.execute(context()) == "jr_1"
    assert len(glue.runs) == 1


def test_its_run_is_found_behind_many_others(operator: GlueRunOperator, glue: Glue) -> None:
    deferred(operator, context())
    glue.end("SUCCEEDED")
    for other in range(5):
        glue.start_job_run(JobName=JOB, Arguments={"--airflow_run_key": f"other {other}"})
        glue.end("SUCCEEDED")
    assert operator.execute(context()) == "jr_1"


def test_a_run_that_somebody_started_by_hand_is_not_its_own(operator: GlueRunOperator, glue: Glue) -> None:
    glue.runs["jr_0"] = {"Id": "jr_0", "JobName": JOB, "JobRunState": "SUCCEEDED"}  # no arguments at all
    deferred(operator, context())
    assert len(glue.runs) == 2


@pytest.mark.parametrize("state", ["FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"])
def test_a_retry_of_a_run_that_failed_starts_another(operator: GlueRunOperator, glue: Glue, state: str) -> None:
    deferred(operator, context())
    glue.end(state)
    assert deferred(operator, context()).trigger.run_id == "jr_2"


@pytest.mark.parametrize("other", [context(clear_number=1), context(map_index=1)], ids=["clear", "map index"])
def test_a_clear_and_another_map_index_start_their_own(
    operator: GlueRunOperator, glue: Glue, other: dict[str, Any]
) -> None:
    deferred(operator, context())
    glue.end("SUCCEEDED")
    assert deferred(operator, other).trigger.run_id == "jr_2"


def test_another_run_starts_its_own(operator: GlueRunOperator, glue: Glue) -> None:
    """Also one of a DAG run that was deleted and came back under its name: its plan has another key."""
    deferred(operator, context())
    glue.end("SUCCEEDED")
    assert deferred(operator_of("r2", glue), context()).trigger.run_id == "jr_2"


def test_a_run_that_outlives_a_deferral_is_waited_for_anew(operator: GlueRunOperator, glue: Glue) -> None:
    deferred(operator, context())
    with pytest.raises(TaskDeferred) as raised:
        operator.execute_complete(context(), {"status": "error", "message": "max attempts", "run_id": "jr_1"})
    assert raised.value.trigger.run_id == "jr_1"
    assert len(glue.runs) == 1


@pytest.mark.parametrize("state", ["RUNNING", "STOPPING"])
def test_while_another_run_is_under_way_it_waits_deferred_and_then_starts(
    operator: GlueRunOperator, glue: Glue, state: str
) -> None:
    deferred(operator, context())
    glue.end(state)
    waiting = deferred(operator, context(clear_number=1))
    assert isinstance(waiting.trigger, TimeDeltaTrigger)
    assert waiting.method_name == "execute"
    assert len(glue.runs) == 1
    glue.end("STOPPED")
    # The task runner comes back to the same method, with the trigger's event.
    assert deferred(operator, context(clear_number=1), "an event").trigger.run_id == "jr_2"


def test_a_clear_before_the_triggerer_took_the_wait_stops_the_run_once(operator: GlueRunOperator, glue: Glue) -> None:
    deferred(operator, context())
    for _ in range(2):
        assert isinstance(deferred(operator, context(clear_number=1)).trigger, TimeDeltaTrigger)
        assert glue.stopped == ["jr_1"]


def test_a_run_of_somebody_else_is_never_stopped(operator: GlueRunOperator, glue: Glue) -> None:
    glue.start_job_run(JobName=JOB, Arguments={"--airflow_run_key": "r2/job/-1/0"})
    deferred(operator, context())
    assert glue.stopped == []


def test_any_other_refusal_of_a_start_is_raised(operator: GlueRunOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise refused("StartJobRun", "EntityNotFoundException", 400)

    monkeypatch.setattr(operator.hook.conn, "start_job_run", refuse)
    with pytest.raises(Exception, match="EntityNotFoundException"):
        operator.execute(context())


@pytest.mark.parametrize("state", ["FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"])
def test_a_failure_is_told_with_its_run_its_state_and_glue_s_own_words(
    operator: GlueRunOperator, glue: Glue, state: str
) -> None:
    deferred(operator, context())
    glue.end(state, "SparkException: out of disk")
    with pytest.raises(JobRunFailed, match=rf"{JOB} jr_1: {state}: SparkException: out of disk"):
        operator.execute_complete(context(), {"status": "error", "message": "Glue job failed", "run_id": "jr_1"})


def test_a_failure_without_words_says_so(operator: GlueRunOperator, glue: Glue) -> None:
    deferred(operator, context())
    glue.end("STOPPED")
    with pytest.raises(JobRunFailed, match="no reason given"):
        operator.execute_complete(context(), {"status": "error", "run_id": "jr_1"})


def test_the_trigger_is_stored_as_the_triggerer_makes_it_anew(operator: GlueRunOperator) -> None:
    stored = deferred(operator, context()).trigger.serialize()
    assert stored == (
        "clickstream.airflow.triggers.glue_run.GlueRunTrigger",
        {
            "job_name": JOB,
            "run_id": "jr_1",
            "verbose": False,
            "waiter_delay": 5,
            "waiter_max_attempts": 1440,
            "aws_conn_id": "aws_default",
        },
    )
    assert GlueRunTrigger(**stored[1]).serialize() == stored


def test_its_arguments_are_templates(operator: GlueRunOperator) -> None:
    assert {"run", "job_name", "arguments"} <= {*operator.template_fields}
