"""What is wrong with a live path: thresholds, live state, heartbeats and metrics to findings with causes.

A pure function of what was read. Two kinds of question: what has *happened* within the window (traffic, refusals,
failed writes: a finding stays until the whole window is clean), and how it *stands* (the path, freshness, lag: the
newest datapoint says so).

A metric is missing only when a heartbeat proves that there must be one: the newest that was acknowledged so
long ago that CloudWatch must show it. Without such a heartbeat (a new path, Airflow just back) nothing is demanded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from clickstream.health.beats import Beat
from clickstream.health.causes import CAUSES, Cause
from clickstream.health.live import Live, Part
from clickstream.health.metrics import (
    BEHIND,
    FRESHNESS,
    MEASURES,
    METRICS_LATE,
    SUCCESS,
    Measures,
    Metric,
    Point,
    Readings,
)
from clickstream.lake.windows import hour_text
from clickstream.sources.model import Carrier, Health

_OF_WRITES = (SUCCESS, FRESHNESS)
"""Measured with each write to S3; without either, nothing is written."""
_REFUSED_FOR_BEING_TOO_MANY = frozenset({"ProvisionedThroughputExceededException", "ServiceUnavailableException"})
"""Codes of a refused record: a stream's, and a delivery's."""
_THROTTLED: Mapping[Carrier, Cause] = {"stream": "stream_throttled", "delivery": "delivery_throttled"}


class Finding(BaseModel):
    """One thing wrong.

    Attributes:
        cause: what it is.
        where: the part of the path.
        since: the earliest time at which it shows.
        evidence: what was read, in words.
    """

    model_config = ConfigDict(frozen=True)

    cause: Cause
    where: str
    since: datetime
    evidence: tuple[str, ...]


class Judgement(BaseModel):
    """What a round came to, as it is handed from task to task.

    Attributes:
        at: the services' time of the look.
        findings: what is wrong.
        judges_path, judges_traffic: whether the absence of a finding says that all is well: with the path, with the
            traffic. At night nobody can say that there is enough traffic again.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    findings: tuple[Finding, ...]
    judges_path: bool
    judges_traffic: bool


@dataclass(frozen=True)
class Look:
    """All that one round has read, and what follows from it.

    Args:
        health: the thresholds.
        live: the path now.
        beats: the heartbeats of the window and the last one before, in the order of time.
        readings: the metrics since that one.
    """

    health: Health
    live: Live
    beats: Sequence[Beat]
    readings: Readings

    @property
    def measures(self) -> Measures:
        """The metrics that such a path has."""
        return MEASURES[next(iter(self.live.parts))]

    @property
    def window_start(self) -> datetime:
        return window_start(self.health, self.live.now)

    @cached_property
    def traffic_window(self) -> tuple[datetime, datetime]:
        """The newest minutes, as many as the window has, that CloudWatch must show."""
        end = (self.live.now - METRICS_LATE).replace(second=0, microsecond=0)
        return end - timedelta(minutes=self.health.window_minutes), end

    @property
    def judges_path(self) -> bool:
        """Whether nothing can be wrong unseen: a heartbeat is due at the path's end, so what is missing shows."""
        return self.due_at_delivery is not None

    @property
    def judges_traffic(self) -> bool:
        """Whether traffic is expected in the whole of its window, by a path that was there and has its metric."""
        start, end = self.traffic_window
        hours = {start.hour, (end - timedelta(minutes=1)).hour}
        if not self.live.entrance.worked_at(start) or not all(map(self.health.expects_traffic, hours)):
            return False
        due = self.due_at_entrance
        return due is None or bool(self.readings.since(self.measures.incoming, due.at))

    @cached_property
    def due_at_entrance(self) -> Beat | None:
        """The newest heartbeat that the metrics of what comes in must show."""
        return self._newest_beat(METRICS_LATE, self.live.entrance)

    @cached_property
    def due_at_delivery(self) -> Beat | None:
        """The newest heartbeat that must have been delivered, and that the delivery's metrics must show."""
        allowed = timedelta(seconds=self.health.freshness_seconds)
        return self._newest_beat(allowed + METRICS_LATE, *self.live.parts.values())

    def _newest_beat(self, age: timedelta, *through: Part) -> Beat | None:
        """The newest one of that age or older that went through parts which still are the same."""
        return next(
            (
                beat
                for beat in reversed(self.beats)
                if beat.acknowledged
                and beat.at <= self.live.now - age
                and all(part.worked_at(beat.at) for part in through)
            ),
            None,
        )


def window_start(health: Health, now: datetime) -> datetime:
    """The begin of the window that a look at `now` has."""
    return now - timedelta(minutes=health.window_minutes)


def check(look: Look) -> list[Finding]:
    """What is wrong, one finding a cause; nothing is told that another finding explains."""
    found = {finding.cause: finding for each in _CHECKS for finding in each(look)}
    return [finding for cause in CAUSES if (finding := found.get(cause)) and not _is_explained(finding, look, found)]


def judge(look: Look) -> Judgement:
    """What is wrong, and what could be judged at all."""
    return Judgement(
        at=look.live.now,
        findings=tuple(check(look)),
        judges_path=look.judges_path,
        judges_traffic=look.judges_traffic,
    )


def _is_explained(finding: Finding, look: Look, found: dict[Cause, Finding]) -> bool:
    """Whether a finding is only what follows from another one."""
    match finding.cause:
        case "heartbeat_failed":
            too_many = _REFUSED_FOR_BEING_TOO_MANY.issuperset(look.beats[-1].refusals)
            return look.live.entrance.is_missing or (too_many and not found.keys().isdisjoint(_THROTTLED.values()))
        case "delivery_stalled":
            return "delivery_failing" in found or look.live.entrance.is_missing
    return False


