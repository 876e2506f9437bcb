"""A folder like `include/`, with one sound source that a test may break."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "agreed": {"type": "boolean"},
        "kind": {"enum": ["look", "buy"]},
        "paid": {"type": "number"},
        "cents": {"type": "integer"},
        "where": {"type": "object", "properties": {"country": {"type": "string"}}},
    },
}

SOUND: dict[str, Any] = {
    "name": "shop",
    "description": "The shop's events.",
    "verify_from": "2026-11-17T00:00:00Z",
    "tiers": ["stream", "bronze", "silver"],
    "events": {"contract": "1.0.0", "identity": "id", "timestamp": "at", "consent": "agreed"},
    "stream": {"name": "shop-events", "shards": 1, "partition_key": "id"},
    "delivery": {
        "name": "shop-to-s3",
        "prefix": "landing/shop/",
        "error_prefix": "staging/failed/shop/",
        "buffer_megabytes": 1,
        "buffer_seconds": 60,
    },
    "silver": {"country": {"path": "where.country", "type": "string"}},
}

STEP = {"name": "view", "event_types": ["look"]}
WITH_GOLD: dict[str, Any] = {
    "silver": {
        "country": {"path": "where.country", "type": "string"},
        "kind": {"path": "kind", "type": "string"},
        "visitor": {"path": "id", "type": "string"},
        "paid": {"path": "paid", "type": "double"},
        "cents": {"path": "cents", "type": "bigint"},
        "agreed": {"path": "agreed", "type": "boolean"},
    },
    "gold": {
        "event_type": "kind",
        "revenue": {"column": "paid", "event_types": ["buy"]},
        "tables": {
            "figures": {"kind": "daily", "dimensions": ["kind", "country"]},
            "visits": {
                "kind": "sessions",
                "key": "visitor",
                "funnel": [STEP, {"name": "purchase", "event_types": ["buy"]}],
                "counts": {"looks": ["look"]},
                "first": {"country": "country"},
                "last": {"last_agreed": "agreed"},
                "sums": {"cents": "cents"},
            },
            "fact_buys": {"kind": "facts", "key": "buy_id", "columns": {"amount": "paid", "at": "event_time"}},
            "dim_visitors": {"kind": "dimension", "key": "visitor", "latest": {"home": "country"}},
            "places": {
                "kind": "history",
                "event_types": ["look"],
                "key": "visitor",
                "value": "country",
                "active": "agreed",
            },
            "journeys": {"kind": "funnel", "sessions": "visits", "history": "places", "key": "country"},
        },
    },
}
"""Keys of a source that declares Gold."""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """The folder; its contract stands, its sources are the test's."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "schemas" / "shop").mkdir(parents=True)
    (tmp_path / "schemas" / "shop" / "1.0.0.json").write_bytes(orjson.dumps(SCHEMA))
    return tmp_path


@pytest.fixture
def declare(include: Path) -> Callable[..., Path]:
    """Writes `sources/<file>.yaml`: the sound declaration with some dotted keys set, or taken out where set to None.

    With a key of `gold` among them, the source declares Gold.
    """

    def write(file: str = "shop", /, **changes: Any) -> Path:
        gold = WITH_GOLD if any(key.startswith("gold") for key in changes) else {}
        declared = orjson.loads(orjson.dumps(SOUND | gold))
        for dotted, value in changes.items():
            *parents, name = dotted.split("__")
            node = declared
            for parent in parents:
                node = node[parent]
            if value is None:
                del node[name]
            else:
                node[name] = value
        path = include / "sources" / f"{file}.yaml"
        path.write_text(yaml.safe_dump(declared, sort_keys=False))
        return path

    return write
