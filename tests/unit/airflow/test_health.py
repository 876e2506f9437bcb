"""The health DAG's tasks: what each hands to the next, and what people hear of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from clickstream.airflow import health, incidents
from clickstream.health import beats, look
from clickstream.health.check import Look
from clickstream.health.live import Live, Part
from clickstream.health.metrics import Readings
from clickstream.producer.receipt import Receipt
from clickstream.sources.model import Health
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.paging.memory_sns import MemorySns
from tests.unit.reconciliation.makers import place, source

NOW = datetime(2026, 11, 18, 13, 30, 40, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


class Path:
    """The live path as the tasks see it, and what they do to it."""

    def __init__(self) -> None:
        self.s3, self.sns = MemoryS3(), MemorySns()
        self.delivery = "ACTIVE"
        self.beats: list[beats.Beat] = []

    def send_beat(self, where: Any, watched: Any, sink: Any) -> Receipt:
        assert sink.client.meta.service_model.service_name == "kinesis"
        receipt = Receipt(self.s3, "evidence", watched.name, "heartbeat")
        receipt.acknowledge(["a" * 32], NOW)
        return receipt

    def take_look(self, where: Any, watched: Any, kinesis: Any, firehose: Any) -> Look:
        stream, delivery = Part("stream s", "ACTIVE", LONG_AGO), Part("delivery d", self.delivery, LONG_AGO)
        live = Live({"stream": stream, "delivery": delivery}, NOW)
        return Look(Health(traffic_hours="20-21"), live, self.beats, Readings())


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Path:
    import boto3

    made = Path()
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    for module in (health, incidents):
        monkeypatch.setattr(module, "place", lambda: place(made.s3))
    monkeypatch.setattr(health, "session", lambda: session)
    monkeypatch.setattr(incidents, "_sns", lambda: made.sns)
    monkeypatch.setattr(beats, "send_beat", made.send_beat)
    monkeypatch.setattr(look, "take_look", made.take_look)
    dag_run = SimpleNamespace(dag_id="retail_web__health", run_id="r1")
    monkeypatch.setattr(health, "get_current_context", lambda: {"dag_run": dag_run})
    return made


@pytest.fixture
def dag(path: Path) -> DAG:
    with DAG("retail_web__health", start_date=LONG_AGO, schedule=None) as made:
        health.watch(source())
    return made


def call(dag: DAG, task: str, *arguments: Any) -> Any:
    """What a task's function returns."""
    operator: Any = dag.get_task(task)
    return operator.python_callable(*arguments)


def a_round(dag: DAG) -> Any:
    """What people are told in one round, after its heartbeat."""
    return call(dag, "page", call(dag, "look"))


def test_what_became_of_the_heartbeat_can_be_read_in_the_ui(dag: DAG) -> None:
    told = call(dag, "heartbeat")
    assert told == {"acknowledged": 1, "failed": {}, "unknown": 0}
    assert {type(each) for each in told.values()} == {int, dict}, "what Airflow can store"


def test_the_look_tells_its_findings(dag: DAG, path: Path) -> None:
    path.delivery = "DELETING"
    judged = call(dag, "look")
    assert judged["at"] == "2026-11-18T13:30:40Z"
    assert [finding["cause"] for finding in judged["findings"]] == ["path_missing"]


def test_a_cause_is_told_once_and_again_when_it_is_proven_to_be_gone(dag: DAG, path: Path) -> None:
    """As long as no heartbeat is due at the path's end, nothing is known to be well."""
    path.delivery = "DELETING"
    assert a_round(dag) == {"path_missing": "opened"}
    assert a_round(dag) == {}
    path.delivery = "ACTIVE"
    assert a_round(dag) == {}
    path.beats = [beats.Beat(NOW - timedelta(minutes=10), 1)]
    assert a_round(dag)["path_missing"] == "resolved"
    first = path.sns.published[0]["Message"]
    assert first.startswith("retail_web: path_missing in delivery d\n")
    assert "Airflow: http://localhost:8080/dags/retail_web__health/runs/r1" in first
