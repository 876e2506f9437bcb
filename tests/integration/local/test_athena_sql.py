"""Athena's SQL: what functions and operators answer, and what they refuse, as Trino does."""

import pytest

from tests.integration.local.athena_queries import Athena
from tests.integration.local.conftest import Cloud


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    return Athena(common_cloud)


EXPRESSIONS = {
    # Text and bytes
    "substr('hello', 2)": "ello",
    "substr('hello', 2, 3)": "ell",
    "substr('hello', -3)": "llo",
    "substr('hello', 0)": "",
    "to_hex(substr(to_utf8('hello'), 2, 2))": "656C",
    "length('é')": "1",
    "length(to_utf8('é'))": "2",
    "to_hex(from_hex('0aFF'))": "0AFF",
    "to_hex(md5(to_utf8('')))": "D41D8CD98F00B204E9800998ECF8427E",
    "to_hex(sha256(to_utf8('a')))": "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB",
    "from_utf8(from_hex('61C3'))": "a\ufffd",
    "to_base64(to_utf8('abc'))": "YWJj",
    "concat('a', 'b', 'c')": "abc",
    "concat('a', NULL)": None,
    "'a' || 'b'": "ab",
    "split('a,b,c', ',')": "[a, b, c]",
    "split_part('a,b', ',', 2)": "b",
    "split_part('a,b', ',', 3)": None,
    "lower('ÀB') || upper('é')": "àbÉ",
    "lpad('7', 3, '0')": "007",
    "strpos('banana', 'na')": "3",
    "position('na' IN 'banana')": "3",
    "replace('banana', 'na', '')": "ba",
    "trim(' x ')": "x",
    "reverse('abc')": "cba",
    "regexp_like('evt-12', '^evt-\\d+$')": "true",
    "regexp_extract('evt-12', '(\\w+)-(\\d+)', 2)": "12",
    "regexp_extract('evt', '\\d')": None,
    "regexp_replace('a1b2', '([a-z])(\\d)', '$2$1')": "1a2b",
    # Numbers
    "from_base('ff', 16)": "255",
    "from_base('7fffffffffffffff', 16)": "9223372036854775807",
    "from_base('-101', 2)": "-5",
    "7 / 2": "3",
    "-7 / 2": "-3",
    "-7 % 3": "-1",
    "7e0 / 2": "3.5",
    "bitwise_and(12, 10)": "8",
    "bitwise_or(12, 10)": "14",
    "bitwise_xor(12, 10)": "6",
    "greatest(1, 3, 2)": "3",
    "least(1, NULL)": None,
    "round(2.5e0)": "3.0",
    "abs(-3)": "3",
    "CAST('12' AS bigint)": "12",
    "TRY_CAST('1.5' AS bigint)": None,
    "TRY_CAST(' 1' AS integer)": None,
    "TRY(CAST('x' AS bigint))": None,
    "TRY(1 / 0)": None,
    "CAST(1e0 AS varchar)": "1.0",
    "CAST(123456789e0 AS varchar)": "1.23456789E8",
    "CAST('abc' AS varchar(2))": "ab",
    "CAST(1.5 AS decimal(10, 3))": "1.500",
    # Conditions
    "coalesce(NULL, 'x')": "x",
    "nullif('x', 'x')": None,
    "if(1 > 2, 'a')": None,
    "NULL IS DISTINCT FROM 1": "true",
    "(1, 'a') IN ((1, 'a'), (2, 'b'))": "true",
    # Arrays, maps, rows
    "contains(ARRAY['a', 'b'], 'b')": "true",
    "cardinality(ARRAY[1, 2, 3])": "3",
    "element_at(ARRAY[1], 2)": None,
    "element_at(MAP(ARRAY['k'], ARRAY[5]), 'k')": "5",
    "ARRAY['a', 'b'][2]": "b",
    "array_join(ARRAY['a', 'b'], '-')": "a-b",
    "array_max(ARRAY[1, 3, 2])": "3",
    "transform(ARRAY[1, 2], x -> x * 10)": "[10, 20]",
    "filter(ARRAY[1, 2], x -> x > 1)": "[2]",
    "any_match(ARRAY[1, 2], x -> x > 1)": "true",
    "none_match(ARRAY[1, 2], x -> x > 1)": "false",
    "CAST(ROW(1, 'x') AS ROW(a integer, b varchar)).b": "x",
    # Dates and times
    "date_diff('day', TIMESTAMP '2026-01-01 10:00:00', TIMESTAMP '2026-01-02 09:00:00')": "0",
    "date_diff('day', DATE '2026-01-01', DATE '2026-01-03')": "2",
    "date_diff('hour', from_iso8601_timestamp('2026-01-01T00:00:00Z'), TIMESTAMP '2026-01-01 05:59:59 UTC')": "5",
    "date_add('day', -1, DATE '2026-01-01')": "2025-12-31",
    "DATE '2026-01-31' + INTERVAL '1' MONTH": "2026-02-28",
    "date_trunc('hour', TIMESTAMP '2026-11-18 13:45:10')": "2026-11-18 13:00:00.000",
    "date_trunc('month', DATE '2026-11-18')": "2026-11-01",
    "date_format(TIMESTAMP '2026-11-18 13:45:10', '%Y-%m-%dT%H:%i:%sZ')": "2026-11-18T13:45:10Z",
    "date_parse('2026-11-18 13', '%Y-%m-%d %H')": "2026-11-18 13:00:00.000",
    "from_iso8601_timestamp('2026-11-18T15:00:00.123456+02:00')": "2026-11-18 13:00:00.123 UTC",
    "TRY(from_iso8601_timestamp('2026-11-18 13:00:00'))": None,
    "to_iso8601(from_iso8601_timestamp('2026-11-18T13:00:00Z'))": "2026-11-18T13:00:00.000Z",
    "CAST(TIMESTAMP '2026-11-18 13:00:00' AS date)": "2026-11-18",
    "CAST(TIMESTAMP '2026-11-18 13:00:00' AS varchar)": "2026-11-18 13:00:00.000",
    "TRY_CAST('2026-11-18T13:00:00Z' AS timestamp)": None,
    "day_of_week(DATE '2026-11-22')": "7",
    "EXTRACT(hour FROM TIMESTAMP '2026-11-18 13:45:10')": "13",
    "to_unixtime(TIMESTAMP '1970-01-01 00:00:01.5')": "1.5",
    "from_unixtime(1.5)": "1970-01-01 00:00:01.500 UTC",
    "TIMESTAMP '2026-11-18 13:00:00 UTC' AT TIME ZONE 'UTC'": "2026-11-18 13:00:00.000 UTC",
    # JSON
    "json_extract_scalar('{\"a\": {\"b\": [0, \"x\"]}}', '$.a.b[1]')": "x",
    "json_extract('{\"a\": {\"b\": 1}}', '$.a')": '{"b":1}',
    "json_format(json_parse('{\"b\": 1, \"a\": [true]}'))": '{"a":[true],"b":1}',
    "CAST(json_extract('{\"a\": [1, 2]}', '$.a') AS array(bigint))": "[1, 2]",
    "json_format(json_extract('{\"a\": false', '$.a'))": "false",
    "json_extract('{\"a\": {\"b\": [1, \"x\"], \"c\": {}}, ', '$.a')": '{"b":[1,"x"],"c":{}}',
    "json_extract('{\"b\" 1, \"a\": 2}', '$.a')": None,
    "json_format(json_extract('{\"a\": null}', '$.a'))": "null",
    "json_extract('{\"a\": 1}', '$.b')": None,
    "TRY(json_parse('{'))": None,
    "json_array_length('[1, 2]')": "2",
}  # fmt: skip


