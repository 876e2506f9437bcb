"""Records into the Firehose stream of a source that has no Kinesis stream: direct PUT.

Firehose keeps what it has acknowledged for 24 hours at most while it cannot write it, and nobody else can read it
meanwhile. It delivers at least once, as it does from a stream.
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import boto3

from clickstream.producer.sink import Answer, Entry, Limits, Sink, answered_at
from clickstream.sources.model import Source


class FirehoseSink(Sink):
    """The delivery of a source, put to directly."""

    service = "firehose"
    limits = Limits(entries=500, request_bytes=4 * 1024 * 1024, entry_bytes=1000 * 1024)
    # The first is also what a delivery beyond its quota says of a record.
    passing = frozenset(
        {"ServiceUnavailableException", "InternalFailure", "LimitExceededException", "ThrottlingException"}
    )

    def __init__(self, source: Source, session: Any = boto3) -> None:
        super().__init__(source, session)
        self._delivery = source.delivery.name

    def entry(self, raw: bytes, raw_hash: str) -> Entry:
        return {"Data": raw + b"\n"}

    def size(self, entry: Entry) -> int:
        return len(entry["Data"])

    def put(self, entries: Sequence[Entry]) -> Answer:
        answer = self.client.put_record_batch(DeliveryStreamName=self._delivery, Records=entries)
        return Answer(answer["RequestResponses"], answered_at(answer))

    def time(self) -> datetime:
        return answered_at(self.client.describe_delivery_stream(DeliveryStreamName=self._delivery))
