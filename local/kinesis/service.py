"""The API of Kinesis (Kinesis_20131202): ministack's streams, with records on disk and a shard's real limits in front.

What differs from ministack alone: records survive; a shard takes 1,000 records and 1 MiB a second of the local
clock (Kinesis developer guide, "Quotas and limits"), one record over is refused alone; records leave after the
retention period, but none that a Firehose has still to write; sequences grow also when the clock is set back; a
stream that is resharded keeps what its closed shards hold; changes take a moment and have AWS's limits.
"""

import re
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.concurrency import esm_wake
from ministack.services import kinesis as store

from local import database, faults, metrics, record_log
from local.errors import AwsError
from local.kinesis import encryption, mode, monitoring, resharding, retention, states, tags
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

CREATION = frozenset({"StreamName", "ShardCount", "StreamModeDetails", "Tags"})
CHANGES: dict[str, Callable[[states.Stream, dict[str, Any]], dict[str, Any]]] = {
    "AddTagsToStream": tags.add,
    "DecreaseStreamRetentionPeriod": retention.decrease,
    "DisableEnhancedMonitoring": monitoring.disable,
    "EnableEnhancedMonitoring": monitoring.enable,
    "IncreaseStreamRetentionPeriod": retention.increase,
    "StartStreamEncryption": encryption.begin,
    "StopStreamEncryption": encryption.end,
    "UpdateShardCount": resharding.update_shard_count,
    "UpdateStreamMode": mode.update,
}
PASSED = frozenset({"GetShardIterator", "ListTagsForStream", "RemoveTagsFromStream"})

_throughputs: dict[tuple[str, str], Throughput] = {}
_readers: dict[str, dict[str, tuple[int, int]]] = {}


def start() -> None:
    """Put our record store under ministack's streams; called once, after they were restored."""
    store._expire_records = _expire_records
    store._next_sequence_number = lambda: record_log.sequence_text(record_log.next_sequence())
    enter_account()
    resharding.start()
    for stream in store._streams.values():
        _keep_on_disk(stream)
    states.start(_delete)


def find(arn: str) -> states.Stream | None:
    """ministack's record of the stream with that ARN."""
    enter_account()
    return next((stream for stream in store._streams.values() if stream["StreamARN"] == arn), None)


def keep_after(arn: str, reader: str, done: int | None, read: int = 0) -> None:
    """Keep what a reader of the stream is not done with, however old it gets.

    On AWS age is real; here the clock may jump by weeks, and a record would be gone before any reader could run.

    :param done: sequence of the last record that the reader is done with; None: it reads no more.
    :param read: sequence of the last record that it has read; up to there records outlive the stream.
    """
    readers = _readers.setdefault(arn, {})
    if done is None:
        readers.pop(reader, None)
    else:
        readers[reader] = done, read
    record_log.drop_orphans(arn, _done_with(arn))


def measure_read(arn: str, records: int, newest: float) -> None:
    """Count one read of a service among the stream's metrics.

    :param newest: when the last record read arrived.
    """
    _measure_read(arn.rpartition("/")[2], records, newest)


