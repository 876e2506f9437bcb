"""The shipped thresholds hold for the sample day, large and small, and still find a fault that is planted in it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.unit.quality.answers import SUITES
from tests.unit.quality.sampled import HOURS, Change, Event, Sampled


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sampled:
    """A sample day of some size."""
    return Sampled.of("retail_web", tmp_path_factory.mktemp("sample"), 12_000)


def test_the_sample_is_as_expected(sample: Sampled) -> None:
    found = sample.validated()
    assert {tier: result.failed for tier, result in found.items()} == {"bronze": {}, "silver": {}}
    # There is no table here; all else is judged, in Bronze as far as 12,000 events say something of rare faults.
    assert {*found["silver"].unjudged} == {"columns_as_declared"}
    assert {*SUITES["bronze"].severities} - {*found["bronze"].unjudged} == {
        *("most_records_are_good", "quarantine_is_no_flood", "duplicates_are_no_flood"),
        *("copies_agree", "consent_is_asked"),
    }


def test_a_small_sample_is_as_expected_and_most_of_it_is_judged(tmp_path: Path) -> None:
    found = Sampled.of("retail_web", tmp_path, 3_000).validated()
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
def test_a_fault_of_a_client_is_found(sample: Sampled, change: Change, expected: str) -> None:
    assert expected in sample.validated(change)["silver"].failed["critical"]
