"""What Silver's columns hold of an event, and what is kept of fields that nobody declared."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from clickstream.contract.columns import Columns
from clickstream.contract.judge import Judge
from clickstream.contract.schema import Schema
from clickstream.sources.model import Column, Source

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


def shaped(**properties: Any) -> Schema:
    """A contract of events with an identity, a timestamp and some more fields."""
    fixed = {name: {"type": "string"} for name in ("event_id", "timestamp")}
    return Schema("1.0.0", {"type": "object", "required": [*fixed], "properties": fixed | properties})


def with_columns(source: Source, **columns: dict[str, Any]) -> Source:
    silver = {name: Column.model_validate(column) for name, column in columns.items()}
    return source.model_copy(update={"silver": silver})


NESTED = {"type": ["object", "null"], "properties": {"path": {"type": "string"}}}
PAGE = {"path": "page.path", "earlier": ["page"], "type": "string"}


def test_a_field_that_the_contract_does_not_know_fills_no_column_and_stays_in_extra(source: Source) -> None:
    later = with_columns(source, coupon={"path": "coupon", "type": "string"})
    coupon = with_raw('"coupon": "ten"'), with_raw('"coupon": 10')
    assert Flat(later, shaped()).all(*coupon) == [
        ({}, '{"event_type":"click","coupon":"ten"}'),
        ({}, '{"event_type":"click","coupon":10}'),
    ]
    known = Flat(later, shaped(coupon={"type": "string"}, event_type={}))
    assert known.all(coupon[0]) == [({"coupon": "ten"}, None)]


def test_each_contract_fills_a_column_from_the_field_that_it_has_it_in(source: Source) -> None:
    paged = with_columns(source, page=PAGE)
    old, new = shaped(page={"type": ["string", "null"]}, event_type={}), shaped(page=NESTED, event_type={})
    assert Flat(paged, old).all(with_raw('"page": "/a"'), with_raw('"page": null')) == [
        ({"page": "/a"}, None),
        ({}, None),
    ]
    assert Flat(paged, new).all(with_raw('"page": {"path": "/a"}'), with_raw('"page": null')) == [
        ({"page": "/a"}, None),
        ({}, None),
    ]


def test_a_contract_that_allows_two_shapes_fills_the_column_from_either(source: Source) -> None:
    both = NESTED | {"type": ["string", "object", "array", "null"]}
    flat = Flat(with_columns(source, page=PAGE), shaped(page=both, event_type={}))
    pages = ('"/a"', '{"path": "/b", "query": "?q"}', "null", "{}", "[1]")
    assert flat.all(b"no event", *(with_raw(f'"page": {page}') for page in pages)) == [
        ({}, None),
        ({"page": "/a"}, None),
        ({"page": "/b"}, '{"page":{"query":"?q"}}'),
        ({}, None),
        ({}, None),
        ({}, None),
    ]


def test_where_something_else_than_an_object_may_stand_a_field_below_it_is_absent(source: Source) -> None:
    both = NESTED | {"type": ["string", "object"]}
    flat = Flat(with_columns(source, page=PAGE | {"earlier": []}), shaped(page=both, event_type={}))
    assert flat.all(with_raw('"page": "/a"'), with_raw('"page": {"path": "/b"}')) == [
        ({}, None),
        ({"page": "/b"}, None),
    ]


def test_a_field_of_another_type_by_now_fills_the_column_of_its_type(source: Source) -> None:
    columns = with_columns(source, count={"path": "size", "type": "bigint"}, size={"path": "size", "type": "double"})
    whole, any_number = shaped(size={"type": "integer"}, event_type={}), shaped(size={"type": "number"}, event_type={})
    sizes = [with_raw(f'"size": {size}') for size in ("3", "2.0", "0.5", "9007199254740993")]
    assert [held for held, _ in Flat(columns, whole).all(*sizes)] == [
        {"count": 3, "size": 3.0},
        {"count": 2, "size": 2.0},
        {},
        {"count": 9007199254740993, "size": 9007199254740992.0},
    ]
    assert [held for held, _ in Flat(columns, any_number).all(*sizes[:3])] == [
        {"count": 3, "size": 3.0},
        {"count": 2, "size": 2.0},
        {"size": 0.5},
    ]
