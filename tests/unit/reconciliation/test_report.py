"""How a source stands, from the ledger and the live listing alone."""

from __future__ import annotations

from typing import Any

import pytest

from clickstream.producer.receipt import Receipt
from clickstream.reconciliation.ledger import LedgerBroken
from clickstream.reconciliation.report import source_report
from tests.unit.reconciliation.makers import START, at, source, text
from tests.unit.reconciliation.stage import Stage

A, B = b"a click", b"b click"


@pytest.fixture
def stage() -> Stage:
    """Two hours are verified; the source's schedule ends after three."""
    made = Stage(source(verify_until=at(3)))
    made.put(0, "x", A, b"bad")
    made.put(1, "x", B, A)
    made.prove(0, 1, "r0")
    return made


def report(stage: Stage) -> dict[str, Any]:
    return source_report(stage.place, stage.source)


def states(stage: Stage) -> list[str]:
    return [hour["state"] for hour in report(stage)["hours"]]


def test_each_hour_of_the_schedule_is_told_and_one_without_an_entry_is_open(stage: Stage) -> None:
    told = report(stage)
    assert told["verified_through"] == text(1)
    assert [(hour["arrival_hour"], hour["state"]) for hour in told["hours"]] == [
        (text(0), "verified"),
        (text(1), "verified"),
        (text(2), "open"),
    ]
    assert told["hours"][2] == {
        "arrival_hour": text(2),
        "state": "open",
        "tiers": dict.fromkeys(("producer", "stream", "delivery", "bronze", "silver")),
        "producer_unknown": 0,
        "fates": dict.fromkeys(("good", "filtered", "quarantined", "duplicate"), 0),
        "reasons": {},
        "causes": [],
        "findings": None,
        "waivers": [],
        "evidence": None,
    }


def test_an_hour_is_told_with_its_counts_and_its_evidence(stage: Stage) -> None:
    hour = report(stage)["hours"][0]
    assert hour["tiers"] == {"producer": None, "stream": None, "delivery": None, "bronze": 2, "silver": 1}
    assert hour["fates"] == {"good": 1, "filtered": 0, "quarantined": 1, "duplicate": 0}
    assert hour["reasons"] == {"bad_json": 1}
    assert (stage.place.evidence, hour["evidence"]) in stage.s3.objects


def test_nothing_is_verified_before_the_first_hour_is() -> None:
    stage = Stage(source(verify_until=at(2)))
    assert report(stage)["verified_through"] is None
    stage.put(1, "x", A)
    stage.prove(1, 1, "r0")
    assert report(stage)["verified_through"] is None
    assert states(stage) == ["open", "verified"]


@pytest.mark.parametrize("deed", ["new", "changed", "gone"])
def test_a_pass_that_is_out_of_date_is_a_late_change_at_once(stage: Stage, deed: str) -> None:
    if deed == "gone":
        stage.lose(1, "x")
    else:
        stage.put(1, "x" if deed == "changed" else "y", b"c click")
    assert states(stage) == ["verified", "late_change", "open"]
    assert report(stage)["verified_through"] == text(0)


def test_a_failed_hour_stays_failed_and_tells_why(stage: Stage) -> None:
    stage.lose(0, "x")
    stage.prove(0, 1, "r1")
    told = report(stage)
    assert told["verified_through"] is None
    assert (told["hours"][0]["state"], told["hours"][0]["causes"]) == ("failed", ["object_missing"])
    assert told["hours"][0]["findings"].startswith("s3://")
    assert told["hours"][0]["evidence"].endswith("000000000001.ndjson")


def test_hours_beyond_the_schedule_are_told_once_they_have_an_entry(stage: Stage) -> None:
    stage.prove(4, 4, "r1")
    assert states(stage) == ["verified", "verified", "open", "open", "verified"]


@pytest.mark.parametrize(("purpose", "hours"), [("send", 6), ("heartbeat", 3)])
def test_hours_that_something_was_sent_in_are_told_but_not_for_heartbeats(purpose: str, hours: int) -> None:
    stage = Stage(source(verify_until=at(3), tiers=("producer", "bronze", "silver")))
    with Receipt(stage.s3, stage.place.evidence, stage.source.name, purpose) as receipt:
        receipt.acknowledge(["0" * 32], at(5))
    assert len(states(stage)) == hours


def test_a_date_is_as_good_as_the_worst_hour_that_concerns_it(stage: Stage) -> None:
    assert report(stage)["dates"] == [
        {"event_date": f"{START:%Y-%m-%d}", "silver": 2, "gold": {}, "without_session": 0, "state": "open"},
    ]
    stage.prove(2, 2, "r1")
    assert report(stage)["dates"][0]["state"] == "verified"
    stage.lose(0, "x")
    stage.prove(0, 2, "r2")
    assert report(stage)["dates"][0]["state"] == "failed"


def test_broken_evidence_is_no_report(stage: Stage) -> None:
    stage.s3.put_object(Bucket=stage.place.evidence, Key="ledger/retail_web/000000000000.ndjson", Body=b"{}\n")
    with pytest.raises(LedgerBroken):
        report(stage)


def test_what_the_index_holds_is_not_read_again(stage: Stage) -> None:
    stage.prove(2, 2, "r1")
    stage.s3.gets.clear()
    assert states(stage) == ["verified", "verified", "verified"]
    read = [key for key in stage.s3.gets if key.startswith("ledger/")]
    assert read == ["ledger/retail_web/000000000001.ndjson"]
