"""What the ledger of quality says now: by the last line of each hour, and not for ever."""

from __future__ import annotations

from clickstream.quality.ledger import QualityLedger, failed_now, newest
from clickstream.reconciliation.ledger import DateLedger, Ledger
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.quality.makers import entry

DAY = 24
A, B = range(DAY), range(DAY, 2 * DAY)


def test_it_is_a_chain_of_its_own_that_no_other_ledger_reads() -> None:
    s3 = MemoryS3()
    ledger = QualityLedger(s3, "evidence", "retail_web")
    key = ledger.append([entry(A, tier="bronze"), entry(A, "failed")])
    assert key == "ledger/retail_web.quality/000000000000.ndjson"
    assert [line.state for line in ledger.read()] == ["passed", "failed"]
    assert Ledger(s3, "evidence", "retail_web").read() == []
    assert DateLedger(s3, "evidence", "retail_web").read() == []


def test_a_repeated_step_appends_nothing_and_another_suite_says_something_new() -> None:
    ledger = QualityLedger(MemoryS3(), "evidence", "retail_web")
    ledger.append([entry(A), entry(A, tier="bronze")])
    ledger.append([entry(A), entry(A, tier="bronze")])
    assert len(ledger.read()) == 2
    ledger.append([entry(A, suite="def")])
    assert len(ledger.read()) == 3


def test_the_newest_of_each_tier_is_the_last_line() -> None:
    lines = [entry(A, tier="bronze"), entry(A), entry(B, run="s")]
    assert {tier: line.run for tier, line in newest(lines).items()} == {"bronze": "r", "silver": "s"}


def test_a_failed_window_stays_failed_until_its_hours_are_looked_at_again() -> None:
    first, second = entry(A, "failed"), entry(B)
    assert failed_now([first, second], days=7) == [first]
    assert failed_now([first, second, entry(A, run="again")], days=7) == []


def test_a_part_of_a_window_that_is_well_again_does_not_clear_the_rest() -> None:
    failed = entry(A, "failed")
    assert failed_now([failed, entry(range(12))], days=7) == [failed]
    assert failed_now([failed, entry(range(12)), entry(range(12, DAY))], days=7) == []


def test_a_tier_does_not_speak_for_another_and_a_warning_is_no_failure() -> None:
    failed = entry(A, "failed", tier="bronze")
    assert failed_now([failed, entry(A, "warned")], days=7) == [failed]


def test_nobody_is_reminded_of_what_cannot_be_mended_for_ever() -> None:
    failed, later = entry(A, "failed"), entry(range(7 * DAY, 8 * DAY))
    assert failed_now([failed, entry(range(6 * DAY, 7 * DAY))], days=7) == [failed]
    assert failed_now([failed, later], days=7) == []


def test_they_are_told_oldest_hours_first() -> None:
    lines = [entry(B, "failed", run="later"), entry(A, "failed", run="earlier")]
    assert [line.run for line in failed_now(lines, days=7)] == ["earlier", "later"]
    assert failed_now([], days=7) == []
