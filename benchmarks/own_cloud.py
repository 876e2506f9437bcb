"""A local cloud of a benchmark's own, where nothing else calls anything."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from commands import cloud, stack
from commands.settings import ROOT, Settings


@contextmanager
def own_cloud(root: Path = ROOT) -> Iterator[Settings]:
    """A local cloud with its foundation on free ports, and the AWS variables that lead to it.

    Its state is removed in the end, after everything that was started on it has been stopped.

    Args:
        root: the project, or a copy of it, whose parts are started.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = enter(Path(folder) / "state", root)
        try:
            stack.start_cloud(settings)
            cloud.lay_foundation(settings)
            yield settings
        finally:
            stack.stop(settings)


def enter(state: Path, root: Path = ROOT) -> Settings:
    """Free ports, and the variables by which this process and its children find what is started there."""
    settings = Settings(state, *_free_ports(), root)
    settings.state.mkdir()
    os.environ |= {
        "STATE": str(settings.state),
        "CLOUD_PORT": str(settings.cloud_port),
        "AIRFLOW_PORT": str(settings.airflow_port),
        "AIRFLOW_LOG_PORT": str(settings.airflow_log_port),
        "AWS_ENDPOINT_URL": settings.cloud_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return settings


def calls(settings: Settings) -> dict[str, int]:
    """The calls that each service of the cloud has had since it started."""
    answer = httpx.get(f"{settings.cloud_url}/_local/calls", trust_env=False).raise_for_status()
    counted: dict[str, int] = answer.json()
    return counted


def progress(message: str) -> None:
    print(f"  {message}", file=sys.stderr, flush=True)


def _free_ports() -> tuple[int, int, int]:
    """For the cloud, Airflow and its logs."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    cloud_port, airflow_port, log_port = (int(probe.getsockname()[1]) for probe in probes)
    for probe in probes:
        probe.close()
    return cloud_port, airflow_port, log_port
