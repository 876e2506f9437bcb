"""What a JSON value becomes in a Parquet column, by the rules of Firehose's two JSON SerDes."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from local.errors import AwsError
from local.firehose.conversion import Converted, convert
from local.record_log import Record

REFUSED = object()
MOMENT = datetime(2018, 2, 7, 19, 58, 48, tzinfo=UTC)
PERSON = "struct<name:string,age:int>"

OPENX: list[tuple[str, str, Any]] = [
    ("string", '"x"', "x"),
    ("string", "1", "1"),
    ("string", "1.50", "1.5"),
    ("string", "1e10", "1.0E10"),
    ("string", "true", "true"),
    ("string", '{"Outer": {"In": [1, null, "é\\n"]}}', '{"outer":{"in":[1,null,"é\\n"]}}'),
    ("string", '"\\ud800x"', "?x"),
    ("int", "7", 7),
    ("int", '"7"', 7),
    ("int", '"-7"', -7),
    ("int", "7.0", REFUSED),
    ("int", '"7.5"', REFUSED),
    ("int", "1e2", REFUSED),
    ("int", '""', REFUSED),
    ("int", '" 7"', REFUSED),
    ("int", "true", REFUSED),
    ("int", "[7]", REFUSED),
    ("int", "2147483647", 2**31 - 1),
    ("int", "2147483648", REFUSED),
    ("tinyint", "-128", -128),
    ("tinyint", "128", REFUSED),
    ("smallint", '"32768"', REFUSED),
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("bigint", "9223372036854775808", REFUSED),
    ("double", "1", 1.0),
    ("double", '"1.5e3"', 1500.0),
    ("double", '"oops"', REFUSED),
    ("double", '"NaN"', REFUSED),
    ("double", "1e400", REFUSED),
    ("float", "0.5", 0.5),
    ("float", "1e39", REFUSED),
    ("decimal(5,2)", "123.45", Decimal("123.45")),
    ("decimal(5,2)", '"1.5"', Decimal("1.50")),
    ("decimal(5,2)", "1.234", REFUSED),
    ("decimal(5,2)", "1000", REFUSED),
    ("decimal(38,0)", "1" * 38, Decimal("1" * 38)),
    ("boolean", "true", True),
    ("boolean", '"TRUE"', True),
    ("boolean", '"yes"', False),
    ("boolean", "1", REFUSED),
    ("date", '"2026-11-18"', date(2026, 11, 18)),
    ("date", '"2026-1-8"', date(2026, 1, 8)),
    ("date", '"2026-02-30"', REFUSED),
    ("date", "20000", REFUSED),
    ("timestamp", '"2018-02-07T19:58:48Z"', MOMENT),
    ("timestamp", '"2018-02-07T19:58:48.25Z"', MOMENT.replace(microsecond=250_000)),
    ("timestamp", '"2018-02-07 19:58:48"', MOMENT),
    ("timestamp", '"2018-2-7 19:58:48.000001"', MOMENT.replace(microsecond=1)),
    ("timestamp", "1518033528", MOMENT),
    ("timestamp", "1518033528123", MOMENT.replace(microsecond=123_000)),
    ("timestamp", "1518033528.123", MOMENT.replace(microsecond=123_000)),
    ("timestamp", '"1518033528"', MOMENT),
    ("timestamp", '"2018-02-07T19:58:48+00:00"', REFUSED),
    ("timestamp", '"2018-02-07T19:58:48"', REFUSED),
    ("timestamp", '"2018-2-7T19:58:48Z"', REFUSED),
    ("timestamp", '"2018-02-07"', REFUSED),
    ("timestamp", '"2018-02-31 00:00:00"', REFUSED),
    ("timestamp", "1e30", REFUSED),
    ("timestamp", "1e999999", REFUSED),
    ("timestamp", '""', REFUSED),
    ("array<string>", '["a", null, 1]', ["a", None, "1"]),
    ("array<string>", '"a"', ["a"]),
    ("array<string>", '""', None),
    ("array<int>", '["1", "x"]', REFUSED),
    (PERSON, '{"NAME": "Bob", "more": 1}', {"name": "Bob", "age": None}),
    (PERSON, "{}", {"name": None, "age": None}),
    (PERSON, '["Zoe", "9", "more"]', {"name": "Zoe", "age": 9}),
    (PERSON, '["Zoe"]', {"name": "Zoe", "age": None}),
    (PERSON, "42", REFUSED),
    ("struct<Name:string>", '{"NAME": "Bob"}', {"Name": "Bob"}),
    (f"array<{PERSON}>", '{"name": "x"}', [{"name": "x", "age": None}]),
    ("map<string,bigint>", '{"Key": 1, "b": null}', [("key", 1), ("b", None)]),
    ("map<string,bigint>", "[1]", REFUSED),
]
HIVE: list[tuple[str, str, Any]] = [
    ("string", "1.50", "1.5"),
    ("string", '{"a": 1}', REFUSED),
    ("int", "7", 7),
    ("int", '"7"', REFUSED),
    ("double", '"1.5"', REFUSED),
    ("boolean", '"true"', REFUSED),
    ("timestamp", '"2018-02-07 19:58:48"', MOMENT),
    ("timestamp", '"2018-02-07T19:58:48Z"', REFUSED),
    ("timestamp", "1518033528", REFUSED),
    ("array<string>", '"a"', REFUSED),
    (PERSON, '{"NAME": "Bob"}', {"name": "Bob", "age": None}),
    ("struct<Name:string>", '{"NAME": "Bob"}', {"Name": "Bob"}),
    (PERSON, '["Zoe", 9]', REFUSED),
    ("map<string,bigint>", '{"Key": 1}', [("Key", 1)]),
    ("map<string,bigint>", '"x"', REFUSED),
]
FORMATS: list[tuple[str, str, Any]] = [
    ("yyyy-MM-dd'T'HH:mm:ssZZ", '"2018-02-07T21:58:48+02:00"', MOMENT),
    ("d.M.yyyy HH:mm:ss.SSS", '"7.2.2018 19:58:48.250"', MOMENT.replace(microsecond=250_000)),
    ("yyyy-MM-dd", '"2018-02-07"', datetime(2018, 2, 7, tzinfo=UTC)),
    ("millis", "1518033528000", MOMENT),
    ("yyyy-MM-dd", '"2018-02-07 19:58:48"', REFUSED),
    ("millis", '"2018-02-07 19:58:48"', REFUSED),
]


def converted(columns: dict[str, str], *datas: bytes, serde: str = "OpenXJsonSerDe", **options: Any) -> Converted:
    """Records of a delivery whose table has these columns."""
    destination = {
        "DataFormatConversionConfiguration": {
            "InputFormatConfiguration": {"Deserializer": {serde: options}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            "SchemaConfiguration": {},
        }
    }
    definition = [{"Name": name, "Type": kind} for name, kind in columns.items()]
    records = [Record(at, 0.0, data) for at, data in enumerate(datas, 1)]
    return convert(destination, definition, records)


def rows(result: Converted) -> list[dict[str, Any]]:
    assert result.body is not None
    read: list[dict[str, Any]] = pq.read_table(io.BytesIO(result.body)).to_pylist()
    return read


def moment(value: Any) -> datetime:
    """A timestamp as it is read, which has no zone."""
    naive: datetime = value.to_pydatetime()
    return naive.replace(tzinfo=UTC)


def reason(result: Converted) -> tuple[str, str]:
    """Code and message of the one record that failed."""
    ((_, failure),) = result.failed
    return failure.code.removeprefix("DataFormatConversion."), failure.message


def check(result: Converted, expected: Any) -> None:
    if expected is REFUSED:
        code, message = reason(result)
        assert (result.body, code) == (None, "MalformedData")
        assert message.startswith(("Data does not match the schema. ", "One or more fields have incorrect format. "))
    else:
        (row,) = rows(result)
        found = row["v"]
        assert (moment(found) if isinstance(expected, datetime) else found) == expected


@pytest.mark.parametrize(("kind", "value", "expected"), OPENX, ids=str)
def test_openx(kind: str, value: str, expected: Any) -> None:
    check(converted({"v": kind}, b'{"v": %s}' % value.encode()), expected)


@pytest.mark.parametrize(("kind", "value", "expected"), HIVE, ids=str)
def test_hive(kind: str, value: str, expected: Any) -> None:
    check(converted({"v": kind}, b'{"v": %s}' % value.encode(), serde="HiveJsonSerDe"), expected)


@pytest.mark.parametrize(("pattern", "value", "expected"), FORMATS, ids=str)
def test_the_timestamp_formats_of_the_hive_serde(pattern: str, value: str, expected: Any) -> None:
    record = b'{"v": %s}' % value.encode()
    check(converted({"v": "timestamp"}, record, serde="HiveJsonSerDe", TimestampFormats=[pattern]), expected)


@pytest.mark.parametrize("pattern", ["YYYY-MM-dd", "yyyy yyyy", "MMM d", "yyyy'"])
def test_a_timestamp_format_that_is_not_served_is_refused(pattern: str) -> None:
    with pytest.raises(AwsError, match="does not serve the timestamp format"):
        converted({"v": "timestamp"}, b"{}", serde="HiveJsonSerDe", TimestampFormats=[pattern])


def test_members_are_found_in_any_case_unknown_ones_dropped_and_missing_ones_null() -> None:
    columns = {"a": "string", "b": "int", "c": "string"}
    result = converted(columns, b'{"A": "x", "z": 1}', b'{"b": null, "C": ""}', b"{}\n")
    assert rows(result) == [
        {"a": "x", "b": None, "c": None},
        {"a": None, "b": None, "c": ""},
        {"a": None, "b": None, "c": None},
    ]


def test_the_options_of_openx() -> None:
    columns = {"ts": "int", "a_b": "int"}
    record = b'{"TimeStamp": 1, "a.b": 2}'
    assert rows(converted(columns, record)) == [{"ts": None, "a_b": None}]
    options = {"ColumnToJsonKeyMappings": {"ts": "timestamp"}, "ConvertDotsInJsonKeysToUnderscores": True}
    assert rows(converted(columns, record, **options)) == [{"ts": 1, "a_b": 2}]
    assert rows(converted(columns, record, **options, CaseInsensitive=False)) == [{"ts": None, "a_b": 2}]


def test_documents_one_behind_the_other_in_a_record_are_rows_of_their_own() -> None:
    assert rows(converted({"a": "int"}, b'{"a":1}{"a":2}\n {"a":3}')) == [{"a": 1}, {"a": 2}, {"a": 3}]
    # All of them, or none.
    result = converted({"a": "int"}, b'{"a":1}{"a":"x"}')
    assert result.body is None
    assert reason(result)[0] == "MalformedData"


@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        (b"this is no JSON", "ParseError", "Encountered malformed JSON. "),
        (b'{"a":1', "ParseError", "Encountered malformed JSON. "),
        (b'{"a":1},', "ParseError", "Encountered malformed JSON. "),
        (b"{'a':1}", "ParseError", "Encountered malformed JSON. "),
        (b'{"a":NaN}', "ParseError", "Encountered malformed JSON. "),
        (b'{"a":01}', "ParseError", "Encountered malformed JSON. "),
        (b'{"b":"\xff"}', "ParseError", "Encountered malformed JSON. "),
        (b'{"a":1,"A":2}', "ParseError", 'Encountered malformed JSON. Duplicate key "a"'),
        (b'{"b":{"c":1,"c":2}}', "ParseError", 'Encountered malformed JSON. Duplicate key "c"'),
        (b'{"b":' + b"[" * 100_000, "ParseError", "Encountered malformed JSON. "),
        (b"", "MalformedData", "The record was empty or contained only whitespace."),
        (b" \n", "MalformedData", "The record was empty or contained only whitespace."),
        (b"1", "MalformedData", "The input JSON contained a primitive at the top level."),
        (b'[{"a":1},{"a":2}]', "MalformedData", "Data does not match the schema. "),
    ],
    ids=lambda value: str(value)[:20],
)
def test_records_that_are_no_json_object(record: bytes, code: str, message: str) -> None:
    result = converted({"a": "int"}, record, b'{"a":1}')
    assert (reason(result)[0], reason(result)[1][: len(message)]) == (code, message)
    # It alone.
    assert rows(result) == [{"a": 1}]


def test_a_time_before_the_epoch_keeps_its_fraction() -> None:
    (row,) = rows(converted({"v": "timestamp"}, b'{"v": -0.5}'))
    assert moment(row["v"]).timestamp() == -0.5
