"""A real local cloud for each test: its own process, port and state folder."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_SECONDS = 30.0


class Cloud:
    """A local cloud that runs as a process.

    :param state: its state folder; a cloud that is started again on it goes on from there.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.state.mkdir(exist_ok=True)
        self.launch()
        wait_until(self._answers)

    def launch(self) -> None:
        """Start the process."""
        with (self.state / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.server"],
                cwd=ROOT,
                env=os.environ | {"STATE": str(self.state), "CLOUD_PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process.

        :returns: its exit code.
        """
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(DEADLINE_SECONDS)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.state / "log").read_text()
        try:
            return requests.get(f"{self.url}/_local/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def client(self, service: str) -> Any:
        """A boto3 client that does not try again by itself."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def set_clock(self, to: datetime | None) -> datetime:
        """Move the clock; None is real time."""
        answer = requests.put(f"{self.url}/_local/clock", json={"now": to.isoformat() if to else None}, timeout=120)
        answer.raise_for_status()
        return datetime.fromisoformat(answer.json()["now"])

    def now(self) -> datetime:
        """The time by the cloud's clock."""
        return datetime.fromisoformat(requests.get(f"{self.url}/_local/clock", timeout=5).json()["now"])

    def arm(self, fault: str, **parameters: Any) -> None:
        """Arm one fault."""
        requests.post(f"{self.url}/_local/faults", json={"fault": fault} | parameters, timeout=5).raise_for_status()

    def clear_faults(self) -> None:
        """Disarm all faults."""
        requests.delete(f"{self.url}/_local/faults", timeout=5).raise_for_status()


def wait_until(condition: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    """Wait for a condition.

    :returns: what it answered when it was true at last.
    :raises AssertionError: when it is not in time.
    """
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not in {seconds} seconds: {condition}"
        time.sleep(0.02)
    return answer


def day_ago(days: int) -> datetime:
    """Midnight, in UTC, that many days ago: metrics are kept by real age, so tests cannot name a date."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """A local cloud of the test's own; it is ended with the test."""
    yield from _running(tmp_path / "state")


@pytest.fixture(scope="module")
def _module_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from _running(tmp_path_factory.mktemp("cloud") / "state")


@pytest.fixture
def common_cloud(_module_cloud: Cloud) -> Cloud:
    """A local cloud that a module's tests share, in real time and without faults; each uses names of its own."""
    _module_cloud.clear_faults()
    _module_cloud.set_clock(None)
    return _module_cloud


def _running(state: Path) -> Iterator[Cloud]:
    running = Cloud(state)
    running.start()
    yield running
    assert running.process is not None
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait(DEADLINE_SECONDS)
