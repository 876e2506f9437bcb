"""Partitions: read by page and by expression; deleted item by item, told what is not there."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_each_partition_is_deleted_or_told(common_cloud: Any) -> None:
    glue = common_cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": "partitions"})
    storage = {"Columns": [{"Name": "line", "Type": "string"}], "Location": "s3://bucket/table/"}
    keys = [{"Name": "hour", "Type": "string"}]
    glue.create_table(
        DatabaseName="partitions", TableInput={"Name": "t", "StorageDescriptor": storage, "PartitionKeys": keys}
    )
    names = {"DatabaseName": "partitions", "TableName": "t"}
    inputs = [{"Values": [hour], "StorageDescriptor": storage} for hour in ("00", "01")]
    glue.batch_create_partition(**names, PartitionInputList=inputs)

    answer = glue.batch_delete_partition(**names, PartitionsToDelete=[{"Values": ["00"]}, {"Values": ["07"]}])

    assert [error["PartitionValues"] for error in answer["Errors"]] == [["07"]]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    assert [partition["Values"] for partition in glue.get_partitions(**names)["Partitions"]] == [["01"]]


def test_partitions_are_read_by_page_and_by_expression(common_cloud: Any) -> None:
    glue = common_cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": "pages"})
    storage = {"Columns": [{"Name": "line", "Type": "string"}], "Location": "s3://bucket/table/"}
    keys = [{"Name": name, "Type": "string"} for name in ("day", "hour")]
    glue.create_table(
        DatabaseName="pages", TableInput={"Name": "t", "StorageDescriptor": storage, "PartitionKeys": keys}
    )
    names = {"DatabaseName": "pages", "TableName": "t"}
    values = [[f"{number // 24:02}", f"{number % 24:02}"] for number in range(1100)]
    for start in range(0, len(values), 100):
        inputs = [{"Values": each, "StorageDescriptor": storage} for each in values[start : start + 100]]
        glue.batch_create_partition(**names, PartitionInputList=inputs)

    pages = list(glue.get_paginator("get_partitions").paginate(**names))
    assert [len(page["Partitions"]) for page in pages] == [1000, 100]
    assert [found["Values"] for page in pages for found in page["Partitions"]] == values
    assert len(glue.get_partitions(**names, MaxResults=5)["Partitions"]) == 5

    asked = {**names, "Expression": "day = '03' AND hour = '07'", "ExcludeColumnSchema": True}
    (found,) = glue.get_partitions(**asked)["Partitions"]
    assert (found["Values"], found["StorageDescriptor"]) == (["03", "07"], {"Location": "s3://bucket/table/"})

    for refused in ("day > '03'", "month = '11'"):
        with pytest.raises(ClientError, match="InvalidInputException"):
            glue.get_partitions(**names, Expression=refused)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_partitions(DatabaseName="pages", TableName="absent")
