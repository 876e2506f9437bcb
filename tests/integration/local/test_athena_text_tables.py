"""What Athena reads of an external table: registered partitions only, each from its own location, and no more."""

import gzip
import json

import pytest

from tests.integration.local.athena_queries import Athena
from tests.integration.local.conftest import Cloud

HOURS = ("00", "01", "02", "03")
KEYS = ("year", "month", "day", "hour")


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    return Athena(common_cloud)


@pytest.fixture
def day(athena: Athena) -> Athena:
    """A table ``raw`` with an object of one line for each of four hours; an hour's object is larger than all before."""
    athena.create_text_table("raw", KEYS)
    for at, hour in enumerate(HOURS):
        athena.put(f"raw/hour={hour}/a", b"h" * 10**at + b"\n")
        athena.register("raw", "2026", "11", "18", hour, folder=f"raw/hour={hour}/")
    return athena


def hours(athena: Athena, where: str) -> list[str | None]:
    return [hour for (hour,) in athena.rows(f"SELECT hour FROM raw WHERE {where} ORDER BY hour")]


def test_an_object_outside_the_registered_partitions_is_not_there(day: Athena) -> None:
    day.put("raw/hour=04/a", b"unseen\n")
    assert day.value("SELECT count(*) FROM raw") == "4"
    assert day.rows("SELECT * FROM raw WHERE hour = '04'") == []


def test_a_partition_is_read_from_its_own_location(day: Athena) -> None:
    day.put("elsewhere/a", b"moved\n")
    day.put("elsewhere-too/a", b"no part of it\n")
    day.register("raw", "2026", "11", "19", "00", folder="elsewhere")
    assert day.rows("SELECT line, year, hour FROM raw WHERE day = '19'") == [("moved", "2026", "00")]


def test_a_registered_partition_without_objects_is_empty(day: Athena) -> None:
    day.register("raw", "2026", "11", "19", "00", folder="nothing/here/")
    assert day.value("SELECT count(*) FROM raw WHERE day = '19'") == "0"


def test_hidden_objects_and_folders_are_skipped_and_deeper_ones_read(day: Athena) -> None:
    for key in ("_SUCCESS", ".hidden", "_temporary/x", "deeper/.x", "deeper/_y/z", "deeper/"):
        day.put(f"raw/hour=00/{key}", b"skipped\n")
    day.put("raw/hour=00/deeper/a_b.c", b"read\n")
    assert day.rows("SELECT line FROM raw WHERE hour = '00' ORDER BY line") == [("h",), ("read",)]


def test_the_path_and_the_size_of_the_object(day: Athena) -> None:
    content = gzip.compress(b"zipped\n")
    path = day.put("raw/hour=00/b.gz", content)
    assert day.rows("""SELECT "$path", "$file_size" FROM raw WHERE line = 'zipped'""") == [(path, str(len(content)))]
    assert "$path" not in day.result(day.run("SELECT * FROM raw")["QueryExecutionId"])[0]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("hour = '01'", ["01"]),
        ("hour IN ('01', '03')", ["01", "03"]),
        ("year || month || day || hour BETWEEN '2026111800' AND '2026111801'", ["00", "01"]),
        ("(year, month, day, hour) IN (VALUES ('2026', '11', '18', '02'), ('2026', '11', '19', '01'))", ["02"]),
        ("year = '2026' AND (hour = '00' OR hour = '02') AND line LIKE 'h%'", ["00", "02"]),
        ("CAST(hour AS integer) > 1", ["02", "03"]),
        ("NOT hour < '03'", ["03"]),
        ("hour IS NULL", []),
        ("hour = '01' AND day = '19'", []),
    ],
)
def test_predicates_on_partition_keys_spare_the_other_partitions(day: Athena, where: str, expected: list[str]) -> None:
    assert hours(day, where) == expected
    sizes = [10**at + 1 for at, hour in enumerate(HOURS) if hour in expected]
    assert day.scanned(f"SELECT line FROM raw WHERE {where}") == sum(sizes)


def test_a_predicate_on_the_path_spares_the_object(day: Athena) -> None:
    broken = day.put("raw/hour=00/broken.gz", b"not gzip")
    assert day.reason("SELECT count(*) FROM raw") == f"HIVE_CURSOR_ERROR: Failed to read file: {broken}"
    sql = f"""SELECT count(*) FROM raw WHERE "$path" NOT IN ('', '{broken}') AND hour < '02'"""
    assert day.value(sql) == "2"
    assert day.scanned(sql) == 2 + 11


@pytest.mark.parametrize(
    "where",
    [
        "hour = '01' OR line = 'h'",
        "line LIKE 'h%'",
        "hour = substr(line, 1, 2)",
        "EXISTS (SELECT 1 FROM raw WHERE hour = '01')",
    ],
)
def test_other_predicates_spare_nothing(day: Athena, where: str) -> None:
    assert day.scanned(f"SELECT line FROM raw r WHERE {where}") >= 1111


