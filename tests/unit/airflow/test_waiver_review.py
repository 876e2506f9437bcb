"""The review of a waiver: when people are asked, what they see, and that the run goes on whatever they say."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import AirflowSkipException

from clickstream.airflow.operators import waiver_review
from clickstream.airflow.operators.waiver_review import WaiverReviewOperator
from clickstream.reconciliation.steps import propose_waiver
from tests.unit.reconciliation.makers import key, text
from tests.unit.reconciliation.stage import Stage

WHY = "no version of it is left"


class Waiting(Exception):
    """The task waits for a person."""


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """One verified hour, whose object is lost."""
    made = Stage()
    made.put(0, "x", b"a click")
    made.prove(0, 0, "r0")
    made.lose(0, "x")
    monkeypatch.setattr(waiver_review, "open_run", lambda source, run: {"retail_web": made}[source].run(run))
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What people are asked, and under which digest."""
    told: dict[str, Any] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **detail: told.update(detail))
    monkeypatch.setattr(hitl, "TaskAwaitingInput", lambda **_: Waiting())
    return told


def review() -> WaiverReviewOperator:
    return WaiverReviewOperator(task_id="waive", source="retail_web", run="w")


def context(told: dict[str, Any], waive: str | None = WHY) -> dict[str, Any]:
    ti = SimpleNamespace(id="1", xcom_push=lambda key, value: told.update({key: value}))
    return {"params": {"waive": waive}, "ti": ti, "task_instance": ti}


def test_people_are_asked_for_these_hours_findings_and_numbers(stage: Stage, asked: dict[str, Any]) -> None:
    stage.prove(0, 0, "w", waive=WHY, until="record")
    with pytest.raises(Waiting):
        review().execute(context(asked))
    assert asked["subject"] == f"retail_web: accept the losses of {text(0)}?"
    assert f"| {text(0)} | object_missing | {key(0, 'x')} | 1 | 0 | 1 |" in asked["body"]
    assert WHY in asked["body"]
    assert (asked["options"], asked["defaults"]) == (["Approve", "Reject"], ["Reject"])
    assert asked["asked"] == propose_waiver(stage.run("w")).digest


def test_nobody_is_asked_when_nobody_wants_it(stage: Stage, asked: dict[str, Any]) -> None:
    with pytest.raises(AirflowSkipException):
        review().execute(context(asked, waive=None))
    assert asked == {}


def test_nobody_is_asked_when_nothing_can_be_accepted(stage: Stage, asked: dict[str, Any]) -> None:
    stage.put(0, "x", b"a click")
    stage.prove(0, 0, "w", waive=WHY, until="record")
    with pytest.raises(AirflowSkipException, match="no hour of the window failed"):
        review().execute(context(asked))
    assert asked == {}


@pytest.mark.parametrize("choice", ["Approve", "Reject"])
def test_whatever_is_answered_is_handed_on(choice: str) -> None:
    """An ApprovalOperator would skip what follows after Reject: the failed hours would not be recorded."""
    event = {
        "chosen_options": [choice],
        "params_input": {},
        "responded_at": datetime(2026, 11, 21, tzinfo=UTC),
        "responded_by_user": {"id": "maria", "name": "maria"},
    }
    assert review().execute_complete({}, event)["chosen_options"] == [choice]
