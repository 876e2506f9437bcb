"""The local cloud's clock, held by one sender at a time: what is sent arrives when the clock says."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TextIO

import httpx

from commands.terminal import Failed, say

LOCK_WAIT_SECONDS = 600
_MOVE_TIMEOUT_SECONDS = 600  # a move answers once everything due on the way has been delivered


class ClockIsHeld(Failed):
    """Another sender has held the clock all the time that we were ready to wait."""


class CloudClock:
    """Moves the clock of the local cloud.

    :param http: a client with the local cloud's address as its base.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._set_to: datetime | None = None
        self._set_when = 0.0

    def set(self, when: datetime) -> None:
        """Move it to a time, forward or back; it goes on ticking from there."""
        self._put(when.isoformat())
        self._set_to, self._set_when = when, time.monotonic()

    def advance(self, when: datetime) -> None:
        """Move it forward to a time, unless it has got there by itself: within a send it never goes back."""
        if self._set_to is None or (when - self._set_to).total_seconds() > time.monotonic() - self._set_when:
            self.set(when)

    def set_real(self) -> None:
        """Back to real time."""
        self._put(None)
        self._set_to = None

    def _put(self, now: str | None) -> None:
        self._http.put("/_local/clock", json={"now": now}).raise_for_status()


@contextlib.contextmanager
def held_clock(state: Path, cloud_url: str) -> Iterator[CloudClock]:
    """The clock for us alone; when this ends, however it ends short of kill -9, real time is back.

    :param state: folder of the lock file. The lock dies with its holder.
    :raises ClockIsHeld: after ``LOCK_WAIT_SECONDS``.
    """
    state.mkdir(parents=True, exist_ok=True)
    http = httpx.Client(base_url=cloud_url, timeout=_MOVE_TIMEOUT_SECONDS, trust_env=False)
    with (state / "clock.lock").open("w") as lock, http, _ended_by_sigterm():
        _lock(lock)
        clock = CloudClock(http)
        try:
            yield clock
        finally:
            clock.set_real()


def _lock(lock: TextIO) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    told = False
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ClockIsHeld(f"another send has held the clock for {LOCK_WAIT_SECONDS} s: {lock.name}") from None
        if not told:
            say("waiting for another send to end")
            told = True
        time.sleep(0.1)


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind the stack, as Ctrl-C does."""

    def end(signum: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
