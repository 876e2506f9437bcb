"""An hour of Bronze of the web shop's visits, and what the job of Silver is asked to make of it."""

from __future__ import annotations

import gzip
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

import commands  # noqa: F401  puts the product on the path
from clickstream.contract.schema import load_schema
from clickstream.lake.listing import hour_prefix
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, hour_text
from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import Source
from commands.shop_visits import visit

SOURCE = "retail_web"
OBJECTS = 12
"""Of an hour: one every five minutes."""


def visits(rng: random.Random, hour: datetime, count: int) -> list[bytes]:
    """The events of visits that begin in an hour, as raw records."""
    starts = (hour + rng.random() * HOUR for _ in range(count))
    return [orjson.dumps(moment.event) for start in starts for moment in visit(rng, start)]


def put_hour(place: Place, source: Source, hour: datetime, records: Sequence[bytes], run: str) -> dict[str, Any]:
    """Put an hour into Bronze; the plan file of the job that processes it.

    Args:
        source: SOURCE, or a copy of it under another name.
        run: whose plan it is.
    """
    schema = load_schema(INCLUDE / "schemas", SOURCE, source.events.contract)
    objects = []
    for number in range(OBJECTS):
        body = gzip.compress(b"\n".join(records[number::OBJECTS]))
        key = f"{hour_prefix(source.delivery.prefix, hour)}{number:02}.gz"
        etag = place.s3.put_object(Bucket=place.lake, Key=key, Body=body)["ETag"]
        objects.append({"key": key, "etag": etag.strip('"'), "size": len(body)})
    return {
        "run_id": run,
        "source": source.model_dump(mode="json"),
        "schemas": {schema.version: schema.document},
        "lake": place.lake,
        "hours": [{"arrival_hour": hour_text(hour), "contract": schema.version, "objects": objects}],
        "manifests": {},
        "result": place.run_uri(source.name, run, "result"),
    }
