"""What does it cost to register 24 missing partitions of 10,000, for us and for MSCK REPAIR TABLE?

Our repair is told which hours hold objects and asks the catalog for their days alone; a run knows these hours from its
listings of them, which are counted in a line of their own. MSCK REPAIR lists all that lies below the table's location,
reads all partitions of the catalog, and adds what is missing
(https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html). Here the local Athena does that in as few calls
as it can be done with, pages of 1,000 objects and of 1,000 partitions; AWS does not say how Athena does it. Each hour
holds one object: with an object a minute, as Firehose delivers, MSCK would list 60 times as many.

Expected: the same calls for ours whatever the table's age; for MSCK calls and seconds that grow with it, so half the
size is measured, too. Seconds are of the local cloud, whose listings grow with the bucket.

It starts a local cloud of its own and removes it. Run it anywhere, in five minutes: `make bench`, or
`.venv/airflow/bin/python -m benchmarks.partition_repair`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import boto3

import commands  # noqa: F401  puts the product on the path
from benchmarks.final_check import ask
from benchmarks.own_cloud import calls, own_cloud, progress
from clickstream.lake.listing import hour_prefix, list_hours
from clickstream.lake.partitions import DELETE_LIMIT, repair_partitions
from clickstream.provisioning.bronze_table import BronzeTable
from clickstream.provisioning.resource import Cloud
from clickstream.sources.loader import load_sources
from commands.settings import Settings

SOURCE = "retail_web"
SIZES = (5_000, 10_000)
MISSING = 24
ROUNDS = 3
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
AT_ONCE = 8
SERVICES = ("glue", "s3")


def main() -> None:
    with own_cloud() as settings:
        table = BronzeTable(load_sources()[0][SOURCE], Cloud.of(boto3.Session()))
        table.create()
        print(f"{MISSING} missing partitions registered: medians of {ROUNDS}, in turns")
        print("  partitions                    seconds   calls of glue   of s3")
        filled = 0
        for size in SIZES:
            hours = [FIRST + timedelta(hours=n) for n in range(size)]
            fill(table, hours[filled:])
            filled = size
            for name, costs in compare(settings, table, hours).items():
                seconds, glue, s3 = (median(figures) for figures in zip(*costs, strict=True))
                print(f"  {size:10,}   {name:<18}{seconds:7.2f} s{glue:16.0f}{s3:8.0f}")


def compare(settings: Settings, table: BronzeTable, hours: Sequence[datetime]) -> dict[str, list[tuple[float, ...]]]:
    """Seconds and calls of each round, by who repairs."""
    missing = hours[-MISSING:]
    glue = boto3.client("glue")
    repair_all = f"MSCK REPAIR TABLE {table.cloud.names.database}.{table.name}"
    contenders: dict[str, Callable[[], object]] = {
        "ours": lambda: ours(glue, table, missing),
        "ours and listing": lambda: ours(glue, table, filled_of(table, missing)),
        "MSCK REPAIR": lambda: ask(boto3.client("athena"), repair_all),
    }
    ours(glue, table, hours)
    costs: dict[str, list[tuple[float, ...]]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, repair in contenders.items():
            forget(glue, table, missing)
            before, began = calls(settings), time.perf_counter()
            repair()
            took, after = time.perf_counter() - began, calls(settings)
            costs[name].append((took, *(after.get(service, 0) - before.get(service, 0) for service in SERVICES)))
            progress(f"{len(hours):,} {name}: {took:.2f} s")
            assert forget(glue, table, missing) == MISSING, f"{name} did not register them"
            ours(glue, table, missing)
    return costs


def ours(glue: Any, table: BronzeTable, filled: Sequence[datetime]) -> None:
    """What a run does over its hours, once it knows which of them hold objects."""
    database = table.cloud.names.database
    repair_partitions(glue, database=database, table=table.name, location=table.location, filled=filled)


def filled_of(table: BronzeTable, hours: Sequence[datetime]) -> list[datetime]:
    """The hours that hold objects, by listing each."""
    listings = list_hours(boto3.client("s3"), table.cloud.names.lake, [table.source.delivery.prefix], hours)
    return [hour for hour, objects in listings.items() if objects]


def forget(glue: Any, table: BronzeTable, hours: Sequence[datetime]) -> int:
    """Take the hours' partitions out of the catalog; how many were there."""
    where = {"DatabaseName": table.cloud.names.database, "TableName": table.name}
    refused = 0
    for start in range(0, len(hours), DELETE_LIMIT):
        values = [{"Values": f"{hour:%Y %m %d %H}".split()} for hour in hours[start : start + DELETE_LIMIT]]
        refused += len(glue.batch_delete_partition(**where, PartitionsToDelete=values)["Errors"])
    return len(hours) - refused


def fill(table: BronzeTable, hours: Sequence[datetime]) -> None:
    """An object in each hour."""
    s3, lake, prefix = boto3.client("s3"), table.cloud.names.lake, table.source.delivery.prefix
    progress(f"writing {len(hours):,} objects")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(
            pool.map(lambda hour: s3.put_object(Bucket=lake, Key=f"{hour_prefix(prefix, hour)}o", Body=b"{}\n"), hours)
        )


if __name__ == "__main__":
    main()
