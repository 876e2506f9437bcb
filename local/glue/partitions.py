"""Partitions, where ministack does not do as Glue does: it reads all of a table's at once, and deletes one at a time.

https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html
https://docs.aws.amazon.com/glue/latest/webapi/API_BatchDeletePartition.html
"""

import re
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import glue as store

from local.errors import AwsError
from local.settings import client
from local.upstream import ask

PAGE = 1000
"""The most partitions of one answer."""
_EQUALITY = re.compile(r"\s*(\w+)\s*=\s*'((?:[^']|'')*)'\s*")
_AND = re.compile(r"\bAND\b", re.IGNORECASE)


async def get_partitions(request: dict[str, Any]) -> dict[str, Any]:
    """A page of a table's partitions.

    :raises AwsError: EntityNotFoundException without such a table; InvalidInputException for an expression that is
        more than equalities joined by AND, or a token of no page.
    """
    database, name = request["DatabaseName"], request["TableName"]
    table = (await ask(store, "AWSGlue.GetTable", {"DatabaseName": database, "Name": name}))["Table"]
    everything = store._partitions.get(f"{database}/{name}", [])
    keys = [key["Name"].lower() for key in table.get("PartitionKeys", [])]
    wanted = _wanted(request.get("Expression", ""), keys)
    found = [
        partition
        for partition in everything
        if all(partition["Values"][position] == value for position, value in wanted)
    ]
    start, size = _start(request.get("NextToken")), min(request.get("MaxResults", PAGE), PAGE)
    page = found[start : start + size]
    if request.get("ExcludeColumnSchema"):
        page = [_without_columns(partition) for partition in page]
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {"Partitions": page, **more}


def _wanted(expression: str, keys: list[str]) -> list[tuple[int, str]]:
    """The values that an expression asks for, by the position of their key."""
    wanted = []
    for term in _AND.split(expression) if expression.strip() else []:
        equality = _EQUALITY.fullmatch(term)
        if not equality or equality[1].lower() not in keys:
            raise AwsError("InvalidInputException", f"The local cloud does not serve this expression: {expression}")
        wanted.append((keys.index(equality[1].lower()), equality[2].replace("''", "'")))
    return wanted


def _start(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise AwsError("InvalidInputException", f"Invalid next token: {token}")
    return int(token)


def _without_columns(partition: dict[str, Any]) -> dict[str, Any]:
    storage = {name: value for name, value in partition.get("StorageDescriptor", {}).items() if name != "Columns"}
    return {**partition, "StorageDescriptor": storage}


def batch_delete_partition(request: dict[str, Any]) -> dict[str, Any]:
    """Delete partitions; what cannot be deleted is listed under `Errors`, and the answer is a success all the same."""
    glue = client("glue")
    errors = []
    for partition in request["PartitionsToDelete"]:
        try:
            names = {key: request[key] for key in ("DatabaseName", "TableName")} | {
                "PartitionValues": partition["Values"]
            }
            glue.get_partition(**names)  # ministack deletes what is not there without a word
            glue.delete_partition(**names)
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            detail = {"ErrorCode": code, "ErrorMessage": message}
            errors.append({"PartitionValues": partition["Values"], "ErrorDetail": detail})
    return {"Errors": errors}
