"""Objects of Bronze to judged records: each object read whole, cut, and every record judged once."""

from __future__ import annotations

import gc
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError
from pyspark.sql import DataFrame, SparkSession

from clickstream.contract.bronze import RawRecord, read_bronze
from clickstream.contract.columns import TYPES, Columns
from clickstream.contract.judge import Judge
from clickstream.contract.schema import Schema
from silver_job.plan import BronzeObject, Plan

TASK_BYTES = 16 * 1024**2
"""Compressed bytes of Bronze that one task reads at most."""
BATCH_RECORDS = 4096
BATCH_BYTES = 8 * 1024**2
"""A batch ends at either: a record can have a megabyte."""

_ARROW = TYPES | {"binary": pa.binary(), "date": pa.date32(), "timestamp_ntz": pa.timestamp("us")}


class ObjectChanged(RuntimeError):
    """An object of the plan is gone or another one: only a new plan helps, no retry of this run."""


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
}
Tally = tuple[str, str, date | None, int]
"""Arrival hour, fate, event date of the good ones, records."""


@dataclass(frozen=True)
class Judged:
    """The judged records of some hours.

    Attributes:
        files: `s3://` addresses in the scratch folder.
        records: what is in them, a row a record. Names that begin with `_` are no columns of Silver: `_record`
            numbers the records of the run, `_fate`, `_reason`, and `_payload` of a quarantined one.
        fates: records by (arrival hour, fate), before deduplication.
        dates: event dates of the good ones.
    """

    files: tuple[str, ...]
    records: DataFrame
    fates: Counter[tuple[str, str]]
    dates: set[date]

    def __or__(self, other: Judged) -> Judged:
        return Judged(
            self.files + other.files,
            self.records.union(other.records),
            self.fates + other.fates,
            self.dates | other.dates,
        )


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
    columns = _NUMBERED | _JUDGED | {name: column.type for name, column in source.silver.items()} | {"extra": "string"}
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()])
    numbers = {each: number << 32 for number, each in enumerate(objects, start=first_number)}

    def judge(task: tuple[int, list[BronzeObject]]) -> tuple[str, list[Tally]]:
        # Nothing here makes cycles, and a worker would look through all imported modules for them after each task.
        gc.freeze()
        gc.disable()
        number, share = task
        contracts = [Schema(version, document) for version, document in schemas.items()]
        judges = {each.version: (Judge(source, each), Columns(source, each)) for each in contracts}
        s3 = boto3.client("s3")
        batches = []
        for each in share:
            first = numbers[each]
            for records in _batches(read_bronze(source.delivery, each.key, _body(s3, lake, each)).records):
                batches.append(_judged(*judges[each.contract], each, records, first, schema))
                first += len(records)
        judged = pa.Table.from_batches(batches, schema)
        body = io.BytesIO()
        # One row group, because Spark asks S3 for every column of every one.
        pq.write_table(judged, body, write_statistics=False, compression="zstd", compression_level=1)
        key = f"{scratch}{first_number}-{number}.parquet"
        s3.put_object(Bucket=lake, Key=key, Body=body.getvalue())
        tallies = judged.group_by(["arrival_hour", "_fate", "event_date"]).aggregate([([], "count_all")])
        return f"s3://{lake}/{key}", [*zip(*tallies.to_pydict().values(), strict=True)]

    shares = share_out(objects, spark.sparkContext.defaultParallelism)
    if not shares:
        return Judged((), spark.createDataFrame([], _ddl(columns)), Counter(), set())
    files, tallied = zip(
        *spark.sparkContext.parallelize(enumerate(shares), len(shares)).map(judge).collect(), strict=True
    )
    fates: Counter[tuple[str, str]] = Counter()
    dates = set()
    for hour, fate, event_date, records in itertools.chain(*tallied):
        fates[hour, fate] += records
        dates.add(event_date)
    return Judged(files, spark.read.schema(_ddl(columns)).parquet(*files), fates, dates - {None})


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


def _batches(records: list[RawRecord]) -> Iterator[list[RawRecord]]:
    """Records in order, as many as one batch may hold."""
    batch: list[RawRecord] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.record)
        if size >= BATCH_BYTES or len(batch) == BATCH_RECORDS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _judged(
    judge: Judge, columns: Columns, read: BronzeObject, raw: list[RawRecord], first: int, schema: pa.Schema
) -> pa.RecordBatch:
    """A row for each of an object's records, of which the first has the number `first`."""
    arrival_hour = datetime.fromisoformat(read.arrival_hour)
    records, hashes = zip(*raw, strict=True)
    judgements = [judge(record, arrival_hour) for record in records]
    fates, reasons, ids, times, events = zip(*judgements, strict=True)
    kept = [record if fate == "quarantined" else None for record, fate in zip(records, fates, strict=True)]
    event_time = pa.array(times, pa.timestamp("us"))
    return pa.RecordBatch.from_arrays(
        [
            *(pa.repeat(value, len(records)) for value in (read.arrival_hour, read.key, read.contract)),
            pa.array(range(first, first + len(records))),
            pa.array(hashes),
            pa.array(fates),
            pa.array(reasons, pa.string()),
            pa.array(kept, pa.binary()),
            pa.array(ids, pa.string()),
            event_time.cast(pa.date32()),
            event_time,
            *columns(events),
        ],
        schema=schema,
    )


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
