"""The producer against a Kinesis with written answers: every record ends up with the outcome it really had."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from clickstream.contract.records import raw_hash
from clickstream.producer.kinesis import KinesisSink
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from tests.unit.producer.scripted import Put, ScriptedKinesis, Waits

THROTTLED = "ProvisionedThroughputExceededException"
HOUR_13, HOUR_14 = "2026-11-18T13:00:00Z", "2026-11-18T14:00:00Z"


class Outcomes(Receipt):
    """A receipt that stores nothing and remembers single records."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.refused: list[str] = []
        self.lost: list[datetime] = []
        self.at: list[datetime] = []

    def acknowledge(self, raw_hashes: Sequence[str], at: datetime) -> None:
        self.taken += raw_hashes
        self.at.append(at)

    def fail(self, reason: str, at: datetime) -> None:
        self.refused.append(reason)

    def lose_sight(self, at: datetime) -> None:
        self.lost.append(at)


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def producer(kinesis: KinesisSink, waits: Waits) -> Producer:
    return Producer(kinesis, patience_seconds=60, sleep=waits.sleep, monotonic=waits.monotonic)


def _events(count: int) -> list[bytes]:
    return [b'{"session_id":"s-%d","n":%d}' % (n % 7, n) for n in range(count)]


def _refuse_every_third(put: Put) -> list[str | None]:
    return [THROTTLED if place % 3 == 0 else None for place in range(len(put.records))]


def _refuse_all(put: Put) -> list[str | None]:
    return [THROTTLED] * len(put.records)


