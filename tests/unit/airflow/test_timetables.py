"""Days up to an end, which a backfill may pass."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from pendulum import instance

from clickstream.airflow.timetables import DailyUntil, HourlyUntil

START = datetime(2026, 11, 17, tzinfo=UTC)
DAY = timedelta(days=1)


def days(until: datetime | None, latest: datetime | None = None, start: datetime = START) -> list[int]:
    """The first days that are scheduled, counted from START."""
    timetable = DailyUntil(until)
    restriction = TimeRestriction(instance(start), instance(latest) if latest else None, catchup=True)
    found: list[int] = []
    last: DataInterval | None = None
    while len(found) < 10:
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        if info is None or info.data_interval is None:
            return found
        last = info.data_interval
        assert info.run_after == last.end
        assert last.end - last.start == DAY
        found.append((last.start - instance(START)).in_days())
    return found


@pytest.mark.parametrize(("length", "expected"), [(1, 1), (2, 2), (7, 7)])
def test_it_ends_with_the_day_that_ends_at_the_end(length: int, expected: int) -> None:
    assert days(START + length * DAY) == [*range(expected)]


def test_no_day_is_scheduled_that_ends_later() -> None:
    assert days(START + 2 * DAY - timedelta(hours=1)) == [0]


def test_without_an_end_it_goes_on() -> None:
    assert len(days(None)) == 10


def test_a_backfill_goes_beyond_the_end() -> None:
    """It asks with a latest date of its own."""
    assert days(START + DAY, latest=START + 4 * DAY) == [*range(5)]


def test_a_day_begins_at_midnight_in_utc() -> None:
    timetable = DailyUntil()
    info = timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(instance(START), None, catchup=True)
    )
    assert info is not None
    assert info.data_interval == DataInterval(instance(START), instance(START + DAY))


@pytest.mark.parametrize("until", [None, START + 2 * DAY])
def test_it_is_stored_with_its_end(until: datetime | None) -> None:
    stored = DailyUntil(until).serialize()
    again = DailyUntil.deserialize(stored)
    assert again.until == until
    assert again.serialize() == stored


def test_the_plugin_tells_airflow_of_it() -> None:
    from clickstream.airflow.plugin import ClickstreamPlugin

    assert ClickstreamPlugin.timetables == [DailyUntil, HourlyUntil]


def test_hours_end_with_the_hour_that_ends_at_the_end() -> None:
    timetable = HourlyUntil(START + DAY)
    restriction = TimeRestriction(instance(START + DAY - timedelta(hours=2)), None, catchup=True)
    first = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    assert first is not None
    assert first.data_interval.end - first.data_interval.start == timedelta(hours=1)
    last = timetable.next_dagrun_info(last_automated_data_interval=first.data_interval, restriction=restriction)
    assert last is not None
    assert last.data_interval.end == START + DAY
    assert timetable.next_dagrun_info(last_automated_data_interval=last.data_interval, restriction=restriction) is None
