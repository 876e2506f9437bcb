"""Objects of Bronze to judged records: each object read whole, cut, and every record judged once."""

from __future__ import annotations

import gc
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError
from pyspark.sql import DataFrame, SparkSession

from clickstream.contract.columns import Flattener
from clickstream.contract.judge import Judge
from clickstream.contract.records import raw_hash, read_object
from clickstream.contract.schema import Schema
from silver_job.plan import BronzeObject, Plan

TASK_BYTES = 16 * 1024**2
"""Compressed bytes of Bronze that one task reads at most."""
BATCH_RECORDS = 4096
BATCH_BYTES = 8 * 1024**2
"""A batch ends at either: a record can have a megabyte."""

_ARROW = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp_ntz": pa.timestamp("us"),
}


class ObjectChanged(RuntimeError):
    """An object of the plan is gone or another one: only a new plan helps, no retry of this run."""


Row = tuple[Any, ...]

_NUMBERED = {
    "arrival_hour": "string",
    "object_id": "string",
    "contract": "string",
    "_record": "bigint",
    "raw_hash": "string",
}
_JUDGED = {
    "_fate": "string",
    "_reason": "string",
    "_payload": "binary",
    "event_id": "string",
    "event_date": "date",
    "event_time": "timestamp_ntz",
    "extra": "string",
}
_TALLY = {"file": "string", "arrival_hour": "string", "fate": "string", "event_date": "date", "records": "bigint"}


@dataclass(frozen=True)
class Judged:
    """The judged records of some hours.

    Attributes:
        records: a row a record, in the scratch folder. Names that begin with `_` are no columns of Silver: `_record`
            numbers the records of the run, `_fate`, `_reason`, and `_payload` of a quarantined one.
        fates: records by (arrival hour, fate), before deduplication.
        dates: event dates of the good ones.
    """

    records: DataFrame
    fates: Counter[tuple[str, str]]
    dates: set[date]

    def __or__(self, other: Judged) -> Judged:
        return Judged(self.records.union(other.records), self.fates + other.fates, self.dates | other.dates)


def judge_objects(
    spark: SparkSession, plan: Plan, objects: list[BronzeObject], first_number: int, scratch: str
) -> Judged:
    """Judge every record of the objects.

    Python writes what it judged as Parquet: handing all columns to Spark, and Spark's keeping them for the steps that
    follow, takes twice as long.

    Args:
        spark: the session.
        plan: for the source, its contracts and the bucket.
        objects: what to read.
        first_number: the objects of a run are numbered; this is the first one's.
        scratch: folder in the lake, as a key that ends in `/`.

    Raises:
        PythonException: with the text of ObjectChanged.
    """
    source, schemas, lake = plan.source, plan.schemas, plan.lake
    columns = _NUMBERED | _JUDGED | {name: column.type for name, column in source.silver.items()}
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()])
    tally_schema = pa.schema([(name, _ARROW[kind]) for name, kind in _TALLY.items()])
    tasks = share_out(objects, spark.sparkContext.defaultParallelism)
    numbers = {each: number << 32 for number, each in enumerate(objects, start=first_number)}

    def judge(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # A worker collects garbage after each task: leave the imported modules out of that.
        gc.freeze()
        contracts = [Schema(version, document) for version, document in schemas.items()]
        row_by = {each.version: partial(row_of, Judge(source, each), Flattener(source, each)) for each in contracts}
        s3 = boto3.client("s3")
        for task in (task for batch in batches for task in batch.column(0).to_pylist()):
            tally: Counter[tuple[str, str, date | None]] = Counter()
            judged: list[pa.RecordBatch] = []
            for each in tasks[task]:
                records = read_object(each.key, _body(s3, lake, each)).records
                for rows in _rows(row_by[each.contract], each, records, numbers[each]):
                    tally.update((each.arrival_hour, row[2], row[6]) for row in rows)
                    judged.append(_batch(schema, each, rows))
            body = io.BytesIO()
            # One row group, because Spark asks S3 for every column of every one.
            pq.write_table(pa.Table.from_batches(judged, schema), body, write_statistics=False)
            key = f"{scratch}{first_number}-{task}.parquet"
            s3.put_object(Bucket=lake, Key=key, Body=body.getvalue())
            counted = [(f"s3://{lake}/{key}", *what, count) for what, count in tally.items()]
            yield pa.RecordBatch.from_pylist([dict(zip(_TALLY, row, strict=True)) for row in counted], tally_schema)

    tallies = spark.range(0, len(tasks), 1, max(1, len(tasks))).mapInArrow(judge, _ddl(_TALLY)).collect()
    fates: Counter[tuple[str, str]] = Counter()
    for tally in tallies:
        fates[tally.arrival_hour, tally.fate] += tally.records
    files = sorted({tally.file for tally in tallies})
    records = spark.read.schema(_ddl(columns)).parquet(*files) if files else spark.createDataFrame([], _ddl(columns))
    return Judged(records, fates, {tally.event_date for tally in tallies} - {None})


def row_of(judge: Judge, flatten: Flattener, record: bytes, arrival_hour: datetime) -> Row:
    """The values of `_JUDGED` and of the source's columns."""
    fate, reason, event_id, event_time, event = judge(record, arrival_hour)
    if event is None or event_time is None:
        payload = record if fate == "quarantined" else None
        return fate, reason, payload, None, None, None, None, *flatten.nothing
    values, extra = flatten(event)
    return fate, None, None, event_id, event_time.date(), event_time, extra, *values


def share_out(objects: list[BronzeObject], cores: int) -> list[list[BronzeObject]]:
    """Objects to tasks, in order; several tasks a core, so that none is left alone in the end."""
    limit = min(TASK_BYTES, sum(each.size for each in objects) / (4 * cores))
    tasks: list[list[BronzeObject]] = []
    room = 0.0
    for each in sorted(objects):
        if each.size > room or not tasks:
            tasks.append([])
            room = limit
        tasks[-1].append(each)
        room -= each.size
    return tasks


def _rows(
    row_of: Callable[[bytes, datetime], Row], read: BronzeObject, records: list[bytes], first: int
) -> Iterator[list[Row]]:
    """Rows of one object by batches; its first record has the number `first`."""
    arrival_hour = datetime.fromisoformat(read.arrival_hour)
    rows: list[Row] = []
    size = 0
    for number, record in enumerate(records, start=first):
        rows.append((number, raw_hash(record), *row_of(record, arrival_hour)))
        size += len(record)
        if size >= BATCH_BYTES or len(rows) == BATCH_RECORDS:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _batch(schema: pa.Schema, read: BronzeObject, rows: list[Row]) -> pa.RecordBatch:
    place = [pa.repeat(value, len(rows)) for value in (read.arrival_hour, read.key, read.contract)]
    values = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), schema.types[3:], strict=True)]
    return pa.RecordBatch.from_arrays(place + values, schema=schema)


def _ddl(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def _body(s3: Any, lake: str, each: BronzeObject) -> bytes:
    try:
        return s3.get_object(Bucket=lake, Key=each.key, IfMatch=each.etag)["Body"].read()  # type: ignore[no-any-return]
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status not in (404, 412):
            raise
        found = "is gone" if status == 404 else f"no longer has the ETag {each.etag}"
        raise ObjectChanged(f"s3://{lake}/{each.key} of hour {each.arrival_hour} {found}") from error
