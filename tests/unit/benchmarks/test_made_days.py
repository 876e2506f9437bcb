"""Made days are what the product would have made of the sample: the benchmarks' lakes must hold plausible rows."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from benchmarks.bronze_to_silver import CONTENDERS
from benchmarks.made_days import SEED, event_dates, make_day, names_of_events, names_of_members
from clickstream.sources.loader import load_sources
from clickstream.sources.model import COMMON_COLUMNS
from commands.sample_day import EXPECTED, write_sample

DAY = datetime(2026, 11, 18, tzinfo=UTC)
EVENTS = 1_500
SOURCES = load_sources()[0]


@pytest.mark.parametrize("name", SOURCES)
def test_a_made_day_has_the_good_events_of_the_sample(name: str, tmp_path: Path) -> None:
    write_sample(tmp_path, source=name, day=DAY, events=EVENTS, seed=SEED)
    expected = orjson.loads((tmp_path / EXPECTED).read_bytes())["good_by_event_date"]

    rows = make_day(SOURCES[name], DAY, EVENTS)

    of_dates = {str(row["values"]): row["counts"] for row in rows["event_date"].value_counts().to_pylist()}
    assert of_dates == expected
    assert {*rows.column_names} == {*SOURCES[name].silver, *COMMON_COLUMNS}
    assert [*map(str, event_dates(rows))][:: len(event_dates(rows)) - 1] == [min(expected), max(expected)]


@pytest.mark.parametrize(
    ("name", "of_events", "of_members"),
    [
        ("retail_web", {"event_id", "session_id"}, set()),
        ("shop_clicks", {"event_id"}, {"user_id"}),
        ("chart_affiliates", {"event_id", "session_id", "corrects"}, {"user_id_hash"}),
    ],
)
def test_what_is_another_on_each_day_is_declared(name: str, of_events: set[str], of_members: set[str]) -> None:
    assert names_of_events(SOURCES[name]) == of_events
    assert names_of_members(SOURCES[name]) == of_members


def test_every_declared_table_of_gold_has_a_floor() -> None:
    floors = {(path.parent.name, path.stem) for path in (CONTENDERS / "gold").glob("*/*.sql")}

    assert floors == {(name, table) for name, source in SOURCES.items() for table in source.declared_gold.tables}
