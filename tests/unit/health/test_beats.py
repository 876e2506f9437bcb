"""Heartbeats are known from their receipts alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from clickstream.health.beats import LOOK_BACK, Beat, read_beats, send_beat
from clickstream.lake.place import Place
from clickstream.producer.kinesis import KinesisSink
from clickstream.producer.receipt import Receipt
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.producer.scripted import ScriptedKinesis
from tests.unit.reconciliation.makers import place as place_of
from tests.unit.reconciliation.makers import source

NOW = datetime(2026, 11, 18, 13, 30, 40, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def place(s3: MemoryS3) -> Place:
    return place_of(s3)


def stored(place: Place, at: datetime, purpose: str = "heartbeat") -> None:
    with Receipt(place.s3, place.evidence, "retail_web", purpose) as receipt:
        receipt.acknowledge(["a" * 32], at)


@pytest.fixture
def service() -> ScriptedKinesis:
    return ScriptedKinesis(NOW)


@pytest.fixture
def kinesis(service: ScriptedKinesis) -> KinesisSink:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    sink = KinesisSink(source(), session)
    sink.client.meta.events.register("before-send.kinesis", service.answer)
    return sink


def test_a_round_sends_one_canary_and_its_receipt_says_so(
    place: Place, kinesis: KinesisSink, service: ScriptedKinesis
) -> None:
    receipt = send_beat(place, source(), kinesis)
    (put,) = service.puts
    (record,) = put.records
    assert record.startswith(b'{"canary":{"kind":"heartbeat"')
    assert receipt.acknowledged == {"2026-11-18T13:00:00Z": 1}
    assert read_beats(place, source(), ago(20), NOW) == [Beat(NOW, 1)]


def test_why_it_was_refused_is_in_its_receipt(place: Place, kinesis: KinesisSink, service: ScriptedKinesis) -> None:
    service.script = [lambda put: ["KMSDisabledException"]]
    send_beat(place, source(), kinesis)
    assert read_beats(place, source(), ago(20), NOW) == [Beat(NOW, 0, ("KMSDisabledException",))]


def test_one_that_was_never_answered_is_no_acknowledged_one(place: Place) -> None:
    with Receipt(place.s3, place.evidence, "retail_web", "heartbeat") as receipt:
        receipt.lose_sight(NOW)
    assert read_beats(place, source(), ago(20), NOW) == [Beat(NOW, 0, ("unanswered",))]


def refusing(code: str) -> KinesisSink:
    sink = KinesisSink(
        source(), boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    )
    stubber = Stubber(sink.client)
    stubber.add_client_error("describe_stream_summary", code)
    stubber.activate()
    return sink


def test_a_stream_that_is_not_there_leaves_no_receipt_and_stops_nothing(place: Place, s3: MemoryS3) -> None:
    assert not send_beat(place, source(), refusing("ResourceNotFoundException")).acknowledged
    assert not s3.objects


def test_a_stream_that_we_may_not_see_is_not_taken_for_absent(place: Place) -> None:
    with pytest.raises(ClientError, match="AccessDeniedException"):
        send_beat(place, source(), refusing("AccessDeniedException"))


def test_the_window_s_heartbeats_are_read_and_the_last_one_before(place: Place, s3: MemoryS3) -> None:
    for minutes in (60, 40, 20, 19, 10, 0):
        stored(place, ago(minutes))
    s3.gets.clear()
    assert [beat.at for beat in read_beats(place, source(), ago(20), NOW)] == [ago(m) for m in (40, 20, 19, 10, 0)]
    assert len(s3.gets) == 5


@pytest.mark.parametrize("minutes", [[], [10], [40]])
def test_there_need_not_be_one_on_both_sides_of_the_window_s_begin(place: Place, minutes: list[int]) -> None:
    for each in minutes:
        stored(place, ago(each))
    assert [beat.at for beat in read_beats(place, source(), ago(20), NOW)] == [ago(each) for each in minutes]


def test_what_others_sent_is_no_heartbeat_and_is_not_even_read(place: Place, s3: MemoryS3) -> None:
    stored(place, ago(10), "send")
    s3.gets.clear()
    assert read_beats(place, source(), ago(20), NOW) == []
    assert s3.gets == []


def test_what_comes_after_now_and_what_is_too_old_is_not_seen(place: Place) -> None:
    stored(place, NOW + timedelta(seconds=1))
    stored(place, NOW - LOOK_BACK - timedelta(seconds=1))
    assert read_beats(place, source(), ago(20), NOW) == []
    stored(place, NOW - LOOK_BACK)
    assert read_beats(place, source(), ago(20), NOW) == [Beat(NOW - LOOK_BACK, 1)]
