"""The maintenance DAG as Airflow parses it: one writer at a time, and nothing is told before it is proven."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronTriggerTimetable

from clickstream.airflow.notifiers.page import PageOnFailure
from tests.dags.airflow_home import ROOT

TASKS = ["plan", "lake_maintenance", "check", "record", "verdict"]


@pytest.fixture(scope="module")
def dag() -> DAG:
    bag = DagBag(str(ROOT / "dags" / "lake_maintenance_dag.py"))
    assert bag.import_errors == {}
    assert set(bag.dags) == {
        f"{source}__lake_maintenance" for source in ("chart_affiliates", "retail_web", "shop_clicks")
    }
    return bag.dags["retail_web__lake_maintenance"]


def test_the_job_is_checked_and_recorded_before_anybody_is_told(dag: DAG) -> None:
    assert [task.task_id for task in dag.topological_sort()] == TASKS
    for before, after in itertools.pairwise(TASKS):
        assert dag.get_task(before).downstream_task_ids == {after}


def test_the_job_waits_for_the_sources_other_writers(dag: DAG) -> None:
    job: Any = dag.get_task("lake_maintenance")
    assert (job.pool, job.job_name) == ("retail_web", "retail_web__lake_maintenance")
    assert {task.pool for task in dag.tasks if task is not job} == {"default_pool"}


def test_it_runs_each_week_one_at_a_time_and_catches_nothing_up(dag: DAG) -> None:
    assert isinstance(dag.timetable, CronTriggerTimetable)
    assert dag.timetable.expression == "0 3 * * 0"
    assert (dag.catchup, dag.max_active_runs) == (False, 1)


def test_its_page_says_what_does_not_hold(dag: DAG) -> None:
    for task in dag.tasks:
        callbacks: Any = task.on_failure_callback
        (callback,) = callbacks
        assert isinstance(callback, PageOnFailure)
        assert "not maintained" in callback.impact


def test_its_text_names_the_rules_and_what_failure_means(dag: DAG) -> None:
    assert dag.doc_md
    for told in ("**What.**", "**When it fails.**", "docs/lake-maintenance.md"):
        assert told in dag.doc_md
