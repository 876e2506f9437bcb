"""Records into the Kinesis stream of a source, each as one Kinesis record.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import boto3
import orjson

from clickstream.producer.sink import Answer, Entry, Limits, Sink, answered_at
from clickstream.sources.model import Source

MAX_KEY_CHARACTERS = 256


class KinesisSink(Sink):
    """The stream of a source; the field that it names, or else the record's hash, chooses the shard."""

    service = "kinesis"
    limits = Limits(entries=500, request_bytes=5 * 1024 * 1024, entry_bytes=1024 * 1024)
    passing = frozenset(
        {
            "InternalFailure",
            "ProvisionedThroughputExceededException",
            "LimitExceededException",
            "ThrottlingException",
            "KMSThrottlingException",
        }
    )

    def __init__(self, source: Source, session: Any = boto3) -> None:
        super().__init__(source, session)
        self._stream = source.declared_stream.name
        self._key_path = source.declared_stream.partition_key.split(".")

    def entry(self, raw: bytes, raw_hash: str) -> Entry:
        return {"Data": raw + b"\n", "PartitionKey": self._partition_key(raw) or raw_hash}

    def size(self, entry: Entry) -> int:
        return len(entry["Data"]) + len(entry["PartitionKey"].encode())

    def put(self, entries: Sequence[Entry]) -> Answer:
        answer = self.client.put_records(StreamName=self._stream, Records=entries)
        return Answer(answer["Records"], answered_at(answer))

    def time(self) -> datetime:
        return answered_at(self.client.describe_stream_summary(StreamName=self._stream))

    def _partition_key(self, raw: bytes) -> str | None:
        try:
            node = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        for step in self._key_path:
            if not isinstance(node, dict):
                return None
            node = node.get(step)
        return node if isinstance(node, str) and len(node) <= MAX_KEY_CHARACTERS else None
