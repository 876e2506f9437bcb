"""Tables of the Glue catalog: what is said of columns is kept, an update replaces, a delete takes partitions along."""

from typing import Any

import pytest

from tests.integration.local.conftest import Cloud

COLUMNS = [
    {"Name": "event_id", "Type": "string", "Comment": "Unique; given by the producer"},
    {"Name": "ts", "Type": "timestamp", "Comment": "Of the event, UTC"},
    {"Name": "note", "Type": "string"},
]
KEYS = [{"Name": "hour", "Type": "string", "Comment": "Arrival hour"}]


@pytest.fixture
def glue(cloud: Cloud) -> Any:
    client = cloud.client("glue")
    client.create_database(DatabaseInput={"Name": "db"})
    client.create_table(
        DatabaseName="db",
        TableInput={
            "Name": "events",
            "Description": "Events as they arrived",
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": KEYS,
            "Parameters": {"classification": "json"},
            "StorageDescriptor": {"Columns": COLUMNS, "Location": "s3://lake/events/"},
        },
    )
    return client


def table(glue: Any) -> dict[str, Any]:
    found: dict[str, Any] = glue.get_table(DatabaseName="db", Name="events")["Table"]
    return found


def test_comments_of_columns_are_kept_through_a_restart(cloud: Cloud, glue: Any) -> None:
    cloud.stop()
    cloud.start()
    assert table(glue)["StorageDescriptor"]["Columns"] == COLUMNS
    assert table(glue)["PartitionKeys"] == KEYS
    assert table(glue)["Description"] == "Events as they arrived"


def test_an_update_replaces_the_whole_definition_and_keeps_the_partitions(glue: Any) -> None:
    glue.create_partition(DatabaseName="db", TableName="events", PartitionInput={"Values": ["00"]})
    changed = [{**COLUMNS[0], "Comment": "Another"}, *COLUMNS[1:]]
    glue.update_table(
        DatabaseName="db",
        TableInput={"Name": "events", "PartitionKeys": KEYS, "StorageDescriptor": {"Columns": changed}},
    )
    after = table(glue)
    assert after["StorageDescriptor"] == {"Columns": changed}
    assert (after["Parameters"], after.get("Description"), after.get("TableType")) == ({}, "", None)
    assert after["VersionId"] == "2"
    assert [each["Values"] for each in glue.get_partitions(DatabaseName="db", TableName="events")["Partitions"]] == [
        ["00"]
    ]


def test_a_deleted_table_is_gone_with_its_partitions(glue: Any) -> None:
    glue.create_partition(DatabaseName="db", TableName="events", PartitionInput={"Values": ["00"]})
    glue.delete_table(DatabaseName="db", Name="events")
    missing = glue.exceptions.EntityNotFoundException
    with pytest.raises(missing):
        table(glue)
    with pytest.raises(missing):
        glue.delete_table(DatabaseName="db", Name="events")
    with pytest.raises(missing):
        glue.update_table(DatabaseName="db", TableInput={"Name": "events"})
    glue.create_table(DatabaseName="db", TableInput={"Name": "events", "PartitionKeys": KEYS})
    assert glue.get_partitions(DatabaseName="db", TableName="events")["Partitions"] == []
