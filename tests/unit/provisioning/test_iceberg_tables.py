import json
from typing import Any

import pytest

from clickstream.provisioning.iceberg_tables import (
    GoldTable,
    IcebergTable,
    RejectsTable,
    SilverTable,
    declared,
    described,
)
from clickstream.provisioning.plan import compare
from clickstream.provisioning.resource import Cloud, Difference
from clickstream.sources.gold import (
    SESSION_COLUMNS,
    Corrections,
    Daily,
    Dimension,
    Facts,
    Funnel,
    History,
    Sessions,
    Table,
)
from clickstream.sources.model import Column, Source

METADATA: dict[str, Any] = {
    "location": "s3://lake/silver/shop_silver",
    "current-schema-id": 1,
    "schemas": [
        {"schema-id": 0, "fields": [{"id": 1, "name": "event_id", "type": "string"}]},
        {
            "schema-id": 1,
            "fields": [
                {"id": 1, "name": "event_id", "type": "string"},
                {"id": 2, "name": "event_date", "type": "date"},
                {"id": 3, "name": "quantity", "type": "long"},
                {"id": 4, "name": "revenue", "type": "decimal(20, 2)"},
                {
                    "id": 5,
                    "name": "segments",
                    "type": {"type": "list", "element-id": 6, "element": "string", "element-required": False},
                },
            ],
        },
    ],
    "default-spec-id": 1,
    "partition-specs": [
        {"spec-id": 0, "fields": []},
        {"spec-id": 1, "fields": [{"name": "event_date", "transform": "identity", "source-id": 2, "field-id": 1000}]},
    ],
}
CREATION = """CREATE TABLE IF NOT EXISTS clickstream.shop_silver (
    event_id string COMMENT 'identity of the event',
    event_date date,
    `quantity` bigint,
    revenue decimal(20, 2) COMMENT 'in money',
    segments array<string> COMMENT 'sorted'
)
PARTITIONED BY (event_date)
LOCATION 's3://lake/silver/shop_silver/'
TBLPROPERTIES ('table_type' = 'ICEBERG')
"""


def test_a_table_is_described_as_it_was_declared() -> None:
    assert declared(CREATION) == described(METADATA)


def test_a_partition_transform_is_a_difference() -> None:
    metadata = json.loads(json.dumps(METADATA))
    metadata["partition-specs"][1]["fields"][0] |= {"name": "event_date_month", "transform": "month"}
    assert [difference.field for difference in compare(described(metadata), declared(CREATION))] == ["partitioning"]


def test_silver_has_the_columns_of_its_source_between_those_that_all_have(source: Source, cloud: Cloud) -> None:
    columns = [field.removeprefix("column ") for field in SilverTable(source, cloud).desired() if "column " in field]
    assert columns[:3] == ["event_id", "event_date", "event_time"]
    assert columns[3:-5] == list(source.silver)
    assert columns[-5:] == ["extra", "contract", "arrival_hour", "object_id", "raw_hash"]


def test_what_both_tables_are_partitioned_by(source: Source, cloud: Cloud) -> None:
    assert SilverTable(source, cloud).desired()["partitioning"] == "event_date, arrival_hour"
    assert RejectsTable(source, cloud).desired()["partitioning"] == "arrival_hour"


def test_rejects_keep_the_payload_as_bytes_and_name_the_winner(source: Source, cloud: Cloud) -> None:
    desired = RejectsTable(source, cloud).desired()
    assert desired["column payload"] == "binary"
    assert {f"column winner_{part}" for part in ("hour", "object", "hash")} <= set(desired)
    assert desired["location"] == "s3://clickstream-123456789012-lake/silver/retail_web_rejects"


def gold_columns(source: Source, cloud: Cloud, **tables: Table) -> dict[str, dict[str, Any]]:
    """The columns of each table that holds some declared ones."""
    gold = source.declared_gold.model_copy(update={"tables": tables})
    return {
        table.name.removeprefix("retail_web_"): {
            field.removeprefix("column "): kind for field, kind in table.desired().items() if "column " in field
        }
        for table in GoldTable.all_of(source.model_copy(update={"gold": gold}), cloud)
    }


