"""kill -9, part by part, while events flow and a proof is under way: each run ends proven, with one Glue run."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import EndpointConnectionError

from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, hour_text
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from clickstream.sources.loader import load_sources
from commands import airflow_stack, processes
from commands.airflow_api import Airflow
from commands.arrivals import send_heartbeats
from commands.cloud_clock import CloudClock
from tests.e2e.conftest import SOURCE, Stack, until

pytestmark = pytest.mark.full

DAG = f"{SOURCE}__daily"
JOB = f"{SOURCE}__bronze_to_silver"
GLUE_TASK = "proof.bronze_to_silver"
SAMPLE_DAY = "2026-11-18"
FLOWING = datetime(2026, 11, 20, 10, tzinfo=UTC)
"""The hour in which events arrive while the parts are killed."""


class Proofs:
    """Forced proofs of single hours by the daily DAG of a stack."""

    def __init__(self, stack: Stack, airflow: Airflow) -> None:
        self.stack = stack
        self.glue = stack.client("glue")
        self.airflow = airflow

    def begin(self, arrival_hour: str, force: bool = True) -> str:
        """Trigger one; its run id."""
        end = f"{arrival_hour[:11]}{int(arrival_hour[11:13]) + 1:02d}:00:00Z"
        conf = {"window": f"{arrival_hour}/{end}", "force": force}
        return self.airflow.trigger(DAG, date.fromisoformat(SAMPLE_DAY), conf).id

    def ask(self, method: str, path: str, **request: Any) -> Any:
        return self.airflow._send(method, f"/api/v2/dags/{DAG}/dagRuns/{path}", **request)

    def task(self, run: str, name: str) -> dict[str, Any]:
        """A task instance of a run, as it is now."""
        found: dict[str, Any] = self.ask("GET", f"{run}/taskInstances/{name}")
        return found

    def until_waiting_for_glue(self, run: str, before: set[str]) -> None:
        """Wait until the triggerer looks at a new run of the job, which runs."""
        log = self.stack.state / f"logs/tasks/dag_id={DAG}/run_id={run}/task_id={GLUE_TASK}"
        until(lambda: any(log.glob("*.trigger.*")) and self.states_since(before) == ["RUNNING"])

    def until_ended(self, run: str) -> str:
        until(lambda: self.ask("GET", run)["state"] in {"success", "failed"})
        state: str = self.ask("GET", run)["state"]
        return state

    def job_runs(self) -> dict[str, str]:
        """State of every run of the job, by id."""
        runs = self.glue.get_paginator("get_job_runs").paginate(JobName=JOB).search("JobRuns[]")
        return {run["Id"]: run["JobRunState"] for run in runs}

    def states_since(self, before: set[str]) -> list[str]:
        """States of the runs that are none of these, sorted."""
        return sorted(state for run, state in self.job_runs().items() if run not in before)


@pytest.fixture(scope="module")
def proofs(stack: Stack) -> Iterator[Proofs]:
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.knobs['CLOUD_PORT']}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    pages = f"http://127.0.0.1:{stack.knobs['AIRFLOW_PORT']}"
    with pytest.MonkeyPatch.context() as environment, Airflow(pages, *airflow_stack.LOGIN) as airflow:
        for name, value in variables.items():
            environment.setenv(name, value)
        with clock(stack) as moved:
            moved.set(FLOWING)
        yield Proofs(stack, airflow)


@contextmanager
def clock(stack: Stack) -> Iterator[CloudClock]:
    with httpx.Client(
        base_url=f"http://127.0.0.1:{stack.knobs['CLOUD_PORT']}", timeout=600, trust_env=False
    ) as control:
        yield CloudClock(control)


class Flow:
    """Events that arrive all the time, sent by the product's producer, each with its receipt."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.unknown = 0

    @contextmanager
    def flowing(self) -> Iterator[None]:
        over, before = threading.Event(), len(self.events)
        with ThreadPoolExecutor() as background:
            sending = background.submit(self._send, over)
            try:
                yield
            finally:
                over.set()
            receipt = sending.result()
        assert not receipt.failed
        assert receipt.acknowledged.total() + receipt.unknown.total() == len(self.events) - before > 0
        self.unknown += receipt.unknown.total()

    def _send(self, over: threading.Event) -> Receipt:
        place = Place.of(boto3.Session())
        producer = Producer(open_sink(load_sources()[0][SOURCE]))
        with Receipt(place.s3, place.evidence, SOURCE, "send") as receipt:
            while not over.wait(0.2):
                some = [self._event(len(self.events) + n) for n in range(10)]
                with suppress(EndpointConnectionError):  # nothing was put: they are sent in the next round
                    producer.send(some, receipt)
                    self.events += some
        return receipt

    def _event(self, number: int) -> bytes:
        event = {"event_id": f"flow-{number}", "event_type": "click", "timestamp": FLOWING.isoformat()}
        return json.dumps(event).encode()


@pytest.fixture(scope="module")
def flow() -> Flow:
    return Flow()


def kill(stack: Stack, *parts: str) -> None:
    """kill -9 of every process of these parts."""
    for part in parts:
        found = processes.running(stack.state, part)
        assert found and found.led
        for pid in processes._session(found.pid):
            os.kill(pid, signal.SIGKILL)


