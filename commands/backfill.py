"""`make backfill SOURCE= FROM= TO=`: run days again through Airflow's own backfill, and see them proven.

What an on-call engineer would do in Airflow's pages, with what those leave out: which dates are skipped, and
whether the days are proven in the end. Days are named by the date on which their windows start; both ends are
included; days that have succeeded run again, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from commands import airflow_stack, status
from commands.airflow_api import Airflow, AirflowRefused, Backfill, Run
from commands.runs import daily_of, follow, unproven, why_unproven
from commands.settings import Settings
from commands.stack import source_names
from commands.terminal import Failed, command, say

CLOSED_WITHIN = 60  # seconds; Airflow closes a backfill at most 30 after its last run ended


def main() -> None:
    settings = Settings.from_environment()
    source, days = _asked(settings)
    dag = daily_of(source)
    with Airflow(settings.airflow_url, *airflow_stack.LOGIN) as airflow:
        paused = airflow.is_paused(dag)
        if paused is None:
            raise Failed(f"Airflow does not know {dag}", todo="make up, or make logs PART=dag-processor")
        planned = [day for day in airflow.backfill_dates(dag, days[0], days[-1]) if day in days]
        say(f"{dag}: dry run: {', '.join(map(str, planned)) or 'no date'}")
        skipped = {day: _why_skipped(airflow, dag, day) for day in days if day not in planned}
        if planned:
            backfill = start(airflow, dag, days)
            if paused:
                say(f"{dag} was paused, and its backfill would wait for ever: it is unpaused now and stays so")
                airflow.unpause(dag)
            taken = {run.date for run in airflow.runs(dag, days[0], days[-1]) if _belongs(run, backfill)}
            skipped |= {day: "a run of it began meanwhile" for day in planned if day not in taken}
            follow(airflow, dag, sorted(taken))
        report = status.report(source)
        status.show(only(report, source, days))
        if missing := [day for day in unproven(report, source, days) if day not in skipped]:
            failure = why_unproven(airflow, settings.logs / "tasks", report, source, missing)
        elif skipped:
            failure = Failed("not every date ran", todo="the same again once the cause is gone")
        else:
            say(f"{source}: {days[0]} to {days[-1]} proven")
            return
        for day, why in sorted(skipped.items()):
            say(f"{day} was skipped: {why}")
        raise failure


def only(report: Mapping[str, Any], source: str, days: Sequence[date]) -> dict[str, Any]:
    """The part of a status report that is about these days of one source."""
    told = dict(report["sources"][source])
    names = tuple(day.isoformat() for day in days)
    told["hours"] = [hour for hour in told["hours"] if hour["arrival_hour"].startswith(names)]
    told["dates"] = [one for one in told["dates"] if one["event_date"] in names]
    return {"sources": {source: told}}


def _asked(settings: Settings) -> tuple[str, list[date]]:
    source = os.environ.get("SOURCE", "")
    known = source_names(settings)
    if source not in known:
        raise Failed(f"SOURCE is {source!r}; it may be {', '.join(known)}")
    try:
        first, last = (date.fromisoformat(os.environ.get(end, "")) for end in ("FROM", "TO"))
    except ValueError as error:
        raise Failed(f"FROM and TO must be dates such as 2026-11-18: {error}") from None
    if last < first:
        raise Failed(f"FROM={first} is later than TO={last}")
    return source, [first + timedelta(days=n) for n in range((last - first).days + 1)]


def start(airflow: Airflow, dag: str, days: Sequence[date]) -> Backfill:
    """Begin a backfill; one whose last run has ended, but which Airflow still counts as open, is waited for.

    :raises Failed: while another backfill of the DAG is at work.
    """
    deadline = time.monotonic() + CLOSED_WITHIN
    while True:
        try:
            return airflow.start_backfill(dag, days[0], days[-1])
        except AirflowRefused as error:
            if error.status != httpx.codes.CONFLICT or time.monotonic() > deadline:
                raise
        for other in airflow.open_backfills(dag):
            runs = airflow.runs(dag, other.first, other.last)
            if any(run.kind == "backfill" and not run.finished for run in runs):
                raise Failed(
                    f"a backfill of {dag} from {other.first} to {other.last} is still at work: "
                    "Airflow runs one at a time, so every date was skipped",
                    todo="the same again once it has ended",
                )
        say(f"{dag}: waiting for Airflow to close the backfill before this one")
        time.sleep(5)


def _belongs(run: Run, backfill: Backfill) -> bool:
    return run.kind == "backfill" and run.queued_at is not None and run.queued_at >= backfill.created_at


def _why_skipped(airflow: Airflow, dag: str, day: date) -> str:
    at_work = [run for run in airflow.runs(dag, day, day) if not run.finished]
    if at_work:
        return f"its run {at_work[0].id} is {at_work[0].state}"
    if day >= datetime.now(UTC).date():
        return "it has not ended yet"
    return "the schedule has no run for it"


if __name__ == "__main__":
    command(main)