def test_gold_lies_apart_and_is_partitioned_by_event_date(source: Source, cloud: Cloud) -> None:
    tables = GoldTable.all_of(source, cloud)
    assert [table.kind for table in tables] == ["gold_daily", "gold_sessions"]
    for table in tables:
        desired = table.desired()
        assert desired["partitioning"] == "event_date"
        assert desired["location"] == f"s3://clickstream-123456789012-lake/gold/{table.name}"
        assert desired["column revenue"] == "decimal(20, 2)"


def test_a_daily_table_has_the_dimensions_that_its_source_names_with_their_types(source: Source, cloud: Cloud) -> None:
    (columns,) = gold_columns(
        source, cloud, figures=Daily(kind="daily", dimensions=("event_type", "quantity"))
    ).values()
    assert columns == {
        "event_date": "date",
        "event_type": "string",
        "quantity": "bigint",
        "event_count": "bigint",
        "revenue": "decimal(20, 2)",
    }


def test_sessions_have_two_columns_for_each_step_of_the_funnel(source: Source, cloud: Cloud) -> None:
    (columns,) = gold_columns(source, cloud, visits=source.declared_gold.tables["gold_sessions"]).values()
    steps = ("view", "cart", "checkout", "purchase")
    assert [*columns][-8:] == [f"{step}_{what}" for step in steps for what in ("at", "count")]


def test_sessions_have_the_further_columns_that_are_declared(source: Source, cloud: Cloud) -> None:
    further = {
        "counts": {"clicks": ("click",)},
        "first": {"home": "country"},
        "last": {"agreed": "consent"},
        "sums": {"bought": "quantity"},
    }
    visits = source.declared_gold.tables["gold_sessions"].model_copy(update=further)
    (columns,) = gold_columns(source, cloud, visits=visits).values()
    types = {"clicks": "bigint", "home": "string", "agreed": "boolean", "bought": "bigint"}
    assert dict([*columns.items()][-4:]) == types
    assert isinstance(visits, Sessions)
    assert {*visits.columns} == {*columns}


def test_facts_have_silver_s_columns_under_their_own_names(source: Source, cloud: Cloud) -> None:
    facts = Facts(kind="facts", key="click_id", columns={"at": "event_time", "amount": "price"})
    assert gold_columns(source, cloud, fact_clicks=facts) == {
        "fact_clicks": {"event_date": "date", "click_id": "string", "at": "timestamp", "amount": "double"}
    }


def test_corrected_facts_say_what_corrected_them(source: Source, cloud: Cloud) -> None:
    corrections = Corrections(event_types=("refund",), refers="order_id", column="amount", within_days=30)
    facts = Facts(
        kind="facts", key="sale_id", event_types=("purchase",), columns={"amount": "price"}, corrections=corrections
    )
    assert gold_columns(source, cloud, fact_sales=facts) == {
        "fact_sales": {
            "event_date": "date",
            "sale_id": "string",
            "amount": "double",
            "corrected_by": "string",
            "corrected_at": "timestamp",
        }
    }


def test_a_dimension_is_two_tables_of_which_the_days_are_partitioned(source: Source, cloud: Cloud) -> None:
    known = Dimension(kind="dimension", key="customer_id", latest={"home": "country"})
    seen = {"first_seen": "timestamp", "last_seen": "timestamp", "event_count": "bigint", "home": "string"}
    assert gold_columns(source, cloud, dim_customers=known) == {
        "dim_customers": {"customer_id": "string", **seen},
        "dim_customers_days": {"event_date": "date", "customer_id": "string", **seen},
    }


