"""What is usual is the median of the same hour before, as far as the ledger knows it."""

from __future__ import annotations

from clickstream.lake.windows import parse_hour
from clickstream.quality.suites import Usual
from clickstream.quality.volume import Volume, volumes
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.fingerprint import Fingerprint
from tests.unit.reconciliation.makers import text

DAILY = Usual(hours_apart=24, times=3)


def known(**records: int) -> dict:  # type: ignore[type-arg]
    """The ledger's current entries of these hours, as `h24=100`."""
    return {
        parse_hour(text(int(hour[1:]))): Entry(
            source="shop",
            arrival_hour=text(int(hour[1:])),
            state="verified",
            bronze=Fingerprint(count, 0, 0),
            run="r",
            triggered_by="test",
            checked_at="then",
        )
        for hour, count in records.items()
    }


def test_an_hour_is_compared_with_the_same_hour_of_the_days_before() -> None:
    current = known(h0=1000, h24=100, h48=300, h72=200, h96=50, h95=7)
    assert volumes([text(96)], current, DAILY) == {text(96): Volume(200, 3, 0.25, 150 / 148.26)}


def test_hours_that_the_ledger_does_not_know_count_for_nothing() -> None:
    assert volumes([text(96)], known(h72=200, h96=50), DAILY) == {text(96): Volume(200, 1, 0.25)}
    assert volumes([text(96)], known(h96=50), DAILY) == {text(96): Volume()}


def test_where_nothing_usually_comes_there_is_no_share() -> None:
    assert volumes([text(24)], known(h0=0, h24=50), DAILY) == {text(24): Volume(0, 1, None)}


def test_a_source_may_compare_with_nothing() -> None:
    assert volumes([text(24)], known(h0=10, h24=50), None) == {text(24): Volume()}
