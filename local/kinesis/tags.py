"""A stream's tags.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AddTagsToStream.html
"""

import re
from typing import Any

from local.errors import AwsError
from local.kinesis import states
from local.settings import ACCOUNT

MOST = 50
_ALLOWED = re.compile(r"[\w\s_./=+\-%@]*")


def check(stream: str, tags: dict[str, str]) -> None:
    """Refuse tags that a stream cannot have, all together.

    :raises AwsError: InvalidArgumentException.
    """
    if len(tags) > MOST:
        raise AwsError(
            "InvalidArgumentException",
            f"Failed to add tags to stream {stream} under account {ACCOUNT} because a given stream cannot have more"
            f" than {MOST} tags associated with it.",
        )
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise AwsError("InvalidArgumentException", "A tag's key has 1 to 128 characters, its value 256 at the most")
        if key.lower().startswith("aws:"):
            raise AwsError("InvalidArgumentException", "Tags that begin with aws: are AWS's own")
        if not _ALLOWED.fullmatch(key) or not _ALLOWED.fullmatch(value):
            raise AwsError(
                "InvalidArgumentException",
                "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space,"
                " _ . / = + - % @.",
            )


def add(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    """Serve AddTagsToStream: a key that is there gets the new value.

    :raises AwsError: as AWS does.
    """
    tags = stream["tags"] | (request.get("Tags") or {})
    check(stream["StreamName"], tags)
    stream["tags"] = tags
    return {}
