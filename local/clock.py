"""The local cloud's clock: real time until it is set, then it goes on ticking from there.

Everything in the process reads the same time (time_machine moves it below Python's own functions), so arrival
stamps, object keys, ``LastModified`` and metrics agree. What is due later is a named timer here. A timer goes off
at its due time, in order, also when the clock is moved past it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import time_machine

from local import database

logger = logging.getLogger(__name__)

Action = Callable[[float], Awaitable[None]]
"""What a timer does; it is given the moment at which it goes off, in epoch seconds."""


@dataclass
class _Timer:
    due: float
    action: Action
    holds_back: bool


class Clock:
    """One clock with its timers; used from the event loop only."""

    def __init__(self) -> None:
        self._traveller: time_machine.Traveller | None = None
        self._travel: time_machine.travel | None = None
        self._timers: dict[str, _Timer] = {}
        self._started = False
        self._turn = asyncio.Lock()
        self._wake: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    def restore(self) -> None:
        """Go on from where the clock stood when the process ended."""
        row = database.connection().execute("SELECT ahead FROM clock").fetchone()
        if row:
            self._move(time.time() + row[0])

    def start(self) -> None:
        """Let timers go off; before, what they need may not be there yet."""
        self._started = True
        self._wait()

    @property
    def is_set(self) -> bool:
        """Whether the time is another than the real one."""
        return self._travel is not None

    def at(self, name: str, due: float, action: Action, *, holds_back: bool = False) -> None:
        """Set the timer of that name, replacing an older one.

        :param due: epoch seconds on this clock; a past moment is now.
        :param holds_back: the clock is not set back before this timer has gone off.
        """
        self._timers[name] = _Timer(due, action, holds_back)
        self._wait()

    def cancel(self, name: str) -> None:
        """Forget the timer of that name, if there is one."""
        self._timers.pop(name, None)

    async def set(self, when: datetime | None) -> None:
        """Move the clock; what is due before the new time is done when this returns.

        Set back, it first passes the timers that hold it back, as if their time had come; the others keep the
        wait that they had left.

        :param when: the new time, with an offset; None for real time.
        """
        async with self._turn:
            if when is None and not self.is_set:
                return
            target = when.timestamp() if when else real_time()
            if target >= time.time():
                await self._run_until(target)
            else:
                while held := [timer.due for timer in self._timers.values() if timer.holds_back]:
                    await self._run_until(max(held))
                back = time.time() - target
                for timer in self._timers.values():
                    timer.due -= back
            if when is None:
                self._stop()
            else:
                self._move(target)
                database.connection().execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (target - real_time(),))
        self._wait()

    def _move(self, to: float) -> None:
        if self._travel is None:
            self._travel = time_machine.travel(to, tick=True)
            self._traveller = self._travel.start()
        else:
            assert self._traveller is not None
            self._traveller.move_to(to)

    def _stop(self) -> None:
        if self._travel is not None:
            self._travel.stop()
        self._travel = self._traveller = None
        database.connection().execute("DELETE FROM clock")

    def _wait(self) -> None:
        """Wake up in real time for the next timer."""
        if self._wake:
            self._wake.cancel()
            self._wake = None
        if self._timers and self._started:
            wait = min(timer.due for timer in self._timers.values()) - time.time()
            self._wake = asyncio.get_running_loop().call_later(max(wait, 0.0), self._awake)

    def _awake(self) -> None:
        task = asyncio.create_task(self._run_due())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run_due(self) -> None:
        async with self._turn:
            await self._run_until(time.time())
        self._wait()

    async def _run_until(self, target: float) -> None:
        while self._timers:
            name, timer = min(self._timers.items(), key=lambda item: (item[1].due, item[0]))
            if timer.due > target:
                return
            del self._timers[name]
            at = time.time()
            if timer.due > at:
                at = timer.due
                self._move(at)
            try:
                await timer.action(at)
            except Exception:
                # One service's fault must not stop the time of all others.
                logger.exception("timer %s failed", name)


def real_time() -> float:
    """The machine's own time in epoch seconds, whatever the clock was set to."""
    hatch = time_machine.escape_hatch
    return float(hatch.time.time()) if hatch.is_travelling() else time.time()


def now() -> datetime:
    """The local cloud's time, in UTC."""
    return datetime.now(UTC)


clock = Clock()