def _path_missing(look: Look) -> Iterator[Finding]:
    missing = [part for part in look.live.parts.values() if part.is_missing]
    if missing:
        evidence = tuple(f"the {part.name} is {part.status}" for part in missing)
        where = ", ".join(part.name for part in missing)
        yield Finding(cause="path_missing", where=where, since=look.live.now, evidence=evidence)


def _heartbeat_failed(look: Look) -> Iterator[Finding]:
    if look.beats and look.beats[-1].at >= look.window_start and not look.beats[-1].acknowledged:
        last = look.beats[-1]
        evidence = f"the heartbeat of {hour_text(last.at)} was not acknowledged: {', '.join(last.refusals)}"
        yield Finding(cause="heartbeat_failed", where=look.live.entrance.name, since=last.at, evidence=(evidence,))


def _throttled(look: Look) -> Iterator[Finding]:
    metric = look.measures.throttled
    points = [point for point in look.readings.since(metric, look.window_start) if point.value]
    refused = sum(point.value for point in points)
    if refused > look.health.throttled:
        evidence = f"{refused:,.0f} records were refused in {look.health.window_minutes} minutes ({metric.name})"
        where = look.live.parts[metric.part].name
        yield Finding(cause=_THROTTLED[metric.part], where=where, since=points[0].at, evidence=(evidence,))


def _traffic_low(look: Look) -> Iterator[Finding]:
    if not look.judges_traffic:
        return
    start, end = look.traffic_window
    incoming = look.measures.incoming
    taken = sum(point.value for point in look.readings.since(incoming, start, end))
    ours = sum(beat.acknowledged for beat in look.beats if start <= beat.at < end)
    a_minute = max(taken - ours, 0) / look.health.window_minutes
    if a_minute < look.health.incoming_per_minute:
        evidence = (
            f"{a_minute:,.1f} records a minute ({incoming.name}, less {ours} heartbeats) from {hour_text(start)} to "
            f"{hour_text(end)}; {look.health.incoming_per_minute:g} are expected"
        )
        yield Finding(cause="traffic_low", where=look.live.entrance.name, since=start, evidence=(evidence,))


def _delivery_failing(look: Look) -> Iterator[Finding]:
    points = look.readings.since(SUCCESS, look.window_start)
    failed = [point for point in points if point.value < look.health.delivery_success]
    if failed and look.live.delivery.works:
        evidence = (
            f"in {len(failed)} of {len(points)} minutes with writes to S3 fewer than "
            f"{look.health.delivery_success:.0%} of them succeeded ({SUCCESS.name})"
        )
        yield Finding(cause="delivery_failing", where=look.live.delivery.name, since=failed[0].at, evidence=(evidence,))


def _delivery_stalled(look: Look) -> Iterator[Finding]:
    limit = timedelta(seconds=look.health.freshness_seconds)
    late = [
        (point, behind, metric)
        for metric, unit in ((FRESHNESS, timedelta(seconds=1)), (BEHIND, timedelta(milliseconds=1)))
        if (point := _newest_since_made(look, metric)) and (behind := point.value * unit) > limit
    ]
    evidence = [f"{behind} behind at {hour_text(point.at)} ({metric.name})" for point, behind, metric in late]
    since = [point.at - behind for point, behind, _ in late]
    beat = look.due_at_delivery
    if beat and not any(look.readings.since(metric, beat.at) for metric in _OF_WRITES):
        evidence.append(f"the heartbeat of {hour_text(beat.at)} was not delivered, nor anything after it")
        since.append(beat.at)
    if evidence:
        where = look.live.delivery.name
        yield Finding(cause="delivery_stalled", where=where, since=min(since), evidence=tuple(evidence))


def _newest_since_made(look: Look, metric: Metric) -> Point | None:
    """The newest datapoint, unless it is of a delivery that was there before this one."""
    point = look.readings.newest(metric)
    return point if point and look.live.delivery.worked_at(point.at) else None


def _metric_missing(look: Look) -> Iterator[Finding]:
    """Metrics without a datapoint since a heartbeat; of a delivery only while it delivers."""
    missing: list[tuple[Metric, datetime]] = []
    if beat := look.due_at_entrance:
        absent = [metric for metric in look.measures.of_entrance if not look.readings.since(metric, beat.at)]
        missing += [(metric, beat.at) for metric in absent]
    if beat := look.due_at_delivery:
        absent = [metric for metric in look.measures.of_delivery if not look.readings.since(metric, beat.at)]
        # What a delivery that stands still does not read and write, it does not measure; that has its own finding.
        if not any(_delivery_stalled(look)):
            missing += [(metric, beat.at) for metric in absent]
    if missing:
        where = ", ".join(dict.fromkeys(look.live.parts[metric.part].name for metric, _ in missing))
        evidence = tuple(f"{metric.name} has no datapoint since {hour_text(since)}" for metric, since in missing)
        since = min(since for _, since in missing)
        yield Finding(cause="metric_missing", where=where, since=since, evidence=evidence)


_CHECKS: tuple[Callable[[Look], Iterator[Finding]], ...] = (
    _path_missing,
    _heartbeat_failed,
    _throttled,
    _traffic_low,
    _delivery_failing,
    _delivery_stalled,
    _metric_missing,
)
