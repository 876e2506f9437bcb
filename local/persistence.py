"""ministack's state, saved shortly after each change: ministack alone saves only when it is stopped in good order.

S3 objects are on disk at once (S3_PERSIST) and stream records are in our database; here goes the rest: buckets, the
catalog, queues and their messages, roles and so on, a JSON file a service, in ministack's own format.
"""

import asyncio
import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

from ministack import app as ministack
from ministack.core import persistence as formats
from ministack.services import s3

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.3
"""How long changes are gathered before they are saved together."""
SHARE = 0.2
"""The most of the time that is spent on saving, when there is much to save."""
LOGS = "cloudwatch_logs"
"""Grows with every job run; is saved only when it was asked for."""

_changed = asyncio.Event()
_logs_changed = asyncio.Event()
_stopping = asyncio.Event()
_saved: dict[str, bytes] = {}


def start() -> None:
    """Complete what ministack saves; called before it restores its state."""
    # Without these a locked evidence object could be deleted after a restart.
    s3._PERSISTED_BUCKET_DICTS["object_retention"] = s3._object_retention
    s3._PERSISTED_BUCKET_DICTS["object_legal_hold"] = s3._object_legal_hold


def mark(of_logs: bool = False) -> None:
    """Say that a request may have changed something.

    :param of_logs: it was one to CloudWatch Logs.
    """
    _changed.set()
    if of_logs:
        _logs_changed.set()


def stop() -> None:
    """Let ``keep_saving`` save once more and end."""
    _stopping.set()
    _changed.set()


async def keep_saving() -> None:
    """Save whenever something has changed, until stopped."""
    pause = QUIET_SECONDS
    while not _stopping.is_set():
        await _changed.wait()
        if not _stopping.is_set():
            await asyncio.sleep(pause)
        _changed.clear()
        began = time.monotonic()
        try:
            await save()
        except Exception:
            logger.exception("saving the state failed; it is tried again")
            _changed.set()
        pause = max(QUIET_SECONDS, (time.monotonic() - began) / SHARE)


async def save() -> None:
    """Write the state of every service that differs from what was last written."""
    states = ministack._build_persistence_save_dict()
    if not _logs_changed.is_set():
        states.pop(LOGS, None)
    _logs_changed.clear()
    # Copied in one moment of the event loop, so that services agree with each other; writing can take its time.
    await asyncio.to_thread(_write, {name: state() for name, state in states.items()})


def _write(states: dict[str, Any]) -> None:
    folder = Path(formats.STATE_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in states.items():
        if state is None:
            continue
        text = json.dumps(
            {"__ministack_format__": formats._state_format_version(name), "payload": state},
            default=formats._json_default,
        ).encode()
        digest = hashlib.blake2b(text).digest()
        if _saved.get(name) == digest:
            continue
        unfinished = folder / f"{name}.json.unfinished"
        unfinished.write_bytes(text)
        unfinished.replace(folder / f"{name}.json")
        _saved[name] = digest
