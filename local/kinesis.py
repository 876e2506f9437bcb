"""Kinesis: ministack's streams, with records on disk, a shard's real limits in front, and metrics.

What differs from ministack alone: records survive; a shard takes 1,000 records and 1 MiB a second of the local
clock (Kinesis developer guide, "Quotas and limits"), one record over is refused alone; records leave after the
retention period, but none that a Firehose has still to read; sequences grow also when the clock is set back; a
stream that is resharded keeps what its closed shards hold.
"""

import time
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any

from ministack.core.concurrency import esm_wake
from ministack.services import kinesis as store

from local import database, faults, metrics, record_log, resharding
from local.errors import AwsError
from local.record_log import ShardRecords
from local.settings import ACCOUNT
from local.throughput import Throughput
from local.upstream import ask, enter_account

MIB = 1024 * 1024
RECORDS_A_CALL = 500
BYTES_A_CALL = 5 * MIB
BYTES_A_RECORD = MIB
SHARD_RECORDS_A_SECOND = 1000
SHARD_BYTES_A_SECOND = MIB

PASSED = frozenset(
    {
        "AddTagsToStream",
        "CreateStream",
        "DecreaseStreamRetentionPeriod",
        "DeleteStream",
        "DescribeStream",
        "DescribeStreamSummary",
        "GetShardIterator",
        "IncreaseStreamRetentionPeriod",
        "ListShards",
        "ListStreams",
        "ListTagsForStream",
        "RemoveTagsFromStream",
        "StartStreamEncryption",
        "StopStreamEncryption",
        "UpdateShardCount",  # of a stream that is not there
    }
)

TAKING = ("ACTIVE", "UPDATING")

_throughputs: dict[tuple[str, str], Throughput] = {}
_checkpoints: dict[str, dict[str, int]] = {}


def start() -> None:
    """Put our record store under ministack's streams; called once, after they were restored."""
    store._expire_records = _expire_records
    store._next_sequence_number = lambda: record_log.sequence_text(record_log.next_sequence())
    enter_account()
    resharding.start()
    for stream in store._streams.values():
        _keep_on_disk(stream)


def find(arn: str) -> dict[str, Any] | None:
    """ministack's record of the stream with that ARN."""
    enter_account()
    return next((stream for stream in store._streams.values() if stream["StreamARN"] == arn), None)


def keep_after(arn: str, reader: str, sequence: int | None) -> None:
    """Keep what comes after that sequence for a reader of the stream, however old it gets; None: no longer.

    On AWS age is real; here the clock may jump by weeks, and a record would be gone before any reader could run.
    """
    readers = _checkpoints.setdefault(arn, {})
    if sequence is None:
        readers.pop(reader, None)
    else:
        readers[reader] = sequence


