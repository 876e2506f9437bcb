"""A local cloud on a state folder: started, looked at, and ended in good order."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from commands.settings import ROOT

START_SECONDS = 60


@contextmanager
def running_cloud(state: Path) -> Iterator[dict[str, str]]:
    """A local cloud with its foundation; yields the variables that lead to it.

    When it has ended, the folder holds all of it and can be copied.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    variables = {
        "STATE": str(state),
        "CLOUD_PORT": str(port),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    python, environment = str(ROOT / ".venv/local/bin/python"), os.environ | variables
    log = state / "cloud.log"
    with log.open("ab") as output:
        server = subprocess.Popen(
            [python, "-m", "local.server"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(variables["AWS_ENDPOINT_URL"]):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        subprocess.run([python, "-m", "local.foundation"], cwd=ROOT, env=environment, check=True, timeout=60)
        yield variables
    finally:
        server.terminate()
        server.wait(60)


def copy_of(state: Path, folder: Path) -> Path:
    """A copy of an ended cloud's state in a new folder."""
    return Path(shutil.copytree(state, folder / "state"))


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_local/health", trust_env=False).is_success
    except httpx.TransportError:
        return False
