"""The ledger's lines that a check leaves: state by state, and what each line says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from clickstream.contract.schema import Schema
from clickstream.reconciliation.check import Evidence, Row
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.fates import HourFates, fold_fates
from clickstream.reconciliation.inspection import Inspection
from clickstream.reconciliation.manifest import CountedObject, listing_digest, load_manifest
from clickstream.reconciliation.outcome import entries_of_check
from clickstream.sources.model import Tier
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.reconciliation.makers import (
    at,
    counted,
    entry,
    fingerprint,
    key,
    listed,
    manifest,
    packed,
    place,
    plan,
    put,
    row,
    source,
    sums,
    text,
)
from tests.unit.reconciliation.stage import Metrics, Stage

ONE, TWO, BROKEN = b"one", b"two", b"{"
OBJECT = counted(1, "a", ONE, TWO, BROKEN)
ALL: tuple[Tier, ...] = ("producer", "stream", "delivery", "bronze", "silver")


@pytest.fixture
def s3() -> MemoryS3:
    """Bronze with the object of hour 1."""
    made = MemoryS3()
    put(made, 1, "a", ONE, TWO, BROKEN)
    return made


def sides(known: CountedObject, *records: bytes) -> Row:
    columns = {f"{side}_{k}": v for side in ("bronze", "lake") for k, v in sums(*records).items()}
    return row(arrival_hour=text(1), object_id=known.key, **columns)


def fates() -> dict[str, HourFates]:
    return fold_fates(
        [
            row(arrival_hour=text(1), fate="good", reason=None, event_date="2026-11-17", **sums(ONE, TWO)),
            row(arrival_hour=text(1), fate="quarantined", reason="bad_json", event_date=None, **sums(BROKEN)),
        ]
    )


def check(
    s3: MemoryS3,
    *objects: CountedObject,
    identity: Sequence[Row] | None = None,
    current: Mapping[Any, Entry] | None = None,
    tiers: tuple[Tier, ...] = ("bronze", "silver"),
    streamed: Mapping[int, int] | None = None,
    receipts: Mapping[str, tuple[int, int]] | None = None,
    hours: Sequence[int] = (1,),
    rebuilt: Collection[str] = (text(1),),
    **evidence: Any,
) -> list[Entry]:
    objects = objects or (OBJECT,)
    stage = Stage()
    stage.streamed = streamed or {}
    known = {"before": {}, "after": fates(), **evidence}
    return entries_of_check(
        place(s3, cloudwatch=Metrics(stage)),
        source(tiers=tiers),
        plan(1, triggered_by="backfill"),
        Inspection(process=(text(1),)),
        Evidence(identity=[sides(OBJECT, ONE, TWO, BROKEN)] if identity is None else identity, **known),
        {text(hour): manifest(hour, *(objects if hour == 1 else ())) for hour in hours},
        current or {},
        proven=[text(hour) for hour in hours],
        rebuilt=rebuilt,
        receipts=receipts or {},
        schemas={"1.0.0": Schema("1.0.0", {"type": "object"})},
        silver_snapshot=77,
        rejects_snapshot=88,
        code_digest="c0de",
    )


def test_a_line_says_what_was_counted_where_and_by_whom(s3: MemoryS3) -> None:
    (made,) = check(s3, tiers=ALL, streamed={1: 3}, receipts={text(1): (2, 1)})
    assert (made.state, made.causes, made.findings) == ("verified", (), None)
    assert made.tiers.model_dump() == {"producer": 2, "stream": 3, "delivery": 0, "bronze": 3, "silver": 2}
    assert made.producer_unknown == 1
    assert made.fates == {"good": 2, "filtered": 0, "quarantined": 1, "duplicate": 0}
    assert (made.reasons, made.event_dates) == ({"bad_json": 1}, {"2026-11-17": 2})
    assert made.bronze == fingerprint([ONE, TWO, BROKEN]) == made.silver.plus(made.rejects)
    assert (made.silver_snapshot, made.rejects_snapshot) == (77, 88)
    assert (made.contract, made.contract_digest) == ("1.0.0", Schema("1.0.0", {"type": "object"}).digest)
    assert (made.code_digest, made.run, made.triggered_by) == ("c0de", "r1", "backfill")
    assert made.largest_object == 3
    assert made.listing == listing_digest(listed(OBJECT))
    assert load_manifest(s3, made.manifest or "") == manifest(1, OBJECT)


def test_a_tier_that_the_source_lacks_is_not_counted(s3: MemoryS3) -> None:
    (made,) = check(s3, streamed={1: 3})
    assert made.tiers.model_dump() == {"producer": None, "stream": None, "delivery": None, "bronze": 3, "silver": 2}


def test_an_empty_hour_is_verified_as_such(s3: MemoryS3) -> None:
    one, two = check(s3, hours=(1, 2))
    assert (one.arrival_hour, two.arrival_hour) == (text(1), text(2))
    assert (two.state, two.tiers.bronze, two.fates["good"]) == ("verified", 0, 0)


def test_what_does_not_balance_is_failed_with_its_findings_apart(s3: MemoryS3) -> None:
    (made,) = check(s3, identity=[sides(OBJECT, ONE, TWO)])
    assert (made.state, made.causes) == ("failed", ("records_unaccounted",))
    assert made.findings == f"s3://{place().lake}/findings/retail_web/{text(1)}/r1.json"
    assert (place().lake, f"findings/retail_web/{text(1)}/r1.json") in s3.objects


def test_no_line_holds_an_id_or_a_hash_of_a_record(s3: MemoryS3) -> None:
    lost = {**sides(OBJECT, ONE, TWO), "unaccounted": "1", "unaccounted_ids": "e-2", "unaccounted_hashes": "a" * 32}
    (made,) = check(s3, identity=[lost], witnesses=[row(arrival_hour=text(1), offence="winner_missing", records=1,
                                                         event_ids="e-3")])  # fmt: skip
    for told in (b"e-2", b"e-3", b"a" * 32):
        assert told not in made.line()
    assert made.causes == ("records_unaccounted", "winner_missing")


def test_a_new_object_makes_a_pass_a_late_change_and_is_not_in_its_manifest(s3: MemoryS3) -> None:
    put(s3, 1, "new", b"three")
    (made,) = check(s3)
    assert made.state == "late_change"
    assert made.listing == listing_digest(listed(OBJECT))


def test_a_restored_object_is_known_by_its_new_etag(s3: MemoryS3) -> None:
    put(s3, 1, "a", body=packed(ONE) + packed(TWO, BROKEN))
    (made,) = check(s3)
    assert made.state == "verified"
    assert made.listing != listing_digest(listed(OBJECT))
    now = load_manifest(s3, made.manifest or "")
    assert now.content == OBJECT.content
    assert listing_digest(listed(*now.objects)) == made.listing


@pytest.mark.parametrize("body", [packed(ONE), packed(ONE, TWO, BROKEN)[:-4], None], ids=["shorter", "torn", "gone"])
def test_a_lost_object_is_not_known_by_what_lies_there_now(s3: MemoryS3, body: bytes | None) -> None:
    """Else the next run would find all as it expects it."""
    if body is None:
        s3.delete_object(Bucket=place().lake, Key=key(1, "a"))
    else:
        put(s3, 1, "a", body=body)
    (made,) = check(s3)
    assert made.state == "failed"
    assert made.listing == listing_digest(listed(OBJECT))
    assert load_manifest(s3, made.manifest or "") == manifest(1, OBJECT)


def test_records_unknown_fails_the_hour(s3: MemoryS3) -> None:
    torn = counted(1, "a", ONE, TWO, BROKEN, unreadable=True)
    read = {**sides(torn, ONE, TWO, BROKEN), "bronze_records": "0", "bronze_sum_1": "0", "bronze_sum_2": "0"}
    (made,) = check(s3, torn, identity=[read])
    assert (made.state, made.causes) == ("failed", ("records_unknown",))


def test_accepted_findings_are_kept_and_are_no_causes(s3: MemoryS3) -> None:
    copies = row(arrival_hour=text(1), fate="duplicate", reason="conflict", event_date=None, **sums(b"four"))
    after = fates()
    after[text(1)].reasons += fold_fates([copies])[text(1)].reasons
    (made,) = check(s3, after=after)
    assert (made.state, made.causes) == ("verified", ())
    assert made.findings is not None


def test_an_hour_that_changed_unchecked_keeps_its_figures_and_fails(s3: MemoryS3) -> None:
    known = entry(5, fates={"good": 9}, silver_snapshot=1, run="r0")
    before = fold_fates([row(arrival_hour=text(5), fate="good", reason=None, event_date=None, **sums(ONE))])
    one, five = check(s3, before=before, current={at(5): known})
    assert one.state == "verified"
    assert (five.state, five.causes, five.run) == ("failed", ("changed_unchecked",), "r1")
    assert (five.fates, five.silver_snapshot) == ({"good": 9}, 1)


def test_the_hour_before_is_taken_from_the_ledger_for_what_it_carried_over(s3: MemoryS3) -> None:
    before = entry(0, tiers={"stream": 10, "bronze": 12}, largest_object=4)
    for carried, state in ((2, "verified"), (1, "failed")):
        known = before.model_copy(update={"tiers": before.tiers.model_copy(update={"bronze": 10 + carried})})
        (made,) = check(s3, tiers=("stream", "bronze", "silver"), streamed={1: 5}, current={at(0): known})
        assert made.state == state