def test_a_history_is_two_tables_of_which_the_changes_are_partitioned(source: Source, cloud: Cloud) -> None:
    regions = History(kind="history", event_types=("click",), key="customer_id", value="state", active="consent")
    who = {"customer_id": "string", "state": "string"}
    assert gold_columns(source, cloud, regions=regions) == {
        "regions": {**who, "valid_from": "timestamp", "valid_to": "timestamp", "is_current": "boolean"},
        "regions_changes": {
            "event_date": "date",
            "event_id": "string",
            "event_time": "timestamp",
            **who,
            "active": "boolean",
        },
    }


def test_a_funnel_has_the_steps_and_columns_of_its_sessions_and_an_array(source: Source, cloud: Cloud) -> None:
    visits = source.declared_gold.tables["gold_sessions"].model_copy(update={"first": {"home": "country"}})
    regions = History(kind="history", event_types=("click",), key="customer_id", value="state", active="consent")
    funnel = Funnel(
        kind="funnel", sessions="visits", history="regions", key="home", columns=("home", "view_count", "revenue")
    )
    assert gold_columns(source, cloud, visits=visits, regions=regions, journeys=funnel)["journeys"] == {
        "event_date": "date",
        "session_id": "string",
        "started_at": "timestamp",
        **dict.fromkeys(("view", "cart", "checkout", "purchase"), "boolean"),
        "home": "string",
        "view_count": "bigint",
        "revenue": "decimal(20, 2)",
        "segments": "array<string>",
    }


def test_every_session_has_the_columns_that_the_model_says(source: Source, cloud: Cloud) -> None:
    visits = source.declared_gold.tables["gold_sessions"]
    (columns,) = gold_columns(source, cloud, visits=visits).values()
    assert SESSION_COLUMNS.items() <= columns.items()


@pytest.mark.parametrize(
    ("difference", "replacement"),
    [
        (Difference("column price", None, "double"), False),
        (Difference("column price", "string", "double"), True),
        (Difference("column price", "double", None), True),
        (Difference("partitioning", "event_date", "event_date, arrival_hour"), True),
        (Difference("location", "s3://a", "s3://b"), True),
        (Difference("type", "EXTERNAL_TABLE", "ICEBERG"), True),
    ],
)
def test_only_new_columns_are_added_in_place(
    difference: Difference, replacement: bool, source: Source, cloud: Cloud
) -> None:
    assert SilverTable(source, cloud).needs_replacement(difference) is replacement


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that would have gone to Athena."""
    sent: list[str] = []
    monkeypatch.setattr(IcebergTable, "_run", lambda table, statement: sent.append(statement))
    return sent


def test_new_columns_are_added_by_one_statement(source: Source, cloud: Cloud, statements: list[str]) -> None:
    new = [Difference("column price", None, "double"), Difference("column order", None, "string")]
    SilverTable(source, cloud).update(new)
    assert statements == ["ALTER TABLE clickstream.retail_web_silver ADD COLUMNS (`price` double, `order` string)\n"]


def test_no_comment_and_no_open_place_reaches_athena(source: Source, cloud: Cloud, statements: list[str]) -> None:
    for kind in (SilverTable, RejectsTable, GoldTable):
        for table in kind.all_of(source, cloud):
            table.create()
    assert len(statements) == 4
    for statement in statements:
        assert statement.startswith("CREATE TABLE IF NOT EXISTS clickstream.retail_web_")
        assert "--" not in statement
        assert "${" not in statement


def test_a_source_without_columns_of_its_own_has_a_table_too(source: Source, cloud: Cloud) -> None:
    bare = SilverTable(source.model_copy(update={"silver": {}}), cloud).desired()
    assert len([field for field in bare if field.startswith("column ")]) == 8


def test_a_column_may_be_called_like_a_word_of_sql(source: Source, cloud: Cloud) -> None:
    silver = {"order": Column(path="order_id", type="string"), "date": Column(path="day", type="string")}
    desired = SilverTable(source.model_copy(update={"silver": silver}), cloud).desired()
    assert desired["column order"] == desired["column date"] == "string"
