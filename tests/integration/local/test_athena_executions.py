"""Query executions: their states and order, their results and pages, and what outlives the process."""

import signal
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.athena_queries import FINAL, Athena
from tests.integration.local.conftest import Cloud, wait_until

MILLION = "UNNEST(sequence(1, 1000000))"
ENDLESS = f"SELECT count(*) FROM {MILLION} a (x) CROSS JOIN {MILLION} b (y) WHERE x * y = -1"


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    return Athena(common_cloud)


def state(athena: Athena, execution_id: str) -> str:
    return str(athena.describe(execution_id)["Status"]["State"])


def test_a_query_that_succeeded(athena: Athena) -> None:
    found = athena.run("SELECT 1 AS one", WorkGroup="primary")
    execution_id = found["QueryExecutionId"]
    assert found["Query"] == "SELECT 1 AS one"
    assert (found["StatementType"], found["SubstatementType"], found["WorkGroup"]) == ("DML", "SELECT", "primary")
    assert found["ResultConfiguration"]["OutputLocation"] == f"s3://{athena.bucket}/results/{execution_id}.csv"
    assert found["Status"]["SubmissionDateTime"] <= found["Status"]["CompletionDateTime"]
    times = found["Statistics"]
    assert times["TotalExecutionTimeInMillis"] == (
        times["QueryQueueTimeInMillis"] + times["EngineExecutionTimeInMillis"]
    )
    assert times["DataScannedInBytes"] == 0


def test_a_query_that_failed(athena: Athena) -> None:
    found = athena.end(athena.start("SELECT 1 / 0"))
    assert found["Status"]["StateChangeReason"] == "DIVISION_BY_ZERO: Division by zero"
    assert found["Status"]["AthenaError"]["ErrorCategory"] == 2
    with pytest.raises(ClientError, match=r"Query did not finish successfully\. Final query state: FAILED"):
        athena.result(found["QueryExecutionId"])


def test_the_object_and_the_pages_tell_null_from_empty_text(athena: Athena) -> None:
    found = athena.run("SELECT * FROM (VALUES ('', 1), (NULL, 2), ('a \"q\", b\nc', NULL)) AS t (text, number)")
    content = athena.s3.get_object(Bucket=athena.bucket, Key=f"results/{found['QueryExecutionId']}.csv")["Body"].read()
    assert content == b'"text","number"\n"","1"\n,"2"\n"a ""q"", b\nc",\n'
    assert athena.result(found["QueryExecutionId"]) == [
        ("text", "number"), ("", "1"), (None, "2"), ('a "q", b\nc', None),
    ]  # fmt: skip


def test_values_and_their_types(athena: Athena) -> None:
    sql = """
        SELECT true AS b, 1 AS i, count(*) AS n, 0.5e0 AS d, CAST(1.50 AS decimal(10, 3)) AS m, 'é' AS v,
            to_utf8('az') AS raw, DATE '2026-11-18' AS day, TIMESTAMP '2026-11-18 13:00:00' AS t,
            TIMESTAMP '2026-11-18 13:00:00.123456 UTC' AS z, ARRAY[1, NULL] AS a, MAP(ARRAY['k'], ARRAY[1]) AS k,
            CAST(ROW(1, 'x') AS ROW(p integer, q varchar)) AS r, json_parse('{"b": 1}') AS j, 1e10 AS e, nan() AS nan,
            NULL AS nothing
    """
    execution_id = athena.run(sql)["QueryExecutionId"]
    (row,) = athena.result(execution_id)[1:]
    page = athena.client.get_query_results(QueryExecutionId=execution_id)
    columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(column["Name"], column["Type"], value) for column, value in zip(columns, row, strict=True)] == [
        ("b", "boolean", "true"),
        ("i", "integer", "1"),
        ("n", "bigint", "1"),
        ("d", "double", "0.5"),
        ("m", "decimal", "1.500"),
        ("v", "varchar", "é"),
        ("raw", "varbinary", "61 7a"),
        ("day", "date", "2026-11-18"),
        ("t", "timestamp", "2026-11-18 13:00:00.000"),
        ("z", "timestamp with time zone", "2026-11-18 13:00:00.123456 UTC"),
        ("a", "array", "[1, null]"),
        ("k", "map", "{k=1}"),
        ("r", "row", "{p=1, q=x}"),
        ("j", "json", '{"b":1}'),
        ("e", "double", "1.0E10"),
        ("nan", "double", "NaN"),
        ("nothing", "varchar", None),
    ]
    decimal = columns[4]
    assert (decimal["Precision"], decimal["Scale"]) == (10, 3)