def test_records_go_out_in_full_batches_each_ended_by_one_line_feed(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    events = _events(1201)
    producer.send(events, outcomes)

    assert [len(put.records) for put in service.puts] == [500, 500, 201]
    assert {put.stream for put in service.puts} == {"retail-clickstream"}
    assert b"".join(record for put in service.puts for record in put.records) == b"".join(e + b"\n" for e in events)
    assert outcomes.taken == [raw_hash(event) for event in events]
    assert outcomes.at == [service.now] * 3


def test_a_batch_is_answered_before_the_next_is_asked_for(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    def records() -> Iterator[bytes]:
        for number, event in enumerate(_events(1001)):
            assert len(service.puts) == number // 500
            yield event

    producer.send(records(), outcomes)
    assert len(service.puts) == 3


def test_a_batch_holds_five_mebibytes_with_its_keys(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    key = b"k" * 256
    events = [
        b'{"session_id":"%s","pad":"%s"}' % (key, b"x" * (KinesisSink.limits.entry_bytes // 2)) for _ in range(20)
    ]
    producer.send(events, outcomes)

    sizes = [sum(map(len, put.records)) + 256 * len(put.records) for put in service.puts]
    assert sum(len(put.records) for put in service.puts) == 20
    assert max(sizes) <= KinesisSink.limits.request_bytes
    assert [len(put.records) for put in service.puts] == [9, 9, 2]


@pytest.mark.parametrize("surplus", [0, 1])
def test_only_a_record_of_more_than_one_mebibyte_with_its_key_fails_and_at_once(
    surplus: int, producer: Producer, service: ScriptedKinesis, outcomes: Outcomes, waits: Waits
) -> None:
    frame = b'{"session_id":"s-1","pad":""}'
    room = KinesisSink.limits.entry_bytes - len(frame) - len("s-1") - len("\n")
    large = frame[:-2] + b"x" * (room + surplus) + b'"}'
    producer.send([*_events(3), large, *_events(3)], outcomes)

    assert len(outcomes.taken) == 7 - surplus
    assert outcomes.refused == ["record_too_large"] * surplus
    assert not waits.slept


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (b'{"session_id":"sess-1"}', "sess-1"),
        ('{"session_id":"süß"}'.encode(), "süß"),
        (b'{"session_id":""}', None),
        (b'{"session_id":null}', None),
        (b'{"session_id":7}', None),
        (b'{"session_id":"%s"}' % (b"s" * 257), None),
        (b'{"canary":{"kind":"heartbeat","id":"1"}}', None),
        (b'["session_id"]', None),
        (b'{"session_id":"sess-1"', None),
        (b'{"session_id":"s\xff"}', None),
    ],
)
def test_the_partition_key_is_the_declared_field_else_the_records_hash(
    record: bytes, key: str | None, producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    producer.send([record], outcomes)
    assert service.puts[0].keys == [key or raw_hash(record)]


def test_items_are_cut_into_raw_records_and_malformed_ones_are_sent_as_they_are(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    producer.send([b"", b"\n", b"\r\n", b"not json\n", b"a\rb\n", b"\xef\xbb\xbf{}\n", b"\x00\xff\n"], outcomes)
    assert service.puts[0].records == [b"not json\n", b"a\n", b"b\n", b"{}\n", b"\x00\xff\n"]
    assert outcomes.taken == [raw_hash(record) for record in (b"not json", b"a", b"b", b"{}", b"\x00\xff")]


def test_only_the_refused_records_are_sent_again(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes, waits: Waits
) -> None:
    events = _events(9)
    service.script = [_refuse_every_third, _refuse_every_third]
    producer.send(events, outcomes)

    assert [len(put.records) for put in service.puts] == [9, 3, 1]
    assert sorted(outcomes.taken) == sorted(map(raw_hash, events))
    assert len(waits.slept) == 2


@pytest.mark.parametrize("code", [THROTTLED, "InternalFailure"])
def test_everything_arrives_once_the_refusals_end(
    code: str, producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    service.script = [lambda put: [code] * len(put.records)] * 30
    producer.send(_events(700), outcomes)
    assert len(outcomes.taken) == 700
    assert not outcomes.refused


def test_waits_are_random_below_a_bound_that_doubles_up_to_two_seconds(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    service.script = [_refuse_all] * 7
    producer.send(_events(1), outcomes)
    assert waits.slept == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_patience_ends_in_failure_and_what_follows_is_tried_once(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes, waits: Waits
) -> None:
    service.script = [_refuse_all] * 10_000
    producer.send(_events(1500), outcomes)

    assert outcomes.refused == [THROTTLED] * 1500
    assert 60 <= sum(waits.slept) < 62
    assert [len(put.records) for put in service.puts[-2:]] == [500, 500]
    assert service.puts[-2].records != service.puts[-1].records


def test_an_acknowledgement_restores_patience(producer: Producer, service: ScriptedKinesis, outcomes: Outcomes) -> None:
    refusals = iter([True, True])

    def decide(put: Put) -> list[str | None]:
        number = json.loads(put.records[0])["n"]
        refused = number < 500 or (number >= 1000 and next(refusals, False))
        return [THROTTLED if refused else None] * len(put.records)

    service.script = [decide] * 10_000
    producer.send(_events(1500), outcomes)
    assert outcomes.refused == [THROTTLED] * 500
    assert len(outcomes.taken) == 1000


@pytest.mark.parametrize(
    "lost",
    [ReadTimeoutError(endpoint_url="x"), ConnectionClosedError(endpoint_url="x"), (500, "InternalFailure")],
)
def test_a_put_without_an_answer_is_sent_again(
    lost: Any, producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    service.script = [lost]
    producer.send(_events(5), outcomes)
    assert service.puts[0] == service.puts[1]
    assert len(outcomes.taken) == 5
    assert not outcomes.lost


def test_what_is_never_answered_is_unknown_in_the_hour_last_heard_of(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    service.script = [lambda put: [None] * 500, *[ReadTimeoutError(endpoint_url="x")] * 1000]
    producer.send(_events(800), outcomes)
    assert len(outcomes.taken) == 500
    assert outcomes.lost == [service.now] * 300
    assert not outcomes.refused


@pytest.mark.parametrize("refusal", [_refuse_all, (400, THROTTLED)])
def test_a_refusal_after_a_put_without_an_answer_leaves_the_record_unknown(
    refusal: Any, producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    service.script = [ReadTimeoutError(endpoint_url="x"), *[refusal] * 1000]
    producer.send(_events(3), outcomes)
    assert len(outcomes.lost) == 3
    assert not outcomes.refused


def test_a_service_out_of_reach_has_not_got_the_records(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    service.script = [lambda put: [None] * 500, *[EndpointConnectionError(endpoint_url="x")] * 1000]
    producer.send(_events(502), outcomes)
    assert outcomes.refused == ["unreachable"] * 2
    assert not outcomes.lost


def test_a_final_refusal_is_not_repeated_and_does_not_stop_the_rest(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes, waits: Waits
) -> None:
    service.script = [(400, "KMSDisabledException")]
    producer.send(_events(600), outcomes)
    assert outcomes.refused == ["KMSDisabledException"] * 500
    assert len(outcomes.taken) == 100
    assert not waits.slept


def test_a_throttled_request_is_repeated_whole(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    service.script = [(400, THROTTLED)] * 3
    producer.send(_events(4), outcomes)
    assert [len(put.records) for put in service.puts] == [4, 4, 4, 4]
    assert len(outcomes.taken) == 4


def test_an_absent_stream_is_known_before_anything_is_sent(
    kinesis: KinesisSink, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    def refuse(request: Any, **_: Any) -> Any:
        return service._respond(400, {"__type": "ResourceNotFoundException", "message": "no stream"})

    kinesis.client.meta.events.register_first("before-send.kinesis", refuse)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        Producer(kinesis).send(_events(3), outcomes)
    assert not service.puts


def test_the_time_of_an_acknowledgement_is_the_answers_own(
    producer: Producer, service: ScriptedKinesis, outcomes: Outcomes
) -> None:
    def records() -> Iterator[bytes]:
        for number, event in enumerate(_events(501)):
            if number == 500:
                service.now += timedelta(seconds=1)
            yield event

    producer.send(records(), outcomes)
    assert [f"{at:%H:%M:%S}" for at in outcomes.at] == ["13:59:59", "14:00:00"]
