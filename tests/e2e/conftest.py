"""A whole stack of the tests' own, used as a person would: by `make`, by the pages that arrive, by what status says."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from clickstream.lake.place import Place
from clickstream.sources.loader import load_sources
from tests.integration.stack.proof import Lake

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "retail_web"
LAKE = "clickstream-000000000000-lake"
EVIDENCE = "clickstream-000000000000-evidence"
WITHIN = 300  # seconds


class Stack:
    """A stack on ports and a state folder of its own."""

    def __init__(self, state: Path, events: int) -> None:
        self.state = state
        ports = _free_ports(3)
        self.knobs = {
            "STATE": str(state),
            "CLOUD_PORT": str(ports[0]),
            "AIRFLOW_PORT": str(ports[1]),
            "AIRFLOW_LOG_PORT": str(ports[2]),
            "SAMPLE_EVENTS": str(events),
        }

    def make(self, target: str, ok: bool = True, **arguments: str) -> str:
        """Run a target to its end, and return what it printed.

        Args:
            ok: whether it must succeed or must fail.
        """
        words = [f"{name}={value}" for name, value in (self.knobs | arguments).items()]
        done = subprocess.run(["make", target, *words], cwd=ROOT, capture_output=True, text=True, timeout=1500)
        assert (done.returncode == 0) is ok, f"make {target}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def status(self, source: str = SOURCE) -> dict[str, Any]:
        """What `make status JSON=1` says of a source."""
        words = [f"{name}={value}" for name, value in self.knobs.items()]
        done = subprocess.run(
            ["make", "status", "JSON=1", *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
        )
        told: dict[str, Any] = json.loads(done.stdout)["sources"][source]
        return told

    def hour(self, arrival_hour: str) -> dict[str, Any]:
        """One hour of the status."""
        return next(hour for hour in self.status()["hours"] if hour["arrival_hour"] == arrival_hour)

    def prove(self, ok: bool = True) -> str:
        """The daily proof of the sample day, as the schedule would run it."""
        return self.make("prove", ok, SOURCE=SOURCE, DATE="2026-11-18")

    def client(self, service: str) -> Any:
        """A boto3 client of the stack's cloud."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.knobs['CLOUD_PORT']}",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(s3={"addressing_style": "path"}),
        )

    def keys(self, arrival_hour: str) -> list[str]:
        """The objects of an hour of Bronze."""
        prefix = f"landing/clickstream/year={arrival_hour[:4]}/month={arrival_hour[5:7]}/day={arrival_hour[8:10]}/"
        answer = self.client("s3").list_objects_v2(Bucket=LAKE, Prefix=f"{prefix}hour={arrival_hour[11:13]}/")
        return [entry["Key"] for entry in answer.get("Contents", ())]

    def findings(self, arrival_hour: str) -> list[dict[str, Any]]:
        """The findings of an hour's current entry."""
        uri = self.hour(arrival_hour)["findings"]
        key = uri.removeprefix(f"s3://{LAKE}/")
        return json.loads(self.client("s3").get_object(Bucket=LAKE, Key=key)["Body"].read())  # type: ignore[no-any-return]

    def ledger(self, source: str = SOURCE) -> list[dict[str, Any]]:
        """Every line of a source's ledger, as it lies in the bucket."""
        s3 = self.client("s3")
        listed = s3.list_objects_v2(Bucket=EVIDENCE, Prefix=f"ledger/{source}/")
        return [
            json.loads(line)
            for entry in listed["Contents"]
            for line in s3.get_object(Bucket=EVIDENCE, Key=entry["Key"])["Body"].read().splitlines()
        ]

    def told(self) -> list[tuple[str, str]]:
        """Kind and cause of each page that has come since the last look, sorted."""
        first_lines = [re.match(rf"(resolved: |still open: )?{SOURCE}: (\w+) in ", page) for page in self.pages()]
        return sorted(((found[1] or "opened").rstrip(": "), found[2]) for found in first_lines if found)

    def causes(self) -> set[str]:
        """What hours are failed for."""
        return {cause for hour in self.status()["hours"] if hour["state"] == "failed" for cause in hour["causes"]}

    def pages(self) -> list[str]:
        """The pages that have come since the last look."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName="clickstream-pages-inbox")["QueueUrl"]
        pages = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                pages.append(json.loads(message["Body"])["Message"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return pages


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A small sample day, up and proven."""
    made = Stack(tmp_path_factory.mktemp("stack") / "state", events=3000)
    try:
        made.make("up")
        yield made
    finally:
        made.make("down")


def until(reached: Callable[[], bool], within: int = WITHIN) -> None:
    """Wait for something that takes its time, in seconds."""
    deadline = time.monotonic() + within
    while not reached():
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.1)


@contextmanager
def lake_of(stack: Stack, source: str) -> Iterator[Lake]:
    """The tables of a source of the stack."""
    url = f"http://127.0.0.1:{stack.knobs['CLOUD_PORT']}"
    session = boto3.Session("local", "local", region_name="us-east-1")
    with pytest.MonkeyPatch.context() as environment, httpx.Client(base_url=url, trust_env=False) as control:
        environment.setenv("AWS_ENDPOINT_URL", url)
        yield Lake(Place.of(session), load_sources()[0][source], session.client("athena"), control)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


for inherited in ("MAKEFLAGS", "MAKELEVEL"):
    os.environ.pop(inherited, None)  # these calls of make are a person's, not parts of the make that runs the tests
