"""The producer: raw records into a source's stream or delivery, each with a known outcome.

Each record is one record of the service and ends in one LF. Firehose writes records to S3 end to end, so the delimiter
makes its objects NDJSON whatever the delivery's settings are; readers of a stream see JSON followed by white space.
The raw hash leaves it out, as it leaves out line ends everywhere.

Delivery is at least once: a put that is not answered is sent again, and what then is there twice becomes a
duplicate on the way to Silver.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import botocore.exceptions

from clickstream.contract.records import raw_hash, read_object
from clickstream.producer.receipt import Receipt
from clickstream.producer.sink import Entry, Sink

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
"""The services' limits count by the second: waiting much longer only wastes what they could take."""

TOO_LARGE = "record_too_large"
UNREACHABLE = "unreachable"
UNANSWERED = "unanswered"


@dataclass(slots=True)
class _Record:
    """One record on its way."""

    entry: Entry
    size: int
    raw_hash: str
    refusal: str = ""
    """What the last put of it met with."""
    maybe_stored: bool = False
    """A put of it had no answer: whatever follows, the service may hold it."""


class Producer:
    """Sends records of one source.

    Args:
        sink: where they are put; see `clickstream.producer.sinks.open_sink`.
        patience_seconds: how long a batch is sent again while nothing is acknowledged. Once that has run out, the
            batches after it are tried once each, until one is acknowledged.
        sleep, monotonic: for tests.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        patience_seconds: float = 300,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sink = sink
        self._patience = patience_seconds
        self._sleep = sleep
        self._monotonic = monotonic
        self._quiet_seconds = 0.0
        self._service_time: datetime | None = None

    def send(self, records: Iterable[bytes], receipt: Receipt) -> None:
        """Send records, each with its outcome in the receipt; malformed ones as they are.

        Args:
            records: pulled lazily: a batch is answered for before the first record of the next is asked for (of
                large records, the second). An item is cut as an object of Bronze is cut, so one with line ends
                inside is several records, and an empty one is none.
            receipt: takes the outcomes, by the time in the service's answers.

        Raises:
            botocore.exceptions.ClientError: no such stream or delivery, or no right to it; known before the
                first put.
            botocore.exceptions.BotoCoreError: the service cannot be reached at all.
        """
        self._service_time, self._quiet_seconds = None, 0.0
        for batch in self._batches(records, receipt):
            self._deliver(batch, receipt)

    def _batches(self, items: Iterable[bytes], receipt: Receipt) -> Iterator[list[_Record]]:
        limits = self._sink.limits
        batch: list[_Record] = []
        size = 0
        for record in (self._record(raw) for item in items for raw in read_object("", item).records):
            if record.size > limits.entry_bytes:
                receipt.fail(TOO_LARGE, self._now())
                continue
            if size + record.size > limits.request_bytes:
                yield batch
                batch, size = [], 0
            batch.append(record)
            size += record.size
            if len(batch) == limits.entries:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _record(self, raw: bytes) -> _Record:
        record_hash = raw_hash(raw)
        entry = self._sink.entry(raw, record_hash)
        return _Record(entry, self._sink.size(entry), record_hash)

    def _deliver(self, batch: list[_Record], receipt: Receipt) -> None:
        """Put a batch until each of its records is acknowledged or refused for good, or patience ends."""
        self._now()  # before the first put, so that there is an hour for what is never answered
        quiet_since = self._monotonic() - self._quiet_seconds
        wait = FIRST_WAIT_SECONDS
        while batch:
            acknowledged, refused = self._put(batch)
            if acknowledged:
                receipt.acknowledge([record.raw_hash for record in acknowledged], self._now())
                quiet_since = self._monotonic()
                wait = FIRST_WAIT_SECONDS
            self._quiet_seconds = self._monotonic() - quiet_since
            patient = self._quiet_seconds < self._patience
            batch = []
            for record in refused:
                if patient and self._passes(record.refusal):
                    batch.append(record)
                elif record.maybe_stored:
                    receipt.lose_sight(self._now())
                else:
                    receipt.fail(record.refusal, self._now())
            if batch:
                # Full jitter: producers that were refused together do not come back together.
                # https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
                self._sleep(random.uniform(0, wait))
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def _passes(self, refusal: str) -> bool:
        """Whether a record is tried again; any other refusal is final."""
        return refusal in (UNREACHABLE, UNANSWERED) or refusal in self._sink.passing

    def _put(self, batch: list[_Record]) -> tuple[list[_Record], list[_Record]]:
        """Put records once: those that were acknowledged, and the others with their refusal."""
        try:
            answer = self._sink.put([record.entry for record in batch])
        except botocore.exceptions.ConnectionError:
            return [], _refuse(batch, UNREACHABLE)
        except botocore.exceptions.HTTPClientError:
            return [], _refuse(batch, UNANSWERED)
        except botocore.exceptions.ClientError as error:
            # A server's error says nothing about how far the server had come.
            failed_inside = error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
            return [], _refuse(batch, UNANSWERED if failed_inside else error.response["Error"]["Code"])
        self._service_time = answer.at
        acknowledged: list[_Record] = []
        refused: list[_Record] = []
        for record, outcome in zip(batch, answer.outcomes, strict=True):
            record.refusal = outcome.get("ErrorCode", "")
            (refused if record.refusal else acknowledged).append(record)
        return acknowledged, refused

    def _now(self) -> datetime:
        """The service's time as last heard; asked for when this send has heard nothing yet."""
        if self._service_time is None:
            self._service_time = self._sink.time()
        return self._service_time


def _refuse(batch: list[_Record], reason: str) -> list[_Record]:
    for record in batch:
        record.refusal = reason
        record.maybe_stored |= reason == UNANSWERED
    return batch
