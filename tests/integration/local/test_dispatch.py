"""What no service truly does here must answer an error, never a pretended success."""

from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud


@pytest.mark.parametrize(
    ("service", "operation", "request_members"),
    [
        ("glue", "start_crawler", {"Name": "c"}),
        ("glue", "create_crawler", {"Name": "c", "Role": "r", "Targets": {}}),
        ("glue", "start_workflow_run", {"Name": "w"}),
        ("glue", "start_trigger", {"Name": "t"}),
        ("athena", "create_prepared_statement", {"StatementName": "p", "WorkGroup": "w", "QueryStatement": "q"}),
        ("kinesis", "split_shard", {"StreamName": "s", "ShardToSplit": "x", "NewStartingHashKey": "1"}),
        ("kinesis", "register_stream_consumer", {"StreamARN": "arn:aws:kinesis:x:1:stream/s", "ConsumerName": "c"}),
        ("redshift-data", "list_statements", {}),
    ],
)
def test_pretended_operations_are_refused(
    common_cloud: Cloud, service: str, operation: str, request_members: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(common_cloud.client(service), operation)(**request_members)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_the_catalog_is_reached(common_cloud: Cloud) -> None:
    glue = common_cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": "dispatch"})
    glue.create_table(DatabaseName="dispatch", TableInput={"Name": "t", "Parameters": {"v": "1"}})
    version = glue.get_table(DatabaseName="dispatch", Name="t")["Table"]["VersionId"]
    change = {"DatabaseName": "dispatch", "TableInput": {"Name": "t", "Parameters": {"v": "2"}}}
    glue.update_table(**change, VersionId=version)
    with pytest.raises(glue.exceptions.ConcurrentModificationException):
        glue.update_table(**change, VersionId=version)
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_table(DatabaseName="dispatch", TableInput={"Name": "t"})
    assert glue.get_table(DatabaseName="dispatch", Name="t")["Table"]["Parameters"]["v"] == "2"


def test_what_is_not_json_answers_a_serialization_error(common_cloud: Cloud) -> None:
    answer = requests.post(
        common_cloud.url, data=b"{", headers={"X-Amz-Target": "Kinesis_20131202.ListStreams"}, timeout=5
    )
    assert (answer.status_code, answer.json()["__type"]) == (400, "SerializationException")


def test_calls_are_counted_by_service_and_those_between_services_too(common_cloud: Cloud) -> None:
    def counted() -> dict[str, int]:
        calls: dict[str, int] = requests.get(f"{common_cloud.url}/_local/calls", timeout=5).json()
        return calls

    before = counted()
    common_cloud.client("glue").get_databases()
    s3 = common_cloud.client("s3")
    s3.create_bucket(Bucket="counted")
    s3.list_objects_v2(Bucket="counted")
    common_cloud.client("cloudwatch").describe_alarms()
    after = counted()
    called = {service: after[service] - before.get(service, 0) for service in ("glue", "s3", "monitoring")}
    assert called == {"glue": 1, "s3": 2, "monitoring": 1}
