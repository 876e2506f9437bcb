"""The floor: one process that parses and deduplicates with DuckDB, and writes Parquet by date, to this disk."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp

import boto3
import duckdb
from awsglue.utils import getResolvedOptions

bucket, _, prefix = getResolvedOptions(sys.argv, ["bronze"])["bronze"].removeprefix("s3://").partition("/")
s3 = boto3.client("s3")
folder = Path(mkdtemp())


def download(numbered: tuple[int, str]) -> None:
    s3.download_file(bucket, numbered[1], str(folder / f"{numbered[0]}.ndjson.gz"))


pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
with ThreadPoolExecutor(4) as threads:
    list(threads.map(download, enumerate(keys)))
duckdb.execute("SET threads = 2")
duckdb.execute(f"""
    COPY (
        SELECT DISTINCT ON (event_id) *, try_cast(timestamp AS DATE) AS event_date
        FROM read_json('{folder}/*.gz', format = 'newline_delimited', compression = 'gzip', ignore_errors = true,
                       sample_size = -1, maximum_object_size = 4194304)
        WHERE event_id IS NOT NULL
    ) TO '{folder}/silver' (FORMAT parquet, PARTITION_BY (event_date))
""")
