"""Who is paged from Airflow, for what, and how often."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import TaskInstance
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from clickstream.airflow import incidents
from clickstream.airflow.incidents import AlreadyPaged, Refused, report_quality, report_verdict, run_link
from clickstream.airflow.notifiers.page import PROCESS_LOST, PageOnFailure, ResolveFailures
from clickstream.quality.ledger import QualityLedger
from clickstream.reconciliation.ledger import LedgerBroken
from tests.unit.paging.memory_sns import MemorySns
from tests.unit.quality.makers import entry
from tests.unit.reconciliation.makers import key, text
from tests.unit.reconciliation.stage import Stage

A, B = b"a click", b"b click"
DAG_ID = "retail_web__daily"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Two verified hours."""
    made = Stage()
    made.put(0, "x", A)
    made.put(1, "x", B)
    made.prove(0, 1, "r0")
    monkeypatch.setattr(incidents, "place", lambda: made.place)
    return made


@pytest.fixture
def topic(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> MemorySns:
    made = MemorySns()
    monkeypatch.setattr(incidents, "_sns", lambda: made)
    return made


def verdict(stage: Stage, run: str) -> None:
    """A run over both hours, and what its verdict reports."""
    stage.prove(0, 1, run)
    report_verdict(stage.run(run), DAG_ID, run)


def fail(exception: BaseException | None = None, dag: str = DAG_ID, task: str = "proof.wait_for_watermark") -> None:
    """What Airflow does when a task has failed for good."""
    ti = SimpleNamespace(
        dag_id=dag,
        run_id="scheduled__2026-11-18T00:00:00+00:00",
        task_id=task,
        log_url="http://airflow/log",
    )
    PageOnFailure("retail_web").notify({"ti": ti, "exception": exception or RuntimeError("no DataFreshness")})


def test_a_page_names_the_cause_the_hour_the_object_and_where_to_begin(stage: Stage, topic: MemorySns) -> None:
    stage.lose(1, "x")
    verdict(stage, "r1")
    assert topic.headlines == [f"retail_web: object_missing in {text(1)}"]
    (page,) = topic.published
    for told in (
        f"verified_through stops before {text(1)}",
        key(1, "x"),
        "docs/runbooks/object_missing.md",
        f"s3://{stage.place.lake}/findings/retail_web/{text(1)}/r1.json",
        f"Airflow: http://localhost:8080/dags/{DAG_ID}/runs/r1",
    ):
        assert told in page["Message"]


def test_the_same_cause_is_not_told_again_until_it_was_gone(stage: Stage, topic: MemorySns) -> None:
    stage.lose(1, "x")
    for run in ("r1", "r2"):
        verdict(stage, run)
    stage.put(1, "x", B)
    verdict(stage, "r3")
    verdict(stage, "r4")
    stage.lose(1, "x")
    verdict(stage, "r5")
    assert [kind for _, kind in topic.kinds] == ["opened", "resolved", "opened"]


def test_neighbouring_hours_are_one_incident(stage: Stage, topic: MemorySns) -> None:
    stage.lose(0, "x")
    verdict(stage, "r1")
    stage.lose(1, "x")
    verdict(stage, "r2")
    stage.put(0, "x", A)
    verdict(stage, "r3")
    assert topic.kinds == [("object_missing", "opened")]
    stage.put(1, "x", B)
    verdict(stage, "r4")
    assert topic.kinds[1:] == [("object_missing", "resolved")]


def test_each_cause_of_a_run_is_told(stage: Stage, topic: MemorySns) -> None:
    stage.commit("silver", ())
    verdict(stage, "r1")
    assert topic.kinds == [("records_unaccounted", "opened"), ("tables_changed", "opened")]
    for headline in topic.headlines:
        assert headline.endswith(f"in 2 hours from {text(0)} to {text(1)}")


def test_a_run_over_other_hours_resolves_nothing_that_the_ledger_still_fails_for(
    stage: Stage, topic: MemorySns
) -> None:
    stage.commit("silver", ())
    verdict(stage, "r1")
    stage.put(300, "x", b"f click")
    stage.prove(300, 300, "r2")
    report_verdict(stage.run("r2"), DAG_ID, "r2")
    assert {kind for _, kind in topic.kinds} == {"opened"}


def test_failed_quality_is_one_incident_that_other_checks_leave(stage: Stage, topic: MemorySns) -> None:
    ledger = QualityLedger(stage.s3, stage.place.evidence, "retail_web")
    for run, state in (("r1", "failed"), ("r2", "failed"), ("r3", "passed")):
        ledger.append([entry(range(2), state, run=run)])
        report_quality(stage.run(run), DAG_ID, run)
        verdict(stage, f"proof of {run}")
    assert topic.kinds == [("expectation_failed", "opened"), ("expectation_failed", "resolved")]


def test_a_task_that_failed_for_good_pages_with_its_log_and_what_to_clear(topic: MemorySns) -> None:
    fail()
    assert topic.kinds == [("task_failed", "opened")]
    for told in (
        "no DataFreshness",
        "http://airflow/log",
        "clear proof.wait_for_watermark",
        f"Airflow: http://localhost:8080/dags/{DAG_ID}/runs/scheduled__2026-11-18T00%3A00%3A00%2B00%3A00",
        "docs/runbooks/task_failed.md",
    ):
        assert told in topic.published[0]["Message"]


@pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")  # Airflow's reading of .airflowignore
def test_a_task_whose_process_was_lost_pages_as_well(topic: MemorySns) -> None:
    """The scheduler asks for the callback then, and the DAG processor makes what there is of a context."""
    with DAG(DAG_ID, start_date=datetime(2026, 11, 17, tzinfo=UTC), schedule=None):
        task = EmptyOperator(task_id="lost")
    ti = TaskInstance(
        id=uuid4(), dag_version_id=uuid4(), task_id="lost", dag_id=DAG_ID, run_id="r1", try_number=4, map_index=-1
    )
    made = RuntimeTaskInstance.model_construct(**ti.model_dump(exclude_unset=True), task=task)
    PageOnFailure("retail_web")(made.get_template_context())
    assert topic.headlines == ["retail_web: task_failed in retail_web__daily r1, lost"]
    assert f"Evidence: {PROCESS_LOST}" in topic.published[0]["Message"]


def test_the_failed_tasks_of_a_dag_are_one_incident_that_its_next_verdict_resolves(
    stage: Stage, topic: MemorySns
) -> None:
    fail()
    fail(task="proof.count_bronze")
    fail(dag="retail_web__hourly")
    verdict(stage, "r1")
    assert [kind for _, kind in topic.kinds] == ["opened", "opened", "resolved"]
    assert f"in {DAG_ID} " in topic.headlines[-1]


def test_a_verdict_that_fails_resolves_them_as_well_and_is_no_failed_task(stage: Stage, topic: MemorySns) -> None:
    fail()
    stage.lose(1, "x")
    verdict(stage, "r1")
    fail(AlreadyPaged("failed: ..."), task="proof.verdict")
    assert topic.kinds == [("task_failed", "opened"), ("object_missing", "opened"), ("task_failed", "resolved")]


def test_a_refused_request_pages_nobody(topic: MemorySns) -> None:
    fail(Refused("params.window = None: ..."), task="proof.plan")
    assert topic.kinds == []


def test_a_good_end_of_a_dag_without_a_verdict_resolves_them(topic: MemorySns) -> None:
    fail(dag="retail_web__health", task="heartbeat")
    fail()
    ResolveFailures("retail_web").notify({"dag": SimpleNamespace(dag_id="retail_web__health")})
    assert [kind for _, kind in topic.kinds] == ["opened", "opened", "resolved"]
    assert "retail_web__health" in topic.headlines[-1]


def test_a_broken_ledger_is_a_cause_of_its_own_and_one_for_all_dags(stage: Stage, topic: MemorySns) -> None:
    fail(LedgerBroken("ledger/retail_web/000000000000.ndjson line 1: changed"), task="proof.plan")
    fail(LedgerBroken("ledger/retail_web/000000000000.ndjson line 1: changed"), dag="retail_web__hourly")
    assert topic.kinds == [("ledger_broken", "opened")]
    assert "ledger/retail_web/000000000000.ndjson line 1" in topic.published[0]["Message"]
    verdict(stage, "r1")
    assert topic.kinds[1:] == [("ledger_broken", "resolved")]


def test_a_failed_task_does_not_resolve_what_another_opened(topic: MemorySns) -> None:
    fail()
    fail(LedgerBroken("line 1"), task="proof.plan")
    assert [kind for _, kind in topic.kinds] == ["opened", "opened"]


def test_the_link_leads_to_the_run_in_the_ui(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/base/")
    assert run_link(DAG_ID, "manual__1") == "https://airflow.example/base/dags/retail_web__daily/runs/manual__1"
