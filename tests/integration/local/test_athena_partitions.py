"""External tables and their partitions, made and changed through Athena."""

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.athena_queries import Athena
from tests.integration.local.conftest import Cloud


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    """With an external table ``raw`` of two partition keys and two objects in Hive's layout."""
    athena = Athena(common_cloud)
    athena.run(
        f"""
        -- the raw text
        CREATE EXTERNAL TABLE IF NOT EXISTS `{athena.database}`.`raw` (`line` string COMMENT 'all of it')
        PARTITIONED BY (day string, hour string)
        ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
        WITH SERDEPROPERTIES ('serialization.last.column.takes.rest' = 'true', 'field.delim' = '\\u0001')
        STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
        OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
        LOCATION 's3://{athena.bucket}/raw/'
        TBLPROPERTIES ('owner' = 'tests')
        """
    )
    for hour in ("00", "01"):
        athena.put(f"raw/day=18/hour={hour}/a", b"x\n")
    return athena


def count(athena: Athena) -> str | None:
    return athena.value("SELECT count(*) FROM raw")


def test_the_table_is_in_the_catalog_as_it_was_written(athena: Athena) -> None:
    table = athena.glue.get_table(DatabaseName=athena.database, Name="raw")["Table"]
    storage = table["StorageDescriptor"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Parameters"]["owner"] == "tests"
    assert [(key["Name"], key["Type"]) for key in table["PartitionKeys"]] == [("day", "string"), ("hour", "string")]
    assert storage["Columns"] == [{"Name": "line", "Type": "string", "Comment": "all of it"}]
    assert storage["Location"] == f"s3://{athena.bucket}/raw/"
    assert storage["SerdeInfo"]["Parameters"] == {
        "serialization.last.column.takes.rest": "true",
        "field.delim": "\x01",
    }
    metadata = athena.client.get_table_metadata(
        CatalogName="AwsDataCatalog", DatabaseName=athena.database, TableName="raw"
    )["TableMetadata"]
    assert [column["Name"] for column in metadata["Columns"] + metadata["PartitionKeys"]] == ["line", "day", "hour"]
    with pytest.raises(ClientError, match="MetadataException"):
        athena.client.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName=athena.database, TableName="nope")


def test_partitions_are_added_and_dropped(athena: Athena) -> None:
    assert count(athena) == "0"
    athena.run("ALTER TABLE raw ADD PARTITION (day = '18', hour = '00') PARTITION (day='18', hour='01')")
    assert athena.lines("SHOW PARTITIONS raw") == ["day=18/hour=00", "day=18/hour=01"]
    assert count(athena) == "2"
    athena.put("other/a", b"y\ny\ny\n")
    athena.run(
        f"""ALTER TABLE {athena.database}.raw ADD IF NOT EXISTS
            PARTITION (day = '18', hour = '01') LOCATION 's3://{athena.bucket}/other/'
            PARTITION (day = '19', hour = '00') LOCATION 's3://{athena.bucket}/other/'"""
    )
    assert count(athena) == "5"
    athena.run("ALTER TABLE raw DROP PARTITION (day = '18', hour = '00'), PARTITION (day = '18', hour = '01')")
    assert athena.lines("SHOW PARTITIONS raw") == ["day=19/hour=00"]
    assert count(athena) == "3"
    athena.run("ALTER TABLE raw DROP IF EXISTS PARTITION (day = '18', hour = '00')")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "ALTER TABLE raw ADD PARTITION (day = '17', hour = '00') PARTITION (day = '18', hour = '00')",
            "already exists",
        ),
        ("ALTER TABLE raw DROP PARTITION (day = '18', hour = '00'), PARTITION (day = '1', hour = '1')", "not found"),
        ("ALTER TABLE raw ADD PARTITION (day = '18')", "Partition spec"),
        ("ALTER TABLE nope ADD PARTITION (day = '18')", "TABLE_NOT_FOUND"),
        ("SHOW PARTITIONS nope", "TABLE_NOT_FOUND"),
        ("MSCK REPAIR TABLE nope", "TABLE_NOT_FOUND"),
        ("ALTER TABLE raw RENAME TO other", "NOT_SUPPORTED"),
        ("ALTER TABLE raw ADD COLUMNS (more string)", "NOT_SUPPORTED"),
    ],
)
def test_refused_changes_change_nothing(athena: Athena, sql: str, reason: str) -> None:
    athena.run("ALTER TABLE raw ADD PARTITION (day = '18', hour = '00')")
    assert reason in athena.reason(sql)
    assert athena.lines("SHOW PARTITIONS raw") == ["day=18/hour=00"]


def test_malformed_commands_are_refused_at_once(athena: Athena) -> None:
    for sql in (
        "ALTER TABLE raw ADD PARTITION (day '18')",
        "SHOW PARTITIONS",
        "MSCK REPAIR raw",
        "SHOW PARTITIONS raw x",
    ):
        with pytest.raises(ClientError, match="mismatched input"):
            athena.start(sql)


def test_repair_adds_what_follows_hives_layout(athena: Athena) -> None:
    for key in (
        "raw/day=18/x",
        "raw/2026/11/18/a",
        "raw/hour=00/day=18/a",
        "raw/day=18/hour=02/deeper/a",
        "raw/day=/hour=1/a",
    ):
        athena.put(key, b"x\n")
    athena.put("raw/day=18/hour=a%3Ab/a", b"x\n")
    athena.register("raw", "17", "00", folder="gone/")
    said = athena.lines("MSCK REPAIR TABLE raw")
    assert athena.lines("SHOW PARTITIONS raw") == [
        "day=17/hour=00", "day=18/hour=00", "day=18/hour=01", "day=18/hour=02", "day=18/hour=a%3Ab",
    ]  # fmt: skip
    assert "Repair: Added partition to metastore raw:day=18/hour=00" in said
    assert athena.value("SELECT count(*) FROM raw WHERE hour = 'a:b'") == "1"
    assert athena.lines("MSCK REPAIR TABLE raw") == []


def test_tables_are_shown_described_and_dropped(athena: Athena) -> None:
    athena.create_text_table("other", ())
    assert athena.lines("SHOW TABLES") == ["other", "raw"]
    assert athena.lines(f"SHOW TABLES IN {athena.database} 'r*'") == ["raw"]
    assert [str(line).split()[:2] for line in athena.lines("DESCRIBE raw")][:3] == [
        ["line", "string"], ["day", "string"], ["hour", "string"],
    ]  # fmt: skip
    athena.run("DROP TABLE raw")
    assert athena.lines("SHOW TABLES") == ["other"]
    assert athena.s3.list_objects_v2(Bucket=athena.bucket, Prefix="raw/")["KeyCount"] == 2
    assert "not a partitioned table" in athena.reason("SHOW PARTITIONS other")
