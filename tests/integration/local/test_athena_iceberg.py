"""Iceberg tables through Athena: made, written, changed, and read at any snapshot, with nothing read in vain."""

from typing import Any

import pytest

from tests.integration.local.athena_queries import Athena
from tests.integration.local.conftest import Cloud

COLUMNS = "event_id string, event_date date, arrival_hour string, n bigint, amount decimal(10, 2)"
ROWS = """
    ('a', DATE '2026-11-17', '2026-11-18T13:00:00Z', 1, 1.25),
    ('b', DATE '2026-11-18', '2026-11-18T13:00:00Z', 2, NULL),
    ('c', DATE '2026-11-18', '2026-11-18T14:00:00Z', 3, 3.00),
    ('d', DATE '2026-11-18', '2026-11-18T14:00:00Z', 4, 4.00)
"""


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    return Athena(common_cloud)


@pytest.fixture
def silver(athena: Athena) -> Athena:
    """A table ``silver`` of four rows in three files."""
    create(athena, "silver", COLUMNS, "event_date, arrival_hour")
    athena.run(f"INSERT INTO silver VALUES {ROWS}")
    return athena


def create(athena: Athena, name: str, columns: str, partitioning: str) -> None:
    athena.run(
        f"""CREATE TABLE {name} ({columns}) PARTITIONED BY ({partitioning}) LOCATION 's3://{athena.bucket}/{name}/'
            TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')"""
    )


def ids(athena: Athena, rest: str = "") -> str:
    return "".join(
        str(event_id) for (event_id,) in athena.rows(f"SELECT event_id FROM silver {rest} ORDER BY event_id")
    )


def snapshots(athena: Athena) -> list[Any]:
    return [each for (each,) in athena.rows('SELECT snapshot_id FROM "silver$snapshots" ORDER BY committed_at')]


def test_a_table_is_an_iceberg_table_of_the_glue_catalog(silver: Athena) -> None:
    table = silver.glue.get_table(DatabaseName=silver.database, Name="silver")["Table"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Parameters"]["table_type"] == "ICEBERG"
    metadata = table["Parameters"]["metadata_location"]
    assert metadata.startswith(f"s3://{silver.bucket}/silver/metadata/")
    assert [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]] == [
        ("event_id", "string"), ("event_date", "date"), ("arrival_hour", "string"), ("n", "bigint"),
        ("amount", "decimal(10,2)"),
    ]  # fmt: skip
    keys = [
        found["Key"] for found in silver.s3.list_objects_v2(Bucket=silver.bucket, Prefix="silver/data/")["Contents"]
    ]
    assert [key.split("/")[2] for key in sorted(keys)] == [
        "event_date=2026-11-17", "event_date=2026-11-18", "event_date=2026-11-18",
    ]  # fmt: skip


def test_rows_come_back_as_they_were_written(silver: Athena) -> None:
    assert silver.rows("SELECT * FROM silver ORDER BY event_id") == [
        ("a", "2026-11-17", "2026-11-18T13:00:00Z", "1", "1.25"),
        ("b", "2026-11-18", "2026-11-18T13:00:00Z", "2", None),
        ("c", "2026-11-18", "2026-11-18T14:00:00Z", "3", "3.00"),
        ("d", "2026-11-18", "2026-11-18T14:00:00Z", "4", "4.00"),
    ]


def test_all_types(athena: Athena) -> None:
    columns = """s string, i int, n bigint, f float, d double, b boolean, day date, t timestamp, m decimal(20, 3),
        raw binary, a array<string>, k map<string, int>, r struct<x: bigint, y: array<date>>"""
    create(athena, "everything", columns, "day")
    athena.run(
        """INSERT INTO everything SELECT 'é', 1, 9007199254740993, 0.5e0, 0.1e0, true, DATE '2026-11-18',
            TIMESTAMP '2026-11-18 13:00:00.123456', CAST(12345678901234567.125 AS decimal(20, 3)), to_utf8('x'),
            ARRAY['p', NULL], MAP(ARRAY['k'], ARRAY[1]),
            CAST(ROW(1, ARRAY[DATE '2026-11-18']) AS ROW(x bigint, y array(date)))"""
    )
    assert athena.rows("SELECT * FROM everything") == [
        (
            "é", "1", "9007199254740993", "0.5", "0.1", "true", "2026-11-18", "2026-11-18 13:00:00.123456",
            "12345678901234567.125", "78", "[p, null]", "{k=1}", "{x=1, y=[2026-11-18]}",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "read"),
    [
        ("arrival_hour = '2026-11-18T14:00:00Z'", ["18 at 14"]),
        ("arrival_hour IN ('2026-11-18T13:00:00Z', '2026-11-18T15:00:00Z')", ["17 at 13", "18 at 13"]),
        ("event_date BETWEEN DATE '2026-11-10' AND DATE '2026-11-17'", ["17 at 13"]),
        ("DATE '2026-11-17' < event_date AND lower(event_id) = 'b'", ["18 at 13", "18 at 14"]),
        ("event_date = DATE '2026-11-18' AND (arrival_hour < '2026-11-18T14' OR n < 0)", ["18 at 13"]),
        ("n > 3", ["18 at 14"]),
        ("arrival_hour IS NOT NULL", ["17 at 13", "18 at 13", "18 at 14"]),
    ],
)
def test_predicates_spare_files(silver: Athena, where: str, read: list[str]) -> None:
    sizes: dict[str, int] = {}
    for found in silver.s3.list_objects_v2(Bucket=silver.bucket, Prefix="silver/data/")["Contents"]:
        _, _, date, hour, _ = found["Key"].split("/")
        sizes[f"{date[-2:]} at {hour.partition('T')[2][:2]}"] = found["Size"]
    assert set(sizes) == {"17 at 13", "18 at 13", "18 at 14"}
    assert silver.scanned(f"SELECT event_id FROM silver WHERE {where}") == sum(sizes[file] for file in read)


