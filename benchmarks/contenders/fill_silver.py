"""A day of Silver moved to other days, written by pyiceberg: a commit a day, as a daily run leaves it."""

from __future__ import annotations

import io
import sys
from datetime import datetime, timedelta
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from awsglue.utils import getResolvedOptions
from own_catalog import catalog

from clickstream.lake.objects import read_json, split_uri, write_json


def moved(rows: pa.Table, days: int, renamed: list[str]) -> pa.Table:
    """The rows as if they had been some days earlier.

    Args:
        renamed: columns of texts that are others then.
    """
    earlier = {"event_time": pc.subtract(rows["event_time"], pa.scalar(timedelta(days=days), pa.duration("us")))}
    earlier["event_date"] = earlier["event_time"].cast(pa.date32())
    hours = pc.dictionary_encode(rows["arrival_hour"].combine_chunks())
    texts = [
        f"{datetime.fromisoformat(hour) - timedelta(days=days):%Y-%m-%dT%H:00:00Z}"
        for hour in hours.dictionary.to_pylist()
    ]
    earlier["arrival_hour"] = pa.array(texts).take(hours.indices)
    for name in renamed if days else []:
        earlier[name] = pc.binary_join_element_wise(rows[name], str(days), "-")
    return pa.table({name: earlier.get(name, rows[name]) for name in rows.column_names})


def main() -> None:
    s3 = boto3.client("s3")
    plan: dict[str, Any] = read_json(s3, getResolvedOptions(sys.argv, ["plan"])["plan"])
    bucket, key = split_uri(plan["rows"])
    rows = pq.read_table(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    table = catalog().load_table(plan["table"])
    for days in plan["ages"]:
        table.append(moved(rows, days, plan["renamed"]))
    write_json(s3, plan["result"], {"rows": len(rows) * len(plan["ages"])})


if __name__ == "__main__":
    main()
