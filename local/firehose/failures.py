"""Records that cannot be delivered where they belong, as they are written below the error prefix: a JSON object a line.

Firehose developer guide, "Handling errors for data format conversion" and "Troubleshoot dynamic partitioning errors".
"""

import json
import time
from base64 import b64encode
from typing import Any, NamedTuple

from local.record_log import Record, sequence_text
from local.settings import ACCOUNT, REGION


class Failure(NamedTuple):
    """Why a record was not delivered."""

    kind: str
    """What ``!{firehose:error-output-type}`` stands for."""
    code: str
    message: str


def envelope(record: Record, failure: Failure, attempts: int) -> bytes:
    """The line of a record that could not be partitioned or written.

    :param attempts: how often it was tried.
    """
    return _line(
        {
            "attemptsMade": attempts,
            "arrivalTimestamp": round(record.arrived * 1000),
            "errorCode": failure.code,
            "errorMessage": failure.message,
            "attemptEndingTimestamp": round(time.time() * 1000),
            "rawData": b64encode(record.data).decode(),
        }
    )


def conversion_envelope(record: Record, failure: Failure, schema: dict[str, str]) -> bytes:
    """The line of a record that could not be converted.

    :param schema: the delivery's SchemaConfiguration.
    """
    return _line(
        {
            "attemptsMade": 1,
            "arrivalTimestamp": round(record.arrived * 1000),
            "lastErrorCode": failure.code,
            "lastErrorMessage": failure.message,
            "attemptEndingTimestamp": round(time.time() * 1000),
            "rawData": b64encode(record.data).decode(),
            "sequenceNumber": sequence_text(record.sequence),
            "subSequenceNumber": 0,
            "dataCatalogTable": {
                "catalogId": schema.get("CatalogId", ACCOUNT),
                "databaseName": schema["DatabaseName"],
                "tableName": schema["TableName"],
                "region": schema.get("Region", REGION),
                "versionId": schema.get("VersionId", "LATEST"),
                "catalogArn": None,
                "roleArn": schema["RoleARN"],
            },
        }
    )


def _line(members: dict[str, Any]) -> bytes:
    return json.dumps(members).encode() + b"\n"
