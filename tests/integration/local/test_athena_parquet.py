"""Athena on external tables of Parquet: columns by name over objects of different ages, and what is no Parquet."""

import io
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.local.athena_queries import Athena
from tests.integration.local.conftest import Cloud, day_ago
from tests.integration.local.feed import Feed, converting

NOON = day_ago(2) + timedelta(hours=12)
COLUMNS = (
    "id string, n bigint, at timestamp, user struct<name:string,age:bigint>, tags array<string>,"
    " more map<string,bigint>"
)


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    return Athena(common_cloud)


@pytest.fixture
def events(athena: Athena) -> Athena:
    """A table ``events`` of Parquet, by event type and hour, without a partition yet."""
    athena.run(
        f"""CREATE EXTERNAL TABLE events ({COLUMNS}) PARTITIONED BY (event_type string, hour string)
            STORED AS PARQUET LOCATION 's3://{athena.bucket}/events/'
            TBLPROPERTIES ('parquet.compression' = 'SNAPPY')"""
    )
    return athena


def parquet(rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> bytes:
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), body)
    return body.getvalue()


def put(athena: Athena, hour: str, rows: list[dict[str, Any]], name: str = "a.parquet") -> str:
    """Put an object of page views into an hour; its path."""
    return athena.put(f"events/view/{hour}/{name}", parquet(rows))


def register(athena: Athena, *hours: str) -> None:
    for hour in hours:
        athena.register("events", "view", hour, folder=f"events/view/{hour}/")


def test_rows_of_registered_partitions(events: Athena) -> None:
    first = put(events, "00", [{"id": "a", "n": 1}, {"id": "b", "n": 2}])
    put(events, "01", [{"id": "c", "n": 3}])
    put(events, "02", [{"id": "unseen", "n": 4}])
    register(events, "00", "01")
    assert events.rows("SELECT id, n, event_type, hour FROM events ORDER BY id") == [
        ("a", "1", "view", "00"),
        ("b", "2", "view", "00"),
        ("c", "3", "view", "01"),
    ]
    assert events.rows("""SELECT "$path", count(*), sum(n) FROM events WHERE hour = '00' GROUP BY 1""") == [
        (first, "2", "3")
    ]
    assert events.value("SELECT count(*) FROM events") == "3"
    assert events.value(f"""SELECT count(*) FROM events WHERE "$path" <> '{first}'""") == "1"


def test_only_the_partitions_and_objects_of_interest_are_read(events: Athena) -> None:
    first = put(events, "00", [{"id": "a"}])
    put(events, "01", [{"id": "b" * 1000}])
    put(events, "01", [{"id": "c"}], "_hidden.parquet")
    register(events, "00", "01")
    size = events.s3.head_object(Bucket=events.bucket, Key=first.partition(f"{events.bucket}/")[2])["ContentLength"]
    assert events.scanned("SELECT id FROM events WHERE hour = '00'") == size
    assert events.scanned(f"""SELECT id FROM events WHERE "$path" = '{first}'""") == size
    assert events.value("SELECT count(*) FROM events") == "2"


def test_columns_are_found_by_name_and_missing_ones_are_null(events: Athena) -> None:
    put(events, "00", [{"ID": "old", "gone": True}])
    put(events, "01", [{"user": {"AGE": 7, "more": 1}, "n": 1, "id": "new"}])
    put(events, "02", [{"else": 1}])
    register(events, "00", "01", "02")
    assert events.rows("SELECT id, n, user.name, user.age, tags, hour FROM events ORDER BY hour") == [
        ("old", None, None, None, None, "00"),
        ("new", "1", None, "7", None, "01"),
        (None, None, None, None, None, "02"),
    ]
    assert events.value("SELECT count(*) FROM events WHERE user IS NULL") == "2"


def test_nested_columns(events: Athena) -> None:
    put(
        events,
        "00",
        [
            {"id": "a", "user": {"name": "x", "age": 1}, "tags": ["s", None, "t"]},
            {"id": "b", "user": {"name": None, "age": 2}, "tags": []},
            {"id": "c", "user": None, "tags": None},
        ],
    )
    more = pa.schema([("id", pa.string()), ("more", pa.map_(pa.string(), pa.int64()))])
    events.put("events/view/00/b.parquet", parquet([{"id": "d", "more": [("k", 1)]}, {"id": "e"}], more))
    register(events, "00")
    assert events.rows("SELECT id, user.age, cardinality(tags), tags[1], more['k'] FROM events WHERE id <> 'b'") == [
        ("a", "1", "3", "s", None),
        ("c", None, None, None, None),
        ("d", None, None, None, "1"),
        ("e", None, None, None, None),
    ]
    assert events.rows("SELECT id FROM events WHERE user IS NULL") == [("c",), ("d",), ("e",)]
    assert events.rows("SELECT id, tag FROM events CROSS JOIN UNNEST(tags) AS t (tag)") == [
        ("a", "s"),
        ("a", None),
        ("a", "t"),
    ]


def test_timestamps_are_read_to_the_millisecond(events: Athena) -> None:
    put(events, "00", [{"id": "a", "at": datetime(2026, 11, 18, 12, 0, 0, 123_567)}])  # noqa: DTZ001  # has no zone
    register(events, "00")
    assert events.value("SELECT at FROM events") == "2026-11-18 12:00:00.124"


