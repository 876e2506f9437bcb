"""A record of our own sent down a path that has just been set up: it is open when the record lies in Bronze."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from clickstream.contract.bronze import read_bronze
from clickstream.contract.records import raw_hash
from clickstream.lake.listing import list_hours
from clickstream.lake.windows import HOUR, hour_of
from clickstream.producer.heartbeat import canary
from clickstream.producer.receipt import Receipt
from clickstream.producer.sink import Sink
from clickstream.sources.model import Delivery, Source


class NotTaken(RuntimeError):
    """The path refused a canary; the text has its reason."""


class Canary(BaseModel):
    """A canary that the path has acknowledged.

    Attributes:
        record: its bytes.
        shard, sequence: where in the stream it is; None when it was put into the delivery directly.
        arrived: time of the acknowledgement, by the service's clock.
    """

    model_config = ConfigDict(frozen=True)

    record: str
    shard: str | None
    sequence: str | None
    arrived: datetime


def send_canary(sink: Sink, receipt: Receipt) -> Canary:
    """Put one canary where the source's records are put; it is acknowledged in the receipt like any other record.

    Raises:
        NotTaken: it was refused.
        botocore.exceptions.ClientError: the whole request was refused.
    """
    record = canary("provision")
    record_hash = raw_hash(record)
    (outcome,), arrived = sink.put([sink.entry(record, record_hash)])
    if "ErrorCode" in outcome:
        raise NotTaken(f"{outcome['ErrorCode']}: {outcome['ErrorMessage']}")
    receipt.acknowledge([record_hash], arrived)
    shard, sequence = outcome.get("ShardId"), outcome.get("SequenceNumber")
    return Canary(record=record.decode(), shard=shard, sequence=sequence, arrived=arrived)


def is_in_stream(kinesis: Any, source: Source, sent: Canary) -> bool:
    """Whether a reader of the stream is given exactly these bytes; of a source that has a stream."""
    iterator = kinesis.get_shard_iterator(
        StreamName=source.declared_stream.name,
        ShardId=sent.shard,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=sent.sequence,
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"]
    return [record["Data"] for record in records] == [f"{sent.record}\n".encode()]


def is_in_bronze(s3: Any, lake: str, source: Source, sent: Canary) -> bool:
    """Whether an object of Bronze holds it.

    An object is keyed by its oldest record's arrival, so the hour before is looked through as well.
    """
    hour = hour_of(sent.arrived)
    listings = list_hours(s3, lake, source.delivery.bronze.values(), (hour, hour - HOUR))
    # Newest first: Firehose's keys end in the time of the object.
    keys = sorted((stored.key for listing in listings.values() for stored in listing), reverse=True)
    return any(_holds(s3, lake, source.delivery, key, sent) for key in keys)


def _holds(s3: Any, lake: str, delivery: Delivery, key: str, sent: Canary) -> bool:
    body = s3.get_object(Bucket=lake, Key=key)["Body"].read()
    # Of a row not the bytes came here, but what they said.
    said = orjson.loads(sent.record)
    return any(_says(record.record) == said for record in read_bronze(delivery, key, body).records)


def _says(record: bytes) -> Any:
    try:
        return orjson.loads(record)
    except orjson.JSONDecodeError:
        return None
