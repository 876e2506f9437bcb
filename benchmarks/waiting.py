"""What does it cost one triggerer to hold 500 of our waits?

The waits are the product's own triggers, at the intervals of their operators: a third waits for a watermark (a look
each 30 s), a third for a Glue run (5 s), a third for Athena's queries (2 s). The Glue run sleeps; the queries are such
as Athena does not know, which the trigger goes on asking for. A real Airflow of one triggerer holds them against a
local cloud; both are the benchmark's own and are removed in the end.

Expected: no worker slot, and a CPU that is mostly the calls themselves. An event loop that is blocked for more than
0.2 s is what Airflow warns of: it delays every other wait.

Run it anywhere, in four minutes: `make bench`, or `.venv/airflow/bin/python -m benchmarks.waiting`.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3

import commands  # noqa: F401  puts the product on the path
from benchmarks.own_cloud import calls, own_cloud, progress
from benchmarks.own_project import copy_of_project
from benchmarks.proc import cpu_seconds, megabytes
from clickstream.provisioning.resource import Cloud
from clickstream.sources.loader import load_sources
from commands import airflow_stack, processes, stack
from commands.airflow_api import Airflow
from commands.settings import Settings
from commands.setup import set_up

WAITS = 500
SOURCE = "retail_web"
DAG = "waits"
TRIGGERS = "clickstream.airflow.triggers"
CONNECTION = "aws_default"
SLEEPS = "import time\ntime.sleep(3600)\n"
INTERVALS = {"watermark": 30, "glue": 5, "athena": 2}
"""Seconds between two looks, as the operators have them."""
WATCH_SECONDS = 60
KNOWN_WITHIN = 120
HELD_WITHIN = 300
BLOCKED = re.compile(r"async thread was blocked for ([\d.]+) seconds")


def main() -> None:
    with copy_of_project("plugins", "include", "local") as root, own_cloud(root) as settings:
        progress("starting Airflow")
        set_up([load_sources()[0][SOURCE]], Cloud.of(boto3.Session()))
        declare(root, waits(sleeping_run()))
        stack.start_airflow(settings)
        with Airflow(settings.airflow_url, *airflow_stack.LOGIN) as airflow:
            _until(KNOWN_WITHIN, lambda: airflow.is_paused(DAG) is not None)
            idle = watch(settings)
            began = time.monotonic()
            airflow.trigger(DAG, datetime.now(UTC).date(), {})
            _until(HELD_WITHIN, lambda: started(settings) >= WAITS)
            held = time.monotonic() - began
            starting = blocks(settings)
            time.sleep(max(INTERVALS.values()))
            quiet, busy = len(blocks(settings)), watch(settings)
            pool = airflow.pool("default_pool")
        holding = blocks(settings)[quiet:]
    print(f"{WAITS} waits held by one triggerer")
    print(f"  all of them held after    {held:8.0f} s")
    slots = pool["running_slots"] + pool["queued_slots"]
    print(f"  worker slots              {slots:8} (deferred: {pool['deferred_slots']})")
    print(f"  CPU                       {busy['cpu']:8.1f} s a minute (without waits {idle['cpu']:.1f})")
    print(f"  memory                    {busy['memory']:8.0f} MB (without waits {idle['memory']:.0f})")
    for service in ("monitoring", "glue", "athena"):
        print(f"  calls of {service:<17}{busy[service] - idle[service]:8.0f} a minute")
    for phase, seconds in (("while they were taken up", starting), ("while they were held", holding)):
        print(
            f"  event loop blocked        {len(seconds):8} times {phase}, for {max(seconds, default=0):.2f} s at most"
        )


def declare(root: Path, made: list[dict[str, Any]]) -> None:
    """Put the DAG where Airflow looks."""
    (root / "dags").mkdir()
    (root / "dags/waits_dag.json").write_text(json.dumps(made))
    shutil.copy(Path(__file__).parent / "contenders/waits_dag.py", root / "dags")


def sleeping_run() -> tuple[str, str]:
    """A Glue job, and a run of it that does nothing for an hour."""
    glue, s3 = boto3.client("glue"), boto3.client("s3")
    product = glue.get_job(JobName=f"{SOURCE}__bronze_to_silver")["Job"]
    bucket = Cloud.of(boto3.Session()).names.lake
    s3.put_object(Bucket=bucket, Key="sleeps.py", Body=SLEEPS.encode())
    script = {**product["Command"], "ScriptLocation": f"s3://{bucket}/sleeps.py"}
    glue.create_job(Name="sleeps", Role=product["Role"], Command=script)
    return "sleeps", glue.start_job_run(JobName="sleeps")["JobRunId"]


def waits(run: tuple[str, str]) -> list[dict[str, Any]]:
    """The triggers and their arguments, the three kinds in turns."""
    kinds: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        (
            "watermark.WatermarkTrigger",
            lambda: {
                "source": SOURCE,
                "end": "2100-01-01T00:00:00Z",
                "deadline": "2100-01-02T00:00:00+00:00",
                "poll_seconds": INTERVALS["watermark"],
            },
        ),
        (
            "glue_run.GlueRunTrigger",
            lambda: {
                "job_name": run[0],
                "run_id": run[1],
                "waiter_delay": INTERVALS["glue"],
                "waiter_max_attempts": 3600,
            },
        ),
        (
            "athena_queries.AthenaQueriesTrigger",
            lambda: {"executions": {"unknown": str(uuid4())}, "poll_seconds": INTERVALS["athena"]},
        ),
    ]
    made = []
    for number in range(WAITS):
        name, arguments = kinds[number % len(kinds)]
        made.append({"trigger": f"{TRIGGERS}.{name}", "arguments": arguments() | {"aws_conn_id": CONNECTION}})
    return made


def watch(settings: Settings) -> dict[str, float]:
    """What a minute costs: CPU seconds and megabytes of the triggerer, and calls by service."""
    triggerer = processes.running(settings.state, "triggerer")
    assert triggerer
    session = {triggerer.pid}
    cpu, called, began = cpu_seconds(session), calls(settings), time.monotonic()
    time.sleep(WATCH_SECONDS)
    minutes = (time.monotonic() - began) / 60
    after = calls(settings)
    counted = {
        service: (after.get(service, 0) - called.get(service, 0)) / minutes
        for service in ("monitoring", "glue", "athena")
    }
    return {"cpu": (cpu_seconds(session) - cpu) / minutes, "memory": megabytes(session), **counted}


def started(settings: Settings) -> int:
    """How many waits the triggerer has begun: each writes a log of its own."""
    return sum(1 for _ in (settings.logs / "tasks").rglob("*.trigger.*.log"))


def blocks(settings: Settings) -> list[float]:
    """Seconds for which Airflow found the triggerer's event loop blocked, each time so far."""
    log = processes.log_path(settings.state, "triggerer").read_text(errors="replace")
    return [float(seconds) for seconds in BLOCKED.findall(log)]


def _until(seconds: float, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            sys.exit(f"waiting: not there after {seconds:.0f} s")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