@pytest.mark.parametrize(
    ("kind", "held", "expected"),
    [
        ("bigint", pa.array([7], pa.int32()), "7"),
        ("double", pa.array([0.5], pa.float32()), "0.5"),
        ("decimal(10,2)", pa.array([None], pa.decimal128(5, 2)), None),
        ("date", pa.array([20_000], pa.int32()).cast(pa.date32()), "2024-10-04"),
    ],
    ids=["int to bigint", "float to double", "decimal", "date"],
)
def test_narrower_types_are_widened(athena: Athena, kind: str, held: pa.Array, expected: str | None) -> None:
    athena.run(f"CREATE EXTERNAL TABLE t (v {kind}) STORED AS PARQUET LOCATION 's3://{athena.bucket}/t/'")
    body = io.BytesIO()
    pq.write_table(pa.table({"v": held}), body)
    athena.put("t/a", body.getvalue())
    assert athena.value("SELECT v FROM t") == expected


@pytest.mark.parametrize(
    ("kind", "held", "name", "says"),
    [
        ("string", pa.array([1], pa.int64()), "INT64", "varchar"),
        ("bigint", pa.array(["1"]), "BINARY", "bigint"),
        ("int", pa.array([1], pa.int64()), "INT64", "integer"),
        ("float", pa.array([1.0], pa.float64()), "DOUBLE", "real"),
        ("struct<a:int>", pa.array([{"a": "x"}]), "BINARY", "integer"),
        ("array<int>", pa.array([1], pa.int32()), "INT32", "array(integer)"),
    ],
)
def test_other_types_fail_the_query(athena: Athena, kind: str, held: pa.Array, name: str, says: str) -> None:
    athena.run(f"CREATE EXTERNAL TABLE t (v {kind}, w int) STORED AS PARQUET LOCATION 's3://{athena.bucket}/t/'")
    body = io.BytesIO()
    pq.write_table(pa.table({"v": held}), body)
    path = athena.put("t/a", body.getvalue())
    assert athena.reason("SELECT v FROM t") == (
        f"HIVE_BAD_DATA: Malformed Parquet file. Field v's type {name} in parquet file {path} is incompatible with type"
        f" {says} defined in table schema [{path}]"
    )
    # Only where the column is asked for.
    assert athena.value("SELECT w FROM t") is None


def test_an_object_that_is_no_parquet_fails_the_query_that_meets_it(events: Athena) -> None:
    body = parquet([{"id": f"{at}"} for at in range(1000)])
    put(events, "00", [{"id": "whole"}])
    broken = {
        "01": (body[: len(body) // 2], "Malformed Parquet file. Expected magic number: PAR1 got: "),
        "02": (b"", "is not a valid Parquet File"),
        "03": (b"x" * 40 + b"PAR1", "Malformed Parquet file. "),
        "04": (body[:4] + b"\xff" * 200 + body[204:], "Failed to read Parquet file: "),
    }
    paths = {hour: events.put(f"events/view/{hour}/a.parquet", content) for hour, (content, _) in broken.items()}
    register(events, "00", *broken)
    for hour, (_, says) in broken.items():
        reason = events.reason(f"SELECT count(id) FROM events WHERE hour = '{hour}'")
        assert reason.startswith(("HIVE_BAD_DATA: ", "HIVE_CURSOR_ERROR: "))
        assert says in reason
        assert paths[hour] in reason
    assert events.reason("SELECT count(id) FROM events").startswith("HIVE_")
    others = ", ".join(f"'{path}'" for path in paths.values())
    assert events.value(f"""SELECT count(id) FROM events WHERE "$path" NOT IN ({others})""") == "1"


def test_what_firehose_delivers_is_read_as_its_table_says(athena: Athena) -> None:
    athena.run(
        f"CREATE EXTERNAL TABLE events ({COLUMNS}, small tinyint, day date, share decimal(5,2))"
        f" STORED AS PARQUET LOCATION 's3://{athena.bucket}/landing/'"
    )
    feed = Feed(
        athena.cloud,
        BucketARN=f"arn:aws:s3:::{athena.bucket}",
        Prefix="landing/!{timestamp:yyyy}/",
        **converting(athena.database),
    )
    feed.put_at(
        NOON,
        b'{"id":"a","n":"1","at":"2026-11-18T12:00:00.5Z","user":{"name":"x"},"tags":["s"],"more":{"K":1},'
        b'"small":-3,"day":"2026-11-18","share":1.5}',
        b"{}",
        b"no JSON",
    )
    athena.cloud.set_clock(NOON + timedelta(hours=1))
    sql = "SELECT id, n, at, user.name, tags[1], more['k'], small, day, share FROM events ORDER BY id"
    assert athena.rows(sql) == [
        ("a", "1", "2026-11-18 12:00:00.500", "x", "s", "1", "-3", "2026-11-18", "1.50"),
        (None,) * 9,
    ]


def test_settings_of_the_serde_that_are_not_served(athena: Athena) -> None:
    athena.run(
        f"""CREATE EXTERNAL TABLE t (v int)
            ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
            WITH SERDEPROPERTIES ('parquet.column.index.access' = 'true')
            STORED AS PARQUET LOCATION 's3://{athena.bucket}/t/'"""
    )
    assert athena.reason("SELECT v FROM t").startswith("NOT_SUPPORTED: ")
