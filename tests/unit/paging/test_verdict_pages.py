"""The pages of the verdict: one a cause, what each names first, and the step that it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from clickstream.lake.windows import parse_hour
from clickstream.paging.page import Page
from clickstream.paging.verdict_pages import SHOWN, verdict_pages
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.findings import Code, Finding, store_findings
from tests.unit.lake.memory_s3 import MemoryS3

HOURS = [f"2026-11-{day}T{hour:02}:00:00Z" for day in (17, 18) for hour in (12, 13)]
LINK = "http://airflow/dags/shop__daily/runs/r1"


def finding(hour: str, code: Code, key: str | None = None) -> Finding:
    return Finding(arrival_hour=hour, code=code, object=key, text=f"{code} of {key}")


def pages(found: Sequence[Finding], expired: bool = False) -> dict[str, Page]:
    """The pages when these hours are failed for these findings; the hour after them passes by a waiver."""
    s3, current = MemoryS3(), {}
    for hour in sorted({each.arrival_hour for each in found}):
        of_hour = [each for each in found if each.arrival_hour == hour]
        uri = store_findings(s3, "lake", "shop", "r1", of_hour)
        current[parse_hour(hour)] = Entry(
            source="shop",
            arrival_hour=hour,
            state="failed",
            run="r1",
            triggered_by="test",
            checked_at="then",
            causes=tuple(sorted({each.code for each in of_hour} - {"conflicting_copies"})),
            findings=uri,
        )
        if expired:
            s3.delete_object(Bucket="lake", Key=uri.removeprefix("s3://lake/"))
    passed = "2026-11-19T00:00:00Z"
    current[parse_hour(passed)] = Entry(
        source="shop",
        arrival_hour=passed,
        state="excepted",
        run="r0",
        triggered_by="test",
        checked_at="then",
        causes=("winner_missing",),
        findings="s3://lake/findings/shop/accepted.json",
    )
    return verdict_pages(s3, "shop", current, LINK)


def uri(hour: str) -> str:
    return f"s3://lake/findings/shop/{hour}/r1.json"


def test_each_cause_has_its_page_with_its_own_hours_and_findings() -> None:
    made = pages(
        [
            finding(HOURS[2], "winner_missing", "b"),
            finding(HOURS[0], "winner_missing", "a"),
            finding(HOURS[2], "records_unaccounted", "c"),
        ]
    )
    assert list(made) == ["records_unaccounted", "winner_missing"]
    assert {(name, page.cause, page.source, page.link) for name, page in made.items()} == {
        (name, name, "shop", LINK) for name in made
    }
    unaccounted, winners = made.values()
    assert (unaccounted.where, unaccounted.since) == (HOURS[2], HOURS[2])
    assert unaccounted.evidence == [f"{HOURS[2]}: records_unaccounted of c", uri(HOURS[2])]
    assert (winners.where, winners.since) == (f"2 hours from {HOURS[0]} to {HOURS[2]}", HOURS[0])
    assert winners.impact == f"verified_through stops before {HOURS[0]}"
    assert winners.evidence == [
        f"{HOURS[0]}: winner_missing of a",
        f"{HOURS[2]}: winner_missing of b",
        uri(HOURS[0]),
        uri(HOURS[2]),
    ]


def test_nothing_failed_is_nothing_to_tell() -> None:
    assert pages([]) == {}


def test_findings_are_told_up_to_a_number_and_accepted_ones_not_at_all() -> None:
    found = [finding(HOURS[0], "winner_missing", f"object-{n}") for n in range(SHOWN + 3)]
    accepted = finding(HOURS[0], "conflicting_copies", "copies")
    evidence = pages([accepted, *found])["winner_missing"].evidence
    assert evidence[0] == f"{HOURS[0]}: winner_missing of object-0"
    assert evidence[SHOWN] == "and 3 more findings"
    assert evidence[-1] == uri(HOURS[0])
    assert len(evidence) == SHOWN + 2
    assert not [line for line in evidence if "copies" in line]

    all_shown = pages(found[:SHOWN])["winner_missing"].evidence
    assert len(all_shown) == SHOWN + 1
    assert not [line for line in all_shown if "more" in line]


def test_of_many_hours_the_first_ones_findings_files_are_named() -> None:
    hours = [f"2026-11-17T{hour:02}:00:00Z" for hour in range(SHOWN + 2)]
    evidence = pages([finding(hour, "winner_missing") for hour in hours])["winner_missing"].evidence
    assert [line for line in evidence if line.startswith("s3://")] == [uri(hour) for hour in hours[:SHOWN]]


def test_findings_that_have_expired_leave_the_entries_to_tell() -> None:
    page = pages([finding(HOURS[0], "winner_missing")], expired=True)["winner_missing"]
    assert page.where == HOURS[0]
    assert page.evidence == [uri(HOURS[0])]


def test_what_differs_in_the_tables_is_rebuilt_for_all_its_days() -> None:
    page = pages([finding(hour, "tables_changed") for hour in HOURS])["tables_changed"]
    assert page.next_step.endswith("make backfill SOURCE=shop FROM=2026-11-17 TO=2026-11-18")


def test_a_lost_object_is_restored_before_anything_is_run() -> None:
    """Whichever cause the page is of: a backfill would stop at the loss."""
    made = pages(
        [
            finding(HOURS[2], "object_missing", "landing/a.gz"),
            finding(HOURS[2], "object_changed", "landing/b.gz"),
            finding(HOURS[2], "tables_changed"),
        ]
    )
    assert {page.next_step for page in made.values()} == {
        "make restore OBJECT=landing/a.gz && make restore OBJECT=landing/b.gz && make prove SOURCE=shop DATE=2026-11-18"
    }


def test_a_long_list_of_restores_is_cut() -> None:
    page = pages([finding(HOURS[0], "object_missing", f"landing/{n}.gz") for n in range(SHOWN + 1)])["object_missing"]
    assert page.next_step.count("make restore") == SHOWN