def test_expressions(athena: Athena) -> None:
    """One query for all: constants here; columns are read in the tests of JSON and of lines."""
    columns = ", ".join(f"{expression} AS c{at}" for at, expression in enumerate(EXPRESSIONS))
    (row,) = athena.rows(f"SELECT {columns}")
    assert dict(zip(EXPRESSIONS, row, strict=True)) == EXPRESSIONS


VALUES = "(VALUES (1, 'a', 10), (2, 'b', 20), (3, 'b', NULL)) AS t (n, k, v)"

QUERIES = {
    f"SELECT k, count(*), count(v), sum(v) FROM {VALUES} GROUP BY k ORDER BY 1": [
        ("a", "1", "1", "10"),
        ("b", "2", "1", "20"),
    ],
    f"SELECT k, sum(n) FROM {VALUES} GROUP BY GROUPING SETS ((k), ()) ORDER BY k": [
        ("a", "1"),
        ("b", "5"),
        (None, "6"),
    ],
    f"SELECT count(DISTINCT k), count_if(n > 1), count(*) FILTER (WHERE k = 'b'), approx_distinct(k) FROM {VALUES}": [
        ("2", "2", "2", "2")
    ],
    f"SELECT max_by(k, n), min_by(k, n), max_by(v, n), arbitrary(1), bool_and(n > 0) FROM {VALUES}": [
        ("b", "a", None, "1", "true")
    ],
    f"SELECT array_agg(v ORDER BY n DESC), approx_percentile(n, 0.5), avg(n) FROM {VALUES}": [
        ("[null, 20, 10]", "2", "2.0")
    ],
    f"SELECT n, rank() OVER (PARTITION BY k ORDER BY n DESC), lag(n) OVER (ORDER BY n) FROM {VALUES} ORDER BY 1": [
        ("1", "1", None),
        ("2", "2", "1"),
        ("3", "1", "2"),
    ],
    "SELECT a.x, b.x FROM (VALUES 1, 2) a (x) FULL OUTER JOIN (VALUES 2, 3) b (x) ON a.x = b.x ORDER BY 1, 2": [
        ("1", None),
        ("2", "2"),
        (None, "3"),
    ],
    "SELECT x FROM (VALUES 1, 2) a (x) FULL OUTER JOIN (VALUES 2, 3) b (x) USING (x) ORDER BY 1": [
        ("1",),
        ("2",),
        ("3",),
    ],
    "SELECT x FROM (VALUES 1, 2, 2) t (x) EXCEPT SELECT 1": [("2",)],
    "SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 2 ORDER BY 1 DESC LIMIT 2": [("2",), ("1",)],
    "SELECT s, x, o FROM (VALUES 'a,b') t (s) CROSS JOIN UNNEST(split(s, ',')) WITH ORDINALITY u (x, o) ORDER BY 3": [
        ("a,b", "a", "1"),
        ("a,b", "b", "2"),
    ],
    f"SELECT n FROM {VALUES} WHERE (n, k) IN (VALUES (2, 'b'), (3, 'a')) OR EXISTS (SELECT 1 WHERE n = 1) ORDER BY n": [
        ("1",),
        ("2",),
    ],
    f"WITH w AS (SELECT k, count(*) AS c FROM {VALUES} GROUP BY k) SELECT a.k FROM w a JOIN w b ON a.c < b.c": [("a",)],
    "SELECT sum(x) FROM (VALUES 9007199254740993, 9007199254740993) t (x)": [("18014398509481986",)],
    "SELECT x FROM (VALUES 2, NULL, 1) t (x) ORDER BY x DESC": [("2",), ("1",), (None,)],
    "VALUES (1, 'a')": [("1", "a")],
    "-- what it is for\n/* and\nmore */ SELECT 1; ": [("1",)],
}


