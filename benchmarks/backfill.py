"""How much of a backfill of seven days is Spark, and how much is what stands around it?

A backfill processes its days one after the other, from Bronze, through the whole `daily` DAG. The days' Glue runs are
its scale: their sum is what the work itself takes, the rest is Airflow, Athena and waiting.

Expected: below twice the sum. The sample is the hard case: its last day has 20,000 events, the day before some
hundred, and the first five nothing but heartbeats, so Spark mostly starts and commits.

It brings up a stack of its own as `make up` would, with the sample's path declared five days longer, and removes it.
Run it anywhere, in half an hour: `.venv/airflow/bin/python -m benchmarks.backfill`; not part of `make bench`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import yaml

from benchmarks.own_cloud import enter, progress
from benchmarks.own_project import copy_of_project

SOURCE = "retail_web"
DAYS = 7
EVENTS = 20_000


def main() -> None:
    with proven_stack() as (root, days):
        before = {run["Id"] for run in glue_runs()}
        began = time.perf_counter()
        command(root, "backfill", SOURCE=SOURCE, FROM=f"{days[0]}", TO=f"{days[-1]}")
        wall = time.perf_counter() - began
        runs = [run for run in glue_runs() if run["Id"] not in before]
    spark = sum(seconds(run) for run in runs)
    print(f"backfill of {len(days)} days, {days[0]} to {days[-1]}: {len(runs)} Glue runs")
    for job in sorted({run["JobName"] for run in runs}):
        took = [seconds(run) for run in runs if run["JobName"] == job]
        print(f"  {job:<32}{len(took):3} runs{sum(took):8.0f} s")
    print(f"  all Glue runs                           {spark:8.0f} s")
    print(f"  the whole backfill                      {wall:8.0f} s, {wall / spark:.2f} times the Glue runs")
    print(f"  a day, without Spark                    {(wall - spark) / len(days):8.1f} s")


@contextmanager
def proven_stack() -> Iterator[tuple[Path, list[date]]]:
    """A copy of the project whose stack is up and has proven its days; both are removed in the end."""
    with copy_of_project("dags", "plugins", "include", "local", "commands") as root:
        days = declare(root)
        enter(root / "state", root)
        os.environ["SAMPLE_EVENTS"] = str(EVENTS)
        try:
            progress(f"bringing up a stack and proving {len(days)} days")
            command(root, "up")
            yield root, days
        finally:
            command(root, "down")


def declare(root: Path) -> list[date]:
    """Let the source be verified from so many days before its end; these days."""
    file = root / f"include/sources/{SOURCE}.yaml"
    declared: dict[str, Any] = yaml.safe_load(file.read_text())
    end: datetime = declared["verify_until"]
    declared["verify_from"] = end - timedelta(days=DAYS)
    file.write_text(yaml.safe_dump(declared))
    return [(end - timedelta(days=DAYS - n)).date() for n in range(DAYS)]


def command(root: Path, name: str, **arguments: str) -> None:
    """Run what `make` would call; its progress is shown."""
    argv = [sys.executable, "-m", f"commands.{name}"]
    if subprocess.run(argv, cwd=root, env=os.environ | arguments, stdout=sys.stderr, check=False).returncode:
        sys.exit(f"backfill: commands.{name} failed (see above)")


def glue_runs() -> list[dict[str, Any]]:
    """Every run of the source's jobs."""
    glue = boto3.client("glue")
    jobs = [job["Name"] for page in glue.get_paginator("get_jobs").paginate() for job in page["Jobs"]]
    return [
        run
        for job in jobs
        if job.startswith(f"{SOURCE}__")
        for page in glue.get_paginator("get_job_runs").paginate(JobName=job)
        for run in page["JobRuns"]
    ]


def seconds(run: dict[str, Any]) -> float:
    """From a run's start to its end."""
    took: timedelta = run["CompletedOn"] - run["StartedOn"]
    return took.total_seconds()


if __name__ == "__main__":
    main()
