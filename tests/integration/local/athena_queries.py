"""Queries of a local cloud, as a program with boto3 would make them."""

from typing import Any
from uuid import uuid4

from tests.integration.local.conftest import Cloud, wait_until

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")

Row = tuple[str | None, ...]


class Athena:
    """Athena on a local cloud, with a bucket and a Glue database of its own.

    :param cloud: a running one.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        name = f"t{uuid4().hex[:12]}"
        self.client = cloud.client("athena")
        self.s3 = cloud.client("s3")
        self.glue = cloud.client("glue")
        self.bucket = name
        self.database = name
        self.s3.create_bucket(Bucket=name)
        self.glue.create_database(DatabaseInput={"Name": name})

    def start(self, sql: str, **more: Any) -> str:
        """Start a query; its id."""
        request = {
            "QueryString": sql,
            "QueryExecutionContext": {"Database": self.database},
            "ResultConfiguration": {"OutputLocation": f"s3://{self.bucket}/results/"},
        } | more
        return str(self.client.start_query_execution(**request)["QueryExecutionId"])

    def describe(self, execution_id: str) -> dict[str, Any]:
        """The query execution."""
        found: dict[str, Any] = self.client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        return found

    def end(self, execution_id: str) -> dict[str, Any]:
        """The query execution, once it has ended."""

        def ended() -> dict[str, Any] | None:
            found = self.describe(execution_id)
            return found if found["Status"]["State"] in FINAL else None

        found: dict[str, Any] = wait_until(ended, 60)
        return found

    def run(self, sql: str, **more: Any) -> dict[str, Any]:
        """A query that is expected to succeed; its execution."""
        found = self.end(self.start(sql, **more))
        assert found["Status"]["State"] == "SUCCEEDED", found["Status"].get("StateChangeReason")
        return found

    def result(self, execution_id: str) -> list[Row]:
        """All rows of a result, a header among them."""
        rows: list[Row] = []
        token: dict[str, str] = {}
        while True:
            page = self.client.get_query_results(QueryExecutionId=execution_id, **token)
            rows += [tuple(value.get("VarCharValue") for value in row["Data"]) for row in page["ResultSet"]["Rows"]]
            if "NextToken" not in page:
                return rows
            token = {"NextToken": page["NextToken"]}

    def rows(self, sql: str, **more: Any) -> list[Row]:
        """The rows of a SELECT, without its header."""
        return self.result(self.run(sql, **more)["QueryExecutionId"])[1:]

    def lines(self, sql: str) -> list[str | None]:
        """What a DDL statement says."""
        return [line for (line,) in self.result(self.run(sql)["QueryExecutionId"])]

    def value(self, sql: str) -> str | None:
        """The one value that a SELECT gives."""
        ((value,),) = self.rows(sql)
        return value

    def scanned(self, sql: str) -> int:
        """The bytes that a query reads."""
        return int(self.run(sql)["Statistics"]["DataScannedInBytes"])

    def reason(self, sql: str, **more: Any) -> str:
        """Why a query fails."""
        found = self.end(self.start(sql, **more))
        assert found["Status"]["State"] == "FAILED", found["Status"]
        return str(found["Status"]["StateChangeReason"])

    def put(self, key: str, content: bytes) -> str:
        """Put an object; its path."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def create_text_table(self, name: str, keys: tuple[str, ...] = ("hour",), **settings: str) -> None:
        """A table of one column ``line`` at ``NAME/``."""
        serde = {"serialization.last.column.takes.rest": "true"} | settings
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
                "StorageDescriptor": {
                    "Columns": [{"Name": "line", "Type": "string"}],
                    "Location": f"s3://{self.bucket}/{name}/",
                    "SerdeInfo": {
                        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                        "Parameters": serde,
                    },
                },
            },
        )

    def register(self, table: str, *values: str, folder: str) -> None:
        """Register a partition whose location is that folder of the bucket."""
        self.glue.create_partition(
            DatabaseName=self.database,
            TableName=table,
            PartitionInput={
                "Values": list(values),
                "StorageDescriptor": {"Location": f"s3://{self.bucket}/{folder}"},
            },
        )
