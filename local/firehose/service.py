"""The API of Firehose (Firehose_20150804): making, describing, changing deliveries, and direct PUT."""

import asyncio
import json
import re
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from local import database, kinesis, metrics, record_log, roles
from local.errors import AwsError
from local.firehose import conversion, destination
from local.firehose.delivery import Delivery
from local.settings import ACCOUNT, REGION
from local.throughput import Throughput

MIB = 1024 * 1024
RECORDS_A_CALL = 500
BYTES_A_CALL = 4 * MIB
BYTES_A_RECORD = 1000 * 1024
RECORDS_A_SECOND = 500_000
BYTES_A_SECOND = 5 * MIB
PUTS_A_SECOND = 2_000
"""Developer guide, "Amazon Data Firehose Quota", us-east-1."""
MOMENT_SECONDS = 1.0
"""Real seconds that a delivery is CREATING or DELETING: long enough that a caller that does not wait is caught."""
MOST_TAGS = 50
CREATION = frozenset(
    {
        "DeliveryStreamName",
        "DeliveryStreamType",
        "KinesisStreamSourceConfiguration",
        "ExtendedS3DestinationConfiguration",
        "S3DestinationConfiguration",
        "Tags",
    }
)
SOURCE_ACTIONS = ("DescribeStream", "GetShardIterator", "GetRecords", "ListShards")
"""What Firehose does with a stream, as its role."""
PLAIN_MEMBERS = (
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "EncryptionConfiguration",
    "CloudWatchLoggingOptions",
)
"""What the older description of an S3 destination has of the extended one."""
INTERNAL = frozenset({"Tags", "PinnedSchema"})
"""What a description holds that DescribeDeliveryStream does not answer."""
DESTINATION = "destinationId-000000000001"

_deliveries: dict[str, Delivery] = {}
_throughputs: dict[str, Throughput] = {}
_active_from: dict[str, float] = {}
_deleting: set[str] = set()


def start() -> None:
    """Go on with all deliveries that were there when the process ended."""
    for description, checkpoint in database.connection().execute(
        "SELECT description, checkpoint FROM deliveries ORDER BY name"
    ):
        delivery = Delivery(json.loads(description), checkpoint)
        _deliveries[delivery.name] = delivery
        delivery.start()


def resume() -> None:
    """Read on after faults were cleared: what was held back is due now."""
    for delivery in _deliveries.values():
        delivery.read_on()


