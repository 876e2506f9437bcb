"""How fast does Bronze become Silver, beside what one would write without us?

Four ways from the same objects of the same store, each as a Glue job of the local cloud, in turns:

- `bronze_to_silver`, the product's: contract, fates, winners over all of Silver, branches, audit;
- `plain`, a PySpark script: inferred schema, dropDuplicates, dates overwritten;
- `plain_rejects`, the same with a hash of each line and a table of what was left out;
- `duckdb`, one process that parses and deduplicates: the floor, without Spark, catalog or commit.

All read copies of a day's objects without the few records that name a key twice: those end the plain script with an
AnalysisException. Only the product's Silver is right (the others take a client's clock of 2099, or a copy of
yesterday's event), which costs. Expected: as fast as the plain script, which takes half as long again once it
keeps a hash and rejects. A round takes ten minutes on two cores.

A run's seconds are those of its process; `work` is what is left without the start of a Spark session, measured as a
run that does nothing else. Memory is the highest sum of proportional set sizes of a run's processes.

Run it where `make up` has proven a day: `make bench`. It makes tables of its own and removes them.
"""

from __future__ import annotations

import gzip
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import boto3

import commands  # noqa: F401  puts the product on the path
from benchmarks.final_check import SOURCE, day_window, proven_days
from benchmarks.proc import megabytes, named
from clickstream.contract.judge import DUPLICATE_KEY, Judge
from clickstream.contract.records import read_object
from clickstream.contract.schema import load_schema
from clickstream.lake.objects import split_uri, write_json
from clickstream.lake.place import Place
from clickstream.lake.windows import parse_hour
from clickstream.provisioning.iceberg_tables import RejectsTable, SilverTable
from clickstream.provisioning.resource import Cloud
from clickstream.reconciliation.count import job_plan
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.manifest import Manifest, load_manifest
from clickstream.reconciliation.plan import make_plan
from clickstream.reconciliation.progress import current_entries
from clickstream.sources.loader import INCLUDE, load_sources
from clickstream.sources.model import Source

ROUNDS = 2
TIMES = 24
"""Each event is there so often, under an id of its own: the shop's five million a day, in the sample day's objects."""
NAME = "benchmark"
"""Stands for the source in the names of tables, jobs and folders."""
CONTENDERS = Path(__file__).parent / "contenders"
OURS, START, FLOOR = "bronze_to_silver", "session", "duckdb"
POLL_SECONDS = 0.2
WATCH_SECONDS = 1.0


def main() -> None:
    place, source = Place.of(boto3.Session()), load_sources()[0][SOURCE]
    current = current_entries(Ledger(place.s3, place.evidence, source.name).read())
    days = proven_days(current)
    if not days:
        sys.exit("bronze to silver: no proven day here: make up")
    day = max(days, key=days.__getitem__)
    seconds: dict[str, list[float]] = {}
    memory: dict[str, float] = {}
    with contenders(place, source, day, current) as jobs:
        for _ in range(ROUNDS):
            for name, arguments in jobs.items():
                took, peak = run(place.glue, f"{NAME}__{name}", arguments)
                seconds.setdefault(name, []).append(took)
                memory[name] = max(peak, memory.get(name, 0))
                print(f"  {name}: {took:.1f} s", file=sys.stderr, flush=True)
    whole = {name: median(values) for name, values in seconds.items()}
    records = TIMES * days[day]  # the few that name a key twice included
    print(f"bronze to silver, {day:%Y-%m-%d}: {records:,} records, medians of {ROUNDS} runs in turns")
    print("                      run      work   events/s   to ours    memory")
    for name, took in whole.items():
        work = took if name == FLOOR else took - whole[START]
        ratio = work / (whole[OURS] - whole[START])
        figures = f"{work:8.1f} s{records / work:11,.0f}{ratio:10.2f}" if name != START else ""
        print(f"  {name:<16}{took:7.1f} s{figures:<29}{memory[name]:9,.0f} MB")


