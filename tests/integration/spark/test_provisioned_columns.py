"""Silver must be as the source declares it before a job writes there. Needs the job's libraries, but no Spark."""

import json

import pytest
from branched_table import Layout  # type: ignore[import-not-found,unused-ignore]
from silver_job.files import NotProvisioned, require_columns  # type: ignore[import-not-found,unused-ignore]

from clickstream.sources.loader import load_sources
from clickstream.sources.model import COMMON_COLUMNS

SOURCE = load_sources()[0]["retail_web"]
DECLARED = COMMON_COLUMNS | {name: column.type for name, column in SOURCE.silver.items()}


def layout(columns: dict[str, str]) -> Layout:
    """Of a table with these columns, by their types in Athena."""
    fields = [
        {"id": number, "name": name, "required": False, "type": {"bigint": "long"}.get(kind, kind)}
        for number, (name, kind) in enumerate(columns.items(), 1)
    ]
    return Layout(json.dumps({"type": "struct", "fields": fields}), ("event_date", "arrival_hour"), "s3://lake/")


def test_a_table_that_is_as_declared_is_taken_in_whatever_order_its_columns_were_added() -> None:
    require_columns("t", layout(DECLARED), SOURCE)
    require_columns("t", layout(dict(reversed(DECLARED.items()))), SOURCE)


def test_every_column_that_is_not_as_declared_is_named() -> None:
    columns = DECLARED | {"price": "string", "colour": "string"}
    del columns["quantity"]
    with pytest.raises(NotProvisioned) as raised:
        require_columns("clickstream.retail_web_silver", layout(columns), SOURCE)
    assert str(raised.value) == (
        "clickstream.retail_web_silver is not as declared: its column price is string, not double; "
        "it has no column quantity bigint; retail_web declares no column colour. Run retail_web__provision first."
    )
