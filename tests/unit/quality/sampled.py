"""What would be measured of a source on its sample day: by the sample's own books, and in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson

from clickstream.contract.judge import Judge
from clickstream.contract.records import read_object
from clickstream.contract.schema import load_schema
from clickstream.lake.windows import HOUR, hour_text
from clickstream.quality.measures import Answer, Row, bronze_rows, silver_rows
from clickstream.quality.suites import load_suites
from clickstream.quality.validation import Validation, validate
from clickstream.quality.volume import Volume
from clickstream.sources.loader import INCLUDE, load_sources
from clickstream.sources.model import Source
from commands.dialects import DIALECTS
from commands.sample_day import EXPECTED, file_name, write_sample
from tests.unit.quality.answers import cell

DAY = datetime(2026, 11, 18, tzinfo=UTC)
HOURS = [DAY + n * HOUR for n in range(24)]

Event = dict[str, Any]
Change = Callable[[datetime, Event], None]
"""What goes wrong with an event, by its arrival hour."""


def nothing(hour: datetime, event: Event) -> None:
    """The change that is none."""


@dataclass(frozen=True)
class Sampled:
    """The sample day of a source, in a folder."""

    source: Source
    folder: Path

    @classmethod
    def of(cls, name: str, folder: Path, events: int) -> Self:
        """Make a sample of some size."""
        write_sample(folder, source=name, day=DAY, events=events, seed=7)
        return cls(load_sources()[0][name], folder)

    def validated(self, change: Change = nothing) -> dict[str, Validation]:
        """What the suites say of each tier."""
        rows = self.rows(change)
        return {tier: validate(suite, rows[tier]) for tier, suite in load_suites(self.source).items()}

    def rows(self, change: Change = nothing) -> dict[str, list[Row]]:
        """The rows that expectations are held against."""
        hours = [hour_text(hour) for hour in HOURS]
        measures = load_suites(self.source)["silver"].measures
        return {
            "bronze": bronze_rows(self.source, self._fates(), hours, dict.fromkeys(hours, Volume())),
            "silver": silver_rows(self.source, measures, self._measured(change)),
        }

    def _fates(self) -> list[dict[str, str | None]]:
        """What the sample's own books say became of each hour's records."""
        rows = []
        for hour, told in orjson.loads((self.folder / EXPECTED).read_bytes())["hours"].items():
            counted = {("good", None): told["good"]}
            for fate in ("filtered", "quarantined", "duplicate"):
                counted |= {(fate, reason): count for reason, count in told[fate].items()}
            rows += [
                {"arrival_hour": hour, "fate": fate, "reason": reason, "records": str(count)}
                for (fate, reason), count in counted.items()
            ]
        return rows

    def _measured(self, change: Change) -> Answer:
        """What `silver_measures.sql` would answer: each of its grains, in plain Python."""
        measures = load_suites(self.source)["silver"].measures
        cells: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for hour, time, event in self._good_events():
            change(hour, event)
            fields = {name: self._field(event, name) for name in measures.columns}
            fields["arrival.lateness"] = _lateness(hour, time)
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
            if about == "column" and name in (*measures.values_of, "arrival.lateness"):
                for value, count in Counter(values).items():
                    rows.append(cell("value", name, count, arrival_hour=arrival_hour, value=value or ""))
        return rows

    def _good_events(self) -> Iterator[tuple[datetime, datetime, Event]]:
        """Arrival hour, time and fields of each good event; of copies the first."""
        judge = Judge(self.source, load_schema(INCLUDE / "schemas", self.source.name, self.source.events.contract))
        seen = set()
        for hour in HOURS:
            for record in read_object("x.gz", (self.folder / file_name(hour)).read_bytes()).records:
                found = judge(_row(record) if DIALECTS[self.source.name].converted else record, hour)
                if found.fate == "good" and found.event_id not in seen:
                    seen.add(found.event_id)
                    assert found.event_time and found.event
                    yield hour, found.event_time.replace(tzinfo=UTC), found.event

    def _field(self, event: Event, name: str) -> Any:
        if name == "extra":
            return "{}" if DIALECTS[self.source.name].unknown.keys() & event.keys() else None
        found: Any = event
        for step in self.source.silver[name].path.split("."):
            found = (found or {}).get(step)
        return None if found == "" and self.source.events.empty_is_null else found


def _row(record: bytes) -> bytes:
    """What a conversion makes of a good record."""
    try:
        event = _present(orjson.loads(record))
    except (orjson.JSONDecodeError, AttributeError):
        return record
    if "control_value" in (chart := event.get("chart", {})):
        chart["control_value"] = str(chart["control_value"])
    return orjson.dumps(event)


def _present(fields: Event) -> Event:
    """Fields without those that are null."""
    return {
        name: _present(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if value is not None
    }


def _lateness(hour: datetime, time: datetime) -> str:
    limits = {"ahead": -HOUR, "none": 0 * HOUR, "an hour": HOUR, "a day": 24 * HOUR, "longer": timedelta.max}
    return next(name for name, limit in limits.items() if hour - time <= limit)
