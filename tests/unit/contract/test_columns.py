"""What Silver's columns hold of an event, and what is kept of fields that nobody declared."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from clickstream.contract.columns import Columns
from clickstream.contract.judge import Judge
from clickstream.contract.schema import Schema
from clickstream.sources.model import Source

HOUR = datetime(2026, 11, 18, 13, tzinfo=UTC)
EVENT = {"event_id": "e-1", "event_type": "click", "timestamp": "2026-11-18T13:05:00Z"}

Held = tuple[dict[str, Any], str | None]


class Flat:
    """The columns of events that the contract takes."""

    def __init__(self, source: Source, schema: Schema) -> None:
        self._names = [*source.silver, "extra"]
        self._judge, self._columns = Judge(source, schema), Columns(source, schema)

    def __call__(self, record: bytes) -> Held:
        """The values that are not null by column, and the unknown fields."""
        return self.all(record)[0]

    def all(self, *records: bytes) -> list[Held]:
        columns = [array.to_pylist() for array in self._columns([self._judge(each, HOUR).event for each in records])]
        rows = [dict(zip(self._names, values, strict=True)) for values in zip(*columns, strict=True)]
        extras = [row.pop("extra") for row in rows]
        held = [{name: value for name, value in row.items() if value is not None} for row in rows]
        return list(zip(held, extras, strict=True))


@pytest.fixture(scope="module")
def flat(source: Source, schema: Schema) -> Flat:
    return Flat(source, schema)


def with_raw(fragment: str) -> bytes:
    """A sound event with a piece of JSON text added."""
    return orjson.dumps(EVENT)[:-1] + b"," + fragment.encode() + b"}"


def test_null_stands_for_an_optional_field_that_is_absent(flat: Flat, source: Source) -> None:
    optional = [name for name in source.silver if name not in ("event_type", "consent")]
    nulls: dict[str, Any] = {}
    for name in optional:
        *parents, leaf = source.silver[name].path.split(".")
        node = nulls
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = None
    for event in (nulls, {"geo": None, "properties": None}, {}):
        assert flat(orjson.dumps({**EVENT, **event})) == ({"event_type": "click"}, None)


def test_values_come_in_the_order_and_type_of_their_columns(flat: Flat) -> None:
    event = {
        "event_type": "purchase",
        "session_id": "s",
        "consent": True,
        "geo": {"country": "DE", "city": "Köln"},
        "properties": {"price": 3, "quantity": 2.0, "order_id": "o"},
    }
    held, extra = flat(orjson.dumps(EVENT | event))
    assert extra is None
    assert held == {
        "event_type": "purchase",
        "session_id": "s",
        "consent": True,
        "country": "DE",
        "city": "Köln",
        "price": 3.0,
        "quantity": 2,
        "order_id": "o",
    }
    assert isinstance(held["price"], float)
    assert isinstance(held["quantity"], int)


UNKNOWN = {
    "at the top": ('"new": [1, {"a": null}]', '{"new":[1,{"a":null}]}'),
    "nested": ('"geo": {"country": "DE", "zip": "50667"}', '{"geo":{"zip":"50667"}}'),
    "both": ('"geo": {"zip": 1}, "new": 2', '{"geo":{"zip":1},"new":2}'),
    "empty": ('"new": {}', '{"new":{}}'),
    "null": ('"new": null', '{"new":null}'),
    "beyond 64 bits": ('"new": 100000000000000000000', '{"new":1e+20}'),
    "a canary beside an event": (
        '"canary": {"kind": "heartbeat", "id": "h-1"}',
        '{"canary":{"kind":"heartbeat","id":"h-1"}}',
    ),
    "deep": ('"seen": ' + "[" * 199 + "]" * 199, '{"seen":' + "[" * 199 + "]" * 199 + "}"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_fields_that_the_contract_does_not_know_are_kept(flat: Flat, case: str) -> None:
    fragment, kept = UNKNOWN[case]
    _, extra = flat(with_raw(fragment))
    assert extra is not None
    assert orjson.loads(extra) == orjson.loads(kept)


def test_a_price_that_no_double_holds_exactly_is_rounded_and_its_neighbours_stay(flat: Flat) -> None:
    records = [with_raw(f'"properties": {{"price": {price}}}') for price in ("3", "9007199254740993", "0.1", "null")]
    records.insert(1, b"no event")
    records.insert(2, with_raw('"properties": null'))
    assert [held.get("price") for held, _ in flat.all(*records)] == [3.0, None, None, 9007199254740992.0, 0.1, None]


def test_a_record_that_is_no_event_has_no_columns(flat: Flat) -> None:
    sound = with_raw('"new": 1')
    assert flat.all(b"no event", sound, b"{}") == [({}, None), ({"event_type": "click"}, '{"new":1}'), ({}, None)]
