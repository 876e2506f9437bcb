"""Writing a buffer's front to S3: the object itself, and one below the error prefix for what does not belong in it."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from isal import igzip

from local import faults, roles
from local.firehose import conversion, processors
from local.firehose.buffer import Buffer, Row
from local.firehose.destination import COMPRESSIONS
from local.firehose.failures import Failure, conversion_envelope, envelope
from local.firehose.prefix import evaluate, object_name
from local.record_log import Record
from local.settings import client

DELIVERY_FAILED = "delivery-failed"


class Written(NamedTuple):
    """What was written."""

    records: int = 0
    """In the object where they belong."""
    size: int = 0
    """Bytes of that object."""
    converted: list[Record] | None = None
    unconverted: list[Record] | None = None
    """Without conversion, both are None."""


def write(delivery: str, buffer: Buffer, rows: list[Row], records: list[Record]) -> Written:
    """Write the front of a buffer; it may take long.

    Written again after it has failed, what is in S3 already is left out.

    :param delivery: the name of the delivery.
    :param rows: what the buffer knows of the records.
    :raises ClientError: S3 refused a write.
    :raises BotoCoreError: S3 could not be reached.
    """
    if faults.take("fail_delivery", delivery):
        error = {"Code": "InternalError", "Message": "We encountered an internal error. Please try again."}
        raise ClientError({"Error": error}, "PutObject")
    if buffer.error_type:
        failed = [(record, row.failure) for record, row in zip(records, rows, strict=True) if row.failure]
        _put_failures(delivery, buffer, failed, buffer.error_type)
        return Written()
    if conversion.is_enabled(buffer.settings.destination):
        return _write_converted(delivery, buffer, records)
    destination = buffer.settings.destination
    end = processors.delimiter(destination)
    body = b"".join(record.data + end for record in records)
    if destination["CompressionFormat"] == "GZIP":
        body = igzip.compress(body, mtime=0)
    _put_object(delivery, buffer, body, records[0], COMPRESSIONS[destination["CompressionFormat"]])
    return Written(len(records), len(body))


def give_up(delivery: str, buffer: Buffer, rows: list[Row], records: list[Record], error: Exception) -> None:
    """Write records that could not be written where they belong below the error prefix.

    :raises ClientError: S3 refused that, too.
    :raises BotoCoreError: S3 could not be reached.
    """
    failure = Failure(DELIVERY_FAILED, error_code(error), str(error))
    failed = [
        (record, row.failure or failure)
        for record, row in zip(records, rows, strict=True)
        if record.sequence not in buffer.rejected
    ]
    _put_failures(delivery, buffer, failed, buffer.error_type or DELIVERY_FAILED)


def error_code(error: Exception) -> str:
    """Firehose's name of an S3 failure."""
    return f"S3.{error.response['Error']['Code'] if isinstance(error, ClientError) else type(error).__name__}"


def _write_converted(delivery: str, buffer: Buffer, records: list[Record]) -> Written:
    settings = buffer.settings
    result = conversion.convert(settings.destination, settings.columns, records)
    if result.failed and not buffer.rejected:
        buffer.rejecting = True
        schema = settings.destination["DataFormatConversionConfiguration"]["SchemaConfiguration"]
        body = b"".join(conversion_envelope(record, failure, schema) for record, failure in result.failed)
        _put_error_object(delivery, buffer, body, result.failed[0][0], conversion.FAILED)
        buffer.rejected, buffer.rejecting = {record.sequence for record, _ in result.failed}, False
    if result.body is not None:
        _put_object(delivery, buffer, result.body, result.records[0], conversion.EXTENSION)
    unconverted = [record for record, _ in result.failed]
    return Written(len(result.records), len(result.body or b""), result.records, unconverted)


def _put_failures(delivery: str, buffer: Buffer, failed: list[tuple[Record, Failure]], kind: str) -> None:
    attempts = buffer.attempts or 1
    body = b"".join(envelope(record, failure, attempts) for record, failure in failed)
    _put_error_object(delivery, buffer, body, failed[0][0], kind)


def _put_error_object(delivery: str, buffer: Buffer, body: bytes, oldest: Record, kind: str) -> None:
    destination = buffer.settings.destination
    prefix = destination.get("ErrorOutputPrefix") or f"{destination.get('Prefix', '')}{kind}/"
    arrived = datetime.fromtimestamp(oldest.arrived, UTC)
    name = object_name(delivery, buffer.settings.version, arrived, "")
    _put(destination, evaluate(prefix, arrived, kind) + name, body)


def _put_object(delivery: str, buffer: Buffer, body: bytes, oldest: Record, extension: str) -> None:
    if faults.take("corrupt_object", delivery):
        body = body[: len(body) // 2]
    if not faults.take("lose_object", delivery):
        _put(buffer.settings.destination, _key(delivery, buffer, oldest, extension), body)
    if faults.take("double_object", delivery):
        _put(buffer.settings.destination, _key(delivery, buffer, oldest, extension), body)


def _key(delivery: str, buffer: Buffer, oldest: Record, extension: str) -> str:
    arrived = datetime.fromtimestamp(oldest.arrived, UTC)
    prefix = evaluate(buffer.settings.destination.get("Prefix", ""), arrived, keys=buffer.keys)
    return prefix + object_name(delivery, buffer.settings.version, arrived, extension)


def _put(destination: dict[str, Any], key: str, body: bytes) -> None:
    bucket, role = destination["BucketARN"].rpartition(":")[2], destination["RoleARN"]
    resource = f"{destination['BucketARN']}/{key}"
    if not roles.allows(role, "s3:PutObject", resource):
        message = f"{role} is not authorized to perform: s3:PutObject on resource: {resource}"
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "PutObject")
    client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/octet-stream")
