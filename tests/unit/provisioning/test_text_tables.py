from typing import Any

import pytest

from clickstream.provisioning.bronze_table import BronzeTable
from clickstream.provisioning.ledger_table import LedgerTable
from clickstream.provisioning.plan import plan
from clickstream.provisioning.receipts_table import ReceiptsTable
from clickstream.provisioning.resource import Cloud, Resource
from clickstream.reconciliation.entry import Entry, Tiers
from clickstream.sources.model import Source
from tests.unit.provisioning.fakes import Stub

DAYS = "year string, month string, day string"


def test_where_the_lines_are(source: Source, cloud: Cloud) -> None:
    bronze, receipts = BronzeTable(source, cloud), ReceiptsTable(source, cloud)
    assert bronze.name == "retail_web_bronze_text"
    assert bronze.desired()["location"] == "s3://clickstream-123456789012-lake/landing/clickstream/"
    assert _columns(bronze) == {"line": "string"}
    assert receipts.name == "retail_web_receipts"
    assert receipts.desired()["location"] == "s3://clickstream-123456789012-evidence/receipts/retail_web/hashes/"
    assert _columns(receipts) == {"raw_hash": "string"}


def test_a_line_is_read_byte_for_byte(source: Source, cloud: Cloud) -> None:
    """Whatever the line holds, the whole of it is the one value: no delimiter ends it, no text means NULL."""
    desired = BronzeTable(source, cloud).desired()
    assert desired["serde"] == "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    assert desired["serde serialization.last.column.takes.rest"] == "true"
    assert desired["serde serialization.null.format"] == "\n"


def test_lines_of_the_ledger_are_read_member_by_member(source: Source, cloud: Cloud) -> None:
    table = LedgerTable(source, cloud)
    assert table.name == "retail_web_ledger"
    assert table.desired()["location"] == "s3://clickstream-123456789012-evidence/ledger/retail_web/"
    assert table.desired()["serde"] == "org.apache.hive.hcatalog.data.JsonSerDe"
    assert table.desired()["partition_keys"] == ""
    columns = _columns(table)
    assert set(columns) == set(Entry.model_fields)
    assert columns["tiers"] == f"struct<{','.join(f'{tier}:bigint' for tier in Tiers.model_fields)}>"


@pytest.mark.parametrize(
    ("change", "action", "difference"),
    [
        (lambda table: None, "none", []),
        (
            lambda table: table["StorageDescriptor"].update(Location="s3://elsewhere/"),
            "update",
            ["location: 's3://elsewhere/' -> 's3://clickstream-123456789012-lake/landing/clickstream/'"],
        ),
        (
            lambda table: table["StorageDescriptor"]["SerdeInfo"]["Parameters"].pop("serialization.null.format"),
            "update",
            [r"serde serialization.null.format: absent -> '\n'"],
        ),
        (
            lambda table: table["StorageDescriptor"]["Columns"][0].update(Type="int"),
            "update",
            ["column line: 'int' -> 'string'"],
        ),
        (
            lambda table: table["PartitionKeys"].pop(),
            "replace",
            [f"partition_keys: '{DAYS}' -> '{DAYS}, hour string'"],
        ),
    ],
)
def test_what_was_changed_by_hand_is_seen(
    change: Any, action: str, difference: list[str], source: Source, stub: Stub
) -> None:
    cloud, glue = stub("glue")
    table = BronzeTable(source, cloud)
    live = table._input()
    live["StorageDescriptor"]["SerdeInfo"]["Parameters"] = dict(live["StorageDescriptor"]["SerdeInfo"]["Parameters"])
    change(live)
    glue.add_response("get_table", {"Table": live}, {"DatabaseName": "clickstream", "Name": table.name})
    step = plan(table)
    assert (step.action, list(map(str, step.differences))) == (action, difference)


def _columns(table: Resource) -> dict[str, object]:
    """Type by column."""
    fields = table.desired().items()
    return {field.removeprefix("column "): kind for field, kind in fields if field.startswith("column ")}
