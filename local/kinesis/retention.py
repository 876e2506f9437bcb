"""How long a stream keeps its records: longer by one operation, shorter by another.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html
"""

from typing import Any

from local.errors import AwsError
from local.kinesis import states

SHORTEST_HOURS, LONGEST_HOURS = 24, 365 * 24


def increase(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    """Serve IncreaseStreamRetentionPeriod.

    :raises AwsError: as AWS does.
    """
    hours = _hours(stream, request)
    if hours <= stream["RetentionPeriodHours"]:
        raise _refusal(stream, hours, "must be longer than", "Use DecreaseRetentionPeriod API.")
    return _set(stream, hours)


def decrease(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    """Serve DecreaseStreamRetentionPeriod: what is older leaves at once.

    :raises AwsError: as AWS does.
    """
    hours = _hours(stream, request)
    if hours >= stream["RetentionPeriodHours"]:
        raise _refusal(stream, hours, "must be shorter than", "Use IncreaseRetentionPeriod API.")
    return _set(stream, hours)


def _hours(stream: states.Stream, request: dict[str, Any]) -> int:
    hours = request.get("RetentionPeriodHours")
    if not isinstance(hours, int):
        raise AwsError("ValidationException", "RetentionPeriodHours is required")
    if not SHORTEST_HOURS <= hours <= LONGEST_HOURS:
        raise AwsError(
            "InvalidArgumentException",
            f"A retention period has {SHORTEST_HOURS} to {LONGEST_HOURS} hours. Requested: {hours} hours.",
        )
    states.require_active(stream)
    return hours


def _set(stream: states.Stream, hours: int) -> dict[str, Any]:
    stream["RetentionPeriodHours"] = hours
    states.change(stream, "UPDATING")
    return {}


def _refusal(stream: states.Stream, hours: int, rule: str, advice: str) -> AwsError:
    return AwsError(
        "InvalidArgumentException",
        f"Requested retention period ({hours} hours) for stream {stream['StreamName']} {rule} the existing retention"
        f" period ({stream['RetentionPeriodHours']} hours). {advice}",
    )
