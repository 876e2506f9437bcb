"""The page of a failed verdict: what it names first, and the step that it asks for."""

from clickstream.paging.verdict_page import SHOWN, verdict_page
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.findings import Code, Finding

HOURS = [f"2026-11-{day}T{hour:02}:00:00Z" for day in (17, 18) for hour in (12, 13)]


def entry(hour: str) -> Entry:
    return Entry(
        source="shop",
        arrival_hour=hour,
        state="failed",
        run="r1",
        triggered_by="test",
        checked_at="then",
        findings=f"s3://lake/findings/{hour}.json",
    )


def finding(hour: str, code: Code, key: str | None = None) -> Finding:
    return Finding(arrival_hour=hour, code=code, object=key, text=f"{code} of {key}")


def test_one_hour_is_named_and_several_are_counted() -> None:
    one = verdict_page("shop", ["winner_missing"], [entry(HOURS[0])], [])
    assert (one.where, one.since) == (HOURS[0], HOURS[0])
    all_of_them = verdict_page("shop", ["winner_missing"], [entry(hour) for hour in HOURS], [])
    assert all_of_them.where == f"4 hours from {HOURS[0]} to {HOURS[-1]}"
    assert all_of_them.since == HOURS[0]
    assert all_of_them.impact == f"verified_through stops before {HOURS[0]}"


def test_findings_are_told_up_to_a_number_and_accepted_ones_not_at_all() -> None:
    found = [finding(HOURS[0], "winner_missing", f"object-{n}") for n in range(SHOWN + 3)]
    accepted = finding(HOURS[0], "conflicting_copies", "copies")
    evidence = verdict_page("shop", ["winner_missing"], [entry(HOURS[0])], [accepted, *found]).evidence
    assert evidence[0] == f"{HOURS[0]}: winner_missing of object-0"
    assert evidence[SHOWN] == "and 3 more findings"
    assert evidence[-1] == f"s3://lake/findings/{HOURS[0]}.json"
    assert len(evidence) == SHOWN + 2
    assert not [line for line in evidence if "copies" in line]

    all_shown = verdict_page("shop", ["winner_missing"], [entry(HOURS[0])], found[:SHOWN]).evidence
    assert len(all_shown) == SHOWN + 1
    assert not [line for line in all_shown if "more" in line]


def test_what_differs_in_the_tables_is_rebuilt_for_all_its_days() -> None:
    found = [finding(hour, "tables_changed") for hour in HOURS]
    page = verdict_page("shop", ["tables_changed"], [entry(hour) for hour in HOURS], found)
    assert page.next_step.endswith("make backfill SOURCE=shop FROM=2026-11-17 TO=2026-11-18")


def test_a_lost_object_is_restored_before_anything_is_run() -> None:
    found = [finding(HOURS[2], "object_missing", "landing/a.gz"), finding(HOURS[2], "object_changed", "landing/b.gz")]
    page = verdict_page("shop", ["object_changed", "object_missing"], [entry(HOURS[2])], found)
    assert page.next_step == (
        "make restore OBJECT=landing/a.gz && make restore OBJECT=landing/b.gz && make prove SOURCE=shop DATE=2026-11-18"
    )


def test_a_long_list_of_restores_is_cut() -> None:
    found = [finding(HOURS[0], "object_missing", f"landing/{n}.gz") for n in range(SHOWN + 1)]
    page = verdict_page("shop", ["object_missing"], [entry(HOURS[0])], found)
    assert page.next_step.count("make restore") == SHOWN
