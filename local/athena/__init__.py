"""Athena: StartQueryExecution and what follows from it, run by DuckDB over S3, the Glue catalog and Iceberg.

Work groups and tags are ministack's. README.md in ``local`` says what is served.
"""

import asyncio
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from local.athena import statements
from local.athena.catalog import find
from local.athena.executions import FINAL_STATES, Execution, executions, new_id
from local.athena.objects import split_key
from local.athena.results import PAGE_ROWS, Row, read_page
from local.errors import AwsError
from local.settings import client

_LONGEST_QUERY = 262_144
_LISTED_AT_ONCE = 50


async def handle(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Answer one operation.

    :param operation: one of ``OPERATIONS``.
    :param request: its members.
    :raises AwsError: as Athena refuses it, or there is no such operation here.
    """
    if operation not in OPERATIONS:
        raise AwsError("InvalidRequestException", f"The local Athena does not serve {operation}")
    _open()
    return await asyncio.to_thread(OPERATIONS[operation], request)


@cache
def _open() -> asyncio.Task[None]:
    """Open the record, once, and see to it that queries end with the event loop: Python's exit waits for their
    threads."""
    record = executions()

    async def close_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            record.close()

    return asyncio.get_running_loop().create_task(close_at_the_end())


def _start(request: dict[str, Any]) -> dict[str, Any]:
    sql: str = request["QueryString"]
    if not 0 < len(sql.encode()) <= _LONGEST_QUERY:
        raise AwsError("InvalidRequestException", f"Query string has to be of 1 to {_LONGEST_QUERY} bytes")
    work_group = request.get("WorkGroup", "primary")
    configuration = _configuration(work_group)
    parameters = request.get("ExecutionParameters", [])
    folder = _output_folder(request, configuration)
    statement = statements.read(sql, parameters)
    execution_id = new_id()
    suffix = ".csv" if statement.is_query else ".txt"
    execution = Execution(
        id=execution_id,
        query=sql,
        work_group=work_group,
        database=request.get("QueryExecutionContext", {}).get("Database", "default").lower(),
        parameters=parameters,
        output_location=f"{folder.rstrip('/')}/{execution_id}{suffix}",
        statement_type=statement.type,
        substatement_type=statement.subtype,
        submitted=time.time(),
    )
    token = request.get("ClientRequestToken")
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    return {"QueryExecutionId": executions().start(execution, statement, token, cutoff)}


def _configuration(work_group: str) -> dict[str, Any]:
    found = _work_group(work_group)
    if found["State"] != "ENABLED":
        raise AwsError("InvalidRequestException", f"WorkGroup {work_group} is disabled")
    configuration: dict[str, Any] = found.get("Configuration", {})
    return configuration


def _work_group(name: str) -> dict[str, Any]:
    athena = client("athena")
    try:
        found: dict[str, Any] = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    except athena.exceptions.InvalidRequestException:
        raise AwsError("InvalidRequestException", f"WorkGroup {name} is not found.") from None
    return found


def _output_folder(request: dict[str, Any], configuration: dict[str, Any]) -> str:
    of_group = configuration.get("ResultConfiguration", {}).get("OutputLocation")
    of_request = request.get("ResultConfiguration", {}).get("OutputLocation")
    enforced = configuration.get("EnforceWorkGroupConfiguration", True)
    folder: str | None = (of_group or of_request) if enforced else (of_request or of_group)
    if not folder:
        raise AwsError(
            "InvalidRequestException",
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input.",
        )
    if not folder.startswith("s3://"):
        raise AwsError("InvalidRequestException", f"outputLocation is not a valid S3 path: {folder}")
    bucket, _ = split_key(folder)
    s3 = client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except s3.exceptions.ClientError:
        raise AwsError("InvalidRequestException", f"Unable to verify/create output bucket {bucket}") from None
    return folder


def _get(request: dict[str, Any]) -> dict[str, Any]:
    return {"QueryExecution": executions().get(request["QueryExecutionId"]).describe()}


def _batch_get(request: dict[str, Any]) -> dict[str, Any]:
    wanted: list[str] = request["QueryExecutionIds"]
    if len(wanted) > _LISTED_AT_ONCE:
        raise AwsError("InvalidRequestException", f"At most {_LISTED_AT_ONCE} query execution ids are taken at once")
    found, missing = [], []
    for execution_id in wanted:
        try:
            found.append(executions().get(execution_id).describe())
        except AwsError as error:
            missing.append(
                {
                    "QueryExecutionId": execution_id,
                    "ErrorCode": "INVALID_QUERY_EXECUTION_ID",
                    "ErrorMessage": error.message,
                }
            )
    return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}


def _list(request: dict[str, Any]) -> dict[str, Any]:
    work_group = request.get("WorkGroup", "primary")
    _work_group(work_group)
    start, limit = _page_of(request, _LISTED_AT_ONCE)
    ids = executions().list_ids(work_group, start, limit + 1)
    more = {"NextToken": str(start + limit)} if len(ids) > limit else {}
    return {"QueryExecutionIds": ids[:limit], **more}


def _page_of(request: dict[str, Any], most: int) -> tuple[int, int]:
    token = request.get("NextToken") or "0"
    if not token.isdigit():
        raise AwsError("InvalidRequestException", "Invalid NextToken")
    limit = request.get("MaxResults", most)
    if not 0 < limit <= most:
        raise AwsError("InvalidRequestException", f"MaxResults is more than maximum allowed length {most}")
    return int(token), limit


def _results(request: dict[str, Any]) -> dict[str, Any]:
    execution = executions().get(request["QueryExecutionId"])
    if execution.state not in FINAL_STATES:
        raise AwsError("InvalidRequestException", f"Query has not yet finished. Current state: {execution.state}")
    if execution.state != "SUCCEEDED":
        raise AwsError(
            "InvalidRequestException", f"Query did not finish successfully. Final query state: {execution.state}"
        )
    rows: list[Row] = []
    token = None
    if execution.update_count is None:
        _, limit = _page_of(request, PAGE_ROWS)
        is_csv = execution.output_location.endswith(".csv")
        rows, token = read_page(execution.output_location, request.get("NextToken"), limit, is_csv)
    answer: dict[str, Any] = {
        "UpdateCount": execution.update_count or 0,
        "ResultSet": {
            "Rows": [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows],
            "ResultSetMetadata": {"ColumnInfo": execution.columns},
        },
    }
    return {**answer, "NextToken": token} if token else answer


def _stop(request: dict[str, Any]) -> dict[str, Any]:
    executions().stop(request["QueryExecutionId"])
    return {}


def _table_metadata(request: dict[str, Any]) -> dict[str, Any]:
    database, name = request["DatabaseName"].lower(), request["TableName"].lower()
    table = find(database, name)
    if table is None:
        raise AwsError("MetadataException", f"EntityNotFoundException: Entity Not Found: {database}.{name}")
    storage = table["StorageDescriptor"]
    return {
        "TableMetadata": {
            "Name": table["Name"],
            "CreateTime": table["CreateTime"].timestamp(),
            "TableType": table.get("TableType", ""),
            "Columns": [_metadata_column(column) for column in storage.get("Columns", [])],
            "PartitionKeys": [_metadata_column(column) for column in table.get("PartitionKeys", [])],
            "Parameters": {**table.get("Parameters", {}), "location": storage.get("Location", "")},
        }
    }


def _metadata_column(column: dict[str, Any]) -> dict[str, str]:
    return {part: column[part] for part in ("Name", "Type", "Comment") if part in column}


OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "StartQueryExecution": _start,
    "GetQueryExecution": _get,
    "BatchGetQueryExecution": _batch_get,
    "ListQueryExecutions": _list,
    "GetQueryResults": _results,
    "StopQueryExecution": _stop,
    "GetTableMetadata": _table_metadata,
}
"""What is answered here."""
