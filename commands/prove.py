"""`make prove SOURCE= DATE=2026-11-18`: run the daily proof of a day by hand, as the schedule would.

Not forced: hours that are verified and unchanged are inspected only, and what is broken stays broken until it is
repaired. Ends non-zero while the day is not verified.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta

from clickstream.lake.windows import Window
from commands import airflow_stack, status
from commands.airflow_api import Airflow
from commands.backfill import only
from commands.runs import daily_of, unproven
from commands.settings import Settings
from commands.stack import source_names
from commands.terminal import Failed, command, say

WITHIN = 1800
"""Seconds until the run must have ended."""


def main() -> None:
    settings = Settings.from_environment()
    source, day = os.environ.get("SOURCE", ""), _date(os.environ.get("DATE", ""))
    if source not in (known := source_names(settings)):
        raise Failed(f"SOURCE is {source!r}; it may be {', '.join(known)}")
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    window = Window(start, start + timedelta(days=1))
    dag = daily_of(source)
    with Airflow(settings.airflow_url, *airflow_stack.LOGIN) as airflow:
        run = airflow.trigger(dag, day, {"window": str(window)})
        say(f"{dag}: run {run.id} over {window}")
        deadline = time.monotonic() + WITHIN
        while not (run := airflow.run(dag, run)).finished:
            if time.monotonic() > deadline:
                raise Failed(f"{run.id} is {run.state} after {WITHIN} s", todo="make logs PART=scheduler")
            time.sleep(1)
        say(f"{dag}: {run.state}")
    report = status.report(source)
    status.show(only(report, source, [day]))
    if unproven(report, source, [day]):
        raise Failed(f"{source} {day} is not verified", todo="the findings of the failed hours say what is wrong")
    if run.state != "success":
        raise Failed(f"{source} {day} is verified; its Gold, or its data quality, failed", todo="see the table's end")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Failed(f"DATE is {text!r}; it must be a date such as 2026-11-18") from error


if __name__ == "__main__":
    command(main)
