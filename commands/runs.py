"""Waiting for the runs of `<source>__daily`, and telling whether they proved their days."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from commands.airflow_api import Airflow, Run, Task
from commands.terminal import Failed, say

LOOK_SECONDS = 3  # each look makes Airflow work, beside the runs that are looked at
STALLED_AFTER = 900  # seconds without any change; a Spark job on a slow machine may take minutes
MADE_WITHIN = 180  # seconds in which the scheduler must make the next run when none is at work
PROVEN = frozenset({"verified", "excepted"})
WITHOUT_GOLD = frozenset({"open", "failed"})
UNJUDGED = frozenset({"open", "provisional"})


def daily_of(source: str) -> str:
    """The DAG that proves the days of a source, and that is backfilled."""
    return f"{source}__daily"


def hourly_of(source: str) -> str:
    """The DAG that brings a source's hours into Silver."""
    return f"{source}__hourly"


def follow(airflow: Airflow, dag: str, days: Sequence[date]) -> None:
    """Wait until each of these days has a run that has ended, well or not; tell what happens meanwhile.

    :raises Failed: when nothing changes any more.
    """
    told: dict[date, str] = {}
    changed = time.monotonic()
    while True:
        runs = {run.date: run for run in airflow.runs(dag, min(days), max(days)) if run.date in days}
        now = {day: _progress(airflow, dag, run) for day, run in runs.items()}
        for day, progress in sorted(now.items()):
            if told.get(day) != progress:
                say(f"{dag} {day}: {progress}")
                changed = time.monotonic()
        told = now
        if len(runs) == len(days) and all(run.finished for run in runs.values()):
            return
        quiet = time.monotonic() - changed
        if quiet > MADE_WITHIN and all(run.finished for run in runs.values()):
            missing = ", ".join(str(day) for day in days if day not in runs)
            raise Failed(f"Airflow makes no run of {dag} for {missing}", todo="make logs PART=scheduler")
        if quiet > STALLED_AFTER:
            raise Failed(f"{dag}: nothing has changed for {STALLED_AFTER} s", todo="make logs PART=scheduler")
        time.sleep(LOOK_SECONDS)


def hour_states(report: Mapping[str, Any], source: str, day: date) -> list[str]:
    """The state of each arrival hour of a day, as `commands.status.report` tells it."""
    hours = report["sources"][source]["hours"]
    return [hour["state"] for hour in hours if hour["arrival_hour"].startswith(day.isoformat())]


def unproven(report: Mapping[str, Any], source: str, days: Sequence[date]) -> list[date]:
    """The days of which not every hour is verified, or accepted by a waiver, or of which Gold is not as Silver."""
    return [
        day
        for day in days
        if not (states := hour_states(report, source, day))
        or set(states) - PROVEN
        or gold_state(report, source, day) in WITHOUT_GOLD
    ]


def gold_state(report: Mapping[str, Any], source: str, day: date) -> str | None:
    """The state of an event date in Gold, as `commands.status.report` tells it; None where nothing is made of it."""
    dates = report["sources"][source]["dates"]
    return next((each["state"] for each in dates if each["event_date"] == day.isoformat()), None)


def judged(report: Mapping[str, Any], source: str, day: date) -> bool:
    """Whether some final check of the day has come to a verdict, good or bad."""
    return not set(hour_states(report, source, day)) <= UNJUDGED


def why_unproven(
    airflow: Airflow, task_logs: Path, report: Mapping[str, Any], source: str, days: Sequence[date]
) -> Failed:
    """What is known of days that are not proven: their hours, their runs, the first failed task and its log."""
    dag = daily_of(source)
    runs = {run.date: run for run in airflow.runs(dag, min(days), max(days))}
    lines, log = [], None
    for day in days:
        states = hour_states(report, source, day)
        counted = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states))) or "none known"
        run = runs.get(day)
        broken = [task for task in airflow.tasks(dag, run.id) if task.state == "failed"] if run else []
        gold = f", Gold {state}" if (state := gold_state(report, source, day)) in WITHOUT_GOLD else ""
        lines.append(
            f"{source} {day} is not verified: hours: {counted}{gold}; run: {run.state if run else 'none'}"
            + (f"; failed tasks: {', '.join(task.name for task in broken)}" if broken else "")
        )
        if run and broken and not log:
            log = task_logs / broken[0].log
    return Failed(
        "\n".join(lines),
        log=log,
        todo=f"make status SOURCE={source}; when the cause is mended: "
        f"make backfill SOURCE={source} FROM={min(days)} TO={max(days)}",
    )


def _progress(airflow: Airflow, dag: str, run: Run) -> str:
    if run.finished or run.state == "queued":
        return run.state
    tasks: list[Task] = airflow.tasks(dag, run.id)
    done = sum(task.state in ("success", "skipped", "failed", "upstream_failed") for task in tasks)
    at_work = sorted({task.id for task in tasks if task.state in ("running", "deferred", "up_for_retry")})
    return f"{done} tasks done" + (f", at {', '.join(at_work)}" if at_work else "")
