"""A path that is watched: rounds of five minutes on the local cloud's clock, through a night and a day of faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import orjson
import pytest

from clickstream.health.beats import send_beat
from clickstream.health.check import judge
from clickstream.health.look import take_look
from clickstream.health.report import report
from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.paging.incidents import Incidents
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt, receipts
from clickstream.producer.sinks import open_sink
from clickstream.provisioning.resource import Cloud
from clickstream.reconciliation.watermark import read_watermark, watermark_request
from commands.cloud_clock import CloudClock
from commands.setup import set_up
from tests.integration.stack.proof import Lake, lake_on

ROUND = timedelta(minutes=5)
ENOUGH = 60
"""Records in a round with traffic: 12 a minute."""
NIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=30, microsecond=0) + timedelta(days=1)
"""After the path is made: what was measured before a part was made is not held against it."""
MORNING = NIGHT + timedelta(hours=6)
"""When the traffic hours of the source begin."""


class Watch:
    """Rounds, one after the other; each says which causes it found."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.clock = CloudClock(lake.control)
        self.firehose = boto3.client("firehose")
        self.kinesis = boto3.client("kinesis")
        self.now = NIGHT
        self.told: list[tuple[str, str]] = []
        """Cause and kind of each page."""

    def go_to(self, moment: datetime) -> None:
        self.now = moment
        self.clock.set(moment)

    def round(self, events: int = 0) -> list[str]:
        """What `<source>__health` does in one run; some events have come since the last one."""
        lake, source = self.lake, self.lake.source
        self.go_to(self.now + ROUND / 2)
        if events:
            with Receipt(lake.place.s3, lake.place.evidence, source.name, "send") as receipt:
                Producer(open_sink(source)).send(
                    (orjson.dumps({"event_id": f"{hour_text(self.now)}-{n}"}) for n in range(events)), receipt
                )
        self.go_to(self.now + ROUND / 2)
        send_beat(lake.place, source, open_sink(source))
        judgement = judge(take_look(lake.place, source, self.kinesis, self.firehose))
        assert abs(judgement.at - self.now) < ROUND / 2, "the services' now is the local cloud's"
        incidents = Incidents.of(lake.place, source.name, boto3.client("sns"))
        self.told += sorted(report(incidents, source, judgement, "link", self.now).items())
        return [finding.cause for finding in judgement.findings]

    def rounds(self, count: int, events: int = 0) -> list[list[str]]:
        return [self.round(events) for _ in range(count)]

    def until(self, causes: list[str], within: int, events: int = 0) -> int:
        """Rounds until these are found; before, only what was found in the first one."""
        before = self.round(events)
        for number in range(1, within):
            if before == causes:
                return number
            if (found := self.round(events)) != before:
                assert found == causes
                return number + 1
        raise AssertionError(f"{causes} was not found within {within} rounds, but {before}")

    def is_closed(self, end: datetime) -> bool:
        """Whether the watermark has passed a moment."""
        place, source = self.lake.place, self.lake.source
        answer = place.cloudwatch.get_metric_data(**watermark_request(source, end))
        return read_watermark(source, answer, end).passed

    def arm(self, **fault: Any) -> None:
        self.lake.arm(**fault)

    def pages(self) -> list[tuple[str, str]]:
        """What people were told since this was last asked."""
        told, self.told = self.told, []
        return told

    def clear_faults(self) -> None:
        self.lake.control.delete("/_local/faults").raise_for_status()


def whole_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with lake_on(tmp_path_factory.mktemp("state")) as lake:
        yield lake


@pytest.fixture(scope="module")
def watch(lake: Lake) -> Watch:
    """A path that nothing has passed yet, at midnight."""
    watch = Watch(lake)
    watch.go_to(NIGHT)
    return watch


def test_a_quiet_night_with_only_heartbeats_is_well(watch: Watch) -> None:
    """From the very first round of a new path on."""
    assert watch.rounds(24) == [[]] * 24
    assert watch.pages() == []


