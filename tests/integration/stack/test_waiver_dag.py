"""A waiver on a real Airflow and local cloud: asked for, refused, rejected, approved through the API."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from clickstream.lake.listing import hour_prefix
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.provisioning.resource import Cloud
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.manifest import CountedObject, Manifest
from clickstream.reconciliation.progress import current_entries
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from commands import airflow_stack
from commands.airflow_api import Airflow
from commands.setup import set_up
from tests.integration.stack.projects import airflow_of, project_with

pytestmark = pytest.mark.full

DAG, WAIVE = "retail_web__daily", "proof.waive"
RUN_SECONDS = 240
WHY = "deleted by hand, and no version of it is left"
WAITING = "awaiting_input"


@dataclass(frozen=True)
class Stack:
    """The daily DAG, and an hour of its source that has lost an object."""

    airflow: Airflow
    place: Place
    source: Source

    @property
    def window(self) -> Window:
        return Window(self.source.verify_from + HOUR, self.source.verify_from + 2 * HOUR)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.place.s3, self.place.evidence, self.source.name)

    @property
    def entry(self) -> Entry:
        """The hour's current entry."""
        return current_entries(self.ledger.read())[self.window.start]

    def lose(self) -> str:
        """Have the ledger know of an object that is not there; its key."""
        hour = hour_text(self.window.start)
        key = f"{hour_prefix(self.source.delivery.prefix, self.window.start)}gone.gz"
        counted = CountedObject(key=key, etag="e", size=9, content=Fingerprint(7, 1, 1))
        contract = self.source.events.contract
        manifest = Manifest(source=self.source.name, arrival_hour=hour, contract=contract, objects=(counted,))
        known = {"run": "r0", "triggered_by": "test", "checked_at": "2026-11-18T00:00:00Z"}
        entry = Entry(
            source=self.source.name,
            arrival_hour=hour,
            state="verified",
            manifest=manifest.store(self.place.s3, self.place.evidence),
            listing=manifest.listing,
            contract=contract,
            **known,
        )
        self.ledger.append([entry])
        return key

    def trigger(self, **params: Any) -> str:
        return self.airflow.trigger(DAG, datetime.now(UTC).date(), {"window": str(self.window), **params}).id

    def until(self, run: str, task: str, *states: str) -> dict[str, str]:
        """Wait until a task of the run is in one of these states; states by task."""
        deadline = time.monotonic() + RUN_SECONDS
        while True:
            tasks = {each.id: each.state for each in self.airflow.tasks(DAG, run)}
            if tasks.get(task) in states:
                return tasks
            assert time.monotonic() < deadline, tasks
            time.sleep(0.5)

    def review(self, run: str, method: str = "GET", **request: Any) -> Any:
        path = f"/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances/{WAIVE}/-1/hitlDetails"
        return self.airflow._send(method, path, **request)

    def answer(self, run: str, choice: str) -> None:
        self.review(run, "PATCH", json={"chosen_options": [choice], "params_input": {}})


@pytest.fixture
def stack_up(tmp_path: Path) -> Iterator[Stack]:
    with project_with("daily_dag.py", tmp_path / "project") as settings:
        # Runs by hand only: those of the schedule would come first, and wait for what nobody delivers.
        daily = settings.root / "dags/daily_dag.py"
        daily.write_text(daily.read_text().replace("schedule=DailyUntil(source.verify_until)", "schedule=None"))
        source = load_sources()[0]["retail_web"]
        set_up([source], Cloud.of(boto3.Session()))
        with airflow_of(settings, DAG) as airflow:
            airflow.unpause(DAG)
            yield Stack(airflow, Place.of(boto3.Session()), source)


def test_a_loss_is_accepted_by_a_person_and_by_nothing_else(stack_up: Stack) -> None:
    key = stack_up.lose()
    found = stack_up.until(stack_up.trigger(), "proof.verdict", "failed")
    assert (found[WAIVE], stack_up.entry.state) == ("skipped", "failed")

    refused = stack_up.until(stack_up.trigger(waive=WHY, force=True), "proof.plan", "failed")
    assert WAIVE not in refused or refused[WAIVE] == "upstream_failed"

    rejected = stack_up.trigger(waive=WHY)
    stack_up.until(rejected, WAIVE, WAITING)
    question = stack_up.review(rejected)
    assert hour_text(stack_up.window.start) in question["subject"]
    assert f"| object_missing | {key} | 7 | 0 | 7 |" in question["body"]
    stack_up.answer(rejected, "Reject")
    stack_up.until(rejected, "proof.verdict", "failed")
    assert stack_up.entry.state == "failed"

    by_hand = stack_up.trigger(waive=WHY)
    stack_up.until(by_hand, WAIVE, WAITING)
    path = f"/api/v2/dags/{DAG}/dagRuns/{by_hand}/taskInstances/{WAIVE}"
    stack_up.airflow._send("PATCH", path, json={"new_state": "success"})
    stack_up.until(by_hand, "proof.verdict", "failed")
    assert stack_up.entry.state == "failed"

    approved = stack_up.trigger(waive=WHY)
    stack_up.until(approved, WAIVE, WAITING)
    stack_up.answer(approved, "Approve")
    stack_up.until(approved, "proof.verdict", "success")
    assert stack_up.entry.state == "excepted"
    (waiver,) = stack_up.entry.waivers
    assert (waiver.waived_by, waiver.reason) == (airflow_stack.LOGIN[0], WHY)
