"""Objects of Bronze to judged records: read whole, cut, judged once, kept as Arrow.

Spark's own cache of wide rows costs more than judging them again; so a task keeps each batch as two compressed Arrow
streams, good and rejected, and later steps unpack the columns that they need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import boto3
import pyarrow as pa
from botocore.exceptions import ClientError
from pyspark.sql import DataFrame, SparkSession
from silver_job.plan import BronzeObject, Plan

from clickstream.contract.judge import Judge, Judgement
from clickstream.contract.records import raw_hash, read_object
from clickstream.contract.schema import Schema
from clickstream.sources.model import Source

TASK_BYTES = 16 * 1024**2
"""Compressed bytes of Bronze that one task reads at most; its kept batches must fit in a worker's memory."""
BATCH_RECORDS = 4096
BATCH_BYTES = 8 * 1024**2
"""A batch ends at either: records can be a megabyte each."""

REJECT_COLUMNS = {
    "arrival_hour": "string",
    "object_id": "string",
    "raw_hash": "string",
    "contract": "string",
    "fate": "string",
    "reason": "string",
    "payload": "binary",
}

_ARROW = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp_ntz": pa.timestamp("us"),
}
_KEPT = {
    "arrival_hour": pa.string(),
    "fates": pa.map_(pa.string(), pa.int64()),
    "dates": pa.map_(pa.date32(), pa.int64()),
    "good": pa.binary(),
    "rejects": pa.binary(),
}
_KEPT_DDL = "arrival_hour string, fates map<string, bigint>, dates map<date, bigint>, good binary, rejects binary"


class ObjectChanged(RuntimeError):
    """An object of the plan is gone or no longer the same. A new plan is needed: no retry of this run can succeed."""


def good_columns(source: Source) -> dict[str, str]:
    """Columns of the kept good records, with Spark's types: Silver's, and `_record`, which tells copies apart."""
    return {
        "event_id": "string",
        "event_date": "date",
        "event_time": "timestamp_ntz",
        **{name: column.type for name, column in source.silver.items()},
        "extra": "string",
        "contract": "string",
        "arrival_hour": "string",
        "object_id": "string",
        "raw_hash": "string",
        "_record": "bigint",
    }


@dataclass(frozen=True)
class Judged:
    """The judged records of some hours.

    Attributes:
        kept: a row a batch, cached.
        fates: records by (arrival hour, fate) before deduplication.
        dates: good records by event date.
    """

    kept: DataFrame
    fates: Counter[tuple[str, str]]
    dates: Counter[date]

    def __or__(self, other: Judged) -> Judged:
        return Judged(self.kept.union(other.kept), self.fates + other.fates, self.dates + other.dates)

    def good(self, columns: dict[str, str]) -> DataFrame:
        """Columns of the good records."""
        return _unpack(self.kept, "good", columns)

    def rejects(self) -> DataFrame:
        """The filtered and quarantined records."""
        return _unpack(self.kept, "rejects", REJECT_COLUMNS)


def judge_objects(spark: SparkSession, plan: Plan, objects: list[BronzeObject], first_number: int) -> Judged:
    """Judge every record of the objects.

    Args:
        spark: the session.
        plan: for the source, its contracts and the bucket.
        objects: what to read.
        first_number: the objects of the run are numbered; the number of the first of these.

    Raises:
        PythonException: from ObjectChanged, with its text.
    """
    tasks = share_out(objects, spark.sparkContext.defaultParallelism)
    numbers = {each: first_number + place for place, each in enumerate(objects)}
    source, schemas, lake = plan.source, plan.schemas, plan.lake

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        judges = {version: Judge(source, Schema(version, document)) for version, document in schemas.items()}
        s3 = boto3.client("s3")
        for batch in batches:
            for task in batch.column(0).to_pylist():
                for each in tasks[task]:
                    records = read_object(each.key, _body(s3, lake, each)).records
                    yield from judge_records(source, judges[each.contract], each, records, numbers[each] << 32)

    kept = spark.range(0, len(tasks), 1, max(1, len(tasks))).mapInArrow(read, _KEPT_DDL).persist()
    fates: Counter[tuple[str, str]] = Counter()
    dates: Counter[date] = Counter()
    for row in kept.select("arrival_hour", "fates", "dates").collect():
        fates.update({(row.arrival_hour, fate): count for fate, count in row.fates.items()})
        dates.update(row.dates)
    return Judged(kept, fates, dates)


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
    source: Source, judge: Judge, read: BronzeObject, records: list[bytes], first: int
) -> Iterator[pa.RecordBatch]:
    """Judge the records of one object; `first` is the run's number of its first record."""
    arrival_hour = datetime.fromisoformat(read.arrival_hour)
    constant = {"arrival_hour": read.arrival_hour, "object_id": read.key, "contract": read.contract}
    good: list[tuple[int, str, Judgement]] = []
    rejected: list[tuple[str, Judgement, bytes]] = []
    size = 0
    for number, record in enumerate(records, start=first):
        judgement = judge(record, arrival_hour)
        if judgement.fate == "good":
            good.append((number, raw_hash(record), judgement))
        else:
            rejected.append((raw_hash(record), judgement, record))
        size += len(record)
        if size >= BATCH_BYTES or len(good) + len(rejected) == BATCH_RECORDS:
            yield _keep(source, constant, good, rejected)
            good, rejected, size = [], [], 0
    if good or rejected:
        yield _keep(source, constant, good, rejected)


