"""The local cloud: one process on one port, in its own environment."""

from __future__ import annotations

import subprocess

import httpx

from commands.processes import Part
from commands.settings import Settings
from commands.terminal import Failed


def part(settings: Settings, code: str) -> Part:
    """The process; ``code`` is the digest of its source."""
    return Part(
        name="cloud",
        argv=(str(settings.local_bin / "python"), "-m", "local.server"),
        environment={"STATE": str(settings.state), "CLOUD_PORT": str(settings.cloud_port)},
        port=settings.cloud_port,
        code=code,
    )


def answers(settings: Settings) -> bool:
    """Whether it serves."""
    try:
        return httpx.get(f"{settings.cloud_url}/_local/health", trust_env=False).is_success
    except httpx.TransportError:
        return False


def lay_foundation(settings: Settings) -> None:
    """Make what all sources share and what must exist before Airflow runs; again changes nothing."""
    argv = [str(settings.local_bin / "python"), "-m", "local.foundation"]
    if subprocess.run(argv, cwd=settings.root, check=False).returncode:
        raise Failed("the local cloud's foundation could not be laid (see above)")


def fetch_spark(settings: Settings) -> subprocess.Popen[bytes]:
    """Begin to fetch Spark's jars, so that the first job does not wait for them."""
    log = settings.logs / "spark-jars.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = [str(settings.local_bin / "python"), "-m", "local.glue.warm"]
    with log.open("wb") as output:
        return subprocess.Popen(argv, cwd=settings.root, stdout=output, stderr=output)
