"""The task group of data quality: what its tasks take and hand on; the verdict pages first and fails the run then."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from clickstream.airflow import quality
from clickstream.airflow.incidents import AlreadyPaged
from clickstream.quality import steps
from clickstream.reconciliation.steps import Verdict
from tests.unit.reconciliation.makers import source

RUN = "retail_web__daily.scheduled__17.20261118T000001"
FAILED = {"failed": ["silver: sessions_are_known"], "causes": ["expectation_failed"]}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is reported: run, DAG and DAG run."""
    reported: list[tuple[Any, ...]] = []
    ti = SimpleNamespace(dag_id="retail_web__daily", run_id="scheduled__17")
    monkeypatch.setattr(quality, "open_run", lambda source, run: (source, run))
    monkeypatch.setattr(quality, "get_current_context", lambda: {"ti": ti})
    monkeypatch.setattr(quality, "report_quality", lambda *of: reported.append(of))
    return reported


@pytest.fixture
def dag() -> DAG:
    with DAG("retail_web__daily", start_date=datetime(2026, 11, 17, tzinfo=UTC), schedule=None) as made:
        quality.make_quality(source())
    return made


def call(dag: DAG, task: str, *arguments: Any) -> Any:
    operator: Any = dag.get_task(f"quality.{task}")
    return operator.python_callable(*arguments)


def test_what_was_found_is_handed_on(dag: DAG, told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = {("retail_web", RUN): Verdict(FAILED["failed"], FAILED["causes"])}
    monkeypatch.setattr(steps, "validate_run", found.__getitem__)
    assert call(dag, "validate", RUN) == FAILED
    assert told == []


def test_the_verdict_is_told_before_it_fails_the_run(dag: DAG, told: list[Any]) -> None:
    with pytest.raises(AlreadyPaged, match=r"^silver: sessions_are_known$"):
        call(dag, "verdict", RUN, FAILED)
    assert told == [(("retail_web", RUN), "retail_web__daily", "scheduled__17")]


def test_a_good_end_is_told_too_so_that_an_incident_is_resolved(dag: DAG, told: list[Any]) -> None:
    call(dag, "verdict", RUN, {"failed": [], "causes": []})
    assert len(told) == 1
