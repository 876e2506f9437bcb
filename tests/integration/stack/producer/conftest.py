"""The local cloud as a process with the paths of all sources as far as Bronze, once for each module."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
import httpx
import pytest

from clickstream.contract.records import raw_hash, read_object
from clickstream.lake.listing import list_hour
from clickstream.lake.place import Place
from clickstream.provisioning.apply import apply_all
from clickstream.provisioning.bronze_table import BronzeRowsTable
from clickstream.provisioning.delivery import Delivery
from clickstream.provisioning.delivery_log import DeliveryLog
from clickstream.provisioning.resource import Cloud
from clickstream.provisioning.stream import Stream
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from commands import cloud, processes
from commands.settings import ROOT, Settings
from tests.integration.stack.conftest import free_ports

DEADLINE_SECONDS = 60
COMMAND_SECONDS = 120


@dataclass
class LocalCloud:
    """The local cloud, as these tests look at it."""

    settings: Settings
    source: Source
    place: Place
    control: httpx.Client

    def set_clock(self, now: datetime | None) -> None:
        """Move its clock; None is real time. What was due on the way has been delivered."""
        self.control.put("/_local/clock", json={"now": now and now.isoformat()}).raise_for_status()

    def clock_is_real(self) -> bool:
        return not self.control.get("/_local/clock").json()["set"]

    def arm(self, **fault: Any) -> None:
        self.control.post("/_local/faults", json=fault).raise_for_status()

    def landed(self, hour: datetime) -> Counter[str]:
        """Raw hashes of what lies in Bronze in an hour."""
        found: Counter[str] = Counter()
        for entry in list_hour(self.place.s3, self.place.lake, self.source.delivery.bronze.values(), hour):
            body = self.place.s3.get_object(Bucket=self.place.lake, Key=entry.key)["Body"].read()
            found.update(map(raw_hash, read_object(entry.key, body).records))
        return found


class Command:
    """`python -m commands.<name>`, started as the Makefile starts it."""

    def __init__(self, name: str, **knobs: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"commands.{name}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{os.environ.get('PYTHONPATH', '')}", **knobs},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of the ended command."""
        try:
            out, err = self.process.communicate(timeout=COMMAND_SECONDS)
        finally:
            self.process.kill()
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    cloud_port, airflow_port, log_port = free_ports(3)
    return Settings(tmp_path_factory.mktemp("cloud") / "state", cloud_port, airflow_port, log_port)


@pytest.fixture(scope="module")
def local_cloud(settings: Settings) -> Iterator[LocalCloud]:
    with (
        pytest.MonkeyPatch.context() as environment,
        httpx.Client(base_url=settings.cloud_url, timeout=60, trust_env=False) as control,
    ):
        for name, value in {
            "STATE": str(settings.state),
            "CLOUD_PORT": str(settings.cloud_port),
            "AIRFLOW_PORT": str(settings.airflow_port),
            "AIRFLOW_LOG_PORT": str(settings.airflow_log_port),
            "AWS_ENDPOINT_URL": settings.cloud_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            environment.setenv(name, value)
        processes.start(cloud.part(settings, code=""), settings.state, settings.root)
        try:
            wait_for(lambda: cloud.answers(settings))
            cloud.lay_foundation(settings)
            session = boto3.Session()
            sources, account = load_sources()[0], Cloud.of(session)
            kinds = (Stream, DeliveryLog, BronzeRowsTable, Delivery)
            list(apply_all([r for source in sources.values() for kind in kinds for r in kind.all_of(source, account)]))
            yield LocalCloud(settings, sources["retail_web"], Place.of(session), control)
        finally:
            processes.stop(settings.state, ["cloud"])


@pytest.fixture(autouse=True)
def _no_faults(local_cloud: LocalCloud) -> Iterator[None]:
    yield
    local_cloud.control.delete("/_local/faults").raise_for_status()
    local_cloud.set_clock(None)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail when it does not in good time."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
