"""A stream's capacity mode, when it is made and when it is switched.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html
"""

from typing import Any

from local.errors import AwsError
from local.kinesis import states

PROVISIONED, ON_DEMAND = "PROVISIONED", "ON_DEMAND"
ON_DEMAND_SHARDS = 4
"""What a new on-demand stream has: 4,000 records and 4 MiB a second."""
SWITCHES_A_DAY = 2


def of(stream: states.Stream) -> str:
    """The stream's mode."""
    mode: str = stream["StreamModeDetails"]["StreamMode"]
    return mode


def shards_of_new(request: dict[str, Any]) -> int:
    """How many shards CreateStream makes.

    :raises AwsError: a count where the mode has none, or none where it needs one.
    """
    mode, count = _asked(request.get("StreamModeDetails", {"StreamMode": PROVISIONED})), request.get("ShardCount")
    if mode == ON_DEMAND:
        if count is not None:
            raise AwsError("ValidationException", "ShardCount is not expected when StreamMode=ON_DEMAND")
        return ON_DEMAND_SHARDS
    if not isinstance(count, int) or count < 1:
        raise AwsError("ValidationException", "ShardCount of at least 1 is expected when StreamMode=PROVISIONED")
    return count


def update(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    """Serve UpdateStreamMode: the shards stay as they are.

    :raises AwsError: as AWS does.
    """
    name, mode = stream["StreamName"], _asked(request.get("StreamModeDetails", {}))
    states.require_active(stream)
    if mode == of(stream):
        raise AwsError("InvalidArgumentException", f"Stream {name} is in capacity mode {mode} already.")
    states.count_in_a_day(
        stream,
        "mode_switches",
        SWITCHES_A_DAY,
        f"Stream {name} can be switched between capacity modes {SWITCHES_A_DAY} times within 24 hours.",
    )
    stream["StreamModeDetails"] = {"StreamMode": mode}
    states.change(stream, "UPDATING")
    return {}


def _asked(details: dict[str, Any]) -> str:
    mode = details.get("StreamMode")
    if mode not in (PROVISIONED, ON_DEMAND):
        raise AwsError("ValidationException", f"StreamMode is {PROVISIONED} or {ON_DEMAND}, not {mode}")
    return str(mode)
