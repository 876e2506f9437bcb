"""A step's queries: each started once a try, waited for deferred, and asked otherwise when the step knows how."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import TaskDeferred

from clickstream.airflow.operators import athena_step
from clickstream.airflow.operators.athena_step import AthenaStepOperator, QueryFailed
from clickstream.airflow.triggers.athena_queries import AthenaQueriesTrigger
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.reconciliation.makers import place


class Athena:
    """Starts are idempotent by their token, as Athena's are."""

    def __init__(self, s3: MemoryS3) -> None:
        self.s3 = s3
        self.started: dict[str, str] = {}

    def start_query_execution(self, *, QueryString: str, ClientRequestToken: str, WorkGroup: str) -> Any:  # noqa: N803
        assert 32 <= len(ClientRequestToken) <= 128
        assert WorkGroup == "clickstream"
        self.started.setdefault(ClientRequestToken, QueryString)
        return {"QueryExecutionId": f"q-{[*self.started].index(ClientRequestToken) + 1}"}

    def get_query_execution(self, *, QueryExecutionId: str) -> Any:  # noqa: N803
        location = f"s3://{place().lake}/athena/{QueryExecutionId}.csv"
        return {"QueryExecution": {"ResultConfiguration": {"OutputLocation": location}}}

    def answer(self, execution: str, text: str) -> None:
        self.s3.put_object(Bucket=place().lake, Key=f"athena/{execution}.csv", Body=text.encode())


class Step:
    """Asks for one thing and another; leaves out what could not be read, once."""

    def __init__(self, **queries: str) -> None:
        self.asked = queries
        self.recoverable = False
        self.concluded: Mapping[str, Any] | None = None

    def queries(self, run: Any) -> dict[str, str]:
        return self.asked

    def recover(self, run: Any, failure: str) -> bool:
        if self.recoverable:
            self.asked = {name: f"{sql} WITHOUT {failure}" for name, sql in self.asked.items()}
        return self.recoverable

    def conclude(self, run: Any, answers: Mapping[str, Any]) -> None:
        self.concluded = answers


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.s3 = MemoryS3()
        self.athena = Athena(self.s3)
        self.step = Step(one="SELECT 1", two="SELECT 2")
        monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
        monkeypatch.setattr(
            athena_step, "open_run", lambda source, run: SimpleNamespace(place=place(self.s3), source=source, run=run)
        )

    def operator(self, run: str = "r1") -> AthenaStepOperator:
        made: Any = AthenaStepOperator(task_id="check", source="retail_web", run=run, step=self.step)
        made.hook = SimpleNamespace(conn=self.athena)
        operator: AthenaStepOperator = made
        return operator

    def ask(self, run: str = "r1", try_number: int = 1) -> dict[str, str]:
        """The ids of the executions that the task then waits for, deferred."""
        with pytest.raises(TaskDeferred) as raised:
            self.operator(run).execute(context(try_number))
        return waited_for(raised.value)

    def resume(self, executions: dict[str, str], **failed: str) -> None:
        """Come back with the trigger's event."""
        self.operator().execute_complete(context(), {"executions": executions, "failed": failed or None})


def waited_for(waiting: TaskDeferred) -> dict[str, str]:
    assert isinstance(waiting.trigger, AthenaQueriesTrigger)
    assert waiting.method_name == "execute_complete"
    return waiting.trigger.executions


def context(try_number: int = 1) -> dict[str, Any]:
    return {"ti": SimpleNamespace(task_id="proof.check", try_number=try_number)}


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_all_queries_are_started_and_waited_for_together(scene: Scene) -> None:
    assert scene.ask() == {"one": "q-1", "two": "q-2"}
    assert [*scene.athena.started.values()] == ["SELECT 1", "SELECT 2"]


def test_every_statement_is_kept_as_evidence(scene: Scene) -> None:
    scene.ask()
    kept = {key: body for (bucket, key), body in scene.s3.objects.items() if bucket == place().evidence}
    assert kept == {
        "sql/retail_web/r1/proof.check.one.sql": b"SELECT 1",
        "sql/retail_web/r1/proof.check.two.sql": b"SELECT 2",
    }


def test_a_start_whose_answer_was_lost_is_not_made_twice(scene: Scene) -> None:
    assert scene.ask() == scene.ask()
    assert len(scene.athena.started) == 2


def test_another_try_another_run_and_another_statement_are_started_anew(scene: Scene) -> None:
    scene.ask()
    scene.ask(try_number=2)
    scene.ask(run="r2")
    scene.step.asked = {"one": "SELECT 3"}
    scene.ask()
    assert len(scene.athena.started) == 7


def test_a_step_with_nothing_to_ask_is_concluded_at_once(scene: Scene) -> None:
    scene.step.asked = {}
    scene.operator().execute(context())
    assert scene.step.concluded == {}
    assert scene.athena.started == {}


def test_rows_are_read_from_the_result_that_athena_left(scene: Scene) -> None:
    executions = scene.ask()
    scene.athena.answer("q-1", '"id","note"\n"1","a ""quoted"", one"\n"2",\n"3","two\nlines"\n"4",""\n')
    scene.athena.answer("q-2", '"id"\n')
    scene.resume(executions)
    assert scene.step.concluded == {
        "one": [
            {"id": "1", "note": 'a "quoted", one'},
            {"id": "2", "note": None},
            {"id": "3", "note": "two\nlines"},
            {"id": "4", "note": None},
        ],
        "two": [],
    }


def test_a_cell_of_a_megabyte_is_read(scene: Scene) -> None:
    """An id in the samples may be as long as a record."""
    scene.step.asked = {"one": "SELECT 1"}
    executions = scene.ask()
    scene.athena.answer("q-1", '"id"\n"' + "x" * 2**20 + '"\n')
    scene.resume(executions)
    assert scene.step.concluded == {"one": [{"id": "x" * 2**20}]}


def test_a_failed_query_that_the_step_knows_how_to_ask_otherwise_is_asked_again(scene: Scene) -> None:
    executions = scene.ask()
    scene.step.recoverable = True
    with pytest.raises(TaskDeferred) as raised:
        scene.resume(executions, name="one", reason="x.gz")
    assert waited_for(raised.value) == {"one": "q-3", "two": "q-4"}
    assert [*scene.athena.started.values()][2] == "SELECT 1 WITHOUT x.gz"
    assert scene.step.concluded is None


def test_any_other_failure_is_told_with_the_query_s_name_and_athena_s_reason(scene: Scene) -> None:
    executions = scene.ask()
    with pytest.raises(QueryFailed, match="two: EXCEEDED_MEMORY_LIMIT: 10 GB"):
        scene.resume(executions, name="two", reason="EXCEEDED_MEMORY_LIMIT: 10 GB")
    assert scene.step.concluded is None
