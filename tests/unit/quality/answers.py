"""What Athena would answer of a good window of the web shop: one hour of 20,000 events, and the rows made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clickstream.quality.measures import Row, bronze_rows, schema_rows, silver_rows
from clickstream.quality.suites import load_suites
from clickstream.quality.volume import Volume
from clickstream.sources.loader import load_sources

HOUR = "2026-11-18T13:00:00Z"
SOURCE = load_sources()[0]["retail_web"]
SUITES = load_suites(SOURCE)

KINDS = {
    "page_view": 6100,
    "product_view": 7800,
    "add_to_cart": 1400,
    "remove_from_cart": 200,
    "checkout_start": 500,
    "purchase": 320,
    "search": 1300,
    "click": 2380,
}
GOOD = sum(KINDS.values())

Answer = dict[str, str | None]


def cell(about: str, name: str, records: int, **more: str | int | float | None) -> Answer:
    """A row of `silver_measures.sql`; all records have a value, unless told otherwise."""
    told: dict[str, Any] = {"arrival_hour": None, "kind": None, "value": None, "filled": records, "different": 3}
    told |= {"lowest": None, "highest": None, "mean": None, **more}
    row = {"about": about, "name": name, "records": records, **told}
    return {key: None if value is None else str(value) for key, value in row.items()}


FILLED: Mapping[str, dict[str, float]] = {
    "session_id": {"different": 2500},
    "customer_id": {"filled": 12000, "different": 1200},
    "event_type": {"different": 8},
    "extra": {"filled": 200},
}
OF_KIND: Mapping[tuple[str, str], dict[str, float]] = {
    ("purchase", "total_amount"): {"lowest": 4.99, "highest": 3629.46, "mean": 498.1},
    ("add_to_cart", "quantity"): {"lowest": 1, "highest": 3, "mean": 1.2},
}
VALUES: Mapping[str, Mapping[str, int]] = {
    "event_type": KINDS,
    "device_type": {"desktop": 8000, "mobile": 8000, "tablet": 3990, "": 10},
    "country": {"US": 10000, "DE": 5000, "BR": 5000},
    "arrival.lateness": {"none": 19800, "an hour": 100, "a day": 50, "longer": 30, "ahead": 20},
}


def silver_answer() -> list[Answer]:
    rows = []
    names = [*SUITES["silver"].measures.columns, "arrival.lateness"]
    for hour in (None, HOUR):
        rows += [cell("column", name, GOOD, arrival_hour=hour, **FILLED.get(name, {})) for name in names]
        for name, values in VALUES.items():
            rows += [cell("value", name, count, arrival_hour=hour, value=value) for value, count in values.items()]
    for kind, count in KINDS.items():
        rows += [cell("kind", name, count, kind=kind, **OF_KIND.get((kind, name), {})) for name in names]
    return rows


def fates_answer() -> list[Answer]:
    counted = [
        ("good", None, GOOD), ("filtered", "no_consent", 600), ("filtered", "canary", 6),
        ("quarantined", "bad_json", 20), ("duplicate", "exact", 100), ("duplicate", "conflict", 20),
    ]  # fmt: skip
    return [
        {"arrival_hour": HOUR, "fate": fate, "reason": reason, "event_date": None, "records": str(records)}
        for fate, reason, records in counted
    ]


def rows() -> dict[str, list[Row]]:
    """The rows of both tiers."""
    schema = schema_rows({"type": "ICEBERG", "column a": "string"}, {"location": "x", "column a": "string"})
    volumes = {HOUR: Volume(20000.0, 14, 1.04)}
    return {
        "bronze": [*schema, *bronze_rows(SOURCE, fates_answer(), [HOUR], volumes)],
        "silver": [*schema, *silver_rows(SOURCE, SUITES["silver"].measures, silver_answer())],
    }
