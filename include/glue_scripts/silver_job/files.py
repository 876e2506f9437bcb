"""The good events as data files of Silver, written by Python: Spark takes five times as long for it (decision 0011)."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from branched_table import DataFile, Layout
from pyspark.sql import SparkSession

from clickstream.contract.columns import TYPES
from clickstream.lake.objects import split_uri
from clickstream.sources.model import COMMON_COLUMNS, Source

ICEBERG_TYPES = {
    "string": pa.string(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
"""Arrow's type for each that a column of Silver may have: https://iceberg.apache.org/spec/#primitive-types."""


class NotProvisioned(RuntimeError):
    """Silver is not as the source declares it: provision changes a table's columns, a job never does."""


def require_columns(table: str, layout: Layout, source: Source) -> None:
    """See that Silver has the columns that the source gives it: what has none would be left out without a word.

    Args:
        table: its name, for the error.

    Raises:
        NotProvisioned: naming every column that is missing, of another type, or no longer declared.
    """
    there = {field.name: field.type for field in _arrow(layout.schema)}
    wrong = []
    for name, column in source.silver.items():
        if name not in there:
            wrong.append(f"it has no column {name} {column.type}")
        elif there[name] != TYPES[column.type]:
            wrong.append(f"its column {name} is {there[name]}, not {column.type}")
    undeclared = [name for name in there if name not in {*source.silver, *COMMON_COLUMNS}]
    wrong += [f"{source.name} declares no column {name}" for name in undeclared]
    if wrong:
        raise NotProvisioned(f"{table} is not as declared: {'; '.join(wrong)}. Run {source.name}__provision first.")


def write_good(
    spark: SparkSession,
    judged: Collection[str],
    losers: Collection[int],
    layout: Layout,
    order: Sequence[str],
    attempt: str,
) -> list[DataFile]:
    """Write the good records of judged files, but for the losers: one data file a judged file and partition.

    Args:
        spark: the session.
        judged: `s3://` addresses of the files that judging left.
        losers: numbers of the records that are duplicates.
        layout: of the table.
        order: columns by which the rows of a file lie.
        attempt: becomes part of the files' names: no two attempts share one.
    """
    schema = _arrow(layout.schema)
    lost = spark.sparkContext.broadcast(pa.array(losers, pa.int64()))

    def write(numbered: tuple[int, str]) -> list[DataFile]:
        number, address = numbered
        s3 = boto3.client("s3")
        bucket, key = split_uri(address)
        table = pq.read_table(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
        kept = pc.and_not(pc.equal(table["_fate"], "good"), pc.is_in(table["_record"], value_set=lost.value))
        good = table.filter(kept).select(schema.names).cast(schema).sort_by([(name, "ascending") for name in order])
        written = []
        for partition, rows in _partitions(good, layout.partitioning):
            body = io.BytesIO()
            pq.write_table(rows, body, compression="zstd", store_schema=False)
            to = f"{layout.folder}{partition}/{attempt}-{number}.parquet"
            bucket, key = split_uri(to)
            s3.put_object(Bucket=bucket, Key=key, Body=body.getvalue())
            written.append(DataFile(to, body.tell(), partition))
        return written

    tasks = spark.sparkContext.parallelize(enumerate(judged), max(1, len(judged)))
    return list(itertools.chain(*tasks.map(write).collect()))


def _arrow(columns: str) -> pa.Schema:
    """The columns with the ids by which Iceberg knows them."""
    return pa.schema([_field(each["name"], each["type"], each["id"]) for each in json.loads(columns)["fields"]])


def _field(name: str, kind: Any, number: int) -> pa.Field:
    if isinstance(kind, str):
        of_iceberg = ICEBERG_TYPES[kind]
    else:  # a list: https://iceberg.apache.org/spec/#nested-types
        of_iceberg = pa.list_(_field("element", kind["element"], kind["element-id"]))
    return pa.field(name, of_iceberg, metadata={"PARQUET:field_id": str(number)})


def _partitions(rows: pa.Table, by: tuple[str, ...]) -> Iterator[tuple[str, pa.Table]]:
    for values in rows.group_by(list(by)).aggregate([]).to_pylist():
        name = "/".join(f"{column}={value}" for column, value in values.items())
        of_partition: Any = True
        for column, value in values.items():
            of_partition = pc.and_(of_partition, pc.equal(rows[column], pa.scalar(value, rows[column].type)))
        yield name, rows.filter(of_partition)
