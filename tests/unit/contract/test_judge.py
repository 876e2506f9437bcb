"""Every bad input has its documented fate and reason, and none breaks the judge."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from clickstream.contract.judge import MAX_DEPTH, Judge, Judgement
from clickstream.contract.schema import Schema
from clickstream.sources.model import Source

HOUR = datetime(2026, 11, 18, 13, tzinfo=UTC)
EVENT = {"event_id": "e-1", "event_type": "click", "timestamp": "2026-11-18T13:05:00Z"}


def text(**changes: Any) -> bytes:
    """A sound event with some fields changed; None takes one out."""
    return orjson.dumps({name: value for name, value in {**EVENT, **changes}.items() if value is not None})


def with_raw(fragment: str) -> bytes:
    """A sound event with a piece of JSON text added."""
    return text()[:-1] + b"," + fragment.encode() + b"}"


def fate(judged: Judgement) -> str:
    return judged.fate if judged.reason is None else f"{judged.fate} {judged.reason}"


BAD_JSON = {
    "empty text": b" ",
    "broken": b'{"event_id": "e-1"',
    "two on one line": text() + text(),
    "invalid UTF-8": b'{"event_id": "\xff"}',
    "NUL": b'{"event_id": "\x00"}',
    "half a surrogate": b'{"event_id": "\\ud800"}',
    "byte order mark": b"\xef\xbb\xbf" + text(),
    "NaN": with_raw('"properties": {"price": NaN}'),
    "Infinity": with_raw('"properties": {"price": -Infinity}'),
    "1e400": with_raw('"properties": {"price": 1e400}'),
    "400 digits": with_raw('"seen": ' + "9" * 400),
    "5000 digits": with_raw('"seen": ' + "9" * 5000),
    "single quotes": b"{'event_id': 'e-1'}",
    "comma at the end": b'{"event_id": "e-1",}',
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_what_is_no_json_is_quarantined(judge: Judge, case: str) -> None:
    assert fate(judge(BAD_JSON[case], HOUR)) == "quarantined bad_json"


CONTRACT = {
    "empty object": (b"{}", "required:event_id"),
    "array": (b"[]", "type:$"),
    "array of events": (b"[" + text() + b"]", "type:$"),
    "array with a key twice": (b'[{"event_id": 1}, {"event_id": 2}]', "type:$"),
    "null": (b"null", "type:$"),
    "text": (b'"event"', "type:$"),
    "number": (b"1", "type:$"),
    "no event_id": (text(event_id=None), "required:event_id"),
    "empty event_id": (text(event_id=""), "minLength:event_id"),
    "event_id a number": (text(event_id=7), "type:event_id"),
    "event_id null": (with_raw('"x": 1').replace(b'"e-1"', b"null"), "type:event_id"),
    "event_id of 257 characters": (text(event_id="x" * 257), "maxLength:event_id"),
    "event_id with NUL": (text(event_id="a\x00b"), "pattern:event_id"),
    "event_id with a line end": (text(event_id="a\nb"), "pattern:event_id"),
    "event_id of a megabyte": (text(event_id="x" * 2**20), "maxLength:event_id"),
    "no type": (text(event_type=None), "required:event_type"),
    "unknown type": (text(event_type="hover"), "enum:event_type"),
    "no timestamp": (text(timestamp=None), "required:timestamp"),
    "timestamp a number": (text(timestamp=1795007100), "type:timestamp"),
    "consent null": (with_raw('"consent": null'), "type:consent"),
    "consent a text": (text(consent="false"), "type:consent"),
    "consent 0": (text(consent=0), "type:consent"),
    "geo a list": (text(geo=[]), "type:geo"),
    "nested type": (text(geo={"country": 49}), "type:geo.country"),
    "half a piece": (text(properties={"quantity": 1.5}), "type:properties.quantity"),
    "huge integer": (with_raw('"properties": {"quantity": 99999999999999999999999}'), "maximum:properties.quantity"),
    "price true": (text(properties={"price": True}), "type:properties.price"),
    "several faults": (b'{"event_type": "hover", "timestamp": 1}', "enum:event_type"),
}


@pytest.mark.parametrize("case", CONTRACT)
def test_what_breaks_the_contract_is_quarantined_with_its_code(judge: Judge, case: str) -> None:
    record, code = CONTRACT[case]
    assert fate(judge(record, HOUR)) == f"quarantined {code}"


OUT_OF_RANGE = "quarantined timestamp_out_of_range"
NO_TIME = "quarantined format:timestamp"
TIMES = {
    "1970-01-01T00:00:00Z": OUT_OF_RANGE,
    "2099-01-01T00:00:00Z": OUT_OF_RANGE,
    "0001-01-01T00:00:00+14:00": OUT_OF_RANGE,
    "9999-12-31T23:59:59-14:00": OUT_OF_RANGE,
    # seven days before the hour
    "2026-11-11T13:00:00Z": "good",
    "2026-11-11T12:59:59Z": OUT_OF_RANGE,
    "2026-11-11T12:59:59.999999Z": OUT_OF_RANGE,
    # an hour after the end of the hour
    "2026-11-18T15:00:00Z": "good",
    "2026-11-18T15:00:00.000001Z": OUT_OF_RANGE,
    "2026-11-18T15:00:01Z": OUT_OF_RANGE,
    # the same borders with offsets
    "2026-11-11T23:00:00+10:00": "good",
    "2026-11-11T22:59:59+10:00": OUT_OF_RANGE,
    "2026-11-18T05:00:00-10:00": "good",
    "2026-11-18T05:00:01-10:00": OUT_OF_RANGE,
    "2026-11-18T13:05:00-00:00": "good",
    "2026-11-18t13:05:00z": "good",
    "2026-11-18T13:05:00.123456789Z": "good",
    "yesterday": NO_TIME,
    "": NO_TIME,
    "1795007100": NO_TIME,
    "2026-11-18": NO_TIME,
    "2026-11-18T13:05:00": NO_TIME,
    "2026-11-18T13:05Z": NO_TIME,
    "2026-11-18T13:05:00+0100": NO_TIME,
    "2026-11-18T13:05:00+25:00": NO_TIME,
    "2026-02-30T00:00:00Z": NO_TIME,
    "2026-11-18T24:00:00Z": NO_TIME,
    "20261118T130500Z": NO_TIME,
    "2026-11-18T13:59:60Z": NO_TIME,
    "2026-11-17T23:59:60Z": NO_TIME,
    "0000-01-01T00:00:00Z": NO_TIME,
    " 2026-11-18T13:05:00Z": NO_TIME,
}


@pytest.mark.parametrize("stamp", TIMES)
def test_timestamps(judge: Judge, stamp: str) -> None:
    assert fate(judge(text(timestamp=stamp), HOUR)) == TIMES[stamp]


def test_a_good_event_keeps_its_time_in_utc(judge: Judge) -> None:
    judged = judge(text(timestamp="2026-11-19T01:30:00.25+14:00"), HOUR)
    assert judged.event_time == datetime(2026, 11, 18, 11, 30, 0, 250000, tzinfo=UTC).replace(tzinfo=None)


def test_the_limits_are_the_source_s(source: Source, schema: Schema) -> None:
    strict = source.model_copy(
        update={"events": source.events.model_copy(update={"max_late_days": 0, "max_skew_minutes": 0})}
    )
    judge = Judge(strict, schema)
    for offset, expected in ((0, "good"), (3600, "good"), (-1, OUT_OF_RANGE), (3601, OUT_OF_RANGE)):
        stamp = (HOUR + timedelta(seconds=offset)).isoformat()
        assert fate(judge(text(timestamp=stamp), HOUR)) == expected


CONSENT = {
    "false": ('"consent": false', "filtered no_consent"),
    "true": ('"consent": true', "good"),
    "absent": ('"page_url": "/"', "good"),
    "false elsewhere": ('"properties": {"consent": false}', "good"),
}


@pytest.mark.parametrize("case", CONSENT)
def test_only_json_false_is_a_refusal(judge: Judge, case: str) -> None:
    fragment, expected = CONSENT[case]
    assert fate(judge(with_raw(fragment), HOUR)) == expected


def test_a_refusal_is_heard_before_the_contract_is(judge: Judge) -> None:
    judged = judge(b'{"consent": false, "event_type": "hover"}', HOUR)
    assert fate(judged) == "filtered no_consent"
    assert judged.event_id is None


def test_a_source_without_consent_filters_nobody(source: Source, schema: Schema) -> None:
    judge = Judge(source.model_copy(update={"events": source.events.model_copy(update={"consent": None})}), schema)
    assert fate(judge(with_raw('"consent": false'), HOUR)) == "good"


CANARIES = {
    "heartbeat": (b'{"canary": {"kind": "heartbeat", "id": "h-1"}}', "filtered canary"),
    "provision": (b'{"canary": {"id": "p-1", "kind": "provision"}}', "filtered canary"),
    "a field more": (b'{"canary": {"kind": "heartbeat", "id": "h-1", "x": 1}}', "quarantined required:event_id"),
    "a field less": (b'{"canary": {"kind": "heartbeat"}}', "quarantined required:event_id"),
    "a field beside it": (b'{"canary": {"kind": "heartbeat", "id": "h-1"}, "x": 1}', "quarantined required:event_id"),
    "no object": (b'{"canary": true}', "quarantined required:event_id"),
    "another kind": (b'{"canary": {"kind": "hidden", "id": "h-1"}}', "quarantined required:event_id"),
    "no text as id": (b'{"canary": {"kind": "heartbeat", "id": {"event_id": 1}}}', "quarantined required:event_id"),
}


@pytest.mark.parametrize("case", CANARIES)
def test_a_canary_is_exactly_that(judge: Judge, case: str) -> None:
    record, expected = CANARIES[case]
    assert fate(judge(record, HOUR)) == expected


def test_an_event_cannot_be_hidden_by_a_canary_field(judge: Judge) -> None:
    judged = judge(text(canary={"kind": "heartbeat", "id": "h-1"}), HOUR)
    assert judged.fate == "good"


REPEATED = {
    "identity": ('"event_id": "e-2"', True),
    "identity with the same value": ('"event_id": "e-1"', True),
    "identity with an escape": ('"event\\u005fid": "e-2"', True),
    "identity with a letter escaped": ('"\\u0065vent_id": "e-2"', True),
    "identity with an escape in capitals": ('"event\\u005Fid": "e-2"', True),
    "timestamp": ('"timestamp": "2026-11-18T13:06:00Z"', True),
    "consent": ('"consent": true, "consent": false', True),
    "a field that nothing stands on": ('"browser": "a", "browser": "b"', False),
    "nested under the same name": ('"properties": {"event_id": "e-2", "event_id": "e-3"}', False),
    "once at the top and once nested": ('"properties": {"event_id": "e-2"}', False),
    "in a list": ('"seen": [{"event_id": 1, "event_id": 2}]', False),
    "as a value": ('"page_url": "event_id", "os": "timestamp"', False),
    "an escape that is another name": ('"event\\u0069d": "e-2"', False),
}


@pytest.mark.parametrize("case", REPEATED)
def test_a_key_that_the_proof_stands_on_must_not_stand_twice(judge: Judge, case: str) -> None:
    fragment, repeated = REPEATED[case]
    assert fate(judge(with_raw(fragment), HOUR)) == ("quarantined duplicate_key" if repeated else "good")


def test_a_repeated_key_is_found_on_a_nested_path(source: Source, schema: Schema) -> None:
    document = {**schema.document, "properties": {**schema.document["properties"], "meta": {"type": "object"}}}
    nested = source.model_copy(update={"events": source.events.model_copy(update={"identity": ("meta.id",)})})
    judge = Judge(nested, Schema("1.0.0", document))
    assert fate(judge(with_raw('"meta": {"id": "a", "id": "b"}'), HOUR)) == "quarantined duplicate_key"
    assert fate(judge(with_raw('"meta": {"id": "a"}, "meta": {"id": "b"}'), HOUR)) == "quarantined duplicate_key"
    assert judge(with_raw('"meta": {"id": "a"}, "id": 1, "id": 2'), HOUR).event_id == "a"
    assert fate(judge(with_raw('"meta": 7, "id": 1, "id": 2'), HOUR)) == "quarantined type:meta"


@pytest.fixture
def by_fields(source: Source, schema: Schema) -> Judge:
    """Of a feed whose events have no id of their own."""
    several = ("session_id", "event_type", "timestamp")
    return Judge(source.model_copy(update={"events": source.events.model_copy(update={"identity": several})}), schema)


def test_without_an_id_an_event_is_what_several_fields_say(by_fields: Judge) -> None:
    texts = "s-1\x1fclick\x1f2026-11-18T13:05:00Z"
    judged = by_fields(text(session_id="s-1"), HOUR)
    assert judged.event_id == hashlib.md5(texts.encode()).hexdigest()
    assert by_fields(text(session_id="s-1", event_id="e-2", os="another"), HOUR).event_id == judged.event_id
    for other in (text(session_id="s-2"), text(session_id="s-1", timestamp="2026-11-18T13:05:00.000Z")):
        assert by_fields(other, HOUR).event_id != judged.event_id


def test_a_field_of_the_identity_may_be_null_absent_or_empty(by_fields: Judge) -> None:
    ids = {by_fields(record, HOUR).event_id for record in (text(), text(session_id=""), with_raw('"session_id": null'))}
    assert len(ids) == 1


def test_no_field_of_the_identity_must_stand_twice(by_fields: Judge) -> None:
    assert fate(by_fields(with_raw('"session_id": "a", "session_id": "b"'), HOUR)) == "quarantined duplicate_key"
    assert fate(by_fields(with_raw('"event_id": "e-2"'), HOUR)) == "good"


@pytest.mark.parametrize(
    ("levels", "expected"),
    [(MAX_DEPTH, "good"), (MAX_DEPTH + 1, "quarantined too_deep"), (1023, "quarantined too_deep")],
)
@pytest.mark.parametrize(("opened", "closed"), ["[]", ('{"a":[', "]}")], ids=["arrays", "objects and arrays"])
def test_a_record_may_be_nested_so_deep_and_no_deeper(
    judge: Judge, levels: int, expected: str, opened: str, closed: str
) -> None:
    """The record itself is the first level."""
    pairs, odd = divmod(levels - 1, len(closed))
    nested = "[" * odd + opened * pairs + closed * pairs + "]" * odd
    assert fate(judge(with_raw(f'"seen": {nested or 0}'), HOUR)) == expected


def test_many_objects_side_by_side_are_not_deep(judge: Judge) -> None:
    assert fate(judge(with_raw('"seen": [' + ",".join(['{"a": []}'] * 1000) + "]"), HOUR)) == "good"


def test_a_record_that_is_too_deep_is_quarantined_whatever_it_says(judge: Judge) -> None:
    nested = "[" * 300 + "]" * 300
    for fragment in ('"consent": false', '"event_id": "e-2"', '"event_type": "hover"'):
        assert fate(judge(with_raw(f'{fragment}, "seen": {nested}'), HOUR)) == "quarantined too_deep"


DEPTHS = (2, 100, 253, 254, 255, 256, 257, 500, 990, 1000, 1010, 1020, 1023, 1024, 1025, 5000, 200_000)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    "shape",
    [
        lambda nested: with_raw(f'"seen": {nested}'),
        lambda nested: with_raw(f'"properties": {{"seen": {nested}}}'),
        lambda nested: nested.encode(),
        lambda nested: f'{{"event_id": {nested}}}'.encode(),
        lambda nested: with_raw(f'"geo": {nested}'),
        lambda nested: with_raw(f'"seen": {nested}').replace(b'"click"', b'"hover"'),
    ],
    ids=["unknown field", "nested unknown field", "whole record", "event_id", "known field", "beside another fault"],
)
def test_no_depth_breaks_the_judge(judge: Judge, shape: Any, depth: int) -> None:
    for nested in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        judged = judge(shape(nested), HOUR)
        assert judged.fate == "quarantined" or (judged.fate == "good" and depth < 256)


@pytest.mark.parametrize("depth", DEPTHS)
def test_depth_does_not_hide_a_repeated_key(judge: Judge, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for fragment in ('"event_id": "e-2"', '"consent": true, "consent": false'):
        judged = judge(with_raw(f'{fragment}, "seen": {nested}'), HOUR)
        assert judged.fate == "quarantined"


def test_a_fate_does_not_depend_on_how_deep_its_caller_is(judge: Judge) -> None:
    def deeper(levels: int, record: bytes) -> str:
        return deeper(levels - 1, record) if levels else fate(judge(record, HOUR))

    for depth in (200, 400, 900):
        record = with_raw('"event_id": "e-2", "seen": ' + "[" * depth + "]" * depth)
        assert deeper(0, record) == deeper(500, record)


def test_many_keys_take_no_longer_than_their_number(judge: Judge) -> None:
    record = with_raw('"event_id": "e-2", ' + ", ".join(f'"k{n}": 1' for n in range(60_000)))
    started = time.monotonic()
    assert fate(judge(record, HOUR)) == "quarantined duplicate_key"
    # Comparing each key with each takes over a minute.
    assert time.monotonic() - started < 5


def test_what_is_not_good_keeps_no_event(judge: Judge) -> None:
    for record in (
        b"{",
        text(event_type="hover"),
        with_raw('"consent": false'),
        text(timestamp="1970-01-01T00:00:00Z"),
    ):
        judged = judge(record, HOUR)
        assert (judged.event_id, judged.event_time, judged.event) == (None, None, None)
