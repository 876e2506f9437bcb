"""What the tests of Glue job runs share: a job out of a script's text, and the wait for its runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.integration.local.conftest import Cloud, wait_until
from tests.integration.local.roles import make_role, role_arn

ROLE = role_arn("glue")
BUCKET = "glue-tests"
DEADLINE_SECONDS = 180.0
WAITS = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"])
print(f"pids {os.getpid()} {child.pid}")
time.sleep(600)
"""
"""A script that says its processes and does not end by itself."""


@contextmanager
def shared_cloud(state: Path) -> Iterator[Cloud]:
    """A local cloud for all tests of a module."""
    cloud = Cloud(state)
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not, its parent has only not looked yet."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class GlueRuns:
    """Jobs and runs of one local cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.glue = cloud.client("glue")
        self.s3 = cloud.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        make_role(cloud, "glue", "glue.amazonaws.com")

    def job(self, script: str, **said: Any) -> str:
        """A job of its own that runs the script; returns its name."""
        name = f"job-{uuid4().hex}"
        self.s3.put_object(Bucket=BUCKET, Key=f"{name}.py", Body=script.encode())
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/{name}.py", "PythonVersion": "3"}
        self.glue.create_job(Name=name, Role=ROLE, Command=command, **said)
        return name

    def start(self, job: str, **said: Any) -> str:
        run: str = self.glue.start_job_run(JobName=job, **said)["JobRunId"]
        return run

    def get(self, job: str, run: str) -> dict[str, Any]:
        found: dict[str, Any] = self.glue.get_job_run(JobName=job, RunId=run)["JobRun"]
        return found

    def reaches(self, job: str, run: str, *states: str) -> dict[str, Any]:
        """The run once it is in one of the states."""

        def found() -> dict[str, Any] | None:
            now = self.get(job, run)
            return now if now["JobRunState"] in states else None

        reached: dict[str, Any] = wait_until(found, DEADLINE_SECONDS)
        return reached

    def ends(self, job: str, run: str) -> dict[str, Any]:
        """The run once it has ended, however it did."""
        return self.reaches(job, run, "SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")

    def printed(self, run: dict[str, Any], stream: str = "output") -> list[str]:
        """The lines of one CloudWatch Logs stream, read as the Amazon provider's GlueJobHook reads them."""
        pages = (
            self.cloud.client("logs")
            .get_paginator("filter_log_events")
            .paginate(
                logGroupName=f"{run['LogGroupName']}/{stream}",
                logStreamNames=[run["Id"]],
                startTime=int(run["StartedOn"].timestamp() * 1000),
            )
        )
        return [event["message"] for page in pages for event in page["events"]]

    def pids(self, run: dict[str, Any]) -> list[int]:
        """The processes of a run of WAITS, once it has said them."""

        def said() -> list[int]:
            try:
                return [int(pid) for line in self.printed(run) for pid in line.split()[1:]]
            except self.cloud.client("logs").exceptions.ClientError:
                return []

        found: list[int] = wait_until(said, DEADLINE_SECONDS)
        return found