@contextmanager
def contenders(
    place: Place, source: Source, day: datetime, current: Mapping[datetime, Entry]
) -> Iterator[dict[str, dict[str, str]]]:
    """A Glue job for each contender, and the product's tables under a name of their own; removed in the end.

    Yields:
        The arguments of each job's runs.
    """
    ours = source.model_copy(update={"name": NAME})
    _remove(place)
    for table in (SilverTable, RejectsTable):
        table(ours, Cloud.of(boto3.Session())).create()
    bronze = f"s3://{place.lake}/{NAME}/{source.delivery.prefix}{day:year=%Y/month=%m/day=%d}/"
    plain = {
        "--bronze": bronze,
        "--silver": f"glue_catalog.{place.database}.{NAME}_plain",
        "--rejects_table": f"glue_catalog.{place.database}.{NAME}_plain_rejects",
    }
    product = place.glue.get_job(JobName=f"{source.name}__bronze_to_silver")["Job"]
    scripts = {
        START: ("session.py", {}),
        OURS: (None, {"--plan": _plan(place, ours, day, current)}),
        "plain": ("plain.py", {**plain, "--rejects": "no"}),
        "plain_rejects": ("plain.py", {**plain, "--silver": f"{plain['--silver']}_careful", "--rejects": "yes"}),
        FLOOR: ("duckdb_floor.py", {"--bronze": bronze}),
    }
    for name, (script, _) in scripts.items():
        command = product["Command"]
        if script:
            key = f"{NAME}/{script}"
            place.s3.upload_file(str(CONTENDERS / script), place.lake, key)
            command = {**command, "ScriptLocation": f"s3://{place.lake}/{key}"}
        arguments = product["DefaultArguments"]
        place.glue.create_job(Name=f"{NAME}__{name}", Role=product["Role"], Command=command, DefaultArguments=arguments)
    try:
        yield {name: arguments for name, (_, arguments) in scripts.items()}
    finally:
        _remove(place)


def run(glue: Any, job: str, arguments: dict[str, str]) -> tuple[float, float]:
    """Seconds of a job's run, and the most memory that its processes had together, in megabytes."""
    peak, ended = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(WATCH_SECONDS):
            peak = max(peak, megabytes(named(job)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    try:
        found = _ended(glue, job, glue.start_job_run(JobName=job, Arguments=arguments)["JobRunId"])
    finally:
        took = time.perf_counter() - began
        ended.set()  # also when we are interrupted: the watcher would keep the process alive
        watcher.join()
    if found["JobRunState"] != "SUCCEEDED":
        sys.exit(f"{job}: {found['JobRunState']}: {found.get('ErrorMessage')}")
    return took, peak


def _ended(glue: Any, job: str, started: str) -> dict[str, Any]:
    """A run, once it has come to its end."""
    while True:
        found: dict[str, Any] = glue.get_job_run(JobName=job, RunId=started)["JobRun"]
        if found["JobRunState"] not in {"STARTING", "RUNNING"}:
            return found
        time.sleep(POLL_SECONDS)


def _plan(place: Place, ours: Source, day: datetime, current: Mapping[datetime, Entry]) -> str:
    schema = load_schema(INCLUDE / "schemas", SOURCE, ours.events.contract)
    judge = Judge(ours, schema)
    manifests = [
        _copy(place, judge, load_manifest(place.s3, uri)) for hour in day_window(day) if (uri := current[hour].manifest)
    ]
    plan = make_plan(place, ours, day_window(day), run=NAME, triggered_by=NAME)
    document = job_plan(place, ours, plan, manifests, {}, {schema.version: schema})
    return write_json(place.s3, place.run_uri(NAME, NAME, "job"), document)


def _copy(place: Place, judge: Judge, manifest: Manifest) -> Manifest:
    """An hour of Bronze again, below NAME, without the records that name a key twice."""
    hour = parse_hour(manifest.arrival_hour)
    objects = []
    for each in manifest.objects:
        found = read_object(each.key, place.s3.get_object(Bucket=place.lake, Key=each.key)["Body"].read())
        kept = [record for record in found.records if judge(record, hour).reason != DUPLICATE_KEY]
        times = [record.replace(b'"evt-', b'"evt-%d-' % time) for time in range(TIMES) for record in kept]
        body = gzip.compress(b"\n".join(times), 6)
        key = f"{NAME}/{each.key}"
        etag = place.s3.put_object(Bucket=place.lake, Key=key, Body=body)["ETag"]
        objects.append(each.model_copy(update={"key": key, "etag": etag, "size": len(body)}))
    return manifest.model_copy(update={"objects": tuple(objects)})


def _remove(place: Place) -> None:
    """Everything of ours, also of an earlier time that was killed."""
    for job in place.glue.get_jobs()["Jobs"]:
        if job["Name"].startswith(f"{NAME}__"):
            place.glue.delete_job(JobName=job["Name"])
    tables = place.glue.get_tables(DatabaseName=place.database, Expression=f"{NAME}_.*")["TableList"]
    for table in tables:
        place.glue.delete_table(DatabaseName=place.database, Name=table["Name"])
        _empty(table["StorageDescriptor"]["Location"])
    _empty(f"s3://{place.lake}/{NAME}")


def _empty(folder: str) -> None:
    bucket, prefix = split_uri(folder)
    boto3.resource("s3").Bucket(bucket).object_versions.filter(Prefix=f"{prefix.rstrip('/')}/").delete()


if __name__ == "__main__":
    main()