def test_time_travel(silver: Athena) -> None:
    (first,) = snapshots(silver)
    silver.run("INSERT INTO silver (event_id) VALUES ('e')")
    silver.run("ALTER TABLE silver ADD COLUMNS (extra string)")
    silver.run("INSERT INTO silver (event_id, extra) VALUES ('f', 'x')")
    assert ids(silver) == "abcdef"
    assert ids(silver, f"FOR VERSION AS OF {first}") == "abcd"
    second, third = snapshots(silver)[1:]
    moment = silver.value(f'SELECT committed_at FROM "silver$snapshots" WHERE snapshot_id = {second}')
    assert ids(silver, f"FOR TIMESTAMP AS OF TIMESTAMP '{moment}'") == "abcde"
    assert silver.rows(f"SELECT extra FROM silver FOR VERSION AS OF {third} WHERE event_id = 'f'") == [("x",)]
    assert silver.reason(f"SELECT extra FROM silver FOR VERSION AS OF {second}").startswith("COLUMN_NOT_FOUND")
    joined = f"SELECT n.event_id FROM silver n LEFT JOIN silver FOR VERSION AS OF {first} o ON n.event_id = o.event_id"
    assert silver.rows(f"{joined} WHERE o.event_id IS NULL ORDER BY 1") == [("e",), ("f",)]
    assert silver.reason("SELECT * FROM silver FOR VERSION AS OF 1") == (
        "INVALID_ARGUMENTS: line 1:40: Iceberg snapshot ID does not exists: 1"
    )
    assert "No version history" in silver.reason(
        "SELECT * FROM silver FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'"
    )


def test_metadata_tables(silver: Athena) -> None:
    (first,) = snapshots(silver)
    silver.run("DELETE FROM silver WHERE n = 3")
    second = snapshots(silver)[-1]
    assert silver.rows('SELECT name, type, snapshot_id FROM "silver$refs"') == [("main", "BRANCH", second)]
    assert silver.rows('SELECT snapshot_id, is_current_ancestor FROM "silver$history" ORDER BY made_current_at')[0] == (
        first, "true",
    )  # fmt: skip
    assert silver.rows(
        'SELECT partition.arrival_hour, sum(record_count) FROM "silver$partitions" GROUP BY 1 ORDER BY 1'
    ) == [("2026-11-18T13:00:00Z", "2"), ("2026-11-18T14:00:00Z", "1")]
    assert silver.rows('SELECT sum(record_count), count(*) FROM "silver$files"') == [("3", "3")]
    assert (
        silver.value(f"""SELECT summary['added-records'] FROM "silver$snapshots" WHERE snapshot_id = {first}""") == "4"
    )
    assert silver.reason('SELECT * FROM "silver$nope"').startswith("NOT_SUPPORTED")


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("n = 1", "bcd"),
        ("event_date = DATE '2026-11-18'", "a"),
        ("arrival_hour = '2026-11-18T14:00:00Z' AND event_id = 'c'", "abd"),
        ("arrival_hour = '2026-11-18T13:00:00Z' AND upper(event_id) = 'B'", "acd"),
        ("amount IS NULL", "acd"),
        ("NOT amount > 2", "bcd"),
        ("event_id IN (SELECT x FROM (VALUES 'a', 'd') t (x))", "bc"),
        ("n > 100", "abcd"),
        ("true", ""),
    ],
)
def test_delete(silver: Athena, where: str, left: str) -> None:
    (before,) = snapshots(silver)
    found = silver.run(f"DELETE FROM silver WHERE {where}")
    result = silver.client.get_query_results(QueryExecutionId=found["QueryExecutionId"])
    assert result["UpdateCount"] == 4 - len(left)
    assert ids(silver) == left
    assert ids(silver, f"FOR VERSION AS OF {before}") == "abcd"


def test_update(silver: Athena) -> None:
    silver.run("UPDATE silver SET n = n * 10, arrival_hour = '2026-11-18T15:00:00Z' WHERE event_id >= 'c' AND n < 4")
    assert silver.rows(
        "SELECT event_id, n, arrival_hour FROM silver WHERE event_date = DATE '2026-11-18' ORDER BY 1"
    ) == [
        ("b", "2", "2026-11-18T13:00:00Z"),
        ("c", "30", "2026-11-18T15:00:00Z"),
        ("d", "4", "2026-11-18T14:00:00Z"),
    ]
    assert silver.reason("UPDATE silver SET n = 'many'").startswith(("TYPE_MISMATCH", "INVALID_CAST_ARGUMENT"))
    assert silver.reason("UPDATE silver SET nope = 1").startswith("COLUMN_NOT_FOUND")


