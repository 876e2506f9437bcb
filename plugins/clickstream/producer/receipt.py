"""The receipt of a send: which records were acknowledged, hour by hour. It is the producer tier.

A receipt is stored in parts, each about one hour of acknowledgements, in the evidence bucket:

    receipts/<source>/hashes/year=/month=/day=/hour=/<part>.gz   raw hashes of what was acknowledged, one a line
    receipts/<source>/sends/<part>.json                          its numbers; written last

A part is named for the time of its first answer, so parts are listed in the order of the hours they speak of.
Promised: every hash in a part was acknowledged in its hour. Not promised: that every acknowledged record is in a
part. A producer that is killed loses the part it was filling, some PART_RECORDS records of one hour at most, which
then look like a surplus in Bronze, never like a loss.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import uuid4

import orjson
from botocore.exceptions import ClientError

from clickstream.lake.listing import hour_prefix
from clickstream.lake.windows import hour_of, hour_text

PART_RECORDS = 10_000
_STAMP = "%Y%m%dT%H%M%S"
"""Of a part's first answer, in its name; a Z follows."""


@dataclass
class _Part:
    """What was answered in one hour since the part before."""

    first: datetime
    last: datetime
    hashes: list[str] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    unknown: int = 0


class Receipt:
    """Collects the outcome of each record of one send and stores it part by part.

    A context: leaving it stores the last part, also when the send was broken off by an exception.

    Args:
        s3: boto3 client.
        bucket: the evidence bucket.
        source: the source's name.
        purpose: the first word of the send's id; says who sent: `send`, `sample`, `heartbeat`.

    Attributes:
        send_id: of the whole send, `<purpose>-<random>`.
        acknowledged: records by arrival hour (text), over all parts.
        failed: records by the reason of their refusal.
        unknown: records by arrival hour whose put was never answered.
        last: time of the newest answer; None before the first.
        keys: of the summaries stored so far.

    Example:
        >>> with Receipt(s3, evidence, source.name, "send") as receipt:
        ...     Producer(open_sink(source)).send(records, receipt)
        >>> receipt.acknowledged
        Counter({'2026-11-18T13:00:00Z': 500})
    """

    def __init__(self, s3: Any, bucket: str, source: str, purpose: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._source = source
        self._part: _Part | None = None
        self.send_id = f"{purpose}-{uuid4().hex[:12]}"
        self.acknowledged: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.last: datetime | None = None
        self.keys: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_part()

    def acknowledge(self, raw_hashes: Sequence[str], at: datetime) -> None:
        """Records that the stream, or the delivery, has taken.

        Args:
            at: time of the answer, from the service's own clock, UTC.
        """
        self._open(at).hashes += raw_hashes
        self.acknowledged[hour_text(hour_of(at))] += len(raw_hashes)

    def fail(self, reason: str, at: datetime) -> None:
        """One record that was refused for good: the service does not hold it."""
        self._open(at).failed[reason] += 1
        self.failed[reason] += 1

    def lose_sight(self, at: datetime) -> None:
        """One record whose put was never answered: the service may hold it or not.

        Args:
            at: the newest time known of the service; nothing tells when the record arrived, if it did.
        """
        self._open(at).unknown += 1
        self.unknown[hour_text(hour_of(at))] += 1

    def close_part(self) -> None:
        """Store what has come in since the part before; nothing when that is nothing."""
        part = self._part
        if part is None:
            return
        hour = hour_of(part.first)
        name = f"{part.first:{_STAMP}}Z-{self.send_id}-{len(self.keys) + 1:05}"
        hashes_key = None
        if part.hashes:
            hashes_key = f"{hour_prefix(f'receipts/{self._source}/hashes/', hour)}{name}.gz"
            body = gzip.compress("".join(f"{each}\n" for each in part.hashes).encode())
            self._put(hashes_key, body, "application/gzip")
        summary = {
            "send_id": self.send_id,
            "part": len(self.keys) + 1,
            "source": self._source,
            "arrival_hour": hour_text(hour),
            "acknowledged": len(part.hashes),
            "failed": dict(part.failed),
            "unknown": part.unknown,
            "first": hour_text(part.first),
            "last": hour_text(part.last),
            "hashes": hashes_key,
        }
        key = f"receipts/{self._source}/sends/{name}.json"
        self._put(key, orjson.dumps(summary, option=orjson.OPT_INDENT_2), "application/json")
        self.keys.append(key)
        self._part = None

    def _open(self, at: datetime) -> _Part:
        """The part for an answer of that time; a full one and one of another hour are closed."""
        part = self._part
        if part and (len(part.hashes) >= PART_RECORDS or hour_of(part.first) != hour_of(at)):
            self.close_part()
        if self._part is None:
            self._part = _Part(at, at)
        self._part.last = self.last = at
        return self._part

    def _put(self, key: str, body: bytes, content_type: str) -> None:
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*")
        except ClientError as error:
            # The key is this send's alone: it is there because the answer to an earlier try was lost.
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise


class HourReceipts(NamedTuple):
    """Sums of an hour over all sends."""

    acknowledged: int
    unknown: int


@dataclass(frozen=True)
class StoredPart:
    """A part of a receipt, as its key tells of it.

    Attributes:
        first: time of its first answer, whole seconds, UTC; the part speaks of that hour.
        purpose: who sent, the first word of the send's id.
    """

    key: str
    first: datetime
    purpose: str

    @classmethod
    def of(cls, key: str) -> Self:
        first, purpose, *_ = key.rpartition("/")[2].split("-")
        return cls(key, datetime.strptime(first, f"{_STAMP}%z"), purpose)

    def read(self, s3: Any, bucket: str) -> dict[str, Any]:
        """Its summary."""
        summary: dict[str, Any] = orjson.loads(s3.get_object(Bucket=bucket, Key=self.key)["Body"].read())
        return summary


def list_parts(
    s3: Any, bucket: str, source: str, start: datetime | None = None, end: datetime | None = None
) -> Iterator[StoredPart]:
    """The stored parts whose first answer lies in [start, end), in the order of time; none of them is read.

    Args:
        s3: boto3 client.
        bucket: the evidence bucket.
        source: the source's name.
        start, end: whole seconds, UTC; None leaves that side open.
    """
    folder = f"receipts/{source}/sends/"
    begin = f"{folder}{start:{_STAMP}}" if start else folder
    stop = f"{folder}{end:{_STAMP}}" if end else None
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, StartAfter=begin)
    for page in pages:
        for entry in page.get("Contents", ()):
            if stop and entry["Key"] >= stop:
                return
            yield StoredPart.of(entry["Key"])


def read_parts(
    s3: Any, bucket: str, source: str, start: datetime | None = None, end: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """The summaries of all stored parts about arrival hours in [start, end), in the order of time.

    Args:
        s3, bucket, source: see `list_parts`.
        start, end: whole hours, UTC; None leaves that side open.
    """
    for part in list_parts(s3, bucket, source, start, end):
        yield part.read(s3, bucket)


def receipts(
    s3: Any, bucket: str, source: str, start: datetime | None = None, end: datetime | None = None
) -> dict[str, HourReceipts]:
    """What the producer was promised: records by arrival hour, over all sends; an hour without any is absent.

    Args:
        s3, bucket, source, start, end: see `read_parts`.
    """
    acknowledged: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for part in read_parts(s3, bucket, source, start, end):
        acknowledged[part["arrival_hour"]] += part["acknowledged"]
        unknown[part["arrival_hour"]] += part["unknown"]
    return {hour: HourReceipts(acknowledged[hour], unknown[hour]) for hour in sorted(acknowledged | unknown)}
