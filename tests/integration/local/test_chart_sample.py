"""The sample of the comparison charts as Firehose converts it: the contract comes to the figures of its own books."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from clickstream.contract.judge import Judge
from clickstream.contract.records import raw_hash, read_object
from clickstream.contract.schema import Schema, load_schema
from clickstream.sources.loader import INCLUDE, load_sources
from commands.sample_day import EXPECTED, file_name, write_sample
from local.firehose.conversion import convert
from local.firehose.failures import Failure
from local.firehose.partitioning import Partitioner
from local.record_log import Record

SOURCE = "chart_affiliates"
DAY = datetime(2026, 11, 18, tzinfo=UTC)
HOURS = [DAY + n * timedelta(hours=1) for n in range(24)]
TYPES = {"string": "string", "integer": "bigint", "boolean": "boolean", "array": "array<string>"}
DESTINATION: dict[str, Any] = {
    "Prefix": "landing/event_type=!{partitionKeyFromQuery:event_type}/",
    "DynamicPartitioningConfiguration": {"Enabled": True},
    "ProcessingConfiguration": {
        "Enabled": True,
        "Processors": [
            {
                "Type": "MetadataExtraction",
                "Parameters": [
                    {
                        "ParameterName": "MetadataExtractionQuery",
                        "ParameterValue": '{event_type: (.event_type // "none")}',
                    },
                    {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
                ],
            }
        ],
    },
    "DataFormatConversionConfiguration": {
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        "SchemaConfiguration": {},
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample day."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, source=SOURCE, day=DAY, events=2400, seed=1)
    return folder


@pytest.fixture(scope="module")
def schema() -> Schema:
    return load_schema(INCLUDE / "schemas", SOURCE, "1.0.0")


@pytest.fixture(scope="module")
def judge(schema: Schema) -> Judge:
    return Judge(load_sources()[0][SOURCE], schema)


def _hive_type(node: dict[str, Any]) -> str:
    if node["type"] == "object":
        return f"struct<{','.join(f'{name}:{_hive_type(inner)}' for name, inner in node['properties'].items())}>"
    return TYPES[node["type"]]


def _columns(schema: Schema) -> list[dict[str, str]]:
    types = {name: _hive_type(node) for name, node in schema.document["properties"].items()}
    return [
        {"Name": name, "Type": kind} for name, kind in (types | {"canary": "struct<kind:string,id:string>"}).items()
    ]


def _present(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its nulls."""
    return {
        name: _present(value) if isinstance(value, dict) else value for name, value in row.items() if value is not None
    }


class Landed:
    """What Firehose makes of an hour.

    Attributes:
        rows: JSON of each row; in one spelling, for a row has no other.
        refused: the bytes of what could not be placed or converted.
    """

    def __init__(self, folder: Path, hour: datetime, schema: Schema) -> None:
        sent = read_object("x.gz", (folder / file_name(hour)).read_bytes()).records
        records = [Record(number, hour.timestamp(), data) for number, data in enumerate(sent, 1)]
        partitioner = Partitioner(DESTINATION)
        placed = [record for record in records if not isinstance(partitioner.keys(record), Failure)]
        converted = convert(DESTINATION, _columns(schema), placed)
        assert converted.body
        self.rows = [
            orjson.dumps(_present(row), option=orjson.OPT_SORT_KEYS)
            for row in pq.read_table(io.BytesIO(converted.body)).to_pylist()
        ]
        assert len(self.rows) == len(converted.records)
        taken = {record.sequence for record in converted.records}
        self.refused = [record.data for record in records if record.sequence not in taken]


@pytest.fixture(scope="module")
def landed(folder: Path, schema: Schema) -> dict[datetime, Landed]:
    return {hour: Landed(folder, hour, schema) for hour in HOURS}


def _text(hour: datetime) -> str:
    return f"{hour:%Y-%m-%dT%H:%M:%SZ}"


def test_the_contract_comes_to_the_books_figures(folder: Path, landed: dict[datetime, Landed], judge: Judge) -> None:
    expected = orjson.loads((folder / EXPECTED).read_bytes())
    winners: dict[tuple[object, object], str] = {}
    for hour in HOURS:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for record in [*landed[hour].rows, *landed[hour].refused]:
            verdict = judge(record, hour)
            if verdict.fate != "good":
                found[verdict.fate][str(verdict.reason)] += 1
                continue
            record_hash, event = raw_hash(record), (f"{verdict.event_time:%Y-%m-%d}", verdict.event_id)
            if event in winners:
                found["duplicate"]["exact" if winners[event] == record_hash else "conflict"] += 1
            else:
                winners[event] = record_hash
                found["good_by_event_date"][event[0]] += 1
        for fate in ("filtered", "quarantined", "duplicate", "good_by_event_date"):
            assert found[fate] == expected["hours"][_text(hour)][fate], (hour, fate)


def _events(landed: dict[datetime, Landed]) -> Iterator[dict[str, Any]]:
    return (orjson.loads(row) for hour in HOURS for row in landed[hour].rows)


def test_what_cannot_be_a_row_is_of_each_kind(landed: dict[datetime, Landed], judge: Judge) -> None:
    refused = Counter(judge(record, hour).reason for hour in HOURS for record in landed[hour].refused)
    assert set(refused) == {
        *("bad_json", "duplicate_key", "enum:event_type", "no_consent", "type:affiliate.payout_cents")
    }


def test_controls_arrive_as_texts(landed: dict[datetime, Landed]) -> None:
    values = {event["chart"].get("control_value") for event in _events(landed) if "chart" in event}
    assert values == {"true", "false", "asc", "desc", "3", "4", "4.5", "yes", "", None}


def test_what_the_contract_does_not_know_is_gone(folder: Path, landed: dict[datetime, Landed]) -> None:
    assert b"consent_text" in b"".join(
        record for hour in HOURS for record in read_object("x.gz", (folder / file_name(hour)).read_bytes()).records
    )
    assert not any(b"consent_text" in row for hour in HOURS for row in landed[hour].rows)
