"""What do the tables of a day of hourly runs cost their readers, with and without maintenance?

24 runs of the product's job, an hour of Bronze each, as Glue jobs of the local cloud: a day of small commits. Then one
maintenance of Silver and rejects, and another that finds nothing to do. Readers are asked the same before and after: a
day's events by type, which reads two columns of all files.

Expected: the files of an hour become one for each event date in it, and a query, which pays for each file with requests
and not with bytes, gets faster by less than that. The bytes of the files fall, too: a small file compresses badly. The
second maintenance takes hardly more than the start of a Spark session and a listing.

It starts a local cloud of its own and removes it. Run it anywhere, in ten minutes: `make bench`, or
`.venv/airflow/bin/python -m benchmarks.lake_maintenance`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import boto3

import commands  # noqa: F401  puts the product on the path
from benchmarks.bronze_hour import SOURCE, put_hour, visits
from benchmarks.bronze_to_silver import run
from benchmarks.final_check import ask, day_window
from benchmarks.own_cloud import own_cloud, progress
from clickstream.lake.objects import read_json, write_json
from clickstream.lake.place import Place
from clickstream.lake.queries import Table
from clickstream.lake.snapshots import history
from clickstream.lake.windows import hour_text
from clickstream.provisioning.glue_job import MaintenanceJob, SilverJob
from clickstream.provisioning.iceberg_tables import RejectsTable, SilverTable
from clickstream.provisioning.job_code import JobCode
from clickstream.provisioning.resource import Cloud
from clickstream.reconciliation.maintenance.steps import plan_maintenance
from clickstream.reconciliation.steps import Run
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source

VISITS = 40
"""An hour; it has some 250 events."""
ROUNDS = 5
KINDS = ("silver", "rejects")


def main() -> None:
    with own_cloud():
        place = Place.of(boto3.Session())
        source = load_sources()[0][SOURCE].model_copy(update={"gold": None})
        for resource in (SilverTable, RejectsTable, JobCode, SilverJob, MaintenanceJob):
            resource(source, Cloud.of(boto3.Session())).create()
        events = write_day(place, source)
        before, objects = read_day(place, source), stored(place, source)
        took, done = maintain(place, source, "first")
        after, left = read_day(place, source), stored(place, source)
        again, _ = maintain(place, source, "second")
    print(f"maintenance after {len(day_window(source.verify_from))} hourly runs, {events:,} events")
    print("                              without      with     ratio")
    for kind, table in done.items():
        for what in ("files", "bytes", "manifests"):
            show(f"{kind}: {what}", table[f"{what}_before"], table[f"{what}_after"])
    show("objects in the tables' folders", objects, left)
    show("a day's query, milliseconds", 1000 * before[0], 1000 * after[0])
    show("a day's query, kilobytes read", 1000 * before[1], 1000 * after[1])
    print(f"  the maintenance took {took:.1f} s, the one after it {again:.1f} s")


def show(what: str, without: float, given: float) -> None:
    print(f"  {what:<26}{without:11,.0f}{given:10,.0f}{without / max(given, 1):10.1f}")


def write_day(place: Place, source: Source) -> int:
    """A day of Bronze and an hourly run over each of its hours; how many events that are."""
    rng, total = random.Random(5), 0
    for hour in day_window(source.verify_from):
        records, name = visits(rng, hour, VISITS), f"benchmark.{hour:%H}"
        total += len(records)
        plan = put_hour(place, source, hour, records, name)
        address = write_json(place.s3, place.run_uri(source.name, name, "job"), plan)
        took, _ = run(place.glue, f"{source.name}__bronze_to_silver", {"--plan": address})
        progress(f"{hour_text(hour)}: {took:.1f} s")
    return total


def maintain(place: Place, source: Source, name: str) -> tuple[float, dict[str, Any]]:
    """A maintenance when all has settled; its seconds, and what it did to each table."""
    run_of = Run(place, source, f"benchmark.{name}")
    plan_maintenance(run_of, triggered_by="benchmark", now=datetime.now(UTC) + timedelta(days=60), whole=True)
    plan = run_of.read("maintenance_job")
    # No run is recorded here: what main is now stands for what the ledger would name.
    for table in plan["tables"]:
        table["anchor"] = history(place.glue, place.s3, place.database, table["name"])[0].id
    run_of.write("maintenance_job", plan)
    address = place.run_uri(source.name, run_of.run, "maintenance_job")
    took, _ = run(place.glue, f"{source.name}__lake_maintenance", {"--plan": address})
    return took, read_json(place.s3, plan["result"])["tables"]


def read_day(place: Place, source: Source) -> tuple[float, float]:
    """Seconds and megabytes of a reader's query: the median."""
    table = Table(place.database, source.table("silver"))
    day = f"DATE '{source.verify_from:%Y-%m-%d}'"
    sql = f"SELECT event_type, count(*) AS events FROM {table} WHERE event_date = {day} GROUP BY event_type"
    asked = [ask(boto3.client("athena"), sql) for _ in range(ROUNDS)]
    return median(seconds for seconds, _ in asked), median(read for _, read in asked)


def stored(place: Place, source: Source) -> int:
    """Objects in the folders of the tables: data, manifests, metadata."""
    return sum(1 for kind in KINDS for _ in _listed(place, f"silver/{source.table(kind)}/"))


def _listed(place: Place, prefix: str) -> Iterator[Any]:
    for page in place.s3.get_paginator("list_objects_v2").paginate(Bucket=place.lake, Prefix=prefix):
        yield from page.get("Contents", ())


if __name__ == "__main__":
    main()
