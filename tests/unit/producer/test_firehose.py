"""The producer into a delivery that is put to directly: what differs from a stream."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from clickstream.contract.records import raw_hash
from clickstream.producer.firehose import FirehoseSink
from clickstream.producer.kinesis import KinesisSink
from clickstream.producer.producer import Producer
from clickstream.producer.sinks import open_sink
from clickstream.sources.model import Source
from tests.unit.producer.scripted import Put, ScriptedFirehose, Waits
from tests.unit.producer.test_producer import Outcomes

SESSION: Any = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
NOW = datetime(2026, 11, 18, 13, tzinfo=UTC)
THROTTLED = "ServiceUnavailableException"


@pytest.fixture
def put_directly(source: Source) -> Source:
    return source.model_copy(update={"stream": None})


@pytest.fixture
def service() -> ScriptedFirehose:
    return ScriptedFirehose(NOW)


@pytest.fixture
def sink(put_directly: Source, service: ScriptedFirehose) -> FirehoseSink:
    made = FirehoseSink(put_directly, SESSION)
    made.client.meta.events.register("before-send.firehose", service.answer)
    return made


@pytest.fixture
def producer(sink: FirehoseSink, waits: Waits) -> Producer:
    return Producer(sink, patience_seconds=60, sleep=waits.sleep, monotonic=waits.monotonic)


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


def _events(count: int) -> list[bytes]:
    return [b'{"session_id":"s-%d","n":%d}' % (n % 7, n) for n in range(count)]


def test_records_are_put_into_the_stream_or_else_into_the_delivery(source: Source, put_directly: Source) -> None:
    assert isinstance(open_sink(source, SESSION), KinesisSink)
    assert isinstance(open_sink(put_directly, SESSION), FirehoseSink)


def test_records_go_out_in_full_batches_without_keys(
    producer: Producer, service: ScriptedFirehose, outcomes: Outcomes
) -> None:
    events = _events(1201)
    producer.send(events, outcomes)

    assert [len(put.records) for put in service.puts] == [500, 500, 201]
    assert {put.stream for put in service.puts} == {"retail-clickstream-to-s3"}
    assert not any(put.keys for put in service.puts)
    assert b"".join(record for put in service.puts for record in put.records) == b"".join(e + b"\n" for e in events)
    assert outcomes.taken == [raw_hash(event) for event in events]
    assert outcomes.at == [service.now] * 3


def test_a_batch_holds_four_mebibytes(producer: Producer, service: ScriptedFirehose, outcomes: Outcomes) -> None:
    producer.send([b"x" * (512 * 1024 - 1)] * 20, outcomes)
    assert [sum(map(len, put.records)) for put in service.puts] == [4 * 1024 * 1024, 4 * 1024 * 1024, 2 * 1024 * 1024]


@pytest.mark.parametrize("surplus", [0, 1])
def test_only_a_record_of_more_than_a_thousand_kibibytes_fails_and_at_once(
    surplus: int, producer: Producer, service: ScriptedFirehose, outcomes: Outcomes, waits: Waits
) -> None:
    producer.send([b"{}", b"x" * (1000 * 1024 - len(b"\n") + surplus), b"[]"], outcomes)
    assert len(outcomes.taken) == 3 - surplus
    assert outcomes.refused == ["record_too_large"] * surplus
    assert not waits.slept


def test_only_the_refused_records_are_sent_again_after_a_wait(
    producer: Producer, service: ScriptedFirehose, outcomes: Outcomes, waits: Waits
) -> None:
    def refuse_every_third(put: Put) -> list[str | None]:
        return [THROTTLED if place % 3 == 0 else None for place in range(len(put.records))]

    events = _events(9)
    service.script = [refuse_every_third, lambda put: ["InternalFailure"] * len(put.records)]
    producer.send(events, outcomes)

    assert [len(put.records) for put in service.puts] == [9, 3, 3]
    assert sorted(outcomes.taken) == sorted(map(raw_hash, events))
    assert len(waits.slept) == 2


def test_a_final_refusal_is_not_repeated(
    producer: Producer, service: ScriptedFirehose, outcomes: Outcomes, waits: Waits
) -> None:
    service.script = [(400, "InvalidKMSResourceException")]
    producer.send(_events(600), outcomes)
    assert outcomes.refused == ["InvalidKMSResourceException"] * 500
    assert len(outcomes.taken) == 100
    assert not waits.slept


@pytest.mark.parametrize("lost", [ReadTimeoutError(endpoint_url="x"), (503, THROTTLED)])
def test_what_is_never_answered_is_unknown(
    lost: Any, producer: Producer, service: ScriptedFirehose, outcomes: Outcomes
) -> None:
    service.script = [lambda put: [None] * 500, *[lost] * 1000]
    producer.send(_events(800), outcomes)
    assert len(outcomes.taken) == 500
    assert outcomes.lost == [service.now] * 300
    assert not outcomes.refused


def test_an_absent_delivery_is_known_before_anything_is_sent(
    sink: FirehoseSink, producer: Producer, service: ScriptedFirehose, outcomes: Outcomes
) -> None:
    def refuse(request: Any, **_: Any) -> Any:
        return service._respond(400, {"__type": "ResourceNotFoundException", "message": "no delivery"})

    sink.client.meta.events.register_first("before-send.firehose", refuse)
    with pytest.raises(ClientError, match="ResourceNotFoundException") as raised:
        producer.send(_events(3), outcomes)
    assert isinstance(raised.value, sink.absent)
    assert not service.puts
