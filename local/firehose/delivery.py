"""One delivery: reads its log, buffers by size and interval, has objects written, remembers how far it came.

The buffers are the part of the log behind the checkpoint, and the checkpoint moves when objects are in S3: a process
that is killed reads the same records again. That is Firehose's at-least-once. With dynamic partitioning a younger
partition may be in S3 before an older one: which records behind the checkpoint are delivered is remembered, too.
"""

import asyncio
import contextlib
import json
import logging
import math
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import database, faults, kinesis, metrics, record_log
from local.clock import clock
from local.firehose import partitioning, prefix
from local.firehose.buffer import Buffer, Row, Settings
from local.firehose.failures import Failure
from local.firehose.writer import Written, error_code, give_up, write
from local.record_log import Record
from local.settings import client

logger = logging.getLogger(__name__)

RECORDS_A_READ = 10_000
FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 600.0
GIVE_UP_SECONDS = 24 * 3600.0
"""How long a failing write is tried again (developer guide, "Handle data delivery failures")."""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

BufferKey = tuple[str, str, tuple[str, ...]]
"""Version of the settings, error type, values of the partition keys."""


class Delivery:
    """A running delivery.

    :param description: as DescribeDeliveryStream answers it.
    :param checkpoint: sequence up to which all records are in S3.
    """

    def __init__(self, description: dict[str, Any], checkpoint: int) -> None:
        self.description = description
        self.name: str = description["DeliveryStreamName"]
        source = description.get("Source")
        self.stream: str | None = source["KinesisStreamSourceDescription"]["KinesisStreamARN"] if source else None
        self.log: str = self.stream or description["DeliveryStreamARN"]
        self._partitioner = self._make_partitioner()
        self._checkpoint = self._read_to = checkpoint
        self._ahead: set[int] = set()
        self._buffers: dict[BufferKey, Buffer] = {}
        self._opened = 0
        self._stopped = False

    @property
    def destination(self) -> dict[str, Any]:
        """The S3 destination, as it was last set."""
        destination: dict[str, Any] = self.description["Destinations"][0]["ExtendedS3DestinationDescription"]
        return destination

    def update(self, description: dict[str, Any]) -> None:
        """Go on with another description.

        What is buffered is written by the settings under which it came, unless writing it has failed: then a change
        may be what mends it.
        """
        self.read_on()
        self.description = description
        self._partitioner = self._make_partitioner()
        named = set(prefix.partition_keys(self.destination.get("Prefix", "")))
        for buffer in self._buffers.values():
            if buffer.attempts and (buffer.error_type or named <= set(buffer.keys)):
                buffer.settings = self._settings()
        self.read_on()

    def start(self) -> None:
        """Begin to read behind the checkpoint."""
        rows = database.connection().execute("SELECT sequence FROM delivered WHERE name = ?", (self.name,))
        self._ahead = {sequence for (sequence,) in rows}
        record_log.listen(self.log, self.name, self.read_on)
        self._keep()
        self.read_on()

    def stop(self) -> None:
        """End for good: nothing more is read or written."""
        self._stopped = True
        record_log.stop_listening(self.log, self.name)
        for buffer in self._buffers.values():
            clock.cancel(buffer.timer)
        clock.cancel(f"stall {self.name}")
        database.connection().execute("DELETE FROM delivered WHERE name = ?", (self.name,))
        if self.stream:
            kinesis.keep_after(self.stream, self.name, None)
        else:
            record_log.drop(self.log)

    def read_on(self) -> None:
        """Take what the log has got into the buffers, and set the times of the next writes."""
        if self._stopped:
            return
        if faults.find("pause_delivery", self.name):
            self._watch_stall()
            return
        while sizes := record_log.sizes_after(self.log, self._read_to, RECORDS_A_READ):
            rows = [Row(*each) for each in sizes if each[0] not in self._ahead]
            self._place(rows)
            self._read_to = sizes[-1][0]
            if self.stream:
                more = record_log.sizes_after(self.log, self._read_to, 1)
                behind = max(time.time() - more[0][1], 0) if more else 0
                self._measure("DataReadFromKinesisStream.Records", len(rows), "Count")
                self._measure("DataReadFromKinesisStream.Bytes", sum(row.size for row in rows), "Bytes")
                self._measure("KinesisMillisBehindLatest", round(behind * 1000), "Milliseconds")
                kinesis.measure_read(self.stream, len(rows), sizes[-1][1])
                kinesis.keep_after(self.stream, self.name, self._checkpoint, self._read_to)
        for buffer in self._buffers.values():
            if not buffer.attempts:
                opened = min(buffer.oldest, time.time())
                due = opened if buffer.is_full else opened + buffer.interval
                clock.at(buffer.timer, due, partial(self._deliver, buffer), holds_back=True)

    def _place(self, rows: list[Row]) -> None:
        """Put each record into the buffer that it belongs to."""
        if not rows:
            return
        if self._partitioner is None:
            buffer = self._buffer({}, "")
            for row in rows:
                buffer.add(row)
            return
        started, exceeded = time.perf_counter(), False
        for row, record in zip(rows, self._records(rows), strict=True):
            found = self._partitioner.keys(record)
            if isinstance(found, dict) and self._is_too_many(found):
                found, exceeded = partitioning.too_many(), True
            if isinstance(found, Failure):
                self._buffer({}, found.kind).add(row._replace(failure=found))
            else:
                self._buffer(found, "").add(row)
        self._measure("JQProcessing.Duration", (time.perf_counter() - started) * 1000, "Milliseconds")
        self._measure("PartitionCount", self._active(), "Count")
        self._measure("PartitionCountExceeded", int(exceeded), "Count")
        self._measure("ActivePartitionsLimit", partitioning.MOST_ACTIVE, "Count")

    def _buffer(self, keys: dict[str, str], error_type: str) -> Buffer:
        """The buffer of a partition under the present settings; opened when there is none."""
        key = self._buffer_key(keys, error_type)
        if key not in self._buffers:
            self._opened += 1
            timer = f"deliver {self.name} {self._opened:012d}"
            self._buffers[key] = Buffer(timer, self._settings(), keys, error_type)
        return self._buffers[key]

    def _buffer_key(self, keys: dict[str, str], error_type: str) -> BufferKey:
        return self.description["VersionId"], error_type, tuple(keys.values())

    def _is_too_many(self, keys: dict[str, str]) -> bool:
        return self._buffer_key(keys, "") not in self._buffers and self._active() >= partitioning.MOST_ACTIVE

    def _active(self) -> int:
        return sum(not buffer.error_type for buffer in self._buffers.values())

    async def _deliver(self, buffer: Buffer, at: float) -> None:
        """Write a buffer's front, or see to it that it is tried again."""
        if faults.find("pause_delivery", self.name):
            buffer.unseal()
            self._watch_stall()
            return
        rows = buffer.seal()
        records = self._records(rows)
        try:
            written = await asyncio.to_thread(write, self.name, buffer, rows, records)
            if self._stopped:
                return
        except (ClientError, BotoCoreError) as error:
            if self._stopped:
                return
            logger.warning("%s: writing to S3 failed: %s", self.name, error)
            self._measure("DeliveryToS3.Success", 0, "Count", at)
            buffer.attempts += 1
            await asyncio.to_thread(self._log_failure, buffer.settings, error)
            if buffer.waited < self._patience(buffer):
                self._try_again(buffer)
                return
            try:
                await asyncio.to_thread(give_up, self.name, buffer, rows, records, error)
            except (ClientError, BotoCoreError):
                logger.exception("%s: %d records are lost", self.name, len(records))
            with database.transaction():
                self._done_with(buffer)
        else:
            with database.transaction():
                self._measure_written(written, at)
                self._done_with(buffer)
        self.read_on()

    def _make_partitioner(self) -> partitioning.Partitioner | None:
        return partitioning.Partitioner(self.destination) if partitioning.is_enabled(self.destination) else None

    def _settings(self) -> Settings:
        pinned = self.description.get("PinnedSchema")
        return Settings(self.destination, self.description["VersionId"], pinned and pinned["Columns"])

    def _records(self, rows: Iterable[Row]) -> list[Record]:
        return record_log.read(self.log, [row.sequence for row in rows])

    def _patience(self, buffer: Buffer) -> float:
        """Seconds for which a failing write is tried again; that of records that could not be converted, for ever."""
        if buffer.rejecting:
            return math.inf
        destination = buffer.settings.destination
        return partitioning.retry_seconds(destination) if partitioning.is_enabled(destination) else GIVE_UP_SECONDS

    def _try_again(self, buffer: Buffer) -> None:
        wait = min(FIRST_RETRY_SECONDS * 2 ** min(buffer.attempts - 1, 10), LONGEST_RETRY_SECONDS)
        buffer.waited += wait
        clock.at(buffer.timer, time.time() + wait, partial(self._deliver, buffer))
        self._watch_stall()

    def _watch_stall(self) -> None:
        """Measure the age of what waits for longer than its interval, until it is written."""
        now = time.time()
        oldest = self._oldest()
        if oldest is None:
            return
        # Each minute of a day; then each hour, because the clock may jump by weeks.
        step = MINUTE if now - oldest < DAY else HOUR
        due = (now // step + 1) * step
        pause = faults.find("pause_delivery", self.name) or {}
        clock.at(f"stall {self.name}", min(due, pause.get("until", due)), self._measure_stall)

    async def _measure_stall(self, at: float) -> None:
        if self._stopped:
            return
        paused, oldest = faults.find("pause_delivery", self.name), self._oldest()
        if oldest is not None and at - oldest > self.destination["BufferingHints"]["IntervalInSeconds"]:
            self._measure_freshness(oldest, at)
        if paused or any(buffer.attempts for buffer in self._buffers.values()):
            self._watch_stall()
        else:
            self.read_on()

    def _oldest(self) -> float | None:
        """When the oldest record arrived that is not written yet."""
        if self._buffers:
            return min(buffer.oldest for buffer in self._buffers.values())
        unread = record_log.sizes_after(self.log, self._read_to, 1)
        return unread[0][1] if unread else None

    def _log_failure(self, settings: Settings, error: Exception) -> None:
        """Tell the delivery's own log, if it has one, in the form of Firehose's messages; runs in a thread."""
        destination = settings.destination
        options = destination["CloudWatchLoggingOptions"]
        if not options.get("Enabled"):
            return
        message = {
            "deliveryStreamARN": self.description["DeliveryStreamARN"],
            "destination": destination["BucketARN"],
            "deliveryStreamVersionId": int(settings.version),
            "message": str(error),
            "errorCode": error_code(error),
        }
        # A group that is missing is not made, and stops nothing.
        with contextlib.suppress(ClientError, BotoCoreError):
            client("logs").put_log_events(
                logGroupName=options["LogGroupName"],
                logStreamName=options["LogStreamName"],
                logEvents=[{"timestamp": round(time.time() * 1000), "message": json.dumps(message)}],
            )

    def _done_with(self, buffer: Buffer) -> None:
        """Forget a buffer's sealed records, and move the checkpoint as far as all is delivered."""
        done = buffer.drop_sealed()
        if not buffer.rows:
            # What came for other buffers meanwhile has set it again.
            clock.cancel(buffer.timer)
            self._buffers = {key: each for key, each in self._buffers.items() if each is not buffer}
        waiting = (each.rows[0].sequence - 1 for each in self._buffers.values())
        self._checkpoint = min(waiting, default=self._read_to)
        opened = database.connection()
        opened.execute("UPDATE deliveries SET checkpoint = ? WHERE name = ?", (self._checkpoint, self.name))
        opened.execute("DELETE FROM delivered WHERE name = ? AND sequence <= ?", (self.name, self._checkpoint))
        opened.executemany(
            "INSERT INTO delivered VALUES (?, ?)",
            [(self.name, row.sequence) for row in done if row.sequence > self._checkpoint],
        )
        self._keep()

    def _keep(self) -> None:
        """Let the log forget what is delivered, and only that."""
        if self.stream:
            kinesis.keep_after(self.stream, self.name, self._checkpoint, self._read_to)
        else:
            record_log.drop(self.log, self._checkpoint)

    def _measure_written(self, written: Written, at: float) -> None:
        if written.records:
            self._measure("DeliveryToS3.Records", written.records, "Count", at)
            self._measure("DeliveryToS3.Bytes", written.size, "Bytes", at)
        for name, records in (("Succeed", written.converted), ("Failed", written.unconverted)):
            if records is not None:
                self._measure(f"{name}Conversion.Records", len(records), "Count", at)
                self._measure(f"{name}Conversion.Bytes", sum(len(record.data) for record in records), "Bytes", at)
        if self._partitioner and written.records:
            self._measure("DeliveryToS3.ObjectCount", 1, "Count", at)
        self._measure("DeliveryToS3.Success", 1, "Count", at)
        oldest = self._oldest()
        assert oldest is not None
        self._measure_freshness(oldest, at)

    def _measure_freshness(self, oldest: float, at: float) -> None:
        # Rounded up: "all that is older is delivered" must hold.
        self._measure("DeliveryToS3.DataFreshness", max(math.ceil(round(at - oldest, 3)), 0), "Seconds", at)

    def _measure(self, name: str, value: float, unit: str, at: float | None = None) -> None:
        metrics.record("AWS/Firehose", name, {"DeliveryStreamName": self.name}, value, unit, at)
