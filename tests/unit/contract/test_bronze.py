"""An object of Bronze is read by what its delivery writes; a row is known by a text of its values."""

from __future__ import annotations

import gzip
import hashlib
import io
from base64 import b64encode
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clickstream.contract.bronze import read_bronze
from clickstream.contract.rows import row_text
from clickstream.sources.model import Delivery

LINES = Delivery(
    name="d", prefix="landing/shop/", error_prefix="staging/failed/shop/", buffer_megabytes=1, buffer_seconds=60
)
ROWS = LINES.model_copy(update={"format": "parquet"})
KEY = "landing/shop/year=2026/x.parquet"
ENVELOPES = "staging/failed/shop/year=2026/x"


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def parquet(*rows: dict[str, Any]) -> bytes:
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), body)
    return body.getvalue()


def envelope(record: bytes) -> bytes:
    return orjson.dumps({"attemptsMade": 1, "rawData": b64encode(record).decode()})


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({}, ""),
        ({"a": "x"}, "a+1:x"),
        ({"b": "", "a": "ü✓"}, "a+2:ü✓b+0:"),
        ({"n": -70, "yes": True, "no": False}, "n+3:-70no+5:falseyes+4:true"),
        ({"o": {"b": "2", "a": {"c": "3"}}, "e": {}}, "e{}o{a{c+1:3}b+1:2}"),
        ({"l": ["a", None, ""], "m": []}, "l[3]+1:a-+0:m[0]"),
    ],
)
def test_the_text_of_a_row(row: dict[str, Any], text: str) -> None:
    assert row_text(row) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "1b+1:2"}, {"a": "1", "b": "2"}),
        ({"a": {}}, {}),
        ({"a": {"b": "1"}, "c": "2"}, {"a": {"b": "1", "c": "2"}}),
        ({"a": ["1", "2"]}, {"a": ["1+1:2"]}),
        ({"a": [None]}, {"a": ["-"]}),
        ({"a": ""}, {}),
    ],
)
def test_different_rows_have_different_texts(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert row_text(one) != row_text(other)


def test_a_column_that_is_added_changes_no_older_row() -> None:
    before, after = (
        read_bronze(ROWS, KEY, parquet(row))
        for row in ({"id": "e1", "o": {"a": "1"}}, {"id": "e1", "o": {"a": "1", "new": None}, "more": None})
    )
    assert before == after


def test_a_row_is_the_json_of_what_is_there() -> None:
    rows = {"id": "e1", "o": {"a": None, "b": 7}, "gone": None, "l": ["x", None]}, {"id": "e2", "o": None, "gone": "y"}
    content = read_bronze(ROWS, KEY, parquet(*rows))
    assert [orjson.loads(raw.record) for raw in content.records] == [
        {"id": "e1", "o": {"b": 7}, "l": ["x", None]},
        {"id": "e2", "gone": "y"},
    ]
    assert content.records[1].raw_hash == md5(b"gone+1:yid+2:e2")


@pytest.mark.parametrize("data", [b"", b"PAR1", parquet({"a": "x"})[:-9], b'{"a": 1}\n'])
def test_nothing_of_a_broken_object_is_read(data: bytes) -> None:
    content = read_bronze(ROWS, KEY, data)
    assert (content.records, content.unreadable) == ([], True)


@pytest.mark.parametrize("compressed", [False, True])
def test_envelopes_are_opened(compressed: bool) -> None:
    sent = [b'{"a": 1}\n', b"\xff{", b"two\nlines\r\n", b"\n"]
    data = b"".join(envelope(record) + b"\n" for record in sent)
    key, data = (f"{ENVELOPES}.gz", gzip.compress(data)) if compressed else (ENVELOPES, data)
    content = read_bronze(ROWS, key, data)
    records = [b'{"a": 1}', b"\xff{", b"two\nlines"]
    assert content.records == [(record, md5(record)) for record in records]


@pytest.mark.parametrize("line", [b"{", b"[]", b"7", b'{"rawData": 7}', b'{"rawData": "~"}', b'{"other": "YQ=="}'])
def test_a_line_that_is_no_envelope_stands_for_itself(line: bytes) -> None:
    assert read_bronze(ROWS, ENVELOPES, line).records == [(line, md5(line))]


def test_lines_are_taken_as_they_are_wherever_they_lie() -> None:
    for key in (KEY, ENVELOPES):
        assert read_bronze(LINES, key, b"a\n\nb").records == [(b"a", md5(b"a")), (b"b", md5(b"b"))]