def test_columns_without_a_name_are_numbered(athena: Athena) -> None:
    sql = "SELECT 1, v.*, upper(b) AS Loud, 2 FROM (VALUES (1, 'x')) AS v (a, b)"
    assert athena.result(athena.run(sql)["QueryExecutionId"])[0] == ("_col0", "a", "b", "Loud", "_col4")


def test_results_come_in_pages(athena: Athena) -> None:
    execution_id = athena.run("SELECT x, 'row ' || CAST(x AS varchar) FROM UNNEST(sequence(1, 2500)) t (x) ORDER BY x")[
        "QueryExecutionId"
    ]
    first = athena.client.get_query_results(QueryExecutionId=execution_id)
    assert len(first["ResultSet"]["Rows"]) == 1000
    rows = athena.result(execution_id)
    assert rows[1:] == [(str(x), f"row {x}") for x in range(1, 2501)]
    small = athena.client.get_query_results(QueryExecutionId=execution_id, MaxResults=7, NextToken=first["NextToken"])
    assert small["ResultSet"]["Rows"][0]["Data"][0]["VarCharValue"] == "1000"
    assert len(small["ResultSet"]["Rows"]) == 7
    with pytest.raises(ClientError, match="MaxResults"):
        athena.client.get_query_results(QueryExecutionId=execution_id, MaxResults=1001)


def test_a_large_result_with_long_values(athena: Athena) -> None:
    sql = "SELECT x, lpad('', 100000, '\"') FROM UNNEST(sequence(1, 60)) t (x) ORDER BY x"
    assert athena.rows(sql) == [(str(x), '"' * 100_000) for x in range(1, 61)]


def test_results_that_are_gone_from_s3(athena: Athena) -> None:
    execution_id = athena.run("SELECT 1")["QueryExecutionId"]
    athena.s3.delete_object(Bucket=athena.bucket, Key=f"results/{execution_id}.csv")
    with pytest.raises(ClientError, match="Could not find results"):
        athena.result(execution_id)


def test_a_token_makes_a_start_idempotent(athena: Athena) -> None:
    token = uuid4().hex
    first = athena.start("SELECT 1", ClientRequestToken=token)
    assert athena.start("SELECT 1", ClientRequestToken=token) == first
    assert athena.start("SELECT 1") != first
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        athena.start("SELECT 2", ClientRequestToken=token)


def test_parameters_are_literals(athena: Athena) -> None:
    sql = "SELECT v, '?' FROM (VALUES 1, 2, 3) AS t (v) WHERE v >= ? AND 'it''s ?' = ? -- ?"
    assert athena.rows(sql, ExecutionParameters=["2", "'it''s ?'"]) == [("2", "?"), ("3", "?")]
    assert athena.rows("SELECT ?", ExecutionParameters=["DATE '2026-11-18'"]) == [("2026-11-18",)]
    with pytest.raises(ClientError, match="expected 2 but found 1"):
        athena.start(sql, ExecutionParameters=["2"])
    for text in ("1 OR true", "(SELECT 1)", "v", "1; SELECT 2", "1 FROM t"):
        with pytest.raises(ClientError, match=r"not a literal|Only one sql statement"):
            athena.start("SELECT ?", ExecutionParameters=[text])


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1\nFORM t GRUP BY", "line 2:6: mismatched input 't'"),
        ("SELECT '1'::integer", "line 1:11: mismatched input '::'"),
        ("SELECT 'a", "line 1:1"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed"),
        ("-- nothing", "Query string is empty"),
        ("SELECT * EXCLUDE (a) FROM t", "mismatched input"),
        ("SELECT a FROM t GROUP BY ALL", "mismatched input 'ALL'"),
        ("SELECT a FROM t SEMI JOIN u ON t.a = u.a", "mismatched input 'SEMI'"),
        ("SELECT a FROM t LIMIT 50%", "mismatched input '%'"),
        ("SELECT count(DISTINCT a, b) FROM t", "mismatched input ','"),
        ("SELECT a -> '$.b' FROM t", "mismatched input '->'"),
        ("SELECT [1, 2]", "line 1:8: mismatched input '['"),
        ("FROM t SELECT a", "line 1:1: mismatched input 'FROM'"),
        ("CREATE TABLE t (a string) LOCATION 's3://b/t/'", "External keyword required for table type HIVE"),
    ],
)
def test_what_cannot_be_parsed_is_refused_at_once(athena: Athena, sql: str, message: str) -> None:
    with pytest.raises(ClientError, match="InvalidRequestException") as refused:
        athena.start(sql)
    assert message in str(refused.value)