@pytest.mark.parametrize("sql", QUERIES)
def test_queries(athena: Athena, sql: str) -> None:
    assert athena.rows(sql) == QUERIES[sql]


UNSERVED = "the local Athena does not serve"

REFUSED = {
    # What Athena refuses though DuckDB would answer
    "SELECT DATE '2026-11-18' = '2026-11-18'": "TYPE_MISMATCH: line 1:13: Cannot apply operator: date = varchar",
    "SELECT x FROM (VALUES '1') t (x) WHERE x IN (1, 2)": "TYPE_MISMATCH: line 1:40: IN value",
    "SELECT x FROM (VALUES 1) t (x) WHERE x BETWEEN '0' AND '2'": "TYPE_MISMATCH: line 1:38: Cannot check if integer",
    "SELECT CASE WHEN 1 = 1 THEN 'a' ELSE 1 END": "TYPE_MISMATCH: line 1:18: All results must be of the same type",
    "SELECT coalesce(1, 'a')": "TYPE_MISMATCH: ",
    "SELECT 1 UNION SELECT 'a'": "TYPE_MISMATCH: ",
    "SELECT 'a' || 1": "TYPE_MISMATCH: line 1:8: Cannot concatenate varchar and integer",
    "SELECT md5('a')": "FUNCTION_NOT_FOUND: Unexpected parameters for function md5",
    "SELECT x AS y FROM (VALUES 1) t (x) WHERE y = 1": "COLUMN_NOT_FOUND: line 1:43: Column 'y' cannot be resolved",
    "SELECT x + 1 AS y FROM (VALUES 1) t (x) GROUP BY y": "COLUMN_NOT_FOUND: line 1:50: Column 'y' cannot be resolved",
    "SELECT count(*) AS c FROM (VALUES 1) t (x) HAVING c > 0": "COLUMN_NOT_FOUND: line 1:51: Column 'c'",
    "SELECT x, count(*) FROM (VALUES 1) t (x)": "EXPRESSION_NOT_AGGREGATE: ",
    "SELECT CAST('1.5' AS integer)": "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to INT",
    "SELECT CAST('2026-11-18T13:00:00Z' AS timestamp)": "INVALID_CAST_ARGUMENT: Cannot cast '2026-11-18T13:00:00Z'",
    "SELECT CAST(3000000000 AS integer)": "NUMERIC_VALUE_OUT_OF_RANGE: ",
    "SELECT 9223372036854775807 + 1": "NUMERIC_VALUE_OUT_OF_RANGE: ",
    "SELECT sum(x) FROM (VALUES 9223372036854775807, 1) t (x)": "NUMERIC_VALUE_OUT_OF_RANGE: bigint overflow",
    "SELECT 1 / 0": "DIVISION_BY_ZERO: ",
    "SELECT split('a', ',')[2]": "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to",
    "SELECT from_base('xyz', 16)": "INVALID_FUNCTION_ARGUMENT: Not a valid base-16 number: xyz",
    "SELECT json_parse('{')": "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '{'",
    "SELECT json_extract_scalar('{}', 'a')": "INVALID_FUNCTION_ARGUMENT: line 1:8: Invalid JSON path: 'a'",
    "SELECT from_iso8601_timestamp('18.11.2026')": 'INVALID_FUNCTION_ARGUMENT: Invalid format: "18.11.2026"',
    "SELECT (SELECT x FROM (VALUES 1, 2) t (x))": "SUBQUERY_MULTIPLE_ROWS: ",
    # What the local Athena does not serve, of other dialects or of Trino's
    "SELECT\n  ifnull(1, 2)": f"NOT_SUPPORTED: line 2:3: {UNSERVED} the function ifnull",
    "SELECT strftime(DATE '2026-11-18', '%Y')": f"NOT_SUPPORTED: line 1:8: {UNSERVED} the function strftime",
    "SELECT reduce(ARRAY[1], 0, (s, x) -> s + x, s -> s)": f"NOT_SUPPORTED: line 1:8: {UNSERVED} the function reduce",
    "SELECT now() AT TIME ZONE 'Europe/Berlin'": "NOT_SUPPORTED: ",
    "SELECT * FROM (VALUES 1) t (x) TABLESAMPLE BERNOULLI (50)": "NOT_SUPPORTED: ",
    "SELECT * FROM range(3)": f"NOT_SUPPORTED: line 1:15: {UNSERVED} table functions",
    "SELECT * FROM '/etc/hostname'": "TABLE_NOT_FOUND: ",
    "EXPLAIN SELECT 1": f"NOT_SUPPORTED: {UNSERVED} EXPLAIN statements",
    "CREATE TABLE t AS SELECT 1 AS a": f"NOT_SUPPORTED: {UNSERVED} CREATE TABLE AS SELECT",
    "UNLOAD (SELECT 1) TO 's3://b/x' WITH (format = 'PARQUET')": f"NOT_SUPPORTED: {UNSERVED} UNLOAD statements",
    "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE": f"NOT_SUPPORTED: {UNSERVED} MERGE statements",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_refused_queries(athena: Athena, sql: str) -> None:
    assert athena.reason(sql).startswith(REFUSED[sql])


def test_a_sample_of_a_table_is_refused(athena: Athena) -> None:
    athena.create_text_table("raw", ())
    assert athena.reason("SELECT * FROM raw TABLESAMPLE BERNOULLI (50)").startswith("NOT_SUPPORTED: ")


def test_a_table_goes_by_its_name_and_its_databases(athena: Athena) -> None:
    athena.create_text_table("raw", ())
    athena.put("raw/a", b"x:y\n")
    name = athena.database
    assert athena.rows(f"SELECT RAW.line, {name}.raw.line FROM {name}.raw") == [("x:y", "x:y")]
    assert athena.rows(f"SELECT r.LINE FROM AwsDataCatalog.{name}.raw AS r") == [("x:y",)]
    assert athena.rows("SELECT r.line, x FROM raw r CROSS JOIN UNNEST(split(r.line, ':')) AS u (x) ORDER BY x") == [
        ("x:y", "x"),
        ("x:y", "y"),
    ]


def test_the_time_is_the_clouds(athena: Athena, common_cloud: Cloud) -> None:
    set_to = common_cloud.set_clock(common_cloud.now().replace(year=2025))
    moment = f"TIMESTAMP '{set_to:%Y-%m-%d %H:%M:%S} UTC'"
    shown = athena.value(f"SELECT date_diff('second', {moment}, now())")
    assert shown is not None
    assert 0 <= int(shown) < 60
    assert athena.rows("SELECT current_timestamp = now(), year(current_date)") == [("true", "2025")]


def test_views(athena: Athena) -> None:
    athena.create_text_table("raw")
    athena.put("raw/01/a", b"b\na\n")
    athena.register("raw", "01", folder="raw/01/")
    athena.run("CREATE VIEW lines AS SELECT line AS text, hour FROM raw WHERE hour = '01'")
    assert athena.rows("SELECT v.text FROM lines v WHERE v.text < 'b'") == [("a",)]
    assert athena.rows(
        f"SELECT max(text) FROM {athena.database}.lines", QueryExecutionContext={"Database": "other"}
    ) == [("b",)]
    assert "ALREADY_EXISTS" in athena.reason("CREATE VIEW lines AS SELECT 1 AS one")
    athena.run("CREATE OR REPLACE VIEW lines AS SELECT 1 AS one")
    assert athena.rows("SELECT * FROM lines") == [("1",)]
    assert athena.reason("CREATE VIEW wrong AS SELECT nope FROM raw").startswith("COLUMN_NOT_FOUND")
    assert "ALREADY_EXISTS" in athena.reason("CREATE OR REPLACE VIEW raw AS SELECT 1 AS one")
    athena.run("DROP VIEW lines")
    athena.run("DROP VIEW IF EXISTS lines")
    assert athena.reason("SELECT * FROM lines").startswith("TABLE_NOT_FOUND")