async def handle(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Serve one Kinesis operation (Kinesis_20131202).

    :raises AwsError: as AWS does; InvalidActionException for what is not served.
    :raises faults.ConnectionLost: records were taken, the caller is not to learn of it.
    """
    if operation == "PutRecords":
        return await _put_records(request)
    if operation == "PutRecord":
        return await _put_record(request)
    if operation == "GetRecords":
        return await _get_records(request)
    if operation == "UpdateShardCount" and (resharded := _named(request)):
        return resharding.update_shard_count(resharded, request)
    if operation not in PASSED:
        raise AwsError("InvalidActionException", f"The local cloud does not serve Kinesis {operation}.")
    stream = _named(request)
    answer = await ask(store, f"Kinesis_20131202.{operation}", request)
    if operation == "CreateStream" and (created := _named(request)):
        _keep_on_disk(created)
    if operation == "DeleteStream" and stream:
        record_log.drop(stream["StreamARN"])
    if operation == "DescribeStreamSummary" and stream:
        answer["StreamDescriptionSummary"]["OpenShardCount"] = len(resharding.open_shards(stream))
    return answer


async def _put_records(request: dict[str, Any]) -> dict[str, Any]:
    records = request.get("Records", [])
    datas = _check_records(records)
    stream = _named(request)
    if stream is None or stream["StreamStatus"] not in TAKING:
        return await ask(store, "Kinesis_20131202.PutRecords", request)
    answers = _put(stream, records, datas)
    failed = sum("ErrorCode" in answer for answer in answers)
    taken = sum(
        len(data) + len(record["PartitionKey"].encode())
        for record, data, answer in zip(records, datas, answers, strict=True)
        if "ErrorCode" not in answer
    )
    _measure(
        stream,
        {
            "IncomingRecords": (len(records) - failed, "Count"),
            "IncomingBytes": (taken, "Bytes"),
            "WriteProvisionedThroughputExceeded": (failed, "Count"),
            "PutRecords.Bytes": (taken, "Bytes"),
            "PutRecords.Success": (int(failed < len(records)), "Count"),
            "PutRecords.TotalRecords": (len(records), "Count"),
            "PutRecords.SuccessfulRecords": (len(records) - failed, "Count"),
            "PutRecords.FailedRecords": (0, "Count"),
            "PutRecords.ThrottledRecords": (failed, "Count"),
        },
    )
    if faults.take("time_out", stream["StreamName"]):
        raise faults.ConnectionLost
    return {"FailedRecordCount": failed, "Records": answers, "EncryptionType": stream["EncryptionType"]}


async def _put_record(request: dict[str, Any]) -> dict[str, Any]:
    datas = _check_records([request])
    stream = _named(request)
    if stream is None or stream["StreamStatus"] not in TAKING:
        return await ask(store, "Kinesis_20131202.PutRecord", request)
    (answer,) = _put(stream, [request], datas)
    refused = "ErrorCode" in answer
    taken = 0 if refused else len(datas[0]) + len(request["PartitionKey"].encode())
    _measure(
        stream,
        {
            "IncomingRecords": (int(not refused), "Count"),
            "IncomingBytes": (taken, "Bytes"),
            "WriteProvisionedThroughputExceeded": (int(refused), "Count"),
            "PutRecord.Bytes": (taken, "Bytes"),
            "PutRecord.Success": (int(not refused), "Count"),
        },
    )
    if refused:
        raise AwsError(answer["ErrorCode"], answer["ErrorMessage"])
    if faults.take("time_out", stream["StreamName"]):
        raise faults.ConnectionLost
    return answer | {"EncryptionType": stream["EncryptionType"]}


def _put(stream: dict[str, Any], records: list[dict[str, Any]], datas: list[bytes]) -> list[dict[str, Any]]:
    """Add the records that their shards take, all at once; the answer of each is AWS's, also of a refused one."""
    throttled = faults.take("throttle", stream["StreamName"]) is not None
    arn = stream["StreamARN"]
    arrived = round(time.time(), 3)
    answers = []
    with database.transaction():
        _expire_records(stream)
        for record, data in zip(records, datas, strict=True):
            key = record["PartitionKey"]
            explicit = record.get("ExplicitHashKey")
            shard = store._route_to_shard(int(explicit) if explicit else store._partition_key_to_hash(key), stream)
            limit = _throughputs.setdefault((arn, shard), Throughput(SHARD_RECORDS_A_SECOND, SHARD_BYTES_A_SECOND))
            if throttled or not limit.take(len(data) + len(key.encode())):
                message = f"Rate exceeded for shard {shard} in stream {stream['StreamName']} under account {ACCOUNT}."
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": message})
            else:
                sequence = stream["shards"][shard]["records"].add(arrived, key, data)
                answers.append({"SequenceNumber": record_log.sequence_text(sequence), "ShardId": shard})
    esm_wake.set()
    return answers


async def _get_records(request: dict[str, Any]) -> dict[str, Any]:
    enter_account()
    iterator = store._shard_iterators.get(request.get("ShardIterator"))
    answer = await ask(store, "Kinesis_20131202.GetRecords", request)
    if iterator:
        stream, name = store._streams[iterator["stream"]], iterator["shard_id"]
        following = store._shard_iterators[answer["NextShardIterator"]]
        shard = stream["shards"][name]
        if resharding.is_closed(shard) and following["position"] == len(shard["records"]):
            answer |= {"NextShardIterator": None, "ChildShards": resharding.end_of(stream, name)}
        records = answer["Records"]
        age = max(time.time() - records[-1]["ApproximateArrivalTimestamp"], 0) if records else 0
        _measure(
            {"StreamName": iterator["stream"]},
            {
                "GetRecords.IteratorAgeMilliseconds": (round(age * 1000), "Milliseconds"),
                "GetRecords.Records": (len(records), "Count"),
                "GetRecords.Success": (1, "Count"),
            },
        )
    return answer


def _check_records(records: list[dict[str, Any]]) -> list[bytes]:
    """Refuse what the whole request is refused for (API reference, PutRecords and PutRecord).

    :returns: the records' data.
    """
    if not 1 <= len(records) <= RECORDS_A_CALL:
        raise _invalid("records", f"have length between 1 and {RECORDS_A_CALL}")
    datas = [_data(record) for record in records]
    for record, data in zip(records, datas, strict=True):
        if not 1 <= len(record.get("PartitionKey", "")) <= 256:
            raise _invalid("partitionKey", "have length between 1 and 256")
        if len(data) > BYTES_A_RECORD:
            raise _invalid("data", f"have length less than or equal to {BYTES_A_RECORD}")
    total = sum(len(data) for data in datas) + sum(len(record["PartitionKey"].encode()) for record in records)
    if len(records) > 1 and total > BYTES_A_CALL:
        raise AwsError("InvalidArgumentException", f"Records size exceeds {BYTES_A_CALL} bytes")
    return datas


def _invalid(member: str, rule: str) -> AwsError:
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must {rule}",
    )


def _data(record: dict[str, Any]) -> bytes:
    try:
        return b64decode(record["Data"], validate=True)
    except (KeyError, TypeError, Base64Error):
        raise AwsError("SerializationException", "Data is not base64") from None


def _named(request: dict[str, Any]) -> dict[str, Any] | None:
    enter_account()
    stream: dict[str, Any] | None = store._resolve_stream(request)[1]
    return stream


def _keep_on_disk(stream: dict[str, Any]) -> None:
    for shard, state in stream["shards"].items():
        state["records"] = ShardRecords(stream["StreamARN"], shard)


def _expire_records(stream: dict[str, Any]) -> None:
    """In place of ministack's, which would drop by age alone and leave open iterators at wrong places."""
    before = time.time() - stream["RetentionPeriodHours"] * 3600
    arn = stream["StreamARN"]
    read = min(_checkpoints.get(arn, {}).values(), default=record_log.next_sequence())
    for shard, state in stream["shards"].items():
        if dropped := state["records"].trim(before, read):
            for iterator in store._shard_iterators.values():
                if iterator["stream_arn"] == arn and iterator["shard_id"] == shard:
                    iterator["position"] = max(iterator["position"] - dropped, 0)
    resharding.forget_expired(stream, before)


def _measure(stream: dict[str, Any], values: dict[str, tuple[float, str]]) -> None:
    with database.transaction():
        for name, (value, unit) in values.items():
            metrics.record("AWS/Kinesis", name, {"StreamName": stream["StreamName"]}, value, unit)