def hour(number: int) -> str:
    return f"{SAMPLE_DAY}T{number:02d}:00:00Z"


@pytest.mark.parametrize(
    ("number", "parts"),
    [
        (8, ["triggerer"]),
        (9, ["scheduler"]),
        (10, ["api-server"]),
        (11, ["api-server", "scheduler", "dag-processor", "triggerer", "airflow-logs", "postgres"]),
    ],
    ids=["triggerer", "scheduler", "API server", "all of Airflow"],
)
def test_a_killed_part_costs_no_proof_and_no_second_glue_run(
    proofs: Proofs, flow: Flow, number: int, parts: list[str]
) -> None:
    before = {*proofs.job_runs()}
    with flow.flowing():
        run = proofs.begin(hour(number))
        proofs.until_waiting_for_glue(run, before)
        kill(proofs.stack, *parts)
        until(lambda: proofs.states_since(before) == ["SUCCEEDED"])
        proofs.stack.make("up")
        assert proofs.until_ended(run) == "success"
    assert proofs.stack.hour(hour(number))["state"] == "verified"
    assert proofs.states_since(before) == ["SUCCEEDED"]


def test_killed_tasks_go_on_with_the_glue_run_that_they_began(proofs: Proofs, flow: Flow) -> None:
    before = {*proofs.job_runs()}
    with flow.flowing():
        run = proofs.begin(hour(12))
        for name in ("proof.survey", GLUE_TASK, "proof.reconcile"):
            until(lambda name=name: proofs.task(run, name)["state"] == "running")
            os.kill(proofs.task(run, name)["pid"], signal.SIGKILL)
            until(lambda name=name: proofs.task(run, name)["try_number"] == 2)
        assert proofs.until_ended(run) == "success"
    assert proofs.stack.hour(hour(12))["state"] == "verified"
    assert proofs.states_since(before) == ["SUCCEEDED"]


def test_a_cloud_that_was_stopped_goes_on_with_its_state(proofs: Proofs, flow: Flow) -> None:
    before = {*proofs.job_runs()}
    with flow.flowing():
        run = proofs.begin(hour(13))
        proofs.until_waiting_for_glue(run, before)
        processes.stop(proofs.stack.state, ["cloud"])
        proofs.stack.make("up")
        assert proofs.until_ended(run) == "success"
    assert proofs.stack.hour(hour(13))["state"] == "verified"
    # The interrupted run is the first attempt's, the other one the second's.
    assert proofs.states_since(before) == ["FAILED", "SUCCEEDED"]


def test_clear_stops_the_glue_run_and_starts_a_new_one(proofs: Proofs, flow: Flow) -> None:
    before = {*proofs.job_runs()}
    with flow.flowing():
        run = proofs.begin(hour(14))
        proofs.until_waiting_for_glue(run, before)
        clearing = {"dry_run": False, "task_ids": [GLUE_TASK], "dag_run_id": run, "only_failed": False}
        proofs.airflow._send("POST", f"/api/v2/dags/{DAG}/clearTaskInstances", json=clearing)
        assert proofs.until_ended(run) == "success"
    assert proofs.stack.hour(hour(14))["state"] == "verified"
    assert proofs.states_since(before) == ["STOPPED", "SUCCEEDED"]


def test_mark_failed_stops_the_glue_run(proofs: Proofs, flow: Flow) -> None:
    before = {*proofs.job_runs()}
    with flow.flowing():
        run = proofs.begin(hour(15))
        proofs.until_waiting_for_glue(run, before)
        proofs.ask("PATCH", f"{run}/taskInstances/{GLUE_TASK}", json={"new_state": "failed"})
        assert proofs.until_ended(run) == "failed"
        until(lambda: proofs.states_since(before) == ["STOPPED"])
    assert proofs.states_since(before) == ["STOPPED"]


def test_a_finished_run_that_is_cleared_really_runs_again(proofs: Proofs, flow: Flow) -> None:
    before = {*proofs.job_runs()}
    with flow.flowing():
        run = proofs.begin(hour(15), force=False)
        assert proofs.until_ended(run) == "success"
        assert proofs.states_since(before) == []
        proofs.airflow.clear(DAG, run)
        until(lambda: proofs.ask("GET", run)["state"] != "success")
        assert proofs.until_ended(run) == "success"
    assert proofs.stack.hour(hour(15))["state"] == "verified"
    assert proofs.states_since(before) == ["SUCCEEDED"]


def test_all_that_flowed_meanwhile_is_in_silver_once(proofs: Proofs, flow: Flow) -> None:
    place, source = Place.of(boto3.Session()), load_sources()[0][SOURCE]
    with clock(proofs.stack) as moved, Receipt(place.s3, place.evidence, SOURCE, "heartbeat") as beats:
        later = [FLOWING + n * HOUR for n in (1, 2)]
        send_heartbeats(Producer(open_sink(source)), beats, moved, later, later[-1] + HOUR)
        moved.set_real()
    arrived = hour_text(FLOWING)
    run = proofs.begin(arrived)
    assert proofs.until_ended(run) == "success"
    proven = proofs.stack.hour(arrived)
    assert proven["state"] == "verified"
    assert len(flow.events) - flow.unknown <= proven["tiers"]["silver"] <= len(flow.events)
    assert proven["fates"]["good"] == proven["tiers"]["silver"]
    assert proofs.stack.pages() == []