def test_each_mention_of_a_table_has_its_own_partitions(day: Athena) -> None:
    sql = """
        WITH early AS (SELECT line, hour FROM raw WHERE hour = '00'),
             late AS (SELECT line, hour FROM raw WHERE hour = '01')
        SELECT e.hour, l.hour FROM early e CROSS JOIN late l
    """
    assert day.rows(sql) == [("00", "01")]
    assert day.scanned(sql) == 2 + 11


def test_pruning_below_an_outer_join_keeps_the_rows_without_a_partner(day: Athena) -> None:
    sql = "SELECT v.h, r.hour FROM (VALUES '00', '09') AS v (h) LEFT JOIN raw r ON r.hour = v.h WHERE {} ORDER BY 1"
    assert day.rows(sql.format("r.hour IS NULL")) == [("09", None)]
    assert day.rows(sql.format("coalesce(r.hour, '09') = '09'")) == [("09", None)]
    assert day.rows(sql.format("r.hour = '00'")) == [("00", "00")]
    assert day.scanned(sql.format("r.hour = '00'")) == 2


def test_a_line_is_cut_at_the_delimiter_unless_the_last_column_takes_the_rest(athena: Athena) -> None:
    for name, settings in {
        "whole": {},
        "cut": {"serialization.last.column.takes.rest": "false"},
        "tabbed": {"serialization.last.column.takes.rest": "false", "field.delim": "\t"},
        "nulled": {"serialization.null.format": "b"},
    }.items():
        athena.create_text_table(name, (), **settings)
        athena.put(f"{name}/a", b"x\x01y\tz\nb\n")
    found = {name: athena.rows(f"SELECT line FROM {name}") for name in ("whole", "cut", "tabbed", "nulled")}
    assert found == {
        "whole": [("x\x01y\tz",), ("b",)],
        "cut": [("x",), ("b",)],
        "tabbed": [("x\x01y",), ("b",)],
        "nulled": [("x\x01y\tz",), (None,)],
    }


def test_a_table_that_is_not_served_says_so(athena: Athena) -> None:
    athena.run(f"CREATE EXTERNAL TABLE two (a string, b string) LOCATION 's3://{athena.bucket}/two/'")
    athena.run(
        f"""CREATE EXTERNAL TABLE csv (a string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
            LOCATION 's3://{athena.bucket}/csv/'"""
    )
    assert athena.reason("SELECT * FROM two").startswith("NOT_SUPPORTED: ")
    assert "OpenCSVSerde" in athena.reason("SELECT * FROM csv")


def test_json_lines_by_their_declared_columns(athena: Athena) -> None:
    athena.run(
        f"""
        CREATE EXTERNAL TABLE ledger (
            hour string, state string, sequence bigint, counts map<string, bigint>,
            tiers struct<bronze: bigint, silver: bigint>, objects array<string>, share double, checked date, ok boolean)
        ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
        LOCATION 's3://{athena.bucket}/ledger/'
        """
    )
    entries = [
        {
            "hour": "2026-11-18T13:00:00Z", "state": "verified", "sequence": 2**53 + 1, "counts": {"good": 5},
            "tiers": {"bronze": 7, "silver": 5}, "objects": ["a", "b"], "share": 1, "checked": "2026-11-19",
            "ok": True, "unknown": 1,
        },
        {"hour": None, "State": {"of": "mind"}},
    ]  # fmt: skip
    athena.put("ledger/1.ndjson", b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
    columns = "hour, state, sequence, counts['good'], tiers.silver, objects[2], share, checked, ok"
    assert athena.rows(f"SELECT {columns} FROM ledger WHERE hour IS NOT NULL") == [
        ("2026-11-18T13:00:00Z", "verified", "9007199254740993", "5", "5", "b", "1.0", "2026-11-19", "true")
    ]
    assert athena.rows("SELECT state, sequence FROM ledger WHERE hour IS NULL") == [('{"of":"mind"}', None)]
    athena.put("ledger/2.ndjson", b"{\n")
    assert athena.reason("SELECT state FROM ledger") == "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"


def test_what_there_is_not_is_named_with_its_place(day: Athena) -> None:
    missing = f"Table 'awsdatacatalog.{day.database}.nope' does not exist"
    assert day.reason("SELECT *\nFROM nope") == f"TABLE_NOT_FOUND: line 2:6: {missing}"
    assert day.reason("SELECT * FROM nowhere.raw") == "SCHEMA_NOT_FOUND: line 1:15: Schema 'nowhere' does not exist"
    assert day.reason("SELECT raw.nope FROM raw") == "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"
    assert day.reason("SELECT line AS l FROM raw WHERE l = 'h'") == (
        "COLUMN_NOT_FOUND: line 1:33: Column 'l' cannot be resolved"
    )
