"""What a run of `daily` is asked for, and the refusal of what cannot be meant.

A Param's own schema refuses what it can when the run is triggered; here is what takes more than one of them, the kind
of the run, or the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from clickstream.lake.windows import Window, hour_text
from clickstream.sources.model import Source

WITH_A_DAY = frozenset({"scheduled", "backfill"})
"""Kinds of DAG run that Airflow makes for an interval of their own."""

WINDOW_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:00:00Z/\d{4}-\d\d-\d\dT\d\d:00:00Z$"
"""The form of `window`; whether its dates exist, and in which order they stand, is not to be told by a pattern."""

SHORTEST_REASON, LONGEST_REASON = 10, 500
"""Characters of `waive`: an auditor is to learn something from it, and it is kept in every line of its hour."""


class Contradiction(ValueError):
    """The Params cannot be meant as they are: names each with its value, all faults at once."""


@dataclass(frozen=True)
class Occasion:
    """The DAG run that is asked.

    Attributes:
        kind: its type, as Airflow has it: scheduled, backfill, manual …
        cleared: whether somebody had it run again.
        interval: its data interval; counts for the kinds `WITH_A_DAY`.
        now: the time by the clock.
    """

    kind: str
    cleared: bool
    interval: tuple[datetime, datetime] | None
    now: datetime

    @property
    def by_hand(self) -> bool:
        """Whether it has no day of its own."""
        return self.kind not in WITH_A_DAY


@dataclass(frozen=True)
class Request:
    """What is to be done.

    Attributes:
        forced: process every hour of the window again: by Param, by backfill or by clearing.
        waive: why the losses that are found shall be accepted; empty: they shall not.
    """

    window: Window
    forced: bool = False
    contract: Literal["pinned", "latest"] = "pinned"
    waive: str = ""


def read_request(params: Mapping[str, Any], occasion: Occasion, source: Source) -> Request:
    """The request of a DAG run.

    Args:
        params: `window`, `force`, `contract` and `waive`.

    Raises:
        Contradiction: they cannot be meant together, on this occasion, or for this source.
    """
    reason = " ".join((params["waive"] or "").split())
    faults = [*_faults_of_window(params["window"], occasion, source), *_faults_of_waive(params, reason, occasion)]
    if faults:
        raise Contradiction("; ".join(faults))
    forced = bool(params["force"]) or occasion.kind == "backfill" or (occasion.cleared and not reason)
    return Request(_window(params["window"], occasion), forced, params["contract"], reason)


def _window(text: str | None, occasion: Occasion) -> Window:
    if text or occasion.interval is None:
        return Window.parse(text or "")
    start, end = occasion.interval
    return Window.parse(f"{hour_text(start)}/{hour_text(end)}")


def _faults_of_window(text: str | None, occasion: Occasion, source: Source) -> Iterator[str]:
    if not text:
        if occasion.by_hand:
            yield (
                f"params.window = {text!r}: a run by hand needs START/END, "
                "such as 2026-11-18T00:00:00Z/2026-11-19T00:00:00Z"
            )
        return
    if not occasion.by_hand:
        yield f"params.window = {text!r}: a {occasion.kind} run has a day of its own; trigger one by hand for a window"
    try:
        window = Window.parse(text)
    except ValueError as error:
        yield f"params.window = {text!r}: {error}"
        return
    if window.end <= source.verify_from:
        yield (
            f"params.window = {text!r}: it ends before {source.name} is proven, "
            f"from {hour_text(source.verify_from)} (verify_from) on"
        )
    if window.end > occasion.now:
        yield f"params.window = {text!r}: its last hour has not ended, it is {occasion.now:%Y-%m-%dT%H:%MZ}"


def _faults_of_waive(params: Mapping[str, Any], reason: str, occasion: Occasion) -> Iterator[str]:
    told = f"params.waive = {params['waive']!r}"
    if params["waive"] is None:
        return
    if len(reason) < SHORTEST_REASON:
        yield f"{told}: write why, in {SHORTEST_REASON} characters or more"
    if not occasion.by_hand:
        yield f"{told}: on a {occasion.kind} run; losses are accepted in a run by hand, whose window names the hours"
    elif not params["window"]:
        yield f"{told}: without params.window it names no hours"
    # What people accept must be what is there: neither of these leaves it as it was found.
    if params["force"]:
        yield f"{told}: with params.force = True; force first, then waive what is still failed"
    if params["contract"] != "pinned":
        yield f"{told}: with params.contract = {params['contract']!r}; replay first, then waive what is still failed"