async def handle(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Serve one Firehose operation.

    :raises AwsError: as AWS does; UnknownOperationException for what is not served.
    """
    serve = _OPERATIONS.get(operation)
    if serve is None:
        raise AwsError("UnknownOperationException", f"The local cloud does not serve Firehose {operation}.")
    return serve(request)


def _create(request: dict[str, Any]) -> dict[str, Any]:
    name = request.get("DeliveryStreamName", "")
    if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name):
        raise _invalid("DeliveryStreamName must have 1 to 64 of the characters a-z A-Z 0-9 _ . -")
    if name in _deliveries:
        raise AwsError("ResourceInUseException", f"Firehose {name} under accountId {ACCOUNT} already exists")
    if unserved := {member for member in set(request) - CREATION if not member.endswith("DestinationConfiguration")}:
        raise _invalid(f"The local cloud does not serve {', '.join(sorted(unserved))}")
    kind = request.get("DeliveryStreamType", "DirectPut")
    now = time.time()
    description: dict[str, Any] = {
        "DeliveryStreamName": name,
        "DeliveryStreamARN": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}",
        "DeliveryStreamType": kind,
        "VersionId": "1",
        "CreateTimestamp": now,
        "Destinations": [_destinations(request, "Configuration")],
        "HasMoreDestinations": False,
        "Tags": _tags(request.get("Tags", [])),
    }
    extended = description["Destinations"][0]["ExtendedS3DestinationDescription"]
    _check_assumable(extended["RoleARN"])
    source = request.get("KinesisStreamSourceConfiguration")
    if kind not in ("DirectPut", "KinesisStreamAsSource") or (kind == "KinesisStreamAsSource") != bool(source):
        raise _invalid("KinesisStreamSourceConfiguration belongs to DeliveryStreamType KinesisStreamAsSource alone")
    if source:
        if kinesis.find(source["KinesisStreamARN"]) is None:
            raise _invalid(f"Kinesis stream {source['KinesisStreamARN']} does not exist")
        _check_source_role(source)
        description["Source"] = {"KinesisStreamSourceDescription": source | {"DeliveryStartTimestamp": now}}
    description["PinnedSchema"] = conversion.pin(extended, None)
    # A delivery from a stream begins at its end (developer guide, "Kinesis Data Streams").
    checkpoint = record_log.next_sequence()
    delivery = Delivery(description, checkpoint)
    _deliveries[name] = delivery
    _active_from[name] = _real_seconds() + MOMENT_SECONDS
    database.connection().execute(
        "INSERT INTO deliveries VALUES (?, ?, ?)", (name, json.dumps(description), checkpoint)
    )
    delivery.start()
    return {"DeliveryStreamARN": description["DeliveryStreamARN"]}


def _describe(request: dict[str, Any]) -> dict[str, Any]:
    delivery = _find(request)
    description = {member: value for member, value in delivery.description.items() if member not in INTERNAL}
    return {"DeliveryStreamDescription": description | {"DeliveryStreamStatus": _status(delivery)}}


def _list(request: dict[str, Any]) -> dict[str, Any]:
    kind, after = request.get("DeliveryStreamType"), request.get("ExclusiveStartDeliveryStreamName", "")
    names = sorted(
        name
        for name, delivery in _deliveries.items()
        if name > after and kind in (None, delivery.description["DeliveryStreamType"])
    )
    limit = request.get("Limit", 10)
    return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}


def _delete(request: dict[str, Any]) -> dict[str, Any]:
    delivery = _find_active(request)
    delivery.stop()
    database.connection().execute("DELETE FROM deliveries WHERE name = ?", (delivery.name,))
    _deleting.add(delivery.name)
    asyncio.get_running_loop().call_later(MOMENT_SECONDS, _end_delete, delivery.name)
    return {}


def _end_delete(name: str) -> None:
    _deleting.discard(name)
    del _deliveries[name]


def _update_destination(request: dict[str, Any]) -> dict[str, Any]:
    delivery = _find_active(request)
    description = delivery.description
    if request.get("DestinationId") != DESTINATION:
        raise _invalid(f"Destination Id {request.get('DestinationId')} not found")
    if request.get("CurrentDeliveryStreamVersionId") != description["VersionId"]:
        raise AwsError(
            "ConcurrentModificationException",
            f"Cannot update firehose: {delivery.name} since the current version id: {description['VersionId']}"
            f" and specified version id: {request.get('CurrentDeliveryStreamVersionId')} do not match",
        )
    changed = _destinations(request, "Update", delivery.destination)
    extended = changed["ExtendedS3DestinationDescription"]
    _check_assumable(extended["RoleARN"])
    delivery.update(
        description
        | {
            "Destinations": [changed],
            "PinnedSchema": conversion.pin(extended, description.get("PinnedSchema")),
            "VersionId": str(int(description["VersionId"]) + 1),
            "LastUpdateTimestamp": time.time(),
        }
    )
    _save(delivery)
    return {}


def _tag(request: dict[str, Any]) -> dict[str, Any]:
    delivery = _find(request)
    delivery.description["Tags"] = _tags(delivery.description["Tags"] + request["Tags"])
    _save(delivery)
    return {}


def _untag(request: dict[str, Any]) -> dict[str, Any]:
    delivery = _find(request)
    delivery.description["Tags"] = [tag for tag in delivery.description["Tags"] if tag["Key"] not in request["TagKeys"]]
    _save(delivery)
    return {}


def _list_tags(request: dict[str, Any]) -> dict[str, Any]:
    after = request.get("ExclusiveStartTagKey", "")
    tags = sorted(
        (tag for tag in _find(request).description["Tags"] if tag["Key"] > after), key=lambda tag: str(tag["Key"])
    )
    limit = request.get("Limit", 50)
    return {"Tags": tags[:limit], "HasMoreTags": len(tags) > limit}


def _put_record(request: dict[str, Any]) -> dict[str, Any]:
    delivery = _find(request)
    (answer,) = _put(delivery, [request["Record"]], "PutRecord")
    if "ErrorCode" in answer:
        raise AwsError(answer["ErrorCode"], answer["ErrorMessage"], 500)
    return answer | {"Encrypted": False}


def _put_record_batch(request: dict[str, Any]) -> dict[str, Any]:
    answers = _put(_find(request), request.get("Records", []), "PutRecordBatch")
    failed = sum("ErrorCode" in answer for answer in answers)
    return {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": answers}


def _put(delivery: Delivery, records: list[dict[str, Any]], operation: str) -> list[dict[str, Any]]:
    if delivery.stream:
        raise _invalid("This operation is not permitted on KinesisStreamAsSource delivery stream type.")
    if _status(delivery) != "ACTIVE":
        raise _not_found(delivery.name)
    if not 1 <= len(records) <= RECORDS_A_CALL:
        raise _invalid(f"A batch has between 1 and {RECORDS_A_CALL} records")
    datas = [_data(record) for record in records]
    if sum(len(data) for data in datas) > BYTES_A_CALL:
        raise _invalid(f"A batch has at most {BYTES_A_CALL} bytes")
    throughput = _throughputs.setdefault(delivery.name, Throughput(RECORDS_A_SECOND, BYTES_A_SECOND))
    answers: list[dict[str, Any]] = []
    with database.transaction():
        taken = 0
        for data in datas:
            if throughput.take(len(data)):
                record_log.append(delivery.log, "", record_log.next_sequence(), time.time(), "", data)
                answers.append({"RecordId": str(uuid4())})
                taken += len(data)
            else:
                answers.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
        throttled = sum("ErrorCode" in answer for answer in answers)
        for metric, value, unit in (
            ("IncomingPutRequests", 1, "Count"),
            ("IncomingRecords", len(answers) - throttled, "Count"),
            ("IncomingBytes", taken, "Bytes"),
            ("ThrottledRecords", throttled, "Count"),
            ("PutRequestsPerSecondLimit", PUTS_A_SECOND, "Count/Second"),
            ("RecordsPerSecondLimit", RECORDS_A_SECOND, "Count/Second"),
            ("BytesPerSecondLimit", BYTES_A_SECOND, "Bytes/Second"),
            (f"{operation}.Requests", 1, "Count"),
            (f"{operation}.Bytes", sum(len(data) for data in datas), "Bytes"),
            *([(f"{operation}.Records", len(datas), "Count")] if operation == "PutRecordBatch" else []),
        ):
            metrics.record("AWS/Firehose", metric, {"DeliveryStreamName": delivery.name}, value, unit)
    return answers


def _data(record: dict[str, Any]) -> bytes:
    try:
        data = b64decode(record["Data"], validate=True)
    except (KeyError, TypeError, Base64Error):
        raise AwsError("SerializationException", "Data is not base64") from None
    if len(data) > BYTES_A_RECORD:
        raise _invalid(f"A record has at most {BYTES_A_RECORD} bytes")
    return data


def _destinations(request: dict[str, Any], form: str, current: dict[str, Any] | None = None) -> dict[str, Any]:
    names = [f"ExtendedS3Destination{form}", f"S3Destination{form}"]
    others = [name for name in request if re.search(rf"Destination{form}$", name) and name not in names]
    given = [request[name] for name in names if name in request]
    if others:
        raise _invalid(f"The local cloud does not serve {', '.join(others)}")
    if len(given) != 1:
        raise _invalid("Exactly one destination must be given")
    extended = destination.describe(given[0], current)
    return {
        "DestinationId": DESTINATION,
        "S3DestinationDescription": {member: extended[member] for member in PLAIN_MEMBERS if member in extended},
        "ExtendedS3DestinationDescription": extended,
    }


def _find(request: dict[str, Any]) -> Delivery:
    name = request.get("DeliveryStreamName", "")
    if name not in _deliveries:
        raise _not_found(name)
    return _deliveries[name]


def _find_active(request: dict[str, Any]) -> Delivery:
    """The delivery of a request that changes it; refused while it is made or deleted."""
    delivery = _find(request)
    if (status := _status(delivery)) != "ACTIVE":
        raise AwsError(
            "ResourceInUseException", f"Firehose {delivery.name} under accountId {ACCOUNT} is in state {status}"
        )
    return delivery


def _status(delivery: Delivery) -> str:
    if delivery.name in _deleting:
        return "DELETING"
    return "ACTIVE" if _real_seconds() >= _active_from.get(delivery.name, 0.0) else "CREATING"


def _tags(given: list[dict[str, str]]) -> list[dict[str, str]]:
    """Tags by key, the last value of each."""
    tags = {tag["Key"]: tag.get("Value", "") for tag in given}
    if len(tags) > MOST_TAGS:
        raise AwsError("LimitExceededException", f"A Firehose stream has at most {MOST_TAGS} tags")
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _check_source_role(source: dict[str, Any]) -> None:
    role, stream = source["RoleARN"], source["KinesisStreamARN"]
    _check_assumable(role)
    for action in SOURCE_ACTIONS:
        if not roles.allows(role, f"kinesis:{action}", stream):
            raise _invalid(f"Role {role} is not authorized to perform: kinesis:{action} on resource {stream}.")


def _check_assumable(role: str) -> None:
    if not roles.is_assumable(role, "firehose.amazonaws.com"):
        raise _invalid(f"Firehose is unable to assume role {role}. Please check the role provided.")


def _real_seconds() -> float:
    return asyncio.get_running_loop().time()


def _save(delivery: Delivery) -> None:
    database.connection().execute(
        "UPDATE deliveries SET description = ? WHERE name = ?", (json.dumps(delivery.description), delivery.name)
    )


def _not_found(name: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Firehose {name} under account {ACCOUNT} not found.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)


_OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "CreateDeliveryStream": _create,
    "DescribeDeliveryStream": _describe,
    "ListDeliveryStreams": _list,
    "DeleteDeliveryStream": _delete,
    "UpdateDestination": _update_destination,
    "TagDeliveryStream": _tag,
    "UntagDeliveryStream": _untag,
    "ListTagsForDeliveryStream": _list_tags,
    "PutRecord": _put_record,
    "PutRecordBatch": _put_record_batch,
}
