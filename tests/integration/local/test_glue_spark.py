"""Glue jobs on the real Spark with Iceberg: three sessions, each asked for all that it can tell."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.table import Table

from tests.integration.local.conftest import wait_until
from tests.integration.local.glue_runs import BUCKET, GlueRuns, alive, shared_cloud

DATABASE = "glue_tests"
SCRIPT = """
import os, sys
from contextlib import suppress
from pathlib import Path
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession, functions as F

table = getResolvedOptions(sys.argv, ["table"])["table"]
name = f"glue_catalog.glue_tests.{table}"
spark = SparkSession.builder.getOrCreate()
workers = spark.sparkContext.parallelize([0], 1).flatMap(lambda _: [os.getppid(), os.getpid()]).collect()
pids = [os.getpid(), spark.sparkContext._gateway.proc.pid, *workers]
print("pids", *pids)
print("zone", spark.conf.get("spark.sql.session.timeZone"), "extra", spark.conf.get("spark.test.extra"))
print("text", spark.read.text("s3://glue-tests/read/").first()[0])

spark.sql(f"CREATE TABLE {name} (id bigint, hour string) USING iceberg PARTITIONED BY (hour)")
spark.range(2).withColumn("hour", F.lit("h1")).writeTo(name).append()
spark.sql(f"ALTER TABLE {name} CREATE BRANCH audit")
spark.range(10, 13).withColumn("hour", F.lit("h1")).writeTo(f"{name}.branch_audit").overwrite(F.col("hour") == "h1")
spark.sql(f"CALL glue_catalog.system.fast_forward('glue_tests.{table}', 'main', 'audit')")
spark.sql(f"ALTER TABLE {name} DROP BRANCH audit")

sockets = set()
for pid in pids:
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            sockets.add(os.readlink(file))
for line in Path("/proc/net/tcp").read_text().splitlines() + Path("/proc/net/tcp6").read_text().splitlines():
    fields = line.split()
    if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
        print("listens", fields[1])
"""
OVERWRITE, FAST_FORWARD = 4, 5
"""Which of the script's commits to the table is which."""
LOOPBACK = "0100007F"
"""127.0.0.1, alone or mapped into IPv6, as /proc writes it."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GlueRuns]:
    with shared_cloud(tmp_path_factory.mktemp("state")) as cloud:
        runs = GlueRuns(cloud)
        database = {"Name": DATABASE, "LocationUri": f"s3://{BUCKET}/{DATABASE}"}
        cloud.client("glue").create_database(DatabaseInput=database)
        runs.s3.put_object(Bucket=BUCKET, Key="read/line.txt", Body=b"from s3")
        yield runs


def catalog(runs: GlueRuns) -> Catalog:
    where = {"endpoint": runs.cloud.url, "region": "us-east-1"}
    keys = {"access-key-id": "local", "secret-access-key": "local"}
    return load_catalog(
        "glue",
        type="glue",
        **{f"{service}.{key}": value for service in ("glue", "s3") for key, value in {**where, **keys}.items()},
    )


def ids(table: Table) -> list[int]:
    return sorted(table.scan().to_arrow()["id"].to_pylist())


def run_on(runs: GlueRuns, table: str) -> dict[str, Any]:
    job = runs.job(SCRIPT, DefaultArguments={"--datalake-formats": "iceberg", "--table": table})
    return runs.ends(job, runs.start(job, Arguments={"--conf": "spark.test.extra=1 --conf spark.test.more=2"}))


def pids(runs: GlueRuns, run: dict[str, Any]) -> list[int]:
    return [int(pid) for line in runs.printed(run) if line.startswith("pids") for pid in line.split()[1:]]


def test_job_writes_iceberg_through_the_catalog(runs: GlueRuns) -> None:
    run = run_on(runs, "whole")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    table = catalog(runs).load_table(f"{DATABASE}.whole")
    assert ids(table) == [10, 11, 12]
    assert [snapshot.summary.operation.value for snapshot in table.snapshots() if snapshot.summary] == [
        "append",
        "overwrite",
    ]
    assert list(table.refs()) == ["main"]
    assert table.location() == f"s3://{BUCKET}/{DATABASE}/whole"

    printed = [line.partition(" ")[::2] for line in runs.printed(run)]
    assert ("zone", "UTC extra 1") in printed
    assert ("text", "from s3") in printed
    listens = [address for what, address in printed if what == "listens"]
    assert len(listens) >= 4
    assert all(address.split(":")[0].endswith(LOOPBACK) for address in listens), listens
    processes = pids(runs, run)
    wait_until(lambda: not any(alive(pid) for pid in processes))


@pytest.mark.parametrize(
    ("when", "commit", "left", "branches"),
    [("before", OVERWRITE, [0, 1], {"main", "audit"}), ("after", FAST_FORWARD, [10, 11, 12], {"main", "audit"})],
)
def test_spark_is_killed_around_a_commit(
    runs: GlueRuns, when: str, commit: int, left: list[int], branches: set[str]
) -> None:
    runs.cloud.arm("kill_spark", table=when, after_commits=commit, when=when)
    run = run_on(runs, when)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "Command failed with exit code 137")
    processes = pids(runs, run)
    assert len(processes) == 4
    wait_until(lambda: not any(alive(pid) for pid in processes))
    table = catalog(runs).load_table(f"{DATABASE}.{when}")
    assert ids(table) == left
    assert set(table.refs()) == branches
    assert len(table.snapshots()) == (1 if when == "before" else 2)
