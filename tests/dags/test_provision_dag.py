"""The provision DAG as Airflow parses it: nothing is changed before the plan was seen and, where needed, approved."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, TriggerRule
from airflow.sdk.exceptions import ParamValidationError

from clickstream.airflow.notifiers.page import ResolveFailures
from clickstream.airflow.operators.plan_review import NotApproved, PlanReviewOperator, check_approval
from tests.dags.airflow_home import ROOT

FILE = ROOT / "dags" / "provision_dag.py"
TASKS = {"plan", "review", "confirm", "apply", "send_canary", "is_in_stream", "is_in_bronze", "details"}


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(str(FILE))


@pytest.fixture(scope="module")
def dag(bag: DagBag) -> DAG:
    return bag.dags["retail_web__provision"]


def upstream(dag: DAG, task: str) -> set[str]:
    return {each.task_id for each in dag.get_task(task).get_flat_relatives(upstream=True)}


def test_there_is_one_for_each_source(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {f"{source}__provision" for source in ("chart_affiliates", "retail_web", "shop_clicks")}


def test_the_tasks(dag: DAG) -> None:
    assert set(dag.task_ids) == TASKS


def test_it_runs_by_hand_only_and_plans_unless_told_otherwise(dag: DAG) -> None:
    assert dag.timetable.can_be_scheduled is False
    assert dag.max_active_runs == 1
    assert dag.params.dump() == {"mode": "plan", "delete_data": None}
    mode: Any = dag.params.get_param("mode")
    assert mode.resolve(value="destroy") == "destroy"
    with pytest.raises(ParamValidationError):
        mode.resolve(value="delete")
    assert dag.doc_md
    for told in ("**When.**", "**By hand.**", "**What destroy keeps.**", "**Run twice.**", "**When it fails.**"):
        assert told in dag.doc_md


def test_nothing_is_changed_before_the_plan_was_reviewed_and_confirmed(dag: DAG) -> None:
    assert upstream(dag, "apply") == {"plan", "review", "confirm"}
    assert dag.get_task("apply").trigger_rule == TriggerRule.ALL_SUCCESS
    assert dag.get_task("confirm").trigger_rule == TriggerRule.ALL_SUCCESS


def test_a_run_that_ends_well_resolves_what_failed_ones_opened(dag: DAG) -> None:
    callbacks: Any = dag.on_success_callback
    (callback,) = callbacks
    assert isinstance(callback, ResolveFailures)


def test_resources_are_made_one_after_the_other(dag: DAG) -> None:
    apply: Any = dag.get_task("apply")
    assert apply.is_mapped
    assert apply.partial_kwargs["max_active_tis_per_dagrun"] == 1


def test_the_canary_is_sent_also_when_nothing_changed_but_not_when_the_review_was_refused(dag: DAG) -> None:
    assert dag.get_task("send_canary").upstream_task_ids >= {"apply", "confirm"}
    assert dag.get_task("send_canary").trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
    review: Any = dag.get_task("review")
    assert review.ignore_downstream_trigger_rules is True
    assert [task.task_id for task in dag.leaves] == ["details"]


def test_no_wait_holds_a_worker(dag: DAG) -> None:
    for task in ("is_in_stream", "is_in_bronze"):
        waiting: Any = dag.get_task(task)
        assert waiting.mode == "reschedule"


APPROVED = {"chosen_options": [PlanReviewOperator.APPROVE]}


@pytest.mark.parametrize(
    ("needs_approval", "asked", "answer", "refused"),
    [
        (False, None, None, None),
        (True, "abc", APPROVED, None),
        (True, None, APPROVED, "asked about nothing"),
        (True, "other", APPROVED, "asked about other"),
        (True, "abc", None, "nobody gave it"),
        (True, "abc", {"chosen_options": [PlanReviewOperator.REJECT]}, "nobody gave it"),
    ],
)
def test_only_an_approval_of_this_very_plan_counts(
    needs_approval: bool, asked: str | None, answer: dict[str, Any] | None, refused: str | None
) -> None:
    planned = {"digest": "abc", "needs_approval": needs_approval}
    if refused is None:
        check_approval(planned, asked, answer)
    else:
        with pytest.raises(NotApproved, match=refused):
            check_approval(planned, asked, answer)
