"""The triggers: stored exactly, and firing on what they wait for and on nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.hooks.glue import GlueJobHook
from airflow.triggers.base import BaseTrigger

from clickstream.airflow.triggers import athena_queries, watermark
from clickstream.airflow.triggers.athena_queries import AthenaQueriesTrigger
from clickstream.airflow.triggers.glue_run import GlueRunTrigger
from clickstream.airflow.triggers.watermark import WatermarkTrigger

DEADLINE = 10
"""Seconds after which a trigger that does not fire is given up."""


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a trigger spares the scheduler is no use here."""
    for module in (athena_queries, watermark):
        monkeypatch.setattr(module, "FIRST_LOOK_SECONDS", 0)


class Client:
    """An asynchronous client that gives the answers it was told, in their order, the last one again and again."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def __getattr__(self, operation: str) -> Any:
        async def call(**request: Any) -> dict[str, Any]:
            self.asked.append((operation, request))
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

        return call


def connect(monkeypatch: pytest.MonkeyPatch, hook: type, *answers: dict[str, Any]) -> Client:
    client = Client(*answers or ({},))

    async def get_async_conn(self: object) -> Client:
        return client

    monkeypatch.setattr(hook, "get_async_conn", get_async_conn)
    return client


def fired(trigger: BaseTrigger) -> Any:
    """The payload of the trigger's first event."""

    async def first() -> Any:
        async with asyncio.timeout(DEADLINE):
            return (await anext(aiter(trigger.run()))).payload

    return asyncio.run(first())


def still_waits(trigger: BaseTrigger, client: Client, looks: int) -> bool:
    """Whether it has looked so often without firing."""

    async def wait() -> bool:
        running = asyncio.ensure_future(anext(aiter(trigger.run())))
        async with asyncio.timeout(DEADLINE):
            while len(client.asked) < looks and not running.done():
                await asyncio.sleep(0)
        waits = not running.done()
        running.cancel()
        return waits

    return asyncio.run(wait())


def execution(name: str, state: str, reason: str | None = None) -> dict[str, Any]:
    status = {"State": state} | ({"StateChangeReason": reason} if reason else {})
    return {"QueryExecutionId": name, "Status": status}


class TestAthenaQueries:
    trigger = AthenaQueriesTrigger({"one": "q-1", "two": "q-2"}, 0, "aws_default")

    def answers(self, *states: tuple[str, str]) -> Iterator[dict[str, Any]]:
        for one, two in states:
            yield {"QueryExecutions": [execution("q-1", one), execution("q-2", two)]}

    def test_it_is_stored_as_it_is(self) -> None:
        stored: Any = self.trigger.serialize()
        assert stored == (
            "clickstream.airflow.triggers.athena_queries.AthenaQueriesTrigger",
            {"executions": {"one": "q-1", "two": "q-2"}, "poll_seconds": 0, "aws_conn_id": "aws_default"},
        )
        assert AthenaQueriesTrigger(**stored[1]).serialize() == stored

    def test_it_fires_when_all_have_succeeded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        states = [("QUEUED", "QUEUED"), ("SUCCEEDED", "RUNNING"), ("SUCCEEDED", "SUCCEEDED")]
        client = connect(monkeypatch, AthenaHook, *self.answers(*states))
        assert fired(self.trigger) == {"executions": self.trigger.executions, "failed": None}
        assert client.asked == [("batch_get_query_execution", {"QueryExecutionIds": ["q-1", "q-2"]})] * 3

    @pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
    def test_it_fires_at_once_when_one_has_failed(self, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
        failed = execution("q-2", state, "HIVE_CURSOR_ERROR: x.gz")
        connect(monkeypatch, AthenaHook, {"QueryExecutions": [execution("q-1", "RUNNING"), failed]})
        assert fired(self.trigger)["failed"] == {"name": "two", "reason": "HIVE_CURSOR_ERROR: x.gz"}

    def test_a_failure_without_a_reason_is_told_by_its_state(self, monkeypatch: pytest.MonkeyPatch) -> None:
        connect(monkeypatch, AthenaHook, *self.answers(("CANCELLED", "RUNNING")))
        assert fired(self.trigger)["failed"] == {"name": "one", "reason": "CANCELLED"}

    @pytest.mark.parametrize("told", [[], [execution("q-1", "SUCCEEDED")]], ids=["none", "one of two"])
    def test_a_query_that_the_answer_leaves_out_has_not_ended(
        self, monkeypatch: pytest.MonkeyPatch, told: list[Any]
    ) -> None:
        client = connect(monkeypatch, AthenaHook, {"QueryExecutions": told})
        assert still_waits(self.trigger, client, looks=3)

    def test_a_kill_stops_the_queries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client = connect(monkeypatch, AthenaHook)
        asyncio.run(self.trigger.on_kill())
        assert client.asked == [
            ("stop_query_execution", {"QueryExecutionId": "q-1"}),
            ("stop_query_execution", {"QueryExecutionId": "q-2"}),
        ]


class TestWatermark:
    end = datetime(2026, 11, 18, tzinfo=UTC)

    def trigger(self, deadline: datetime) -> WatermarkTrigger:
        return WatermarkTrigger("retail_web", "2026-11-18T00:00:00Z", deadline.isoformat(), 0, "aws_default")

    def metrics(self, *, passed: bool) -> dict[str, Any]:
        at = [self.end + timedelta(minutes=2)]
        return {
            "MetricDataResults": [
                {"Id": f"{name}_{period}", "Timestamps": at, "Values": [0.0 if passed else 9_999_999.0]}
                for name in ("freshness", "lag")
                for period in (60, 300, 3600)
            ]
        }

    def test_it_is_stored_as_it_is(self) -> None:
        deadline = self.end + timedelta(hours=6)
        stored: Any = self.trigger(deadline).serialize()
        assert stored == (
            "clickstream.airflow.triggers.watermark.WatermarkTrigger",
            {
                "source": "retail_web",
                "end": "2026-11-18T00:00:00Z",
                "deadline": "2026-11-18T06:00:00+00:00",
                "poll_seconds": 0,
                "aws_conn_id": "aws_default",
            },
        )
        assert WatermarkTrigger(**stored[1]).serialize() == stored

    def test_it_fires_as_soon_as_the_watermark_has_passed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = [self.metrics(passed=False), self.metrics(passed=False), self.metrics(passed=True)]
        client = connect(monkeypatch, AwsBaseHook, *answers)
        assert fired(self.trigger(datetime.now(UTC) + timedelta(hours=1))) == {"passed": True}
        assert [operation for operation, _ in client.asked] == ["get_metric_data"] * 3
        assert client.asked[0][1]["StartTime"] == self.end

    def test_after_the_settle_limit_one_look_decides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        for passed in (True, False):
            client = connect(monkeypatch, AwsBaseHook, self.metrics(passed=passed))
            assert fired(self.trigger(past)) == {"passed": passed}
            assert len(client.asked) == 1

    def test_before_the_limit_it_goes_on_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client = connect(monkeypatch, AwsBaseHook, self.metrics(passed=False))
        assert still_waits(self.trigger(datetime.now(UTC) + timedelta(hours=1)), client, looks=5)


class TestGlueRun:
    trigger = GlueRunTrigger(job_name="job", run_id="jr_1", waiter_delay=0, waiter_max_attempts=3)

    def test_a_kill_stops_the_job_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client = connect(monkeypatch, GlueJobHook)
        asyncio.run(self.trigger.on_kill())
        assert client.asked == [("batch_stop_job_run", {"JobName": "job", "JobRunIds": ["jr_1"]})]
