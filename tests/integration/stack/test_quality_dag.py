"""Data quality in a real Airflow: people are told once of what is critical, and the proof goes its way."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, Window
from clickstream.paging.incident import Incident
from clickstream.quality.report import quality_of
from clickstream.sources.loader import load_sources
from commands.airflow_api import Airflow
from tests.integration.stack.projects import airflow_of, project_with

pytestmark = pytest.mark.full

DAG = "retail_web__daily"
RUN_SECONDS = 300


@dataclass(frozen=True)
class Stack:
    """The daily DAG on a lake whose days are proven, and a copy of the suites that may be changed."""

    airflow: Airflow
    place: Place
    suite: Path

    def prove(self) -> dict[str, str]:
        """A run over the first day, to its end; states by task."""
        start = load_sources()[0]["retail_web"].verify_from
        window = Window(start, start + 24 * HOUR)
        run = self.airflow.trigger(DAG, datetime.now(UTC).date(), {"window": str(window)}).id
        deadline = time.monotonic() + RUN_SECONDS
        while True:
            tasks = {each.id: each.state for each in self.airflow.tasks(DAG, run)}
            if {tasks.get(f"{group}.verdict") for group in ("proof", "quality")} <= {"success", "failed"}:
                return tasks
            assert time.monotonic() < deadline, tasks
            time.sleep(0.5)

    def expect(self, share: float) -> None:
        """Change how many events must have a session."""
        document = json.loads(self.suite.read_text())
        (expectation,) = [e for e in document["expectations"] if e["meta"]["name"] == "sessions_are_known"]
        expectation["kwargs"] |= {"min_value": share, "max_value": 2}
        self.suite.write_text(json.dumps(document))

    @property
    def incident(self) -> tuple[str, int] | None:
        """State of the incident, and how many messages were written for it."""
        key = "incidents/retail_web/expectation_failed.json"
        found: Any = self.place.s3.list_objects_v2(Bucket=self.place.lake, Prefix=key)
        if not found["KeyCount"]:
            return None
        body = self.place.s3.get_object(Bucket=self.place.lake, Key=key)["Body"].read()
        incident = Incident.model_validate_json(body)
        assert incident.unsent == ()
        return incident.state, incident.written


@pytest.fixture
def stack_up(proven_state: Path, tmp_path: Path) -> Iterator[Stack]:
    with project_with("daily_dag.py", tmp_path / "project", proven_state) as settings:
        # Runs by hand only, and without Gold, for which nothing of quality waits.
        daily = settings.root / "dags/daily_dag.py"
        text = daily.read_text().replace("schedule=DailyUntil(source.verify_until)", "schedule=None")
        daily.write_text(text.replace("if source.gold:", "if False:"))
        with airflow_of(settings, DAG) as airflow:
            airflow.unpause(DAG)
            suite = settings.root / "include/expectations/retail_web/silver.json"
            yield Stack(airflow, Place.of(boto3.Session()), suite)


def test_what_is_critical_fails_its_own_verdict_and_is_told_once(stack_up: Stack) -> None:
    tasks = stack_up.prove()
    assert {tasks[f"quality.{task}"] for task in ("measure", "validate", "verdict")} == {"success"}
    assert stack_up.incident is None

    stack_up.expect(share=1.01)
    for _ in range(2):
        tasks = stack_up.prove()
        assert (tasks["proof.verdict"], tasks["quality.verdict"]) == ("success", "failed")
        assert stack_up.incident == ("open", 1)

    stack_up.expect(share=0.98)
    assert stack_up.prove()["quality.verdict"] == "success"
    assert stack_up.incident == ("resolved", 2)
    lines = [line for line in quality_of(stack_up.place, load_sources()[0]["retail_web"]) if line.tier == "silver"]
    assert [line.state for line in lines] == ["passed", "failed", "failed", "passed"]
    assert len({line.suite for line in lines}) == 3
