"""A stream's states: it is CREATING, UPDATING or DELETING for a moment, and takes one change at a time.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamDescriptionSummary.html
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ministack.services import kinesis as store

from local import persistence
from local.errors import AwsError
from local.settings import ACCOUNT
from local.upstream import enter_account

MOMENT_SECONDS = 1.0
"""Of real time; on AWS seconds to minutes."""
DAY_SECONDS = 24 * 3600

Stream = dict[str, Any]


def start(delete: Callable[[Stream], None]) -> None:
    """Go on with the changes that were under way when the process ended; called once, after streams were restored.

    :param delete: takes a stream away for good.
    """
    store._ensure_active = lambda stream: None  # ministack's: CREATING ends when it is looked at
    for stream in store._streams.values():
        if stream["StreamStatus"] != "ACTIVE":
            change(stream, stream["StreamStatus"], delete)


def change(stream: Stream, status: str, delete: Callable[[Stream], None] | None = None) -> None:
    """Let the stream be in that state for a moment; then it is ACTIVE, or gone.

    :param delete: takes the stream away, when the state is DELETING.
    """
    stream["StreamStatus"] = status
    asyncio.get_running_loop().call_later(MOMENT_SECONDS, _settle, stream, delete)


def is_readable(stream: Stream) -> bool:
    """Whether the stream takes and gives records."""
    return stream["StreamStatus"] in ("ACTIVE", "UPDATING")


def require_active(stream: Stream) -> None:
    """Refuse a change of a stream that is not ACTIVE.

    :raises AwsError: ResourceInUseException.
    """
    if stream["StreamStatus"] != "ACTIVE":
        raise AwsError(
            "ResourceInUseException",
            f"Stream {stream['StreamName']} under account {ACCOUNT} not ACTIVE,"
            f" instead in state {stream['StreamStatus']}",
        )


def not_found(name: str) -> AwsError:
    """What AWS says of a stream that is not there."""
    return AwsError("ResourceNotFoundException", f"Stream {name} under account {ACCOUNT} not found.")


def count_in_a_day(stream: Stream, what: str, most: int, refusal: str) -> None:
    """Count a change that AWS allows so often in 24 hours, by the local clock.

    :param what: the stream's member that keeps the times.
    :raises AwsError: LimitExceededException with that refusal; then it is not counted.
    """
    now = time.time()
    earlier = [at for at in stream.get(what, ()) if now - DAY_SECONDS < at <= now]
    if len(earlier) >= most:
        raise AwsError("LimitExceededException", refusal)
    stream[what] = [*earlier, now]


def _settle(stream: Stream, delete: Callable[[Stream], None] | None) -> None:
    # Called by the event loop, outside any request.
    enter_account()
    if stream["StreamStatus"] == "DELETING" and delete:
        delete(stream)
    else:
        stream["StreamStatus"] = "ACTIVE"
    persistence.mark()
