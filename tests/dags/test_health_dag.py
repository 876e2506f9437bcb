"""The health DAG as Airflow parses it: who is watched, when, and in which order."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronTriggerTimetable

from clickstream.airflow.notifiers.page import PageOnFailure, ResolveFailures
from clickstream.sources import loader
from tests.dags.airflow_home import ROOT

FILE = ROOT / "dags" / "health_dag.py"


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(str(FILE))


@pytest.fixture(scope="module")
def dag(bag: DagBag) -> DAG:
    return bag.dags["retail_web__health"]


def test_there_is_one_for_each_source_that_is_watched(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {f"{source}__health" for source in ("chart_affiliates", "retail_web", "shop_clicks")}


def test_a_round_is_a_heartbeat_then_a_look_then_the_pages(dag: DAG) -> None:
    assert [task.task_id for task in dag.topological_sort()] == ["heartbeat", "look", "page"]
    assert dag.get_task("look").upstream_task_ids == {"heartbeat"}
    assert dag.get_task("page").upstream_task_ids == {"look"}


def test_every_task_is_retried_ends_in_time_and_pages_when_it_fails_for_good(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.retries, task.task_id
        assert task.execution_timeout == timedelta(minutes=3)
        callbacks: Any = task.on_failure_callback
        (callback,) = callbacks
        assert isinstance(callback, PageOnFailure)
        assert callback.source == "retail_web"
        assert "watches the live path" in callback.impact


def test_a_round_that_came_to_its_end_resolves_what_failed_ones_opened(dag: DAG) -> None:
    callbacks: Any = dag.get_task("page").on_success_callback
    (callback,) = callbacks
    assert isinstance(callback, ResolveFailures)


def test_it_runs_every_five_minutes_one_at_a_time_and_catches_nothing_up(dag: DAG) -> None:
    assert isinstance(dag.timetable, CronTriggerTimetable)
    assert dag.timetable.expression == "*/5 * * * *"
    assert (dag.catchup, dag.max_active_runs, dag.dagrun_timeout) == (False, 1, timedelta(minutes=15))
    assert dag.is_paused_upon_creation is True
    assert dag.tags == {"retail_web", "health"}


def test_the_page_explains_the_dag_and_its_tasks(dag: DAG) -> None:
    assert dag.doc_md is not None
    for told in ("**When.**", "**What.**", "**By hand.**", "**Run twice.**", "docs/runbooks/", "docs/health.md"):
        assert told in dag.doc_md
    assert all(task.doc_md for task in dag.tasks)


def test_a_source_without_thresholds_is_not_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "include", tmp_path / "include")
    declaration = tmp_path / "include" / "sources" / "retail_web.yaml"
    declared = yaml.safe_load(declaration.read_text())
    del declared["health"]
    declaration.write_text(yaml.safe_dump(declared))
    monkeypatch.setattr(loader.load_sources, "__defaults__", (tmp_path / "include",))
    bag = DagBag(str(FILE))
    assert (bag.import_errors, set(bag.dags)) == ({}, {"chart_affiliates__health", "shop_clicks__health"})