async def handle(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Serve one Kinesis operation.

    :raises AwsError: as AWS does; InvalidActionException for what is not served.
    :raises faults.ConnectionLost: records were taken, the caller is not to learn of it.
    """
    if operation == "CreateStream":
        return await _create(request)
    if operation == "GetRecords":
        return await _get_records(request)
    if operation == "ListStreams":
        return await ask(store, "Kinesis_20131202.ListStreams", request)
    if operation in CHANGES:
        return CHANGES[operation](_existing(request), request)
    if operation in PASSED:
        _existing(request)
        return await ask(store, f"Kinesis_20131202.{operation}", request)
    serve = _OPERATIONS.get(operation)
    if serve is None:
        raise AwsError("InvalidActionException", f"The local cloud does not serve Kinesis {operation}.")
    return await serve(_existing(request), request)


async def _create(request: dict[str, Any]) -> dict[str, Any]:
    name = request.get("StreamName", "")
    if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,128}", name):
        raise AwsError("ValidationException", "StreamName has 1 to 128 of the characters a-z A-Z 0-9 _ . -")
    if unserved := set(request) - CREATION:
        raise AwsError("ValidationException", f"The local cloud does not serve {', '.join(sorted(unserved))}")
    shards = mode.shards_of_new(request)
    tags.check(name, request.get("Tags", {}))
    await ask(store, "Kinesis_20131202.CreateStream", request | {"ShardCount": shards})
    stream = _existing(request)
    stream["tags"] = dict(request.get("Tags", {}))
    _keep_on_disk(stream)
    states.change(stream, "CREATING")
    return {}


async def _begin_delete(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    states.require_active(stream)
    states.change(stream, "DELETING", _delete)
    return {}


def _delete(stream: states.Stream) -> None:
    """Take the stream away with all its records, but those that a Firehose has read and still to write."""
    arn = stream["StreamARN"]
    store._delete_stream({"StreamName": stream["StreamName"]})
    read = max((read for _, read in _readers.get(arn, {}).values()), default=0)
    record_log.orphan(arn, _done_with(arn), read)


async def _describe(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    answer = await ask(store, "Kinesis_20131202.DescribeStream", request)
    description = answer["StreamDescription"]
    description["EnhancedMonitoring"] = [{"ShardLevelMetrics": monitoring.of(stream)}]
    if stream["StreamStatus"] == "CREATING":
        description |= {"Shards": [], "HasMoreShards": False}
    return answer


async def _summarise(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    answer = await ask(store, "Kinesis_20131202.DescribeStreamSummary", request)
    made = stream["StreamStatus"] != "CREATING"
    answer["StreamDescriptionSummary"] |= {
        "EnhancedMonitoring": [{"ShardLevelMetrics": monitoring.of(stream)}],
        "OpenShardCount": len(resharding.open_shards(stream)) if made else 0,
    }
    return answer


async def _list_shards(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    if stream["StreamStatus"] == "CREATING":
        states.require_active(stream)
    return await ask(store, "Kinesis_20131202.ListShards", request)


async def _put_records(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    records = request.get("Records", [])
    datas = _check_records(records)
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


async def _put_record(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    datas = _check_records([request])
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


def _put(stream: states.Stream, records: list[dict[str, Any]], datas: list[bytes]) -> list[dict[str, Any]]:
    """Add the records that their shards take, all at once; the answer of each is AWS's, also of a refused one."""
    if not states.is_readable(stream):
        raise states.not_found(stream["StreamName"])
    throttled = faults.take("throttle", stream["StreamName"]) is not None
    arn = stream["StreamARN"]
    arrived = round(time.time(), 3)
    answers = []
    by_shard: dict[str, Counter[str]] = {}
    with database.transaction():
        _expire_records(stream)
        for record, data in zip(records, datas, strict=True):
            key = record["PartitionKey"]
            explicit = record.get("ExplicitHashKey")
            shard = store._route_to_shard(int(explicit) if explicit else store._partition_key_to_hash(key), stream)
            limit = _throughputs.setdefault((arn, shard), Throughput(SHARD_RECORDS_A_SECOND, SHARD_BYTES_A_SECOND))
            size = len(data) + len(key.encode())
            counted = by_shard.setdefault(shard, Counter())
            if throttled or not limit.take(size):
                message = f"Rate exceeded for shard {shard} in stream {stream['StreamName']} under account {ACCOUNT}."
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": message})
                counted["WriteProvisionedThroughputExceeded"] += 1
            else:
                sequence = stream["shards"][shard]["records"].add(arrived, key, data)
                answers.append({"SequenceNumber": record_log.sequence_text(sequence), "ShardId": shard})
                counted["IncomingRecords"] += 1
                counted["IncomingBytes"] += size
        for shard, counted in by_shard.items():
            values = ("IncomingRecords", "IncomingBytes", "WriteProvisionedThroughputExceeded")
            monitoring.measure(stream, shard, {name: counted[name] for name in values})
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
        newest = records[-1]["ApproximateArrivalTimestamp"] if records else None
        with database.transaction():
            _measure_read(stream["StreamName"], len(records), newest)
            size = sum(len(b64decode(record["Data"])) for record in records)
            read = {"OutgoingRecords": len(records), "OutgoingBytes": size, "IteratorAgeMilliseconds": _age(newest)}
            monitoring.measure(stream, name, read)
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


def _existing(request: dict[str, Any]) -> states.Stream:
    enter_account()
    name, stream = store._resolve_stream(request)
    if stream is None:
        raise states.not_found(name)
    found: states.Stream = stream
    return found


def _keep_on_disk(stream: states.Stream) -> None:
    for shard, state in stream["shards"].items():
        state["records"] = ShardRecords(stream["StreamARN"], shard)


def _expire_records(stream: states.Stream) -> None:
    """In place of ministack's, which would drop by age alone and leave open iterators at wrong places."""
    before = time.time() - stream["RetentionPeriodHours"] * 3600
    arn = stream["StreamARN"]
    done = _done_with(arn)
    for shard, state in stream["shards"].items():
        if dropped := state["records"].trim(before, done):
            for iterator in store._shard_iterators.values():
                if iterator["stream_arn"] == arn and iterator["shard_id"] == shard:
                    iterator["position"] = max(iterator["position"] - dropped, 0)
    resharding.forget_expired(stream, before)


def _done_with(arn: str) -> int:
    """Sequence up to which all readers are done."""
    return min((done for done, _ in _readers.get(arn, {}).values()), default=record_log.next_sequence())


def _age(arrived: float | None) -> int:
    """Milliseconds since a record arrived; 0 when there was none."""
    return 0 if arrived is None else round(max(time.time() - arrived, 0) * 1000)


def _measure(stream: states.Stream, values: dict[str, tuple[float, str]]) -> None:
    with database.transaction():
        for name, (value, unit) in values.items():
            metrics.record("AWS/Kinesis", name, {"StreamName": stream["StreamName"]}, value, unit)


def _measure_read(stream: str, records: int, newest: float | None) -> None:
    for name, value, unit in (
        ("GetRecords.IteratorAgeMilliseconds", _age(newest), "Milliseconds"),
        ("GetRecords.Records", records, "Count"),
        ("GetRecords.Success", 1, "Count"),
    ):
        metrics.record("AWS/Kinesis", name, {"StreamName": stream}, value, unit)


_OPERATIONS: dict[str, Callable[[states.Stream, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "DeleteStream": _begin_delete,
    "DescribeStream": _describe,
    "DescribeStreamSummary": _summarise,
    "ListShards": _list_shards,
    "PutRecord": _put_record,
    "PutRecords": _put_records,
}
