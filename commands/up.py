"""`make up`: from nothing, or from whatever is there, to a proven sample day and a stack that is ready for use.

Every step looks at what is there first, so a second call, a reboot or a run cut short cost no more than what is
missing. `make` has already checked the machine and made the environments.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from math import ceil

from clickstream.lake.windows import HOUR
from clickstream.sources.loader import InvalidSources, load_sources
from clickstream.sources.model import Source
from commands import airflow_stack, cloud, stack, status
from commands.airflow_api import Airflow
from commands.runs import daily_of, follow, hourly_of, judged, unproven, why_unproven
from commands.settings import Settings
from commands.terminal import Failed, command, say

KNOWN_WITHIN = 180  # seconds from Airflow's start until it must know the DAGs


def main() -> None:
    settings = Settings.from_environment()
    with stack.alone(settings):
        jars = cloud.fetch_spark(settings)
        # Nobody waits for it here: who sends the sample does, or makes it.
        subprocess.Popen([sys.executable, "-m", "commands.sample", "--make"], cwd=settings.root)
        with ThreadPoolExecutor() as together:
            steps = [together.submit(_bring_airflow_up, settings), together.submit(_bring_cloud_up, settings)]
        for step in steps:
            step.result()
        if jars.wait():
            raise Failed("Spark's jars could not be fetched", log=settings.logs / "spark-jars.log")
        faults = prove_sample(settings)
    conclude(settings, faults)


def _bring_airflow_up(settings: Settings) -> None:
    say("Airflow: starting")
    stack.start_airflow(settings)
    say(f"Airflow: up at {settings.airflow_url}")


def _bring_cloud_up(settings: Settings) -> None:
    say("local cloud: starting")
    stack.start_cloud(settings)
    cloud.lay_foundation(settings)
    say(f"local cloud: up at {settings.cloud_url}")
    send_sample(settings)


def send_sample(settings: Settings) -> None:
    """Set up every source's path and send the sample day through it.

    :raises Failed: one of the two did not succeed.
    """
    for module, doing in (("setup", "sources: setting up"), ("sample", "sample day: sending")):
        say(doing)
        argv = [sys.executable, "-m", f"commands.{module}"]
        if subprocess.run(argv, cwd=settings.root, check=False).returncode:
            raise Failed(f"commands.{module} failed (see above)", log=settings.logs / "cloud.log")


def prove_sample(settings: Settings) -> InvalidSources | None:
    """Let the DAGs loose, now that their data is there, and see every day of the sample proven.

    :returns: why sources were left out.
    :raises Failed: Airflow does not know a DAG, or a day is not proven.
    """
    sources, faults = load_sources()
    with Airflow(settings.airflow_url, *airflow_stack.LOGIN) as airflow:
        *others, last = sources.values()
        for dag in (*(daily_of(source.name) for source in others), *map(hourly_of, sources)):
            _let_loose(settings, airflow, dag)
        _count_hours(airflow, last)
        _let_loose(settings, airflow, daily_of(last.name))
        for source in sources.values():
            if source.verify_until:
                _see_proven(settings, airflow, source, _days(source.verify_from, source.verify_until))
    return faults


def _let_loose(settings: Settings, airflow: Airflow, dag: str) -> None:
    deadline = time.monotonic() + KNOWN_WITHIN
    while (paused := airflow.is_paused(dag)) is None:
        if time.monotonic() > deadline:
            errors = "\n".join(f"{file}: {trace}" for file, trace in airflow.import_errors().items())
            raise Failed(f"Airflow does not know {dag}. {errors}", log=settings.logs / "dag-processor.log")
        time.sleep(1)
    if paused:
        airflow.unpause(dag)


def _count_hours(airflow: Airflow, source: Source) -> None:
    """Have the sample counted by an hourly run, as live hours are; the daily run then proves it without a job.

    One source shows it; it is the last, whose two runs take their turns while the jobs of the others are at work.
    """
    if source.verify_until:
        dag, hour = hourly_of(source.name), source.verify_until - HOUR
        if not airflow.runs(dag, hour.date(), hour.date()):
            airflow.run_interval(dag, hour, source.verify_until)
        follow(airflow, dag, [hour.date()])


def _see_proven(settings: Settings, airflow: Airflow, source: Source, days: list[date]) -> None:
    dag = daily_of(source.name)
    follow(airflow, dag, days)
    report = status.report(source.name)
    for run in airflow.runs(dag, days[0], days[-1]):
        # A run that broke before it came to a verdict, such as when the machine was switched off, is worth
        # another try. A verdict stands: running again would only find the same loss.
        if run.state == "failed" and not judged(report, source.name, run.date):
            say(f"{dag} {run.date}: ended without a verdict: once more")
            airflow.clear(dag, run.id)
            follow(airflow, dag, [run.date])
            report = status.report(source.name)
    if missing := unproven(report, source.name, days):
        status.show(report)
        raise why_unproven(airflow, settings.logs / "tasks", report, source.name, missing)


def conclude(settings: Settings, faults: InvalidSources | None) -> None:
    """Say what is proven, what is where, and what can be done next.

    :raises Failed: when sources were left out.
    """
    status.show(status.report(None))
    user, password = airflow_stack.LOGIN
    print(
        f"""
Airflow      {settings.airflow_url}   login {user} / {password}
local cloud  {settings.cloud_url}   (aws --endpoint-url {settings.cloud_url} s3 ls)
logs         {settings.logs}

Try next
  make break WHAT=lost-object                          lose an object, see it found, repair it
  make send SOURCE=retail_web EVENTS=mine.ndjson       your own events, proven the same way
  make status                                          this table, at any time
  make down                                            stop; `make up` goes on from here
"""
    )
    if faults:
        raise Failed(f"these sources are left out:\n{faults}")


def _days(start: datetime, end: datetime) -> list[date]:
    """The dates of the window [start, end)."""
    return [start.date() + timedelta(days=n) for n in range(ceil((end - start) / timedelta(days=1)))]


if __name__ == "__main__":
    command(main)
