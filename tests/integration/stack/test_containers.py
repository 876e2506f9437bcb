"""The services of docker-compose.yaml, each started as a process in the order that the file asks for.

There is no Docker here. What it would add is images, a shared network and a shared folder: these share the machine's.
"""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.settings import ROOT
from tests.integration.stack.conftest import free_ports

pytestmark = pytest.mark.full

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
HEALTHY_SECONDS = 240
STOP_SECONDS = 30
STEP_SECONDS = 900


@contextmanager
def composed(environment: dict[str, str]) -> Iterator[None]:
    """All services, as `docker compose up` would start them; in the end they are stopped in the opposite order."""
    order = TopologicalSorter({name: service.get("depends_on", {}) for name, service in SERVICES.items()})
    parts: list[subprocess.Popen[bytes]] = []
    try:
        for name in order.static_order():
            service = SERVICES[name]
            argv = shlex.split(service["command"])
            if "healthcheck" not in service:
                subprocess.run(argv, cwd=ROOT, env=environment, check=True, timeout=STEP_SECONDS)
                continue
            parts.append(subprocess.Popen(argv, cwd=ROOT, env=environment, start_new_session=True))
            deadline = time.monotonic() + HEALTHY_SECONDS
            probe = shlex.split(service["healthcheck"]["test"])
            while subprocess.run(probe, cwd=ROOT, env=environment, capture_output=True, timeout=60).returncode:
                assert parts[-1].poll() is None and time.monotonic() < deadline, name
                time.sleep(0.5)
        yield
    finally:
        for part in reversed(parts):
            part.terminate()
            part.wait(STOP_SECONDS)


def test_the_sample_day_is_proven(tmp_path: Path) -> None:
    ports = dict(zip(("CLOUD_PORT", "AIRFLOW_PORT", "AIRFLOW_LOG_PORT"), map(str, free_ports(3)), strict=True))
    inherited = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    environment = inherited | ports | {"STATE": str(tmp_path / "state"), "SAMPLE_EVENTS": "3000"}
    with composed(environment):
        asked = ["make", "-s", "status", "JSON=1"]
        told = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=120)
        status = json.loads(told.stdout)["sources"]["retail_web"]
    assert {hour["state"] for hour in status["hours"]} == {"verified"}
    assert len(status["hours"]) >= 24
