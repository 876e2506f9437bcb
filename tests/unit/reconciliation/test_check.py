"""What the queries' answers find wrong, code by code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from clickstream.lake.listing import StoredObject
from clickstream.reconciliation.check import Evidence, Row, check_queries, fates_query, findings_by_hour, hours_before
from clickstream.reconciliation.fates import HourFates, fold_fates
from clickstream.reconciliation.findings import Finding, failing
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.manifest import Manifest
from tests.unit.reconciliation.makers import (
    counted,
    fingerprint,
    hashes,
    key,
    listed,
    manifest,
    place,
    plan,
    row,
    source,
    sums,
    text,
)

ONE, TWO, THREE = b"one", b"two", b"three"
OBJECT = counted(1, "a", ONE, TWO)


def compared(
    name: str = "a", bronze: tuple[bytes, ...] = (ONE, TWO), lake: tuple[bytes, ...] = (ONE, TWO), **cells: Any
) -> Row:
    """A row of `identity.sql`: one object on both sides."""
    sides = {f"bronze_{k}": v for k, v in sums(*bronze).items()} | {f"lake_{k}": v for k, v in sums(*lake).items()}
    nothing = {"unaccounted": 0, "unaccounted_hashes": "", "unaccounted_ids": "", "other_ids": 0, "other_consents": 0}
    return row(arrival_hour=text(1), object_id=key(1, name), **{**sides, **nothing, **cells})


def findings(
    manifests: Sequence[Manifest] = (manifest(1, OBJECT),),
    listings: Mapping[str, Sequence[StoredObject]] | None = None,
    before: Mapping[str, HourFates] | None = None,
    after: Mapping[str, HourFates] | None = None,
    proven: bool = True,
    **answers: Sequence[Row],
) -> list[Finding]:
    evidence = Evidence(before=before or {}, after=after or before or {}, **{"identity": [compared()], **answers})
    live = {known.arrival_hour: listed(*known.objects) for known in manifests} if listings is None else listings
    known_by_hour = {known.arrival_hour: known for known in manifests}
    by_hour = findings_by_hour(evidence, known_by_hour, [*known_by_hour] if proven else [], live)
    assert all(finding.arrival_hour == hour for hour, found in by_hour.items() for finding in found)
    return [finding for found in by_hour.values() for finding in found]


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


def test_an_hour_that_balances_has_no_findings() -> None:
    assert findings() == []


def test_an_empty_hour_and_an_empty_object_balance() -> None:
    assert findings([manifest(1)], identity=[]) == []
    assert findings([manifest(1, counted(1, "a"))], identity=[]) == []


@pytest.mark.parametrize(
    ("bronze", "lake"),
    [
        ((ONE, TWO), (ONE,)),
        ((ONE, TWO), ()),
        ((ONE, TWO), (ONE, TWO, TWO)),
        ((ONE, TWO), (ONE, THREE)),
        ((ONE,), (ONE, TWO)),
        ((ONE, TWO, THREE), (ONE, TWO)),
        ((ONE,), (ONE,)),
        ((ONE, TWO, THREE), (ONE, TWO, THREE)),
        ((ONE, THREE), (ONE, THREE)),
    ],
    ids=[
        "one is not in the lake",
        "none is in the lake",
        "one is there twice",
        "another is there",
        "Bronze holds less",
        "Bronze holds more",
        "both hold less than the manifest",
        "both hold more than the manifest",
        "both hold other records than the manifest",
    ],
)
def test_manifest_bronze_and_lake_must_be_the_same_records(bronze: tuple[bytes, ...], lake: tuple[bytes, ...]) -> None:
    finding = only(
        findings(identity=[compared(bronze=bronze, lake=lake, unaccounted=1, unaccounted_hashes=hashes(TWO))])
    )
    assert (finding.code, finding.object, finding.samples) == ("records_unaccounted", key(1, "a"), (hashes(TWO),))
    assert failing([finding])
    assert f"2 records in the manifest, {len(bronze)} in Bronze, {len(lake)} in Silver" in finding.text


def test_an_object_that_no_side_knows_any_more_is_unaccounted() -> None:
    finding = only(findings(identity=[]))
    assert (finding.code, finding.object, finding.records) == ("records_unaccounted", key(1, "a"), 2)


def test_ids_are_shown_before_hashes() -> None:
    lost = compared(lake=(ONE,), unaccounted=1, unaccounted_hashes=hashes(TWO), unaccounted_ids="e-2")
    assert only(findings(identity=[lost])).samples == ("e-2",)


def test_records_of_an_object_that_the_manifest_does_not_know_are_unaccounted() -> None:
    stray = compared("stray", bronze=(), lake=(THREE,), unaccounted=1)
    finding = only(findings(identity=[compared(), stray]))
    assert (finding.code, finding.object) == ("records_unaccounted", key(1, "stray"))


def test_an_object_that_came_after_the_count_is_no_finding_of_the_check() -> None:
    new = compared("new", bronze=(THREE,), lake=())
    listing = listed(OBJECT, counted(1, "new", THREE))
    assert findings(listings={text(1): listing}, identity=[compared(), new]) == []
    assert only(findings(identity=[compared(), new])).code == "records_unaccounted"


def test_what_followed_a_break_is_unknown() -> None:
    torn = counted(1, "a", ONE, TWO, unreadable=True)
    read = compared(bronze=(), lake=(ONE, TWO), unaccounted=2, other_ids=0)
    finding = only(findings([manifest(1, torn)], identity=[read]))
    assert (finding.code, finding.object, finding.records) == ("records_unknown", key(1, "a"), 2)
    assert failing([finding])


def test_what_came_before_the_break_must_be_in_the_lake_all_the_same() -> None:
    torn = counted(1, "a", ONE, TWO, unreadable=True)
    found = findings([manifest(1, torn)], identity=[compared(bronze=(), lake=(ONE,), unaccounted=1)])
    assert {finding.code for finding in found} == {"records_unknown", "records_unaccounted"}


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"other_ids": 3, "other_id_hashes": hashes(ONE)}, "event_id_differs"),
        ({"other_consents": 3, "other_consent_hashes": hashes(ONE)}, "consent_differs"),
    ],
)
def test_what_sql_reads_otherwise_than_the_job(cells: dict[str, Any], code: str) -> None:
    finding = only(findings(identity=[compared(**cells)]))
    assert (finding.code, finding.records, finding.samples) == (code, 3, (hashes(ONE),))
    assert failing([finding])


@pytest.mark.parametrize("offence", ["winner_missing", "event_id_not_unique"])
def test_the_witnesses_inside_the_lake(offence: str) -> None:
    finding = only(findings(witnesses=[row(arrival_hour=text(1), offence=offence, records=2, event_ids="e-1\x1fe 2")]))
    assert (finding.code, finding.records, finding.samples) == (offence, 2, ("e-1", "e 2"))
    assert failing([finding])


def test_what_was_acknowledged_and_is_not_there() -> None:
    finding = only(findings(receipts=[row(arrival_hour=text(1), records=4, raw_hashes=hashes(ONE, TWO))]))
    assert (finding.code, finding.records, len(finding.samples)) == ("acknowledged_missing", 4, 2)
    assert failing([finding])


def fates(hour: int, fate: str, reason: str | None, *records: bytes) -> dict[str, HourFates]:
    return fold_fates(
        [row(arrival_hour=text(hour), fate=fate, reason=reason, event_date="2026-11-17", **sums(*records))]
    )


def test_copies_that_differ_are_told_and_accepted() -> None:
    finding = only(findings(before=fates(1, "duplicate", "conflict", ONE, TWO)))
    assert (finding.code, finding.records) == ("conflicting_copies", 2)
    assert not failing([finding])
    assert findings(before=fates(1, "duplicate", "exact", ONE, TWO)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (fates(2, "good", None, ONE), fates(2, "good", None, ONE, TWO)),
        (fates(2, "good", None, ONE), fates(2, "good", None, TWO)),
        (fates(2, "good", None, ONE), fates(2, "duplicate", "exact", ONE)),
        (fates(2, "duplicate", "exact", ONE), fates(2, "duplicate", "conflict", ONE)),
        (fates(2, "good", None, ONE), fates(1, "good", None, ONE)),
        (fates(1, "good", None, ONE), fates(2, "good", None, ONE)),
    ],
    ids=["more", "others", "another fate", "another reason", "gone", "new"],
)
def test_an_hour_that_the_run_changed_must_be_among_the_checked(
    before: dict[str, HourFates], after: dict[str, HourFates]
) -> None:
    finding = only(findings(before=before, after=after))
    assert (finding.arrival_hour, finding.code) == (text(2), "changed_unchecked")
    assert failing([finding])


def test_an_hour_that_did_not_change_needs_no_check() -> None:
    same = fates(2, "good", None, ONE)
    assert findings(before=same, after=fates(2, "good", None, ONE)) == []
    # The checked hour itself may change: that is what the run is for.
    assert findings(before=same, after=same | fates(1, "good", None, ONE)) == []


def test_one_accepted_finding_does_not_excuse_another() -> None:
    accepted = Finding(arrival_hour=text(1), code="conflicting_copies", text="")
    lost = Finding(arrival_hour=text(1), code="object_missing", text="")
    assert [failing(found) for found in ([], [accepted], [accepted, lost])] == [[], [], [lost]]


def test_queries_are_pinned_to_their_snapshots_and_leave_out_what_cannot_be_read() -> None:
    queries = check_queries(place(), source(), [text(1), text(2)], [key(1, "torn")], [], 77, 88)
    assert set(queries) == {"identity", "witnesses"}
    for sql in (*queries.values(), fates_query(place(), source(), plan(1), 77, 88)):
        assert '"clickstream"."retail_web_silver" FOR VERSION AS OF 77' in sql
        assert '"clickstream"."retail_web_rejects" FOR VERSION AS OF 88' in sql
    assert f"NOT IN ('s3://clickstream-000000000000-lake/{key(1, 'torn')}')" in queries["identity"]
    assert f"IN ('{text(1)}', '{text(2)}')" in queries["witnesses"]


def test_the_hours_before_are_those_that_an_object_with_a_checked_hour_s_records_may_be_keyed_by() -> None:
    assert hours_before([text(3), text(4), text(24)]) == [text(2), text(23)]


def test_receipts_are_looked_for_where_their_hour_was_processed_and_else_in_bronze() -> None:
    declared = source(tiers=("producer", "bronze", "silver"))
    sql = check_queries(place(), declared, [text(3), text(24)], [], [text(23)], 77, 88)["receipts"]
    assert f"WHERE arrival_hour IN ('{text(2)}', '{text(3)}', '{text(24)}')" in sql
    assert f"':00:00Z') IN ('{text(23)}')" in sql
    assert f"':00:00Z') IN ('{text(3)}', '{text(24)}') AND raw_hash" in sql


def test_the_records_that_an_empty_side_holds_are_none() -> None:
    absent = {f"{side}_{column}": None for side in ("bronze", "lake") for column in ("records", "sum_1", "sum_2")}
    assert (
        findings([manifest(1, counted(1, "a"))], identity=[row(arrival_hour=text(1), object_id=key(1, "a"), **absent)])
        == []
    )
    assert Fingerprint() == fingerprint([])


@pytest.mark.parametrize(
    ("silver", "rejects", "code"),
    [
        ((ONE,), (TWO,), None),
        ((ONE, TWO), (), None),
        ((ONE,), (), "records_unaccounted"),
        ((ONE, TWO), (TWO,), "records_unaccounted"),
        ((ONE, THREE), (), "records_unaccounted"),
    ],
)
def test_an_hour_that_is_only_counted_is_held_against_its_manifest(
    silver: tuple[bytes, ...], rejects: tuple[bytes, ...], code: str | None
) -> None:
    held = {text(1): HourFates(silver=fingerprint(silver), rejects=fingerprint(rejects))}
    found = findings(before=held, proven=False, identity=[])
    assert [finding.code for finding in found] == ([code] if code else [])
