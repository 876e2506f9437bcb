"""Records of our own: they travel the whole path, prove that it is open, and are filtered as `canary`.

A path without traffic has no metrics, and a missing metric cannot be told from a fault. A heartbeat an hour makes
the watermark move and an empty hour a proven one. Nothing but such a record has the field `canary`.
"""

from __future__ import annotations

from typing import Literal
from uuid import uuid4

import orjson

HEARTBEAT = "heartbeat"
"""The purpose of a heartbeat's receipt."""


def canary(kind: Literal["heartbeat", "provision"]) -> bytes:
    """A new record of that kind, with an id of its own.

    Args:
        kind: `heartbeat` keeps the watermark moving; `provision` is sent once a path has been set up.
    """
    return orjson.dumps({"canary": {"kind": kind, "id": str(uuid4())}})