def test_insert_of_a_query(silver: Athena) -> None:
    silver.create_text_table("raw", ())
    silver.put("raw/a", b'{"id":"x"}\n{"id":"y"}\n')
    found = silver.run(
        "INSERT INTO silver (n, event_id) SELECT sum(1) OVER (), json_extract_scalar(line, '$.id') FROM raw"
    )
    assert found["Statistics"]["DataScannedInBytes"] == 22
    assert silver.rows("SELECT event_id, event_date, n FROM silver WHERE event_date IS NULL ORDER BY 1") == [
        ("x", None, "2"), ("y", None, "2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "INSERT INTO silver (event_id, n) VALUES ('x', 'y')",
            "TYPE_MISMATCH: Insert query has mismatched column types",
        ),
        ("INSERT INTO silver (event_id, n) VALUES ('x')", "TYPE_MISMATCH: Insert query has mismatched column types"),
        ("INSERT INTO silver (nope) VALUES ('x')", "COLUMN_NOT_FOUND: line 1:13: Insert column name does not exist"),
        ("INSERT INTO silver (amount) VALUES (123456789.00)", "NUMERIC_VALUE_OUT_OF_RANGE: amount"),
        ("INSERT INTO nope VALUES (1)", "TABLE_NOT_FOUND: line 1:13"),
        ("DELETE FROM silver WHERE event_date = '2026-11-18'", "TYPE_MISMATCH: line 1:26"),
    ],
)
def test_refused_writes_leave_the_table_as_it_was(silver: Athena, sql: str, reason: str) -> None:
    before = snapshots(silver)
    assert silver.reason(sql).startswith(reason)
    assert snapshots(silver) == before


def test_writing_to_other_tables_is_refused(athena: Athena) -> None:
    athena.create_text_table("raw")
    for sql in ("INSERT INTO raw VALUES ('a', '01')", "DELETE FROM raw", "UPDATE raw SET line = 'a'"):
        assert athena.reason(sql).startswith("NOT_SUPPORTED: ")


def test_create_and_drop(silver: Athena) -> None:
    again = f"TABLE {{}} silver (x string) LOCATION 's3://{silver.bucket}/x/' TBLPROPERTIES ('table_type' = 'ICEBERG')"
    silver.run("CREATE " + again.format("IF NOT EXISTS"))
    assert ids(silver) == "abcd"
    assert "AlreadyExistsException" in silver.reason("CREATE " + again.format(""))
    assert "Unsupported table property key: owner" in silver.reason(
        f"""CREATE TABLE t (x string) LOCATION 's3://{silver.bucket}/t/'
            TBLPROPERTIES ('table_type' = 'ICEBERG', 'owner' = 'me')"""
    )
    assert silver.reason(
        f"CREATE TABLE nowhere.t (x string) LOCATION 's3://{silver.bucket}/t/' TBLPROPERTIES ('table_type' = 'ICEBERG')"
    ).startswith("SCHEMA_NOT_FOUND")
    silver.run("DROP TABLE silver")
    assert silver.reason("SELECT * FROM silver").startswith("TABLE_NOT_FOUND")
    left = silver.s3.list_objects_v2(Bucket=silver.bucket, Prefix="silver/").get("Contents", [])
    assert sum(found["Size"] for found in left) == 0
    silver.run("DROP TABLE IF EXISTS silver")
    assert "Table not found" in silver.reason("DROP TABLE silver")


def test_databases(athena: Athena) -> None:
    name = f"{athena.database}_more"
    athena.run(f"CREATE DATABASE IF NOT EXISTS {name}")
    athena.run(f"CREATE DATABASE IF NOT EXISTS {name}")
    assert "already exists" in athena.reason(f"CREATE DATABASE {name}")
    assert name in athena.lines("SHOW DATABASES")
    assert athena.lines(f"SHOW DATABASES LIKE '{name[:8]}*more'") == [name]
    athena.run(f"DROP DATABASE {name}")
    assert "does not exist" in athena.reason(f"DROP DATABASE {name}")
    athena.create_text_table("raw")
    assert "is not empty" in athena.reason(f"DROP DATABASE {athena.database}")


def test_columns_are_added(silver: Athena) -> None:
    silver.run("ALTER TABLE silver ADD COLUMNS (extra string COMMENT 'more', tags array<string>)")
    assert silver.rows("SELECT extra, tags FROM silver WHERE event_id = 'a'") == [(None, None)]
    assert "already exists" in silver.reason("ALTER TABLE silver ADD COLUMNS (n int)")
    described = [str(line).split() for line in silver.lines("DESCRIBE silver")]
    assert described[-2:] == [["extra", "string", "more"], ["tags", "array<string>"]]
