"""What is wrong with a path, as a table: what was read in a round, and the causes that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clickstream.health.beats import Beat
from clickstream.health.causes import CAUSES
from clickstream.health.check import Finding, Look, check, judge
from clickstream.health.live import Live, Part
from clickstream.health.metrics import (
    BEHIND,
    FRESHNESS,
    INCOMING,
    INCOMING_BY_PUT,
    SUCCESS,
    THROTTLED,
    THROTTLED_BY_PUT,
    Metric,
    Point,
    Readings,
)
from clickstream.sources.model import Health

NOW = datetime(2026, 11, 18, 13, 30, 40, tzinfo=UTC)
FULL = "ProvisionedThroughputExceededException"
Series = Mapping[int, float]
"""Value by minutes ago."""


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def every_minute(value: float, since: int = 30, until: int = 0) -> Series:
    return dict.fromkeys(range(since, until - 1, -1), value)


def beats(*minutes: int) -> list[Beat]:
    """Acknowledged heartbeats."""
    return [Beat(ago(each), 1) for each in minutes]


def refused(*reasons: str) -> list[Beat]:
    """As in a healthy round, but the last heartbeat."""
    return [*beats(25, 20, 15, 10, 5), Beat(ago(0), 0, reasons)]


@dataclass(frozen=True)
class Round:
    """What a round read; a healthy one in the middle of the day unless a case says otherwise."""

    stream: str = "ACTIVE"
    delivery: str = "ACTIVE"
    stream_age: int = 1000
    delivery_age: int = 1000
    """Minutes."""
    beats: Sequence[Beat] = tuple(beats(25, 20, 15, 10, 5, 0))
    incoming: Series | None = None
    throttled: Series | None = None
    behind: Series | None = None
    success: Series | None = None
    freshness: Series | None = None
    health: Health = Health()  # noqa: RUF009
    direct: bool = False
    """Without a stream."""

    def look(self) -> Look:
        incoming, throttled = (INCOMING_BY_PUT, THROTTLED_BY_PUT) if self.direct else (INCOMING, THROTTLED)
        series: dict[Metric, Series] = {
            incoming: every_minute(60) if self.incoming is None else self.incoming,
            throttled: every_minute(0) if self.throttled is None else self.throttled,
            BEHIND: every_minute(0) if self.behind is None else self.behind,
            SUCCESS: every_minute(1) if self.success is None else self.success,
            FRESHNESS: every_minute(60) if self.freshness is None else self.freshness,
        }
        points = {
            metric: [Point(ago(m).replace(second=0), v) for m, v in sorted(values.items(), reverse=True)]
            for metric, values in series.items()
        }
        stream = Part("stream s", self.stream, None if self.stream == "absent" else ago(self.stream_age))
        delivery = Part("delivery d", self.delivery, None if self.delivery == "absent" else ago(self.delivery_age))
        parts = {"delivery": delivery} if self.direct else {"stream": stream, "delivery": delivery}
        return Look(self.health, Live(parts, NOW), self.beats, Readings(points))  # type: ignore[arg-type]


def night(**changes: Any) -> Round:
    """Heartbeats only, outside the hours of traffic: what each of them leaves, and nothing else."""
    alone: dict[str, Any] = {
        "health": Health(traffic_hours="20-04"),
        "incoming": dict.fromkeys((25, 20, 15, 10, 5), 1),
        "throttled": dict.fromkeys((25, 20, 15, 10, 5), 0),
        "behind": dict.fromkeys((25, 20, 15, 10, 5), 0),
        "success": dict.fromkeys((24, 19, 14, 9), 1),
        "freshness": dict.fromkeys((24, 19, 14, 9), 60),
    }
    return Round(**{**alone, **changes})


def stopped(minutes: int, **changes: Any) -> Round:
    """A night in which the delivery does nothing since then."""
    quiet = night()
    series = {name: getattr(quiet, name) for name in ("behind", "success", "freshness")}
    left = {name: {m: v for m, v in values.items() if m >= minutes} for name, values in series.items()}
    return replace(quiet, **{**left, **changes})


NOTHING: dict[str, Any] = {name: {} for name in ("incoming", "throttled", "behind", "success", "freshness")}

CASES: dict[str, tuple[Round, list[str]]] = {
    "all is well": (Round(), []),
    "a quiet night": (night(), []),
    "a stream that is resharded": (Round(stream="UPDATING"), []),
    # The path.
    "no stream": (Round(stream="absent"), ["path_missing"]),
    "no stream, and nothing else to read": (Round(stream="absent", beats=(), **NOTHING), ["path_missing"]),
    "the stream goes away": (Round(stream="DELETING"), ["path_missing"]),
    "no delivery": (Round(delivery="absent"), ["path_missing"]),
    "the delivery could not be made": (Round(delivery="CREATING_FAILED"), ["path_missing"]),
    "no stream: the delivery's silence follows": (stopped(26, stream="absent"), ["path_missing"]),
    "no stream: what was late stays late": (Round(stream="absent", freshness=every_minute(4000)), ["path_missing"]),
    "no delivery: its silence follows": (stopped(26, delivery="absent"), ["path_missing"]),
    "no delivery: its last failures are history": (
        Round(delivery="absent", success=every_minute(0)),
        ["path_missing"],
    ),
    "no stream: no heartbeat": (Round(stream="absent", beats=refused("unreachable")), ["path_missing"]),
    "being made": (Round(stream="CREATING", delivery="CREATING", beats=(), **NOTHING), []),
    "made just now": (Round(stream_age=3, delivery_age=2, beats=beats(1, 0), **NOTHING), []),
    "made again: older heartbeats went to another": (stopped(8, stream_age=8, delivery_age=8), []),
    "only the delivery was made again": (stopped(8, delivery_age=8), []),
    "what the deleted delivery had measured": (Round(delivery_age=8, freshness={9: 4000.0}), []),
    # Airflow.
    "Airflow is back after an outage": (Round(beats=beats(0)), []),
    "Airflow is back after an outage, at night": (night(beats=beats(0), **NOTHING), []),
    "Airflow is back, and the delivery stood still when it went": (
        stopped(121, beats=beats(120, 0)),
        ["delivery_stalled"],
    ),
    "Airflow is back, and all was well when it went": (Round(beats=beats(60, 0), incoming=every_minute(60, 60)), []),
    # The heartbeat.
    "the last heartbeat was refused": (Round(beats=refused("KMSDisabledException")), ["heartbeat_failed"]),
    "it was never answered": (Round(beats=refused("unanswered")), ["heartbeat_failed"]),
    "one was refused, the next was not": (Round(beats=[*refused("unanswered"), *beats(0)]), []),
    "refused because shards are full": (
        Round(beats=refused(FULL), throttled=every_minute(0) | {2: 7.0}),
        ["stream_throttled"],
    ),
    "refused because shards are full, and for more": (
        Round(beats=refused(FULL, "unanswered"), throttled=every_minute(0) | {2: 7.0}),
        ["heartbeat_failed", "stream_throttled"],
    ),
    "refused so long ago that it tells nothing": (Round(beats=[Beat(ago(16), 0, ("unanswered",))]), []),
    # The stream.
    "one record refused": (Round(throttled=every_minute(0) | {15: 1.0}), ["stream_throttled"]),
    "one record refused before the window": (Round(throttled=every_minute(0) | {16: 1.0}), []),
    "as many as are allowed": (Round(throttled=every_minute(1, 9), health=Health(throttled=10)), []),
    "more than are allowed": (Round(throttled=every_minute(1, 10), health=Health(throttled=10)), ["stream_throttled"]),
    # Traffic.
    "just enough": (Round(incoming=every_minute(10) | dict.fromkeys((20, 15, 10), 11.0)), []),
    "enough with heartbeats only": (Round(incoming=every_minute(10) | {17: 9.0}), ["traffic_low"]),
    "nobody comes": (night(health=Health()), ["traffic_low"]),
    "nobody comes, an hour too early": (night(health=Health(traffic_hours="14-13")), []),
    "nobody comes yet: the stream is new": (night(health=Health(), stream_age=20), []),
    "the newest minutes are not complete yet": (Round(incoming=every_minute(60, until=6) | {5: 1.0, 0: 1.0}), []),
    "nobody comes, and Airflow is just back": (night(health=Health(), beats=beats(0), **NOTHING), ["traffic_low"]),
    # The delivery.
    "a write failed": (Round(success=every_minute(1) | {14: 0.9}), ["delivery_failing"]),
    "a write failed before the window": (Round(success=every_minute(1) | {16: 0.0}), []),
    "as many succeed as must": (Round(success=every_minute(0.9), health=Health(delivery_success=0.9)), []),
    "all writes fail, and so nothing is fresh": (
        Round(success=every_minute(0), freshness=every_minute(4000)),
        ["delivery_failing"],
    ),
    "just fresh enough": (Round(freshness=every_minute(300)), []),
    "not fresh": (Round(freshness=every_minute(60) | {0: 301.0}), ["delivery_stalled"]),
    "fresh again": (Round(freshness=every_minute(4000) | {0: 300.0}), []),
    "behind the stream": (Round(behind=every_minute(300_001)), ["delivery_stalled"]),
    "just not behind": (Round(behind=every_minute(300_000)), []),
    "a heartbeat is not delivered": (stopped(11), ["delivery_stalled"]),
    "it may still be delivered in time": (stopped(15, beats=beats(25, 20, 15)), ["delivery_stalled"]),
    "it had no time yet": (stopped(15, beats=beats(25, 20, 9, 5)), []),
    "the delivery reads, but does not write": (stopped(11, behind=every_minute(0)), ["delivery_stalled"]),
    # Metrics.
    "the stream's metrics are missing": (
        night(incoming={}, throttled={}),
        ["metric_missing"],
    ),
    "without IncomingRecords nothing is said about traffic": (Round(incoming={}), ["metric_missing"]),
    "one of the stream's is missing": (Round(throttled={}), ["metric_missing"]),
    "they may come yet": (night(incoming={}, throttled={}, beats=beats(4, 0)), []),
    "freshness is missing": (Round(freshness={}), ["metric_missing"]),
    "success is missing": (Round(success={}), ["metric_missing"]),
    "the lag is missing": (Round(behind={}), ["metric_missing"]),
    "freshness is missing since the heartbeat": (Round(freshness={11: 60.0}), ["metric_missing"]),
    # Put into the delivery.
    "direct: all is well": (Round(direct=True, behind={}), []),
    "direct: a quiet night": (night(direct=True, behind={}), []),
    "direct: what was never refused need not be measured": (Round(direct=True, behind={}, throttled={}), []),
    "direct: one record refused": (
        Round(direct=True, behind={}, throttled=every_minute(0) | {2: 1.0}),
        ["delivery_throttled"],
    ),
    "direct: refused because it is too much": (
        Round(direct=True, beats=refused("ServiceUnavailableException"), throttled=every_minute(0) | {2: 7.0}),
        ["delivery_throttled"],
    ),
    "direct: refused for no such reason": (
        Round(direct=True, beats=refused("ServiceUnavailableException")),
        ["heartbeat_failed"],
    ),
    "direct: nobody comes": (night(direct=True, behind={}, health=Health()), ["traffic_low"]),
    "direct: nobody comes yet: the delivery is new": (
        night(direct=True, behind={}, health=Health(), delivery_age=20),
        [],
    ),
    "direct: no delivery: no heartbeat": (
        Round(direct=True, delivery="absent", beats=refused("unreachable")),
        ["path_missing"],
    ),
    "direct: a heartbeat is not delivered": (stopped(11, direct=True), ["delivery_stalled"]),
    "direct: IncomingRecords is missing": (Round(direct=True, incoming={}), ["metric_missing"]),
    # Several at once.
    "everything": (
        Round(
            delivery="DELETING",
            beats=refused("unanswered"),
            throttled=every_minute(1),
            incoming=every_minute(1),
        ),
        ["path_missing", "heartbeat_failed", "stream_throttled", "traffic_low"],
    ),
}


def causes(found: Sequence[Finding]) -> list[str]:
    return [finding.cause for finding in found]


@pytest.mark.parametrize("case", CASES)
def test_a_round_has_its_causes(case: str) -> None:
    given, expected = CASES[case]
    assert causes(check(given.look())) == expected


def test_every_cause_turns_up_in_the_table() -> None:
    assert {cause for _, found in CASES.values() for cause in found} == set(CAUSES)


def the_finding(given: Round) -> Finding:
    (finding,) = check(given.look())
    return finding


def test_a_finding_says_where_since_when_and_what_was_read() -> None:
    found = the_finding(stopped(11, beats=beats(25, 20, 15, 11, 5)))
    assert (found.where, found.since) == ("delivery d", ago(11))
    assert found.evidence == ("the heartbeat of 2026-11-18T13:19:40Z was not delivered, nor anything after it",)


def test_a_delay_is_told_since_it_began() -> None:
    found = the_finding(Round(freshness=every_minute(60) | {0: 7200.0}))
    assert found.since == NOW.replace(second=0) - timedelta(hours=2)
    assert found.evidence == ("2:00:00 behind at 2026-11-18T13:30:00Z (DeliveryToS3.DataFreshness)",)


def test_refusals_are_counted_since_the_first_one() -> None:
    found = the_finding(Round(throttled=every_minute(0) | {16: 9.0, 14: 700.0, 3: 400.0}))
    assert (found.where, found.since) == ("stream s", ago(14).replace(second=0))
    assert found.evidence == ("1,100 records were refused in 15 minutes (WriteProvisionedThroughputExceeded)",)


def test_too_little_traffic_is_told_without_the_heartbeats() -> None:
    found = the_finding(night(health=Health(), incoming=every_minute(3)))
    (told,) = found.evidence
    assert told.startswith("2.8 records a minute (IncomingRecords, less 3 heartbeats)")
    assert told.endswith("from 2026-11-18T13:10:00Z to 2026-11-18T13:25:00Z; 10 are expected")


def test_what_is_missing_of_the_path_and_of_its_metrics_is_one_finding() -> None:
    path = the_finding(Round(stream="absent", delivery="DELETING"))
    assert path.where == "stream s, delivery d"
    assert path.evidence == ("the stream s is absent", "the delivery d is DELETING")
    metrics = the_finding(Round(throttled={}, freshness={}))
    assert metrics.where == "stream s, delivery d"
    assert [line.split()[0] for line in metrics.evidence] == [THROTTLED.name, FRESHNESS.name]


@pytest.mark.parametrize(
    ("hours", "minute", "judged"),
    [
        ("13-14", 20, True),  # the window ends five minutes ago: 13:00 to 13:15
        ("13-14", 19, False),
        ("00-13", 5, True),  # 12:45 to 13:00
        ("00-13", 6, False),
        ("00-24", 6, True),
    ],
)
def test_traffic_is_judged_when_the_whole_window_lies_in_its_hours(hours: str, minute: int, judged: bool) -> None:
    now = NOW.replace(minute=minute)
    parts = {"stream": Part("stream s", "ACTIVE", ago(1000)), "delivery": Part("delivery d", "ACTIVE", ago(1000))}
    live = Live(parts, now)  # type: ignore[arg-type]
    judgement = judge(Look(Health(traffic_hours=hours), live, (), Readings()))
    assert judgement.judges_traffic is judged
    assert causes(judgement.findings) == (["traffic_low"] if judged else [])


JUDGED: dict[str, tuple[Round, bool]] = {
    "a healthy round": (Round(), True),
    "nothing was sent long enough ago": (Round(beats=beats(9, 5, 0)), False),
    "just long enough ago": (Round(beats=beats(10, 5, 0)), True),
    "what was sent long enough ago was refused": (Round(beats=[Beat(ago(10), 0), *beats(5, 0)]), False),
    "the delivery was made since": (Round(delivery_age=10, beats=beats(15, 11, 5)), False),
    "the stream is gone": (Round(stream="absent"), False),
}


@pytest.mark.parametrize("case", JUDGED)
def test_a_round_judges_path_when_a_heartbeat_is_due_at_the_end_of_the_path(case: str) -> None:
    given, judged = JUDGED[case]
    assert given.look().judges_path is judged
