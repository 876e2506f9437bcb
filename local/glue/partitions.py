"""BatchDeletePartition, which ministack lacks: one DeletePartition of its own for each, errors told item by item.

https://docs.aws.amazon.com/glue/latest/webapi/API_BatchDeletePartition.html
"""

from typing import Any

from botocore.exceptions import ClientError

from local.settings import client


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
