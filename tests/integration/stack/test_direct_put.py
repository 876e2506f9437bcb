"""A source without a stream, end to end: records put into Firehose, delivered, proven, watched; losses are found."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import orjson
import pytest
import yaml

from clickstream.health.beats import send_beat
from clickstream.lake.listing import list_hour
from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from clickstream.provisioning.canary import is_in_bronze, send_canary
from clickstream.provisioning.delivery import ROLE
from clickstream.provisioning.path import path_of
from clickstream.provisioning.plan import plan
from clickstream.provisioning.resource import Cloud
from clickstream.reconciliation.watermark import read_watermark, watermark_request
from clickstream.sources.loader import INCLUDE, load_source
from clickstream.sources.model import Source
from commands.cloud_clock import CloudClock
from commands.setup import set_up
from commands.shop_visits import visit
from tests.integration.stack.proof import Lake, lake_on
from tests.integration.stack.test_live_path import ENOUGH, MORNING, Watch

EVENTS_OF_AN_HOUR = 120
PLAIN, DOUBLED, LOST, SILENT = range(4)
"""Hours of the window: as it should be, an object written twice, one never written, heartbeats only."""


@pytest.fixture(scope="module")
def put_directly(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The shipped source without its stream."""
    file = tmp_path_factory.mktemp("include") / "retail_web.yaml"
    declared = yaml.safe_load((INCLUDE / "sources" / file.name).read_text())
    del declared["stream"]
    declared["tiers"].remove("stream")
    file.write_text(yaml.safe_dump(declared))
    return load_source(file, INCLUDE / "schemas")