def test_each_heartbeat_has_its_receipt_and_lies_in_bronze(watch: Watch, lake: Lake) -> None:
    hour = NIGHT.replace(second=0) + timedelta(hours=1)
    promised = receipts(lake.place.s3, lake.place.evidence, "retail_web", hour, hour + timedelta(hours=1))
    assert promised[hour_text(hour)].acknowledged == 12


def test_traffic_is_missed_in_its_hours_only_and_heartbeats_are_none(watch: Watch) -> None:
    assert MORNING.hour == int(watch.lake.source.health.traffic_hours[:2])  # type: ignore[union-attr]
    watch.go_to(MORNING - ROUND * 4)
    assert watch.rounds(4) == [[]] * 4
    assert watch.until(["traffic_low"], within=6) > 3
    assert watch.until([], within=6, events=ENOUGH) > 1
    assert watch.pages() == [("traffic_low", "opened"), ("traffic_low", "resolved")]


def test_a_delivery_that_stops_for_two_hours_is_found_once_and_recovers(watch: Watch) -> None:
    watch.arm(fault="pause_delivery", delivery="retail-clickstream-to-s3")
    assert watch.until(["delivery_stalled"], within=6, events=ENOUGH) <= 4
    stopped = whole_hour(watch.now)
    assert watch.rounds(21, ENOUGH) == [["delivery_stalled"]] * 21
    assert watch.now > stopped + HOUR and not watch.is_closed(stopped + HOUR)
    watch.clear_faults()
    assert watch.until([], within=4, events=ENOUGH) <= 3
    assert watch.rounds(4, ENOUGH) == [[]] * 4
    assert watch.pages() == [("delivery_stalled", "opened"), ("delivery_stalled", "resolved")]
    assert watch.is_closed(stopped + HOUR)


def test_the_quiet_night_and_the_hours_without_delivery_are_proven(watch: Watch, lake: Lake) -> None:
    until_now = Window(whole_hour(NIGHT), whole_hour(watch.now) - HOUR)
    outcome = lake.prove(until_now)
    assert {outcome.states[hour_text(hour)] for hour in until_now} == {"verified"}
    fates = {hour["arrival_hour"]: hour["fates"] for hour in outcome.report["hours"]}
    night = fates[hour_text(until_now.start + HOUR)]
    assert (night["good"], night["filtered"]) == (0, 12)


def test_writes_that_fail_are_found_before_they_are_late(watch: Watch) -> None:
    watch.arm(fault="fail_delivery", delivery="retail-clickstream-to-s3", attempts=20)
    assert watch.until(["delivery_failing"], within=4, events=ENOUGH) <= 2
    watch.clear_faults()
    assert watch.until([], within=8, events=ENOUGH) > 1
    assert watch.pages() == [("delivery_failing", "opened"), ("delivery_failing", "resolved")]


def test_full_shards_are_found_until_the_window_is_clean(watch: Watch) -> None:
    watch.arm(fault="throttle", stream="retail-clickstream", calls=2)
    assert watch.until(["stream_throttled"], within=3, events=ENOUGH) == 1
    assert watch.until([], within=6, events=ENOUGH) == 3, "15 minutes after the refusal, which lay between two rounds"
    assert watch.pages() == [("stream_throttled", "opened"), ("stream_throttled", "resolved")]


def test_a_delivery_that_somebody_deleted_is_found_at_once_and_its_successor_is_well(watch: Watch, lake: Lake) -> None:
    watch.firehose.delete_delivery_stream(DeliveryStreamName="retail-clickstream-to-s3")
    assert watch.rounds(3, ENOUGH) == [["path_missing"]] * 3
    set_up([lake.source], Cloud.of(boto3.Session()))
    assert watch.rounds(2, ENOUGH) == [[]] * 2
    assert watch.pages() == [("path_missing", "opened")], "not well before a heartbeat has passed it"
    assert watch.rounds(2, ENOUGH) == [[]] * 2
    assert watch.pages() == [("path_missing", "resolved")]


def test_a_stream_that_somebody_deleted_is_one_finding(watch: Watch, lake: Lake) -> None:
    watch.kinesis.delete_stream(StreamName="retail-clickstream", EnforceConsumerDeletion=True)
    assert watch.rounds(5) == [["path_missing"]] * 5
    assert watch.pages() == [("path_missing", "opened")]
