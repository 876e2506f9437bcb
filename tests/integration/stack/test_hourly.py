"""Hours that are counted as they end, and proven by the day's run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clickstream.lake.windows import hour_text
from tests.integration.stack.clouds import copy_of
from tests.integration.stack.feed import Feed
from tests.integration.stack.proof import Lake, lake_on


@pytest.fixture
def lake(sent_state: Path, tmp_path: Path) -> Iterator[Lake]:
    with lake_on(copy_of(sent_state, tmp_path)) as made:
        yield made


def test_the_day_s_run_proves_what_the_hours_runs_counted_without_another_job(lake: Lake, feed: Feed) -> None:
    day = lake.days(0, 0)
    counted = lake.prove(day, final=False)
    assert counted.verdict.failed == []
    hours = [hour_text(hour) for hour in day]
    assert {counted.states[hour] for hour in hours} == {"provisional"}
    assert counted.report["verified_through"] is None
    held = {hour["arrival_hour"]: hour["tiers"]["bronze"] for hour in counted.report["hours"]}
    assert {hour: held[hour_text(hour)] for hour in feed.hours if hour in day} == {
        hour: len(records) for hour, records in feed.hours.items() if hour in day
    }

    versions = lake.versions("silver")
    proven = lake.prove(day)
    assert lake.versions("silver") == versions
    assert {proven.states[hour] for hour in hours} == {"verified"}
    assert proven.report["verified_through"] == hours[-1]
