"""UpdateShardCount: open shards are closed, others share out the hash space; what the closed ones hold stays readable.

Limits: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
"""

import time
from typing import Any

from ministack.services import kinesis as store

from local import record_log
from local.errors import AwsError
from local.kinesis import mode, states
from local.record_log import ShardRecords

MOST_IN_A_DAY = 10

Shard = dict[str, Any]


def start() -> None:
    """Teach ministack that shards can be closed; called once, after its streams were restored."""
    described = store._shard_out

    def shard_out(name: str, shard: Shard) -> dict[str, Any]:
        answer: dict[str, Any] = described(name, shard)
        if is_closed(shard):
            answer["SequenceNumberRange"]["EndingSequenceNumber"] = shard["ending_sequence_number"]
        return answer

    store._shard_out = shard_out
    store._route_to_shard = lambda key, stream: next(
        name
        for name, shard in open_shards(stream).items()
        if int(shard["starting_hash_key"]) <= key <= int(shard["ending_hash_key"])
    )


def is_closed(shard: Shard) -> bool:
    """Whether the shard takes no more records."""
    return "ending_sequence_number" in shard


def open_shards(stream: dict[str, Any]) -> dict[str, Shard]:
    """The shards that take records, by name."""
    return {name: shard for name, shard in stream["shards"].items() if not is_closed(shard)}


def update_shard_count(stream: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Serve UpdateShardCount for a stream.

    :raises AwsError: as AWS does.
    """
    name, target = stream["StreamName"], request.get("TargetShardCount")
    current = len(open_shards(stream))
    states.require_active(stream)
    if request.get("ScalingType") != "UNIFORM_SCALING":
        raise AwsError("ValidationException", "ScalingType must be UNIFORM_SCALING")
    if mode.of(stream) == mode.ON_DEMAND:
        raise AwsError("ValidationException", f"Stream {name} is in on-demand mode; its shards cannot be counted out.")
    if not isinstance(target, int) or not (current + 1) // 2 <= target <= 2 * current:
        raise AwsError(
            "InvalidArgumentException",
            f"TargetShardCount {target}: a stream of {current} open shards goes to {(current + 1) // 2} at the least "
            f"and to {2 * current} at the most.",
        )
    states.count_in_a_day(
        stream, "resharded", MOST_IN_A_DAY, f"Stream {name} was scaled {MOST_IN_A_DAY} times within 24 hours."
    )
    if target != current:
        _reshard(stream, target, time.time())
    states.change(stream, "UPDATING")
    return {
        "StreamName": name,
        "CurrentShardCount": current,
        "TargetShardCount": target,
        "StreamARN": stream["StreamARN"],
    }


def end_of(stream: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """What GetRecords says at the end of a closed shard: its children."""
    children = {
        child: shard
        for child, shard in stream["shards"].items()
        if name in (shard["parent_shard_id"], shard["adjacent_parent_shard_id"])
    }
    return [
        {
            "ShardId": child,
            "ParentShards": [each for each in (shard["parent_shard_id"], shard["adjacent_parent_shard_id"]) if each],
            "HashKeyRange": {
                "StartingHashKey": shard["starting_hash_key"],
                "EndingHashKey": shard["ending_hash_key"],
            },
        }
        for child, shard in children.items()
    ]


def forget_expired(stream: dict[str, Any], before: float) -> None:
    """Drop the shards that were closed before that time and hold nothing any more."""
    for name, shard in list(stream["shards"].items()):
        if is_closed(shard) and shard["closed"] < before and not shard["records"]:
            del stream["shards"][name]


def _reshard(stream: dict[str, Any], target: int, now: float) -> None:
    parents = open_shards(stream)
    for shard in parents.values():
        shard["ending_sequence_number"] = record_log.sequence_text(record_log.next_sequence())
        shard["closed"] = now
    children = store._build_shards(target, store._max_shard_index(stream) + 1)
    for name, child in children.items():
        overlapped = [parent for parent, shard in parents.items() if _overlap(shard, child)]
        child["parent_shard_id"], child["adjacent_parent_shard_id"] = [*overlapped, None][:2]
        child["records"] = ShardRecords(stream["StreamARN"], name)
    stream["shards"] |= children


def _overlap(one: Shard, other: Shard) -> bool:
    return int(one["starting_hash_key"]) <= int(other["ending_hash_key"]) and int(other["starting_hash_key"]) <= int(
        one["ending_hash_key"]
    )
