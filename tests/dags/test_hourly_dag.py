"""The hourly DAG as Airflow parses it: the tasks of the daily one, each hour, without catching up."""

from __future__ import annotations

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from clickstream.airflow.timetables import HourlyUntil
from clickstream.lake.windows import parse_hour
from tests.dags.airflow_home import ROOT
from tests.dags.test_daily_dag import TASKS


@pytest.fixture(scope="module")
def dag() -> DAG:
    bag = DagBag(str(ROOT / "dags" / "hourly_dag.py"))
    assert bag.import_errors == {}
    assert set(bag.dags) == {f"{source}__hourly" for source in ("chart_affiliates", "retail_web", "shop_clicks")}
    return bag.dags["retail_web__hourly"]


def test_it_has_the_tasks_of_the_daily_one_and_asks_nobody(dag: DAG) -> None:
    assert set(dag.task_ids) == TASKS
    assert [task.task_id for task in dag.tasks if task.outlets] == []


def test_it_runs_each_hour_and_makes_up_for_nothing(dag: DAG) -> None:
    assert isinstance(dag.timetable, HourlyUntil)
    assert dag.timetable.until == parse_hour("2026-11-19T00:00:00Z")
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.doc_md
    for told in ("**When.**", "**What it says.**", "**By hand.**", "**Run twice.**", "**When it fails.**"):
        assert told in dag.doc_md


@pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")  # Airflow's reading of .airflowignore
def test_it_can_be_stored_and_read_back(dag: DAG) -> None:
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert stored.timetable.serialize() == {"until": "2026-11-19T00:00:00+00:00"}
