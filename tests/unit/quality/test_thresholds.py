"""The shipped thresholds hold for the sample day, large and small, and still find a fault that is planted in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from clickstream.contract.judge import Judge
from clickstream.contract.records import read_object
from clickstream.contract.schema import load_schema
from clickstream.lake.windows import HOUR, hour_text
from clickstream.quality.measures import Answer, Row, bronze_rows, silver_rows
from clickstream.quality.validation import Validation, validate
from clickstream.quality.volume import Volume
from clickstream.sources.loader import INCLUDE
from commands.sample_day import EXPECTED, file_name, write_sample
from tests.unit.quality.answers import SOURCE, SUITES, cell

DAY = datetime(2026, 11, 18, tzinfo=UTC)
HOURS = [DAY + n * HOUR for n in range(24)]
MEASURES = SUITES["silver"].measures

Event = dict[str, Any]
Change = Callable[[datetime, Event], None]


def made(folder: Path, events: int) -> Path:
    write_sample(folder, source="retail_web", day=DAY, events=events, seed=7)
    return folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample day of some size."""
    return made(tmp_path_factory.mktemp("sample"), 12_000)


def fates(folder: Path) -> list[dict[str, str | None]]:
    """What the sample's own books say became of each hour's records."""
    rows = []
    for hour, told in orjson.loads((folder / EXPECTED).read_bytes())["hours"].items():
        counted = {("good", None): told["good"]}
        for fate in ("filtered", "quarantined", "duplicate"):
            counted |= {(fate, reason): count for reason, count in told[fate].items()}
        rows += [
            {"arrival_hour": hour, "fate": fate, "reason": reason, "records": str(count)}
            for (fate, reason), count in counted.items()
        ]
    return rows


def good_events(folder: Path) -> Iterator[tuple[datetime, datetime, Event]]:
    """Arrival hour, time and fields of each good event; of copies the first."""
    judge = Judge(SOURCE, load_schema(INCLUDE / "schemas", SOURCE.name, SOURCE.events.contract))
    seen = set()
    for hour in HOURS:
        for record in read_object("x.gz", (folder / file_name(hour)).read_bytes()).records:
            found = judge(record, hour)
            if found.fate == "good" and found.event_id not in seen:
                seen.add(found.event_id)
                assert found.event_time and found.event
                yield hour, found.event_time.replace(tzinfo=UTC), found.event


def lateness(hour: datetime, time: datetime) -> str:
    limits = {"ahead": -HOUR, "none": 0 * HOUR, "an hour": HOUR, "a day": 24 * HOUR, "longer": timedelta.max}
    return next(name for name, limit in limits.items() if hour - time <= limit)


def measured(folder: Path, change: Change) -> Answer:
    """What `silver_measures.sql` would answer: each of its grains, in plain Python."""
    cells: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for hour, time, event in good_events(folder):
        change(hour, event)
        fields = {name: _field(event, name) for name in MEASURES.columns} | {"arrival.lateness": lateness(hour, time)}
        at = hour_text(hour)
        for name, value in fields.items():
            for key in (("column", name), ("column", name, at), ("kind", name, None, event["event_type"])):
                cells[key].append(value)
    rows = []
    for (about, name, *rest), values in cells.items():
        arrival_hour, kind = (*rest, None, None)[:2]
        present = [value for value in values if value is not None]
        numbers = [value for value in present if isinstance(value, int | float)]
        figures: dict[str, Any] = {"filled": len(present), "different": len({*present})}
        if numbers:
            figures |= {"lowest": min(numbers), "highest": max(numbers), "mean": sum(numbers) / len(numbers)}
        rows.append(cell(about, name, len(values), arrival_hour=arrival_hour, kind=kind, **figures))
        if about == "column" and name in (*MEASURES.values_of, "arrival.lateness"):
            for value, count in Counter(values).items():
                rows.append(cell("value", name, count, arrival_hour=arrival_hour, value=value or ""))
    return rows


def _field(event: Event, name: str) -> Any:
    if name == "extra":
        return "{}" if "ab_variant" in event else None
    found: Any = event
    for step in SOURCE.silver[name].path.split("."):
        found = (found or {}).get(step)
    return found


def validated(folder: Path, change: Change = lambda hour, event: None) -> dict[str, Validation]:
    hours = [hour_text(hour) for hour in HOURS]
    rows: dict[str, list[Row]] = {
        "bronze": bronze_rows(SOURCE, fates(folder), hours, dict.fromkeys(hours, Volume())),
        "silver": silver_rows(SOURCE, MEASURES, measured(folder, change)),
    }
    return {tier: validate(suite, rows[tier]) for tier, suite in SUITES.items()}


def test_the_sample_is_as_expected(sample: Path) -> None:
    found = validated(sample)
    assert {tier: result.failed for tier, result in found.items()} == {"bronze": {}, "silver": {}}
    # There is no table here; all else is judged, in Bronze as far as 12,000 events say something of rare faults.
    assert {*found["silver"].unjudged} == {"columns_as_declared"}
    assert {*SUITES["bronze"].severities} - {*found["bronze"].unjudged} == {
        *("most_records_are_good", "quarantine_is_no_flood", "duplicates_are_no_flood"),
        *("copies_agree", "consent_is_asked"),
    }


def test_a_small_sample_is_as_expected_and_most_of_it_is_judged(tmp_path: Path) -> None:
    found = validated(made(tmp_path, 3_000))
    assert {tier: result.failed for tier, result in found.items()} == {"bronze": {}, "silver": {}}
    assert len(found["silver"].unjudged) < 5


def no_sessions_for_an_hour(hour: datetime, event: Event) -> None:
    if hour == HOURS[20]:
        event["session_id"] = None


def amounts_in_cents(hour: datetime, event: Event) -> None:
    if event["event_type"] == "purchase":
        event["properties"] = event["properties"] | {"total_amount": event["properties"]["total_amount"] * 100}


def nobody_can_pay(hour: datetime, event: Event) -> None:
    if event["event_type"] == "purchase":
        event["event_type"] = "page_view"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (no_sessions_for_an_hour, "sessions_are_known"),
        (amounts_in_cents, "amounts_are_as_large_as_ever"),
        (nobody_can_pay, "purchases_follow_checkouts"),
    ],
)
def test_a_fault_of_a_client_is_found(sample: Path, change: Change, expected: str) -> None:
    assert expected in validated(sample, change)["silver"].failed["critical"]
