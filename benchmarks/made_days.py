"""Days of Silver from the sample's generator, without Bronze: each row is one that the product's own contract makes.

A day is made once. Older days are this one moved back: their events, sessions and whatever refers to them are others,
their members the same ones, or others too.
"""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

import commands  # noqa: F401  puts the product on the path
from clickstream.contract.columns import Columns
from clickstream.contract.judge import Judge
from clickstream.contract.records import raw_hash, read_object
from clickstream.contract.schema import load_schema
from clickstream.lake.windows import hour_text
from clickstream.sources.gold import Dimension, Facts, History
from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import Source
from commands.sample_day import write_sample

SEED = 5
OBJECT = "made"
"""Stands for the keys of the objects that were never there."""


def make_day(source: Source, day: datetime, events: int) -> pa.Table:
    """A day's rows of Silver.

    Args:
        source: whose clients are imitated.
        day: its start, UTC; some events are of dates shortly before and after it.
        events: of visitors on the day; a few hundredths of them are not good.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        write_sample(Path(folder), source=source.name, day=day, events=events, seed=SEED)
        files = sorted(Path(folder).glob("*.ndjson.gz"))
        hours = {_hour(file): read_object(file.name, file.read_bytes()).records for file in files}
    if source.delivery.format == "parquet":
        hours = {hour: [converted(source, record) for record in records] for hour, records in hours.items()}
    return rows_of(source, hours)


def converted(source: Source, record: bytes) -> bytes:
    """What a conversion to Parquet would leave of a record: no nulls, and texts where the columns are texts.

    What cannot be converted stays as it is.
    """
    try:
        event = json.loads(record, object_pairs_hook=_present)
    except ValueError:
        return record
    for column in source.silver.values():
        *parents, name = column.path.split(".")
        node: Any = event
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if isinstance(node, dict) and column.type == "string" and isinstance(node.get(name), bool | int | float):
            node[name] = orjson.dumps(node[name]).decode()
    return orjson.dumps(event)


def _present(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(fields)) < len(fields):
        raise ValueError("a name stands twice")
    return {name: value for name, value in fields if value is not None}


def rows_of(source: Source, hours: dict[datetime, list[bytes]]) -> pa.Table:
    """The good ones of some raw records as rows of Silver; of copies of an event the first.

    Args:
        hours: records by arrival hour.
    """
    schema = load_schema(INCLUDE / "schemas", source.name, source.events.contract)
    judge, columns = Judge(source, schema), Columns(source, schema)
    known: set[tuple[date, str | None]] = set()
    made = []
    for hour, records in sorted(hours.items()):
        kept = []
        for record in records:
            judgement = judge(record, hour)
            if not judgement.event_time:
                continue
            identity = judgement.event_time.date(), judgement.event_id
            if identity not in known:
                known.add(identity)
                kept.append((record, judgement))
        if kept:
            times = pa.array([judgement.event_time for _, judgement in kept], pa.timestamp("us"))
            rows = {
                "event_id": pa.array([judgement.event_id for _, judgement in kept], pa.string()),
                "event_date": times.cast(pa.date32()),
                "event_time": times,
                **dict(zip([*source.silver, "extra"], columns([j.event for _, j in kept]), strict=True)),
                "contract": pa.repeat(schema.version, len(kept)),
                "arrival_hour": pa.repeat(hour_text(hour), len(kept)),
                "object_id": pa.repeat(OBJECT, len(kept)),
                "raw_hash": pa.array([raw_hash(record) for record, _ in kept]),
            }
            made.append(pa.table(rows))
    return pa.concat_tables(made)


def names_of_events(source: Source) -> set[str]:
    """Columns of Silver by which events and sessions are known, and referred to."""
    gold = source.declared_gold
    corrected = (table.corrections for table in gold.tables.values() if isinstance(table, Facts))
    return {"event_id", *({gold.session_key} - {None}), *(each.refers for each in corrected if each)}  # type: ignore[arg-type]


def names_of_members(source: Source) -> set[str]:
    """Columns of Silver that name the members of its dimensions and histories."""
    return {table.key for table in source.declared_gold.tables.values() if isinstance(table, Dimension | History)}


def event_dates(rows: pa.Table) -> list[date]:
    """From the oldest event date to the newest, without a gap."""
    dates = rows["event_date"].unique().to_pylist()
    return [min(dates) + timedelta(days=n) for n in range((max(dates) - min(dates)).days + 1)]


def _hour(file: Path) -> datetime:
    return datetime.strptime(file.name.partition(".")[0], "%Y-%m-%dT%H").replace(tzinfo=UTC)
