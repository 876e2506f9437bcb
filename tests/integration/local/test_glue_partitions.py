"""BatchDeletePartition deletes what is there and tells what is not, item by item."""

from typing import Any


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
