"""Who is paged, for what, and how often."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from clickstream.airflow.notifiers import page as notifiers
from clickstream.airflow.notifiers.page import PageOnFailure, PageOnVerdict
from tests.unit.reconciliation.makers import key, place, text
from tests.unit.reconciliation.stage import Stage

A, B = b"a click", b"b click"


class Topic:
    """SNS: what was published."""

    meta = SimpleNamespace(region_name="us-east-1")

    def __init__(self) -> None:
        self.pages: list[dict[str, Any]] = []

    def publish(self, **request: Any) -> dict[str, str]:
        self.pages.append(request)
        return {"MessageId": str(len(self.pages))}


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic()
    monkeypatch.setattr(notifiers, "_sns", lambda: made)
    monkeypatch.setattr(notifiers, "place", place)
    return made


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Two verified hours."""
    made = Stage()
    made.put(0, "x", A)
    made.put(1, "x", B)
    made.prove(0, 1, "r0")
    monkeypatch.setattr(notifiers, "open_run", lambda source, run: {"retail_web": made}[source].run(run))
    return made


def verdict_failed(run: str) -> None:
    """What Airflow does when the verdict's task has failed."""
    left = {"proof.plan": {"run": run, "window": "...", "lake": "..."}}
    ti = SimpleNamespace(xcom_pull=lambda task_ids: left[task_ids])
    PageOnVerdict("retail_web", "proof.plan").notify({"ti": ti})


def test_one_page_names_the_cause_the_hour_and_the_object(stage: Stage, topic: Topic) -> None:
    stage.lose(1, "x")
    stage.prove(0, 1, "r1")
    verdict_failed("r1")
    (page,) = topic.pages
    assert page["Subject"] == f"retail_web: object_missing in {text(1)}"
    assert page["MessageAttributes"]["causes"]["StringValue"] == "object_missing"
    assert f"verified_through stops before {text(1)}" in page["Message"]
    assert key(1, "x") in page["Message"]
    assert "docs/runbooks/object_missing.md" in page["Message"]
    assert f"s3://{stage.place.lake}/findings/retail_web/{text(1)}/r1.json" in page["Message"]


def test_the_same_cause_is_not_told_again(stage: Stage, topic: Topic) -> None:
    stage.lose(1, "x")
    for run in ("r1", "r2"):
        stage.prove(0, 1, run)
        verdict_failed(run)
    assert len(topic.pages) == 1


def test_one_page_tells_all_that_a_run_found(stage: Stage, topic: Topic) -> None:
    stage.commit("silver", ())
    stage.prove(0, 1, "r1")
    verdict_failed("r1")
    (page,) = topic.pages
    assert page["MessageAttributes"]["causes"]["StringValue"] == "records_unaccounted,tables_changed"
    assert f"2 hours from {text(0)} to {text(1)}" in page["Message"]


def test_only_hours_with_a_new_cause_are_told(stage: Stage, topic: Topic) -> None:
    stage.lose(0, "x")
    stage.prove(0, 1, "r1")
    verdict_failed("r1")
    stage.put(1, "x", b"other")
    stage.prove(0, 1, "r2")
    verdict_failed("r2")
    assert [page["Subject"] for page in topic.pages] == [
        f"retail_web: object_missing in {text(0)}",
        f"retail_web: object_changed in {text(1)}",
    ]


def test_a_page_is_sent_also_when_another_run_has_spoken_of_the_hour_since(stage: Stage, topic: Topic) -> None:
    stage.lose(1, "x")
    stage.prove(0, 1, "r1")
    stage.prove(0, 1, "r2")
    verdict_failed("r1")
    (page,) = topic.pages
    assert text(1) in page["Subject"]


def test_a_task_that_failed_for_good_pages_with_its_log_and_what_to_clear(topic: Topic) -> None:
    ti = SimpleNamespace(
        dag_id="retail_web__daily",
        run_id="scheduled__18",
        task_id="proof.wait_for_watermark",
        start_date="2026-11-19 00:00:00+00:00",
        log_url="http://airflow/log",
    )
    PageOnFailure("retail_web").notify({"ti": ti, "exception": RuntimeError("no DataFreshness")})
    (page,) = topic.pages
    assert page["MessageAttributes"]["causes"]["StringValue"] == "task_failed"
    for told in ("no DataFreshness", "http://airflow/log", "scheduled__18", "clear proof.wait_for_watermark"):
        assert told in page["Message"]