def test_where_the_result_goes(athena: Athena) -> None:
    group = athena.bucket
    athena.client.create_work_group(
        Name=group,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": f"s3://{athena.bucket}/group"},
        },
    )
    found = athena.run("SELECT 1", WorkGroup=group)
    assert found["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{athena.bucket}/group/")
    athena.client.update_work_group(WorkGroup=group, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False})
    found = athena.run("SELECT 1", WorkGroup=group)
    assert found["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{athena.bucket}/results/")
    with pytest.raises(ClientError, match="No output location provided"):
        athena.start("SELECT 1", ResultConfiguration={})
    with pytest.raises(ClientError, match="Unable to verify/create output bucket nowhere"):
        athena.start("SELECT 1", ResultConfiguration={"OutputLocation": "s3://nowhere/x/"})
    with pytest.raises(ClientError, match="WorkGroup nope is not found"):
        athena.start("SELECT 1", WorkGroup="nope")


def test_a_work_group_limits_the_bytes_scanned(athena: Athena) -> None:
    group = athena.bucket
    athena.client.create_work_group(Name=group, Configuration={"BytesScannedCutoffPerQuery": 10_000_000})
    athena.create_text_table("raw", ())
    athena.put("raw/a", b"x" * 9_999_999)
    athena.run("SELECT count(*) FROM raw", WorkGroup=group)
    athena.put("raw/b", b"x" * 2)
    found = athena.end(athena.start("SELECT count(*) FROM raw", WorkGroup=group))
    assert found["Status"]["State"] == "CANCELLED"
    assert "Bytes scanned limit was exceeded" in found["Status"]["StateChangeReason"]


def test_unknown_ids(athena: Athena) -> None:
    known = athena.start("SELECT 1")
    unknown = str(uuid4())
    for call in (
        athena.client.get_query_execution,
        athena.client.get_query_results,
        athena.client.stop_query_execution,
    ):
        with pytest.raises(ClientError, match=f"QueryExecution {unknown} was not found"):
            call(QueryExecutionId=unknown)
    found = athena.client.batch_get_query_execution(QueryExecutionIds=[known, unknown])
    assert [each["QueryExecutionId"] for each in found["QueryExecutions"]] == [known]
    assert [each["QueryExecutionId"] for each in found["UnprocessedQueryExecutionIds"]] == [unknown]


def test_executions_are_listed_newest_first(athena: Athena) -> None:
    group = athena.bucket
    athena.client.create_work_group(Name=group)
    started = [athena.start("SELECT 1", WorkGroup=group) for _ in range(5)]
    listed = athena.client.list_query_executions(WorkGroup=group, MaxResults=3)
    rest = athena.client.list_query_executions(WorkGroup=group, MaxResults=3, NextToken=listed["NextToken"])
    assert listed["QueryExecutionIds"] + rest["QueryExecutionIds"] == started[::-1]
    assert "NextToken" not in rest


def test_few_queries_run_at_a_time_and_any_can_be_stopped(athena: Athena) -> None:
    started = [athena.start(ENDLESS) for _ in range(4)]
    wait_until(lambda: [state(athena, each) for each in started].count("RUNNING") == 3)
    assert state(athena, started[3]) == "QUEUED"
    with pytest.raises(ClientError, match=r"Query has not yet finished\. Current state: QUEUED"):
        athena.result(started[3])
    athena.client.stop_query_execution(QueryExecutionId=started[3])
    assert state(athena, started[3]) == "CANCELLED"
    for each in started[:3]:
        athena.client.stop_query_execution(QueryExecutionId=each)
        assert athena.end(each)["Status"]["State"] == "CANCELLED"
    ended = athena.run("SELECT 1")
    athena.client.stop_query_execution(QueryExecutionId=ended["QueryExecutionId"])
    assert state(athena, ended["QueryExecutionId"]) == "SUCCEEDED"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_record_outlives_the_process(cloud: Cloud, how: signal.Signals) -> None:
    athena = Athena(cloud)
    token = uuid4().hex
    done = athena.start("SELECT 42", ClientRequestToken=token)
    athena.end(done)
    running = athena.start(ENDLESS)
    wait_until(lambda: state(athena, running) == "RUNNING")
    cloud.stop(how)
    cloud.start()
    assert athena.result(done) == [("_col0",), ("42",)]
    assert athena.start("SELECT 42", ClientRequestToken=token) == done
    found = athena.describe(running)
    assert found["Status"]["State"] in FINAL
    assert found["Status"]["StateChangeReason"].startswith("GENERIC_INTERNAL_ERROR: the service stopped")
    assert found["Status"]["AthenaError"]["Retryable"]
