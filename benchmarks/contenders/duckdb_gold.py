"""The floor: Gold's tables by one DuckDB query each, over the files that Silver consists of, to this disk.

Each table reads the files from S3 anew, as a script for this table alone would. A funnel finds the tables that it is
made of on the disk. Then every table is held against the product's, row for row.
"""

from __future__ import annotations

import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import boto3
import duckdb
from awsglue.utils import getResolvedOptions
from own_catalog import catalog

from clickstream.lake.objects import read_json, split_uri, write_json

s3 = boto3.client("s3")
folder = Path(mkdtemp())


def files_of(table: str) -> list[str]:
    """The data files of an Iceberg table."""
    return [task.file.file_path for task in catalog().load_table(table).scan().plan_files()]


def download(files: list[str], to: str) -> None:
    """Files to a folder, and a view of this name of what they hold."""
    shutil.rmtree(folder / to, ignore_errors=True)
    (folder / to).mkdir()

    def fetch(numbered: tuple[int, str]) -> None:
        bucket, key = split_uri(numbered[1])
        s3.download_file(bucket, key, str(folder / to / f"{numbered[0]}.parquet"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(fetch, enumerate(files)))
    view(to, f"{folder}/{to}/*.parquet")


def view(name: str, files: str) -> None:
    duckdb.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{files}', hive_partitioning = false)")


def make(silver: list[str], name: str, sql: str) -> float:
    """Seconds that it takes to make a table of Silver."""
    began = time.perf_counter()
    download(silver, "silver")
    duckdb.execute(f"COPY ({sql}) TO '{folder}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    took = time.perf_counter() - began
    view(name, f"{folder}/{name}.parquet")
    return took


def differing(name: str, table: str) -> int:
    """Rows that only one of the two has."""
    download(files_of(table), "product")
    columns = ", ".join(row[0] for row in duckdb.execute("DESCRIBE product").fetchall())
    ours, theirs = (f"SELECT {columns} FROM {each}" for each in ("product", name))
    sides = f"({ours} EXCEPT ALL {theirs}) UNION ALL ({theirs} EXCEPT ALL {ours})"
    (count,) = duckdb.execute(f"SELECT count(*) FROM ({sides})").fetchall()[0]
    return int(count)


def rows_of(name: str) -> int:
    (count,) = duckdb.execute(f"SELECT count(*) FROM {name}").fetchall()[0]
    return int(count)


plan: dict[str, Any] = read_json(s3, getResolvedOptions(sys.argv, ["plan"])["plan"])
duckdb.execute("SET threads = 2")
silver = files_of(plan["silver"])
seconds = {table["name"]: make(silver, table["name"], table["sql"]) for table in plan["tables"]}
write_json(
    s3,
    plan["result"],
    {
        "seconds": seconds,
        "rows": {name: rows_of(name) for name in seconds},
        "differing": {table["name"]: differing(table["name"], table["stored"]) for table in plan["tables"]},
    },
)
