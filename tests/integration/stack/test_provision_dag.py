"""The provision DAG on a real Airflow and local cloud: planned, approved or not, applied, brought back, destroyed."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
import yaml

from commands.airflow_api import Airflow
from commands.cloud_clock import CloudClock
from commands.settings import ROOT, Settings
from tests.integration.stack.projects import airflow_of, project_with

pytestmark = pytest.mark.full

DAG = "retail_web__provision"
STREAM, DELIVERY = "retail-clickstream", "retail-clickstream-to-s3"
RUN_SECONDS = 240
CALLBACK_SECONDS = 60
JUMP = timedelta(seconds=150)
"""Longer than any buffer here."""
ENDED = {"success", "failed"}


@dataclass(frozen=True)
class Project:
    """A copy of the project whose source can be changed, with its own Airflow and local cloud."""

    settings: Settings
    airflow: Airflow
    clock: CloudClock
    jumps: list[int] = field(default_factory=list)

    def declare(self, **changes: Any) -> None:
        """Change keys of a part of the source's YAML: `stream__shards=4`."""
        path = self.settings.root / "include/sources/retail_web.yaml"
        declared = yaml.safe_load((ROOT / "include/sources/retail_web.yaml").read_text())
        for dotted, value in changes.items():
            part, key = dotted.split("__")
            declared[part][key] = value
        path.write_text(yaml.safe_dump(declared))

    def trigger(self, mode: str, **params: Any) -> str:
        """Start a run; its id."""
        return self.airflow.trigger(DAG, datetime.now(UTC).date(), {"mode": mode, **params}).id

    def ask(self, method: str, path: str, **request: Any) -> Any:
        return self.airflow._send(method, f"/api/v2/dags/{DAG}/dagRuns/{path}", **request)

    def until(self, run: str, *states: str) -> dict[str, str]:
        """Wait until the run has ended, or its review waits for a person; states by task.

        Meanwhile the local cloud's time goes faster, so that Firehose's minute is short.
        """
        deadline, jumped = time.monotonic() + RUN_SECONDS, False
        while True:
            tasks = {task.name: task.state for task in self.airflow.tasks(DAG, run)}
            state = self.ask("GET", run)["state"]
            if state in states or ("waiting" in states and tasks.get("review") in ("awaiting_input", "deferred")):
                return tasks
            assert state not in ENDED and time.monotonic() < deadline, (state, tasks)
            if tasks.get("is_in_bronze") and not jumped:
                self.jump()
                jumped = True
            time.sleep(0.5)

    def jump(self) -> None:
        """Let what Firehose buffers be delivered."""
        self.jumps.append(1)
        self.clock.advance(datetime.now(UTC) + len(self.jumps) * JUMP)

    def question(self, run: str) -> str:
        text: str = self.ask("GET", f"{run}/taskInstances/review/-1/hitlDetails")["body"]
        return text

    def answer(self, run: str, choice: str) -> None:
        chosen = {"chosen_options": [choice], "params_input": {}}
        self.ask("PATCH", f"{run}/taskInstances/review/-1/hitlDetails", json=chosen)

    def run(self, mode: str, **params: Any) -> dict[str, str]:
        """A whole run that needs no approval."""
        return self.until(self.trigger(mode, **params), "success")

    def plan(self) -> str:
        """What a run in mode `plan` shows."""
        run = self.trigger("plan")
        self.until(run, "success")
        shown = self.ask("GET", f"{run}/taskInstances/plan/xcomEntries/return_value", params={"deserialize": True})
        table: str = shown["value"]["table"]
        return table

    def stream(self) -> dict[str, Any]:
        answer: dict[str, Any] = boto3.client("kinesis").describe_stream_summary(StreamName=STREAM)
        return answer["StreamDescriptionSummary"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with (
        project_with("provision_dag.py", tmp_path_factory.mktemp("project")) as settings,
        airflow_of(settings, DAG) as airflow,
        httpx.Client(base_url=settings.cloud_url, trust_env=False) as control,
    ):
        yield Project(settings, airflow, CloudClock(control))


@pytest.fixture
def provisioned(project: Project) -> Project:
    """As the source's file declares it."""
    project.declare()
    run = project.trigger("apply")
    if project.until(run, "success", "waiting")["review"] != "success":
        project.answer(run, "Approve")
        project.until(run, "success")
    return project


def test_what_does_not_exist_is_made_without_asking_and_the_second_plan_is_empty(project: Project) -> None:
    tasks = project.run("apply")
    made = [name for name in tasks if name.startswith("apply")]
    assert len(made) == 14
    assert {tasks[name] for name in [*made, "review", "confirm", "is_in_stream", "is_in_bronze", "details"]} == {
        "success"
    }
    assert "Nothing changes" in project.plan()
    again = project.run("apply")
    assert (again["apply"], again["is_in_bronze"]) == ("skipped", "success")


def test_resources_are_made_in_their_order(provisioned: Project) -> None:
    boto3.client("glue").delete_job(JobName="retail_web__bronze_to_silver")
    boto3.client("logs").delete_log_group(logGroupName=f"/aws/firehose/{DELIVERY}")
    run = provisioned.trigger("apply")
    provisioned.until(run, "success")
    applied = provisioned.ask("GET", f"{run}/taskInstances/apply/listMapped")["task_instances"]
    began = sorted(applied, key=lambda task: task["start_date"])
    assert [task["map_index"] for task in began] == [0, 1]
    assert all(first["end_date"] <= then["start_date"] for first, then in itertools.pairwise(began))
    assert [task["rendered_map_index"] for task in began] == ["create delivery_log", "create job"]
    assert "Nothing changes" in provisioned.plan()


def test_shards_buffering_and_retention_change_while_events_flow(provisioned: Project) -> None:
    provisioned.declare(stream__shards=4, stream__retention_hours=48, delivery__buffer_seconds=120)
    run = provisioned.trigger("apply")
    provisioned.until(run, "waiting")
    rows = [line for line in provisioned.question(run).splitlines() if " -> " in line]
    assert len(rows) == 3
    for change in ("shards: 2 -> 4", "retention_hours: 24 -> 48", "buffer_seconds: 60 -> 120"):
        assert any(change in row for row in rows)
    assert provisioned.stream()["OpenShardCount"] == 2

    flowing, sent = threading.Event(), []

    def flow() -> None:
        kinesis = boto3.client("kinesis")
        while not flowing.is_set():
            record = f'{{"number": {len(sent)}}}\n'
            kinesis.put_record(StreamName=STREAM, Data=record.encode(), PartitionKey=str(len(sent)))
            sent.append(record)
            time.sleep(0.05)

    producer = threading.Thread(target=flow)
    producer.start()
    provisioned.answer(run, "Approve")
    provisioned.until(run, "success")
    flowing.set()
    producer.join()
    assert (provisioned.stream()["OpenShardCount"], provisioned.stream()["RetentionPeriodHours"]) == (4, 48)
    assert in_bronze(provisioned, len(sent)) == {f'{{"number": {n}}}' for n in range(len(sent))}


def test_reject_changes_nothing(provisioned: Project) -> None:
    provisioned.declare(stream__shards=8)
    run = provisioned.trigger("apply")
    provisioned.until(run, "waiting")
    before = provisioned.stream()
    provisioned.answer(run, "Reject")
    tasks = provisioned.until(run, "success")
    assert {tasks[name] for name in ("confirm", "apply", "send_canary", "details")} == {"skipped"}
    assert provisioned.stream() == before


def test_drift_between_plan_and_approval_aborts(provisioned: Project) -> None:
    provisioned.declare(stream__retention_hours=72)
    run = provisioned.trigger("apply")
    provisioned.until(run, "waiting")
    boto3.client("kinesis").increase_stream_retention_period(StreamName=STREAM, RetentionPeriodHours=36)
    provisioned.answer(run, "Approve")
    tasks = provisioned.until(run, "failed")
    assert tasks["confirm"] == "failed"
    assert "apply" not in tasks or tasks["apply"] == "upstream_failed"
    assert provisioned.stream()["RetentionPeriodHours"] == 36
    wait_for(lambda: incident() == "open")
    provisioned.plan()
    wait_for(lambda: incident() == "resolved")


def test_a_review_that_is_marked_as_success_is_no_approval(provisioned: Project) -> None:
    provisioned.declare(stream__retention_hours=96)
    run = provisioned.trigger("apply")
    provisioned.until(run, "waiting")
    before = provisioned.stream()
    provisioned.ask("PATCH", f"{run}/taskInstances/review", json={"new_state": "success"})
    tasks = provisioned.until(run, "failed")
    assert tasks["confirm"] == "failed"
    assert provisioned.stream() == before


def test_destroy_keeps_silver_unless_it_is_told_twice(provisioned: Project) -> None:
    run = provisioned.trigger("destroy")
    provisioned.until(run, "waiting")
    assert "delivery retail-clickstream-to-s3 is deleted" in provisioned.question(run)
    provisioned.answer(run, "Approve")
    tasks = provisioned.until(run, "success")
    assert tasks["send_canary"] == "skipped"
    assert [table["Name"] for table in tables()] == [
        f"retail_web_{kind}" for kind in ("gold_daily", "gold_sessions", "rejects", "silver")
    ]
    assert boto3.client("kinesis").list_streams()["StreamNames"] == []

    run = provisioned.trigger("destroy", delete_data="retail_web")
    provisioned.until(run, "waiting")
    provisioned.answer(run, "Approve")
    provisioned.until(run, "success")
    assert tables() == []


def incident() -> str:
    """State of the incident that failed runs share."""
    key = f"incidents/retail_web/task_failed.{DAG}.json"
    s3 = boto3.client("s3")
    try:
        body = s3.get_object(Bucket="clickstream-000000000000-lake", Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return "absent"
    state: str = json.loads(body)["state"]
    return state


def wait_for(reached: Callable[[], bool]) -> None:
    """Callbacks of a run come after its end."""
    deadline = time.monotonic() + CALLBACK_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def tables() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boto3.client("glue").get_tables(DatabaseName="clickstream")["TableList"]
    return sorted(found, key=lambda table: table["Name"])


def in_bronze(project: Project, wanted: int) -> set[str]:
    """The numbered records in Bronze, once all have come."""
    from clickstream.contract.records import read_object

    s3 = boto3.resource("s3").Bucket("clickstream-000000000000-lake")
    deadline = time.monotonic() + RUN_SECONDS
    while True:
        found = {
            record.decode()
            for stored in s3.objects.filter(Prefix="landing/clickstream/")
            for record in read_object(stored.key, stored.get()["Body"].read()).records
            if b"number" in record
        }
        if len(found) >= wanted:
            return found
        assert time.monotonic() < deadline, (len(found), wanted)
        project.jump()
        time.sleep(2)
