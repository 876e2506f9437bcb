"""One delivery: reads its log, buffers by size and interval, writes objects, remembers how far it came.

The buffer is the part of the log behind the checkpoint, and the checkpoint moves when the object is in S3: a process
that is killed reads the same records again. That is Firehose's at-least-once.
"""

import asyncio
import contextlib
import json
import logging
import math
import time
from base64 import b64encode
from collections import deque
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from isal import igzip

from local import database, faults, kinesis, metrics, record_log, roles
from local.clock import clock
from local.firehose.destination import COMPRESSIONS, delimiter
from local.firehose.prefix import evaluate, object_name
from local.record_log import Record
from local.settings import client

logger = logging.getLogger(__name__)

MIB = 1024 * 1024
RECORDS_A_READ = 10_000
FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 600.0
GIVE_UP_SECONDS = 24 * 3600.0
"""How long a failing write is tried again (developer guide, "Handle data delivery failures")."""
ERROR_TYPE = "delivery-failed"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class Settings(NamedTuple):
    """What an object is written by: those of the moment when its buffer was opened."""

    destination: dict[str, Any]
    version: str


class Delivery:
    """A running delivery.

    :param description: as DescribeDeliveryStream answers it.
    :param checkpoint: sequence of the last record that is in S3.
    """

    def __init__(self, description: dict[str, Any], checkpoint: int) -> None:
        self.description = description
        self.name: str = description["DeliveryStreamName"]
        source = description.get("Source")
        self.stream: str | None = source["KinesisStreamSourceDescription"]["KinesisStreamARN"] if source else None
        self.log: str = self.stream or description["DeliveryStreamARN"]
        self._checkpoint = self._read_to = checkpoint
        self._buffer: deque[tuple[int, float, int]] = deque()
        self._buffered = 0
        self._former: deque[tuple[int, Settings]] = deque()
        self._sealed: list[tuple[int, float, int]] = []
        self._attempts = 0
        self._waited = 0.0
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
        if self._attempts:
            self._former.clear()
        elif self._buffer and not (self._former and self._former[-1][0] == self._read_to):
            self._former.append((self._read_to, self._current()))
        self.description = description
        self.read_on()

    def start(self) -> None:
        """Begin to read behind the checkpoint."""
        record_log.listen(self.log, self.name, self.read_on)
        self._keep()
        self.read_on()

    def stop(self) -> None:
        """End for good: nothing more is read or written."""
        self._stopped = True
        record_log.stop_listening(self.log, self.name)
        clock.cancel(self._timer)
        clock.cancel(f"stall {self.name}")
        if self.stream:
            kinesis.keep_after(self.stream, self.name, None)
        else:
            record_log.drop(self.log)

    def read_on(self) -> None:
        """Take what the log has got into the buffer, and set the time of the next write."""
        if self._stopped:
            return
        if faults.find("pause_delivery", self.name):
            self._watch_stall()
            return
        while rows := record_log.sizes_after(self.log, self._read_to, RECORDS_A_READ):
            self._buffer.extend(rows)
            size = sum(row[2] for row in rows)
            self._buffered += size
            self._read_to = rows[-1][0]
            if self.stream:
                more = record_log.sizes_after(self.log, self._read_to, 1)
                behind = max(time.time() - more[0][1], 0) if more else 0
                self._measure("DataReadFromKinesisStream.Records", len(rows), "Count")
                self._measure("DataReadFromKinesisStream.Bytes", size, "Bytes")
                self._measure("KinesisMillisBehindLatest", round(behind * 1000), "Milliseconds")
                kinesis.measure_read(self.stream, len(rows), rows[-1][1])
                kinesis.keep_after(self.stream, self.name, self._checkpoint, self._read_to)
        if not self._buffer:
            clock.cancel(self._timer)
        elif not self._attempts:
            hints = self._settings().destination["BufferingHints"]
            full = self._waiting() >= hints["SizeInMBs"] * MIB
            opened = min(self._buffer[0][1], time.time())
            clock.at(
                self._timer,
                opened if full else opened + hints["IntervalInSeconds"],
                self._deliver,
                holds_back=True,
            )

    @property
    def _timer(self) -> str:
        return f"deliver {self.name}"

    async def _deliver(self, at: float) -> None:
        """Write the buffer's front as one object, or see to it that it is tried again."""
        if faults.find("pause_delivery", self.name):
            self._unseal()
            self._watch_stall()
            return
        # An object that could not be written keeps its records: what came meanwhile belongs to later ones.
        chunk = self._sealed = self._sealed or self._front()
        records = record_log.read(self.log, chunk[0][0], chunk[-1][0])
        settings = self._settings()
        try:
            size = await asyncio.to_thread(self._write, settings, records)
            if self._stopped:
                return
        except (ClientError, BotoCoreError) as error:
            if self._stopped:
                return
            logger.warning("%s: writing to S3 failed: %s", self.name, error)
            self._measure("DeliveryToS3.Success", 0, "Count", at)
            self._attempts += 1
            await asyncio.to_thread(self._log_failure, settings, error)
            if self._waited < GIVE_UP_SECONDS:
                self._try_again()
                return
            await self._write_envelopes(settings, records, error)
            self._done_with(chunk)
        else:
            with database.transaction():
                self._measure("DeliveryToS3.Records", len(records), "Count", at)
                self._measure("DeliveryToS3.Bytes", size, "Bytes", at)
                self._measure("DeliveryToS3.Success", 1, "Count", at)
                self._measure_freshness(chunk[0][1], at)
                self._done_with(chunk)
        self.read_on()

    def _current(self) -> Settings:
        return Settings(self.destination, self.description["VersionId"])

    def _settings(self) -> Settings:
        """What the buffer's front is written by."""
        return self._former[0][1] if self._former else self._current()

    def _waiting(self) -> int:
        """Bytes that wait under the same settings as the buffer's front."""
        if not self._former:
            return self._buffered
        return sum(size for sequence, _, size in self._buffer if sequence <= self._former[0][0])

    def _front(self) -> list[tuple[int, float, int]]:
        """The oldest records, up to the one that fills the buffer's size or the last that came under its settings."""
        limit = self._settings().destination["BufferingHints"]["SizeInMBs"] * MIB
        chunk: list[tuple[int, float, int]] = []
        size = 0
        for row in self._buffer:
            if self._former and row[0] > self._former[0][0]:
                break
            chunk.append(row)
            size += row[2]
            if size >= limit:
                break
        return chunk

    def _write(self, settings: Settings, records: list[Record]) -> int:
        """Write one object; runs in a thread.

        :returns: bytes delivered.
        """
        if faults.take("fail_delivery", self.name):
            error = {"Code": "InternalError", "Message": "We encountered an internal error. Please try again."}
            raise ClientError({"Error": error}, "PutObject")
        destination = settings.destination
        end = delimiter(destination)
        body = b"".join(record.data + end for record in records)
        if destination["CompressionFormat"] == "GZIP":
            body = igzip.compress(body, mtime=0)
        delivered = len(body)
        prefix, extension = destination.get("Prefix", ""), COMPRESSIONS[destination["CompressionFormat"]]
        if faults.take("corrupt_object", self.name):
            body = body[: len(body) // 2]
        if not faults.take("lose_object", self.name):
            self._put(destination, self._key(settings, prefix, records, extension), body)
        if faults.take("double_object", self.name):
            self._put(destination, self._key(settings, prefix, records, extension), body)
        return delivered

    def _try_again(self) -> None:
        wait = min(FIRST_RETRY_SECONDS * 2 ** min(self._attempts - 1, 10), LONGEST_RETRY_SECONDS)
        self._waited += wait
        clock.at(self._timer, time.time() + wait, self._deliver)
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
        if oldest is not None and at - oldest > self._settings().destination["BufferingHints"]["IntervalInSeconds"]:
            self._measure_freshness(oldest, at)
        if paused or self._attempts:
            self._watch_stall()
        else:
            self.read_on()

    def _oldest(self) -> float | None:
        """When the oldest record arrived that is not written yet."""
        waiting = self._buffer or record_log.sizes_after(self.log, self._read_to, 1)
        return waiting[0][1] if waiting else None

    async def _write_envelopes(self, settings: Settings, records: list[Record], error: Exception) -> None:
        destination = settings.destination
        prefix = destination.get("ErrorOutputPrefix") or f"{destination.get('Prefix', '')}{ERROR_TYPE}/"
        body = b"".join(self._envelope(record, error) for record in records)
        try:
            await asyncio.to_thread(self._put, destination, self._key(settings, prefix, records, ""), body)
        except (ClientError, BotoCoreError):
            logger.exception("%s: %d records are lost", self.name, len(records))

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
            "errorCode": _code(error),
        }
        # A group that is missing is not made, and stops nothing.
        with contextlib.suppress(ClientError, BotoCoreError):
            client("logs").put_log_events(
                logGroupName=options["LogGroupName"],
                logStreamName=options["LogStreamName"],
                logEvents=[{"timestamp": round(time.time() * 1000), "message": json.dumps(message)}],
            )

    def _envelope(self, record: Record, error: Exception) -> bytes:
        envelope = {
            "attemptsMade": self._attempts,
            "arrivalTimestamp": round(record.arrived * 1000),
            "errorCode": _code(error),
            "errorMessage": str(error),
            "attemptEndingTimestamp": round(time.time() * 1000),
            "rawData": b64encode(record.data).decode(),
        }
        return json.dumps(envelope).encode() + b"\n"

    def _key(self, settings: Settings, prefix: str, records: list[Record], extension: str) -> str:
        oldest = datetime.fromtimestamp(records[0].arrived, UTC)
        name = object_name(self.name, settings.version, oldest, extension)
        return evaluate(prefix, oldest, ERROR_TYPE) + name

    def _put(self, destination: dict[str, Any], key: str, body: bytes) -> None:
        bucket, role = destination["BucketARN"].rpartition(":")[2], destination["RoleARN"]
        resource = f"{destination['BucketARN']}/{key}"
        if not roles.allows(role, "s3:PutObject", resource):
            message = f"{role} is not authorized to perform: s3:PutObject on resource: {resource}"
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "PutObject")
        client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/octet-stream")

    def _done_with(self, chunk: list[tuple[int, float, int]]) -> None:
        for _ in chunk:
            self._buffered -= self._buffer.popleft()[2]
        self._unseal()
        self._checkpoint = chunk[-1][0]
        while self._former and self._former[0][0] <= self._checkpoint:
            self._former.popleft()
        database.connection().execute(
            "UPDATE deliveries SET checkpoint = ? WHERE name = ?", (self._checkpoint, self.name)
        )
        self._keep()

    def _unseal(self) -> None:
        self._sealed = []
        self._attempts, self._waited = 0, 0.0

    def _keep(self) -> None:
        """Let the log forget what is delivered, and only that."""
        if self.stream:
            kinesis.keep_after(self.stream, self.name, self._checkpoint, self._read_to)
        else:
            record_log.drop(self.log, self._checkpoint)

    def _measure_freshness(self, oldest: float, at: float) -> None:
        # Rounded up: "all that is older is delivered" must hold.
        self._measure("DeliveryToS3.DataFreshness", max(math.ceil(round(at - oldest, 3)), 0), "Seconds", at)

    def _measure(self, name: str, value: float, unit: str, at: float | None = None) -> None:
        metrics.record("AWS/Firehose", name, {"DeliveryStreamName": self.name}, value, unit, at)


def _code(error: Exception) -> str:
    """Firehose's name of an S3 failure."""
    return f"S3.{error.response['Error']['Code'] if isinstance(error, ClientError) else type(error).__name__}"
