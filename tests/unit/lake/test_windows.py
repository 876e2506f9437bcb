from datetime import UTC, datetime, timedelta, timezone

import pytest

from clickstream.lake.windows import HOUR, Window, hour_text, parse_hour


def test_an_hour_s_text_is_in_utc_whatever_its_zone() -> None:
    there = datetime(2026, 11, 18, 23, tzinfo=timezone(timedelta(hours=10)))
    assert hour_text(there) == "2026-11-18T13:00:00Z"
    assert parse_hour(hour_text(there)) == there


@pytest.mark.parametrize("text", ["2026-11-18T13:00:00Z", "2026-11-18T13:00:00+00:00", "2026-11-18T13Z"])
def test_a_whole_hour_in_utc_is_read(text: str) -> None:
    assert parse_hour(text) == datetime(2026, 11, 18, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026-11-18T13:00:00", "not a time in UTC"),
        ("2026-11-18", "not a time in UTC"),
        ("2026-11-18T13:00:00+01:00", "not a time in UTC"),
        ("2026-11-18T13:30:00Z", "not a whole hour"),
        ("2026-11-18T13:00:00.5Z", "not a whole hour"),
        ("tomorrow", "Invalid isoformat"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_hour(text)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = Window.parse("2026-11-18T22:00:00Z/2026-11-19T01:00:00Z")
    assert [hour_text(hour)[:13] for hour in window] == ["2026-11-18T22", "2026-11-18T23", "2026-11-19T00"]
    assert len(window) == 3
    assert Window.parse(str(window)) == window


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "write START/END"),
        ("2026-11-18T13:00:00Z", "write START/END"),
        ("2026-11-18T13:00:00Z 2026-11-18T14:00:00Z", "write START/END"),
        ("2026-11-18T13:00:00Z/", "Invalid isoformat"),
        ("/2026-11-18T13:00:00Z", "Invalid isoformat"),
        ("2026-11-18T13:00:00Z/2026-11-18T13:00:00Z", "is empty"),
        ("2026-11-18T13:00:00Z/2026-11-18T12:00:00Z", "is empty"),
        ("2026-11-18T13:00:00Z/2026-11-18T14:30:00Z", "not a whole hour"),
    ],
)
def test_what_is_no_window_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Window.parse(text)


def test_a_window_cannot_run_backwards() -> None:
    start = parse_hour("2026-11-18T13:00:00Z")
    with pytest.raises(ValueError, match="is empty"):
        Window(start, start - HOUR)
