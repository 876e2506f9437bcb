"""Faults that the local cloud commits on request: what the product is for must be made to happen.

A fault is armed with a target and mostly with a number of times; it goes away when they are used up, when its hours
are over by the local clock, when it is cleared, or with the process. The services ask here at the place where the
fault would strike.
"""

import time
from dataclasses import dataclass
from typing import Any

from local.errors import AwsError


@dataclass(frozen=True)
class _Kind:
    target: str
    count: str | None = None
    choices: tuple[str, tuple[str, ...]] | None = None
    hours: str | None = None


KINDS = {
    "throttle": _Kind("stream", "calls"),
    "time_out": _Kind("stream", "calls"),
    "lose_object": _Kind("delivery", "objects"),
    "double_object": _Kind("delivery", "objects"),
    "corrupt_object": _Kind("delivery", "objects"),
    "fail_delivery": _Kind("delivery", "attempts"),
    "pause_delivery": _Kind("delivery", hours="hours"),
    "fail_publish": _Kind("topic"),
    "kill_spark": _Kind("table", "after_commits", ("when", ("before", "after"))),
}
"""Each fault with the parameter that names its target, the one that counts, the one that chooses, and the one that
may end it."""

_armed: list[dict[str, Any]] = []


class ConnectionLost(Exception):
    """The caller's connection is to be closed without an answer."""


def arm(fault: dict[str, Any]) -> None:
    """Arm one fault.

    :param fault: ``{"fault": NAME, ...parameters}``; see ``KINDS``.
    :raises AwsError: an unknown fault, or parameters other than those it takes.
    """
    kind = KINDS.get(fault.get("fault", ""))
    if kind is None:
        raise AwsError("ValidationException", f"fault is one of {', '.join(KINDS)}")
    wanted = {kind.target: isinstance(fault.get(kind.target), str)}
    if kind.count:
        count = fault.get(kind.count)
        wanted[kind.count] = isinstance(count, int) and count >= 1
    if kind.choices:
        name, allowed = kind.choices
        wanted[name] = fault.get(name) in allowed
    if kind.hours in fault:
        hours = fault[kind.hours]
        wanted[kind.hours] = isinstance(hours, int | float) and hours > 0
    if wrong := [name for name, right in wanted.items() if not right] + sorted(set(fault) - {"fault", *wanted}):
        raise AwsError(
            "ValidationException", f"{fault['fault']} takes {', '.join(wanted)}; wrong or unknown: {', '.join(wrong)}"
        )
    _armed.append(fault | ({"until": _moment(fault[kind.hours] * 3600)} if kind.hours in fault else {}))


def armed() -> list[dict[str, Any]]:
    """All armed faults, oldest first, with what is left of their counts, or when they end in epoch seconds."""
    _forget_ended()
    return [dict(fault) for fault in _armed]


def clear() -> None:
    """Disarm all faults."""
    _armed.clear()


def find(name: str, target: str) -> dict[str, Any] | None:
    """The oldest armed fault of that name against that target, left as it is."""
    _forget_ended()
    for fault in _armed:
        if fault["fault"] == name and fault[KINDS[name].target] == target:
            return fault
    return None


def take(name: str, target: str) -> dict[str, Any] | None:
    """Count one use of the fault of that name against that target, and disarm it with its last one.

    :returns: the fault as it is after that use: a count of 0 says that this was the last; None when none is armed.
    """
    fault = find(name, target)
    if fault is None:
        return None
    count = KINDS[name].count
    assert count is not None
    fault[count] -= 1
    if fault[count] == 0:
        _armed.remove(fault)
    return dict(fault)


def _forget_ended() -> None:
    now = _moment()
    _armed[:] = [fault for fault in _armed if fault.get("until", now + 1) > now]


def _moment(later: float = 0.0) -> float:
    """So many seconds from now, in whole milliseconds: a timer that goes off then finds the fault ended."""
    return round(time.time() + later, 3)
