"""Enhanced monitoring: metrics by shard, each switched on and off.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_EnableEnhancedMonitoring.html
"""

from collections.abc import Mapping
from typing import Any

from local import metrics
from local.errors import AwsError
from local.kinesis import states

METRICS = (
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
)
UNITS = {"IncomingBytes": "Bytes", "OutgoingBytes": "Bytes", "IteratorAgeMilliseconds": "Milliseconds"}
"""Of those that are not counts."""


def of(stream: states.Stream) -> list[str]:
    """The metrics that are measured by shard, sorted."""
    return sorted(stream.get("shard_metrics", ()))


def enable(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    """Serve EnableEnhancedMonitoring.

    :raises AwsError: as AWS does.
    """
    return _change(stream, set(of(stream)) | _asked(request))


def disable(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    """Serve DisableEnhancedMonitoring.

    :raises AwsError: as AWS does.
    """
    return _change(stream, set(of(stream)) - _asked(request))


def measure(stream: states.Stream, shard: str, values: Mapping[str, float]) -> None:
    """Add values of one shard to those of its metrics that are switched on."""
    switched_on = of(stream)
    for name, value in values.items():
        if name in switched_on:
            dimensions = {"StreamName": stream["StreamName"], "ShardId": shard}
            metrics.record("AWS/Kinesis", name, dimensions, value, UNITS.get(name, "Count"))


def _asked(request: dict[str, Any]) -> set[str]:
    names = request.get("ShardLevelMetrics") or []
    if not 1 <= len(names) <= len(METRICS) or not set(names) <= {"ALL", *METRICS}:
        raise AwsError("ValidationException", f"ShardLevelMetrics are ALL or some of {', '.join(METRICS)}")
    return set(METRICS) if "ALL" in names else set(names)


def _change(stream: states.Stream, desired: set[str]) -> dict[str, Any]:
    states.require_active(stream)
    current = of(stream)
    stream["shard_metrics"] = sorted(desired)
    states.change(stream, "UPDATING")
    return {
        "StreamName": stream["StreamName"],
        "StreamARN": stream["StreamARN"],
        "CurrentShardLevelMetrics": current,
        "DesiredShardLevelMetrics": of(stream),
    }
