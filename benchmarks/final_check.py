"""What does the final check cost, measured in scans of Bronze?

The check asks Athena four things: the identity (Bronze against Silver and rejects, record by record), the witnesses
(each duplicate's winner), the receipts (what the producer was promised), and the fates by hour. Its scale is the one
query that every hour pays anyway, the count of Bronze (`bronze_manifest.sql`).

Expected: witnesses, receipts and fates, which read a few columns of Silver and rejects, take less than one scan each.
The identity reads Bronze again, reads two fields of every record's JSON and joins both sides by hash: a small multiple
of a scan, the more so on the local cloud, whose JSON functions are Python.

Run it where `make up` has proven a day: `make bench`, or with the variables that lead to that cloud
`.venv/airflow/bin/python -m benchmarks.final_check`. It changes nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import boto3

import commands  # noqa: F401  puts the product on the path
from clickstream.lake.names import Names
from clickstream.lake.place import Place
from clickstream.lake.windows import Window, parse_hour
from clickstream.reconciliation.check import check_queries, fates_query, hours_before
from clickstream.reconciliation.count import manifest_query
from clickstream.reconciliation.entry import PASSED, Entry
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.plan import make_plan
from clickstream.reconciliation.progress import current_entries
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source

SOURCE = "retail_web"
ROUNDS = 5
SCAN = "scan of Bronze"
POLL_SECONDS = 0.05


def main() -> None:
    place, source = Place.of(boto3.Session()), load_sources()[0][SOURCE]
    current = current_entries(Ledger(place.s3, place.evidence, source.name).read())
    days = proven_days(current)
    if not days:
        sys.exit("final check: no proven day here: make up")
    day = max(days, key=days.__getitem__)
    queries = queries_of(place, source, day, current)
    athena = boto3.client("athena")
    seconds: dict[str, list[float]] = {name: [] for name in queries}
    megabytes: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, sql in queries.items():
            took, megabytes[name] = ask(athena, sql)
            seconds[name].append(took)
    medians = {name: median(values) for name, values in seconds.items()}
    medians["the whole check"] = sum(value for name, value in medians.items() if name != SCAN)
    print(f"final check of {source.name}, {day:%Y-%m-%d}: {days[day]:,} records, median of {ROUNDS}")
    for name, value in medians.items():
        read = f"{megabytes[name]:8.1f} MB read" if name in megabytes else ""
        print(f"  {name:<16}{value:8.2f} s{value / medians[SCAN]:8.2f} scans {read}")


def proven_days(current: Mapping[datetime, Entry]) -> dict[datetime, int]:
    """Records of each day, by its midnight, of which every hour has passed."""
    passed = {hour: entry for hour, entry in current.items() if entry.state in PASSED}
    midnights = {hour.replace(hour=0) for hour in passed}
    whole = [day for day in midnights if all(hour in passed for hour in day_window(day))]
    return {day: sum(passed[hour].bronze.records for hour in day_window(day)) for day in whole}


def queries_of(place: Place, source: Source, day: datetime, current: Mapping[datetime, Entry]) -> dict[str, str]:
    """What a run over the day asks: SQL by name, the scan first."""
    plan = make_plan(place, source, day_window(day), run="benchmark", triggered_by="benchmark")
    assert plan.silver_snapshot and plan.rejects_snapshot
    hours = list(plan.window_hours)
    snapshots = plan.silver_snapshot, plan.rejects_snapshot
    unprocessed = [hour for hour in hours_before(hours) if parse_hour(hour) not in current]
    return {
        SCAN: manifest_query(place, source, hours, []),
        **check_queries(place, source, hours, [], unprocessed, *snapshots),
        "fates": fates_query(place, source, plan, *snapshots),
    }


def ask(athena: Any, sql: str) -> tuple[float, float]:
    """Seconds that Athena's engine took for a query, and megabytes that it read."""
    execution = athena.start_query_execution(QueryString=sql, WorkGroup=Names.workgroup)["QueryExecutionId"]
    while True:
        found = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
        if found["Status"]["State"] not in {"QUEUED", "RUNNING"}:
            break
        time.sleep(POLL_SECONDS)
    if found["Status"]["State"] != "SUCCEEDED":
        sys.exit(f"final check: {found['Status']['StateChangeReason']}\n{sql}")
    statistics = found["Statistics"]
    return statistics["EngineExecutionTimeInMillis"] / 1000, statistics["DataScannedInBytes"] / 1e6


def day_window(day: datetime) -> Window:
    """The hours of a day, by its midnight."""
    return Window(day, day + timedelta(days=1))


if __name__ == "__main__":
    main()
