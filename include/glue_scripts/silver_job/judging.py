"""Objects of Bronze to judged records: each object read whole, cut, and every record judged once."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import boto3
import pyarrow as pa
from botocore.exceptions import ClientError
from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

from clickstream.contract.judge import Judge
from clickstream.contract.records import raw_hash, read_object
from clickstream.contract.schema import Schema
from clickstream.sources.model import Source
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


@dataclass(frozen=True)
class Judged:
    """The judged records of some hours.

    Attributes:
        records: a row a record, cached. Names that begin with `_` are no columns of Silver: `_record` numbers
            the records of the run, `_fate`, `_reason`, and `_payload` of a quarantined one.
        fates: records by (arrival hour, fate), before deduplication.
        dates: good records by event date.
    """

    records: DataFrame
    fates: Counter[tuple[str, str]]
    dates: Counter[date]

    def __or__(self, other: Judged) -> Judged:
        return Judged(self.records.union(other.records), self.fates + other.fates, self.dates + other.dates)


def judge_objects(spark: SparkSession, plan: Plan, objects: list[BronzeObject], first_number: int) -> Judged:
    """Judge every record of the objects.

    Args:
        spark: the session.
        plan: for the source, its contracts and the bucket.
        objects: what to read.
        first_number: the objects of a run are numbered; this is the first one's.

    Raises:
        PythonException: with the text of ObjectChanged.
    """
    source, schemas, lake = plan.source, plan.schemas, plan.lake
    columns = _columns(source)
    tasks = share_out(objects, spark.sparkContext.defaultParallelism)
    numbers = {each: number << 32 for number, each in enumerate(objects, start=first_number)}

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # A worker collects garbage after each task: leave the imported modules out of that.
        gc.freeze()
        judges = {version: Judge(source, Schema(version, document)) for version, document in schemas.items()}
        s3 = boto3.client("s3")
        for batch in batches:
            for task in batch.column(0).to_pylist():
                for each in tasks[task]:
                    records = read_object(each.key, _body(s3, lake, each)).records
                    yield from judge_records(judges[each.contract], columns, each, records, numbers[each])

    ddl = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    # Compression of cached columns takes longer than the judging that it would spare.
    spark.conf.set("spark.sql.inMemoryColumnarStorage.compressed", "false")
    records = spark.range(0, len(tasks), 1, max(1, len(tasks))).mapInArrow(read, ddl).persist(StorageLevel.DISK_ONLY)
    fates: Counter[tuple[str, str]] = Counter()
    dates: Counter[date] = Counter()
    for hour, fate, day, count in records.groupBy("arrival_hour", "_fate", "event_date").count().collect():
        fates[hour, fate] += count
        if day is not None:
            dates[day] += count
    return Judged(records, fates, dates)


def share_out(objects: list[BronzeObject], cores: int) -> list[list[BronzeObject]]:
    """Objects to tasks: an hour stays together where it can, for each task writes a file for each of its hours."""
    limit = min(TASK_BYTES, sum(each.size for each in objects) / (2 * cores))
    hours: dict[str, list[BronzeObject]] = {}
    for each in sorted(objects):
        hours.setdefault(each.arrival_hour, []).append(each)
    tasks: list[list[BronzeObject]] = []
    room = 0.0
    for hour in hours.values():
        if sum(each.size for each in hour) > room:
            room = 0
        for each in hour:
            if each.size > room or not tasks:
                tasks.append([])
                room = limit
            tasks[-1].append(each)
            room -= each.size
    return tasks


def judge_records(
    judge: Judge, columns: dict[str, str], read: BronzeObject, records: list[bytes], first: int
) -> Iterator[pa.RecordBatch]:
    """Judge the records of one object, the first of which has the number `first`."""
    arrival_hour = datetime.fromisoformat(read.arrival_hour)
    nothing = (None,) * (len(columns) - len(_COMMON))
    rows: list[tuple[Any, ...]] = []
    size = 0
    for number, record in enumerate(records, start=first):
        it = judge(record, arrival_hour)
        payload = record if it.fate == "quarantined" else None
        rows.append(
            (number, raw_hash(record), it.fate, it.reason, payload, it.event_id, it.event_date, it.event_time, it.extra)
            + (it.values or nothing)
        )
        size += len(record)
        if size >= BATCH_BYTES or len(rows) == BATCH_RECORDS:
            yield _batch(columns, read, rows)
            rows, size = [], 0
    if rows:
        yield _batch(columns, read, rows)


_COMMON = {
    "arrival_hour": "string",
    "object_id": "string",
    "contract": "string",
    "_record": "bigint",
    "raw_hash": "string",
    "_fate": "string",
    "_reason": "string",
    "_payload": "binary",
    "event_id": "string",
    "event_date": "date",
    "event_time": "timestamp_ntz",
    "extra": "string",
}


def _columns(source: Source) -> dict[str, str]:
    return _COMMON | {name: column.type for name, column in source.silver.items()}


def _batch(columns: dict[str, str], read: BronzeObject, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    kinds = [_ARROW[kind] for kind in columns.values()]
    constants = [pa.repeat(value, len(rows)) for value in (read.arrival_hour, read.key, read.contract)]
    values = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds[3:], strict=True)]
    return pa.RecordBatch.from_arrays(constants + values, list(columns))


def _body(s3: Any, lake: str, each: BronzeObject) -> bytes:
    try:
        return s3.get_object(Bucket=lake, Key=each.key, IfMatch=each.etag)["Body"].read()  # type: ignore[no-any-return]
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status not in (404, 412):
            raise
        found = "is gone" if status == 404 else f"no longer has the ETag {each.etag}"
        raise ObjectChanged(f"s3://{lake}/{each.key} of hour {each.arrival_hour} {found}") from error
