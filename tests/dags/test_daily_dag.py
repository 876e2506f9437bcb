"""The daily DAG as Airflow parses it: which DAGs and tasks there are, and the orderings whose loss would do harm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, TriggerRule
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization

from clickstream.airflow.timetables import DailyUntil
from clickstream.lake.windows import parse_hour
from tests.dags.airflow_home import ROOT

TASKS = {
    "proof.plan",
    "proof.survey",
    "proof.inspect",
    "proof.wait_for_watermark",
    "proof.repair_partitions",
    "proof.count_bronze",
    "proof.bronze_to_silver",
    "proof.check",
    "proof.reconcile",
    "proof.record",
    "proof.verdict",
}
"""The tasks of a proof on any schedule."""
WAIVE = "proof.waive"
GOLD = {
    "gold.plan",
    "gold.choose",
    "gold.silver_to_gold",
    "gold.check",
    "gold.record",
    "gold.verdict",
}
QUALITY = {
    "quality.measure",
    "quality.validate",
    "quality.verdict",
}

WRITES = {"proof.repair_partitions", "proof.bronze_to_silver"}
"""Tasks that change the lake or its catalog."""


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(str(ROOT / "dags" / "daily_dag.py"))


@pytest.fixture(scope="module")
def dag(bag: DagBag) -> DAG:
    return bag.dags["retail_web__daily"]


def upstream(dag: DAG, task: str) -> set[str]:
    """Everything that must have ended before a task."""
    return {each.task_id for each in dag.get_task(task).get_flat_relatives(upstream=True)}


def test_the_tasks(dag: DAG) -> None:
    assert set(dag.task_ids) == TASKS | {WAIVE} | GOLD | QUALITY


def test_the_page_explains_the_dag_and_each_param_explains_itself(dag: DAG) -> None:
    assert dag.doc_md is not None
    for told in (
        "**When.**",
        "**By hand.**",
        "**Run twice.**",
        "**When it fails.**",
        "`window`",
        "`waive`",
        "docs/runbooks/",
    ):
        assert told in dag.doc_md
    assert set(dag.params) == {"window", "force", "contract", "waive"}
    for name in dag.params:
        param: Any = dag.params.get_param(name)
        assert param.description
        assert param.schema.get("title")


@pytest.mark.parametrize(
    ("param", "value", "allowed"),
    [
        ("window", None, True),
        ("window", "2026-11-18T13:00:00Z/2026-11-18T15:00:00Z", True),
        ("window", 7, False),
        ("window", "2026-11-18T13:30:00Z/2026-11-18T15:00:00Z", False),
        ("window", "2026-11-18T13:00:00+01:00/2026-11-18T15:00:00+01:00", False),
        ("window", "2026-11-18", False),
        ("waive", None, True),
        ("waive", "no version of it is left", True),
        ("waive", "gone", False),
        ("waive", "x" * 501, False),
        ("force", True, True),
        ("force", "yes", False),
        ("contract", "latest", True),
        ("contract", "newest", False),
    ],
)
def test_a_param_takes_only_what_it_can_mean(dag: DAG, param: str, value: object, allowed: bool) -> None:
    declared: Any = dag.params.get_param(param)
    if allowed:
        assert declared.resolve(value=value) == value
    else:
        with pytest.raises(ParamValidationError):
            declared.resolve(value=value)


def test_it_runs_every_day_since_the_source_is_proven_and_makes_up_for_missed_ones(dag: DAG) -> None:
    assert isinstance(dag.timetable, DailyUntil)
    assert dag.timetable.until == parse_hour("2026-11-19T00:00:00Z")
    assert dag.start_date == parse_hour("2026-11-18T00:00:00Z")
    assert dag.catchup is True
    assert dag.max_active_runs == 1
    assert dag.tags == {"retail_web", "daily"}


def test_nothing_is_written_before_the_inspection(dag: DAG) -> None:
    for task in WRITES:
        assert "proof.inspect" in upstream(dag, task)
    assert upstream(dag, "proof.inspect") == {"proof.plan", "proof.survey"}


def test_the_job_waits_for_the_watermark_the_partitions_and_the_count(dag: DAG) -> None:
    assert upstream(dag, "proof.bronze_to_silver") >= {
        "proof.wait_for_watermark",
        "proof.repair_partitions",
        "proof.count_bronze",
    }
    assert "proof.wait_for_watermark" in upstream(dag, "proof.repair_partitions")
    assert "proof.repair_partitions" in upstream(dag, "proof.count_bronze")


def test_the_check_comes_after_the_job_and_not_when_it_failed(dag: DAG) -> None:
    assert "proof.bronze_to_silver" in dag.get_task("proof.check").upstream_task_ids
    for task in ("proof.check", "proof.record"):
        assert dag.get_task(task).trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS


def test_the_entry_is_written_before_the_verdict_and_the_verdict_is_last(dag: DAG) -> None:
    assert dag.get_task("proof.verdict").upstream_task_ids == {"proof.record"}
    assert dag.get_task("proof.verdict").trigger_rule == TriggerRule.ALL_SUCCESS
    assert {task.task_id for task in dag.leaves} == {"gold.verdict", "quality.verdict"}
    assert "proof.reconcile" in upstream(dag, "proof.record")


def test_the_inspection_may_go_on_three_ways(dag: DAG) -> None:
    assert dag.get_task("proof.inspect").downstream_task_ids == {
        "proof.wait_for_watermark",
        "proof.check",
        WAIVE,
        "proof.record",
    }


def test_people_are_asked_about_what_was_found_and_before_it_is_recorded(dag: DAG) -> None:
    waive: Any = dag.get_task(WAIVE)
    assert waive.upstream_task_ids == {"proof.inspect", "proof.reconcile"}
    assert waive.downstream_task_ids == {"proof.record"}
    for task in (WAIVE, "proof.record"):
        assert dag.get_task(task).trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
    # Whatever is answered, or nothing: the run goes on to its record.
    assert not isinstance(waive, ApprovalOperator)
    assert (waive.defaults, waive.response_timeout) == (["Reject"], timedelta(days=1))


@pytest.mark.parametrize("job", ["proof.bronze_to_silver", "gold.silver_to_gold"])
def test_the_jobs_run_in_the_pool_of_their_source(dag: DAG, job: str) -> None:
    assert dag.get_task(job).pool == "retail_web"


def test_gold_is_made_of_proven_silver_only(dag: DAG) -> None:
    for task in GOLD:
        assert "proof.verdict" in upstream(dag, task)
    assert dag.get_task("gold.plan").trigger_rule == TriggerRule.ALL_SUCCESS
    assert dag.get_task("gold.silver_to_gold").trigger_rule == TriggerRule.ALL_SUCCESS


def test_gold_is_checked_after_its_job_and_recorded_before_its_verdict(dag: DAG) -> None:
    assert dag.get_task("gold.choose").downstream_task_ids == {"gold.silver_to_gold", "gold.check", "gold.record"}
    assert "gold.silver_to_gold" in dag.get_task("gold.check").upstream_task_ids
    assert dag.get_task("gold.verdict").upstream_task_ids == {"gold.record"}
    for task in ("gold.check", "gold.record"):
        assert dag.get_task(task).trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS


def test_quality_comes_after_the_entry_of_the_proof_whatever_its_verdict_and_nothing_waits_for_it(dag: DAG) -> None:
    assert dag.get_task("quality.measure").upstream_task_ids == {"proof.record"}
    assert dag.get_task("quality.validate").upstream_task_ids >= {"quality.measure"}
    for task in QUALITY:
        assert "proof.verdict" not in upstream(dag, task)
        assert not GOLD & upstream(dag, task)
    for task in (TASKS | GOLD | {WAIVE}) - QUALITY:
        assert not QUALITY & upstream(dag, task)


def test_quality_is_recorded_before_its_verdict(dag: DAG) -> None:
    assert dag.get_task("quality.verdict").upstream_task_ids == {"quality.validate"}
    assert dag.get_task("quality.verdict").trigger_rule == TriggerRule.ALL_SUCCESS


def test_others_are_told_of_what_is_verified_not_of_what_is_written(dag: DAG) -> None:
    told = {task.task_id: [outlet.name for outlet in task.outlets] for task in dag.tasks if task.outlets}
    assert told == {"proof.verdict": ["retail_web__silver_verified"], "gold.verdict": ["retail_web__gold_verified"]}


@pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")  # Airflow's reading of .airflowignore
def test_it_can_be_stored_and_read_back(dag: DAG) -> None:
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert set(stored.task_ids) == TASKS | {WAIVE} | GOLD | QUALITY
    assert stored.timetable.serialize() == {"until": "2026-11-19T00:00:00+00:00"}