def _keep(
    source: Source,
    constant: dict[str, str],
    good: list[tuple[int, str, Judgement]],
    rejected: list[tuple[str, Judgement, bytes]],
) -> pa.RecordBatch:
    fates = Counter(judgement.fate for _, judgement, _ in rejected)
    fates["good"] = len(good)
    dates = Counter(judgement.event_date for _, _, judgement in good)
    values = zip(source.silver, zip(*(judgement.values for _, _, judgement in good), strict=True), strict=bool(good))
    good_stream = _pack(
        good_columns(source),
        constant,
        len(good),
        {
            "_record": [number for number, _, _ in good],
            "raw_hash": [digest for _, digest, _ in good],
            "event_id": [judgement.event_id for _, _, judgement in good],
            "event_date": [judgement.event_date for _, _, judgement in good],
            "event_time": [judgement.event_time for _, _, judgement in good],
            "extra": [judgement.extra for _, _, judgement in good],
            **dict(values),
        },
    )
    rejects_stream = _pack(
        REJECT_COLUMNS,
        constant,
        len(rejected),
        {
            "raw_hash": [digest for digest, _, _ in rejected],
            "fate": [judgement.fate for _, judgement, _ in rejected],
            "reason": [judgement.reason for _, judgement, _ in rejected],
            "payload": [record if judgement.fate == "quarantined" else None for _, judgement, record in rejected],
        },
    )
    row = (constant["arrival_hour"], list(fates.items()), list(dates.items()), good_stream, rejects_stream)
    arrays = [pa.array([value], kind) for value, kind in zip(row, _KEPT.values(), strict=True)]
    return pa.RecordBatch.from_arrays(arrays, list(_KEPT))


def _pack(columns: dict[str, str], constant: dict[str, str], rows: int, values: dict[str, Any]) -> bytes | None:
    """A compressed Arrow stream of one batch; None when it has no rows."""
    if not rows:
        return None
    arrays = [
        pa.repeat(constant[name], rows) if name in constant else pa.array(values[name], _ARROW[kind])
        for name, kind in columns.items()
    ]
    batch = pa.RecordBatch.from_arrays(arrays, list(columns))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _unpack(kept: DataFrame, stream: str, columns: dict[str, str]) -> DataFrame:
    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for packed in batch.column(0):
                with pa.ipc.open_stream(packed.as_buffer()) as reader:
                    for each in reader:
                        yield each.select(list(columns))

    ddl = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return kept.where(f"{stream} is not null").select(stream).mapInArrow(read, ddl)


def _body(s3: Any, lake: str, each: BronzeObject) -> bytes:
    try:
        return s3.get_object(Bucket=lake, Key=each.key, IfMatch=each.etag)["Body"].read()  # type: ignore[no-any-return]
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status not in (404, 412):
            raise
        found = "is gone" if status == 404 else f"no longer has the ETag {each.etag}"
        raise ObjectChanged(f"s3://{lake}/{each.key} of hour {each.arrival_hour} {found}") from error