@pytest.fixture(scope="module")
def lake(put_directly: Source, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Its path, whose delivery is made and works by a role that may read no stream."""
    with lake_on(tmp_path_factory.mktemp("state"), put_directly) as lake:
        iam, firehose = boto3.client("iam"), boto3.client("firehose")
        policy = iam.get_role_policy(RoleName=ROLE, PolicyName=ROLE)["PolicyDocument"]
        without = [each for each in policy["Statement"] if not str(each["Action"]).count("kinesis:")]
        assert len(without) < len(policy["Statement"])
        iam.put_role_policy(RoleName=ROLE, PolicyName=ROLE, PolicyDocument=json.dumps({**policy, "Statement": without}))
        firehose.delete_delivery_stream(DeliveryStreamName=put_directly.delivery.name)
        set_up([put_directly], Cloud.of(boto3.Session()))
        yield lake


def hour(lake: Lake, number: int) -> datetime:
    return lake.source.verify_from + number * HOUR


def events(start: datetime) -> list[bytes]:
    """Good events of an hour, each with its own id and consent."""
    rng = random.Random(start.hour)
    moments = (moment for _ in range(EVENTS_OF_AN_HOUR) for moment in visit(rng, start))
    return [orjson.dumps(next(moments).event | {"consent": True}) for _ in range(EVENTS_OF_AN_HOUR)]


def send(lake: Lake, at: datetime, records: list[bytes]) -> None:
    CloudClock(lake.control).set(at)
    with Receipt(lake.place.s3, lake.place.evidence, lake.source.name, "send") as receipt:
        Producer(open_sink(lake.source)).send(records, receipt)
    assert receipt.acknowledged.total() == len(records)


def test_the_path_has_no_stream_and_its_second_plan_is_empty(lake: Lake) -> None:
    assert boto3.client("kinesis").list_streams()["StreamNames"] == []
    described = boto3.client("firehose").describe_delivery_stream(DeliveryStreamName=lake.source.delivery.name)
    assert described["DeliveryStreamDescription"]["DeliveryStreamType"] == "DirectPut"
    steps = [plan(resource) for resource in path_of(lake.source, Cloud.of(boto3.Session()))]
    assert {step.action for step in steps} == {"none"}
    assert "stream" not in {step.kind for step in steps}


@pytest.fixture(scope="module")
def sent(lake: Lake) -> Window:
    """The window, in which all four hours arrived."""
    delivery = lake.source.delivery.name
    for number, fault in ((PLAIN, None), (DOUBLED, "double_object"), (LOST, "lose_object")):
        records = events(hour(lake, number))
        send(lake, hour(lake, number) + timedelta(minutes=5), records[::2])
        CloudClock(lake.control).set(hour(lake, number) + timedelta(minutes=15))
        if fault:
            lake.arm(fault=fault, delivery=delivery, objects=1)
        send(lake, hour(lake, number) + timedelta(minutes=20), records[1::2])
    CloudClock(lake.control).set(hour(lake, SILENT) + timedelta(minutes=30))
    send_beat(lake.place, lake.source, open_sink(lake.source))
    return Window(hour(lake, PLAIN), hour(lake, SILENT) + HOUR)


def passed(lake: Lake, end: datetime) -> bool:
    answer = lake.place.cloudwatch.get_metric_data(**watermark_request(lake.source, end))
    return read_watermark(lake.source, answer, end).passed


def test_the_delivery_s_freshness_alone_closes_the_window(lake: Lake, sent: Window) -> None:
    CloudClock(lake.control).set(sent.end + timedelta(minutes=10))
    assert not passed(lake, sent.end)
    send_beat(lake.place, lake.source, open_sink(lake.source))
    CloudClock(lake.control).set_real()
    assert passed(lake, sent.end)


def test_its_hours_are_proven_by_all_tiers_but_the_stream(lake: Lake, sent: Window) -> None:
    outcome = lake.prove(sent)
    told = [hour for hour in outcome.report["hours"] if hour["arrival_hour"] in set(map(hour_text, sent))]
    assert [hour["state"] for hour in told] == ["verified", "verified", "failed", "verified"]
    assert {hour["tiers"]["stream"] for hour in told} == {None}

    plain, doubled, lost, silent = told
    assert set(tiers(plain)) == {EVENTS_OF_AN_HOUR}
    half = EVENTS_OF_AN_HOUR // 2
    assert tiers(doubled) == [EVENTS_OF_AN_HOUR, EVENTS_OF_AN_HOUR, EVENTS_OF_AN_HOUR + half, EVENTS_OF_AN_HOUR]
    assert Counter(doubled["reasons"]) == {"exact": half}
    assert tiers(lost) == [EVENTS_OF_AN_HOUR, EVENTS_OF_AN_HOUR, half, half]
    assert lost["causes"] == ["acknowledged_missing"]
    assert tiers(silent) == [1, 1, 1, 0]
    assert outcome.report["verified_through"] == hour_text(hour(lake, DOUBLED))


def tiers(told: dict[str, Any]) -> list[int]:
    return [told["tiers"][tier] for tier in ("producer", "delivery", "bronze", "silver")]


def test_an_object_that_is_dropped_fails_its_hour(lake: Lake, sent: Window) -> None:
    stored = list_hour(lake.place.s3, lake.place.lake, lake.source.delivery.bronze.values(), sent.start)
    lake.place.s3.delete_object(Bucket=lake.place.lake, Key=stored[0].key)
    outcome = lake.prove(Window(sent.start, sent.start + HOUR))
    told = next(each for each in outcome.report["hours"] if each["arrival_hour"] == hour_text(sent.start))
    assert (told["state"], told["causes"]) == ("failed", ["object_missing"])
    assert outcome.report["verified_through"] is None


def test_the_canary_passes_the_delivery_to_bronze(lake: Lake) -> None:
    clock = CloudClock(lake.control)
    clock.set(hour(lake, SILENT + 5))
    with Receipt(lake.place.s3, lake.place.evidence, lake.source.name, "provision") as receipt:
        canary = send_canary(open_sink(lake.source), receipt)
    assert not is_in_bronze(lake.place.s3, lake.place.lake, lake.source, canary)
    clock.set_real()
    assert is_in_bronze(lake.place.s3, lake.place.lake, lake.source, canary)


def test_it_is_watched_by_what_the_delivery_measures(lake: Lake) -> None:
    watch = Watch(lake)
    watch.go_to(MORNING)
    assert watch.rounds(3, ENOUGH) == [[]] * 3
    watch.arm(fault="pause_delivery", delivery=lake.source.delivery.name)
    assert watch.until(["delivery_stalled"], within=6, events=ENOUGH) <= 4
    watch.clear_faults()
    assert watch.until([], within=4, events=ENOUGH) <= 3
    assert watch.until(["traffic_low"], within=6) > 1
    assert watch.until([], within=6, events=ENOUGH) > 1


def test_what_is_too_much_for_the_delivery_is_sent_again_and_found(lake: Lake) -> None:
    watch = Watch(lake)
    watch.go_to(MORNING + timedelta(hours=4))
    assert watch.rounds(5, ENOUGH)[-1] == []
    watch.pages()
    large = [b'{"n":%d,"pad":"%s"}' % (number, b"x" * 900_000) for number in range(24)]
    send(lake, watch.now + timedelta(seconds=10), large)
    assert watch.round(ENOUGH) == ["delivery_throttled"]
    assert watch.pages() == [("delivery_throttled", "opened")]
