"""What a person lives through with one stack, in this order: it works, it breaks, it says so, it is mended.

Expected figures come from the sample's own books, actual ones from `make status` only.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.made_lake import MadeLake
from benchmarks.silver_to_gold import make_floor
from tests.e2e.conftest import LAKE, SOURCE, Stack, lake_of

DAY = "2026-11-18"
PUT_DIRECTLY, OF_ROWS = "shop_clicks", "chart_affiliates"


def hour_of_day(number: int) -> str:
    return f"{DAY}T{number:02d}:00:00Z"


GOLD = {
    "retail_web": ("gold_daily", "gold_sessions"),
    "shop_clicks": ("fact_clicks", "dim_users"),
    "chart_affiliates": ("sessions",),
}
"""Tables of each source that account for its events."""
OF_SESSIONS = ("retail_web_gold_sessions", "chart_affiliates_sessions")


def assert_gold_accounts_for_silver(stack: Stack, source: str = SOURCE) -> None:
    """Each event of each date is in each table once; in the sessions, unless it has none."""
    for date in stack.status(source)["dates"]:
        assert date["state"] == "verified"
        counted = {f"{source}_{table}": date["silver"] for table in GOLD[source]}
        for table in counted.keys() & {*OF_SESSIONS}:
            counted[table] -= date["without_session"]
        assert {table: date["gold"][table] for table in counted} == counted


@pytest.mark.parametrize("source", GOLD)
def test_the_sample_day_is_accounted_for_to_the_record(stack: Stack, source: str) -> None:
    expected = json.loads((stack.state / "sample" / source / "expected.json").read_text())
    told = stack.status(source)
    hours = {hour["arrival_hour"]: hour for hour in told["hours"]}
    for arrival_hour, figures in expected["hours"].items():
        hour = hours[arrival_hour]
        assert hour["state"] == "verified", hour
        assert hour["tiers"] == {
            "producer": None if source == OF_ROWS else figures["raw"],
            "stream": None if source == PUT_DIRECTLY else figures["raw"],
            # The service counts the rows that it wrote, and not the envelopes of what became none.
            "delivery": hour["tiers"]["delivery"] if source == OF_ROWS else figures["raw"],
            "bronze": figures["raw"],
            "silver": figures["good"],
        }
        assert figures["good"] <= hour["tiers"]["delivery"] <= figures["raw"]
        reasons = {**figures["filtered"], **figures["quarantined"], **figures["duplicate"]}
        assert hour["reasons"] == {reason: count for reason, count in reasons.items() if count}
        assert sum(hour["fates"].values()) == figures["raw"]
    assert {date["event_date"]: date["silver"] for date in told["dates"]} == expected["good_by_event_date"]
    assert_gold_accounts_for_silver(stack, source)
    assert told["verified_through"] == hour_of_day(23)
    assert stack.pages() == []


@pytest.mark.parametrize("source", GOLD)
def test_gold_is_what_a_plain_query_for_each_table_makes_of_silver(stack: Stack, source: str) -> None:
    with lake_of(stack, source) as lake:
        plain = make_floor(MadeLake(lake.place, lake.source))
    assert all(plain["rows"].values())
    assert plain["differing"] == dict.fromkeys(lake.source.declared_gold.tables, 0)


def test_hours_that_an_hourly_run_has_counted_are_proven_without_another_job(stack: Stack) -> None:
    states = [entry["state"] for entry in stack.ledger(PUT_DIRECTLY) if entry.get("arrival_hour") == hour_of_day(5)]
    assert states == ["provisional", "verified"]
    runs = stack.client("glue").get_job_runs(JobName=f"{PUT_DIRECTLY}__bronze_to_silver")["JobRuns"]
    assert [run["JobRunState"] for run in runs] == ["SUCCEEDED"]


@pytest.mark.parametrize("source", GOLD)
def test_the_sample_is_what_is_expected_of_the_feed(stack: Stack, source: str) -> None:
    quality = stack.status(source)["quality"]
    assert {result["tier"]: result["state"] for result in quality["tiers"]} == {"bronze": "passed", "silver": "passed"}
    assert quality["failed"] == []


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = stack.ledger()
    stack.make("up")
    assert stack.ledger() == before


def test_events_of_others_are_proven_the_same_way(stack: Stack, tmp_path: Path) -> None:
    arrival_hour = hour_of_day(6)
    before = stack.hour(arrival_hour)
    before_all = sum(date["silver"] for date in stack.status()["dates"])
    event = {"event_type": "click", "timestamp": f"{DAY}T06:10:00+00:00", "page_url": None}
    lines = [json.dumps({"event_id": f"other-{number}", **event}) for number in range(40)]
    lines += [lines[0], '{"event_id": "other-0"', json.dumps({"event_id": "other-40", "consent": False})]
    file = tmp_path / "events.ndjson.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))

    said = stack.make("send", SOURCE=SOURCE, EVENTS=str(file), AT=arrival_hour)
    assert "43" in said
    assert stack.hour(arrival_hour)["state"] == "late_change"
    assert stack.status()["verified_through"] == hour_of_day(5)

    stack.prove()
    hour = stack.hour(arrival_hour)
    gained = {fate: count - before["fates"][fate] for fate, count in hour["fates"].items()}
    assert gained == {"good": 40, "filtered": 1, "quarantined": 1, "duplicate": 1}
    assert hour["state"] == "verified"
    assert hour["tiers"]["producer"] == hour["tiers"]["bronze"] == before["tiers"]["bronze"] + 43
    assert [line["state"] for line in stack.ledger() if line["arrival_hour"] == arrival_hour] == [
        "verified",
        "late_change",
        "verified",
    ]
    assert_gold_accounts_for_silver(stack)
    assert sum(date["silver"] for date in stack.status()["dates"]) == before_all + 40
    assert stack.pages() == []


def test_lost_and_shortened_objects_are_found_stay_found_and_are_mended(stack: Stack) -> None:
    stack.make("break", WHAT="lost-object", HOUR=hour_of_day(22))
    stack.make("break", WHAT="shorter-object", HOUR=hour_of_day(20))
    [shortened] = stack.keys(hour_of_day(20))

    stack.prove(ok=False)
    assert stack.hour(hour_of_day(22))["state"] == "failed"
    assert [finding["code"] for finding in stack.findings(hour_of_day(22))] == ["object_missing"]
    assert [finding["object"] for finding in stack.findings(hour_of_day(20))] == [shortened]
    assert stack.status()["verified_through"] == hour_of_day(19)
    changed, missing = sorted(stack.pages())
    assert changed.startswith(f"{SOURCE}: object_changed in {hour_of_day(20)}\n")
    assert missing.startswith(f"{SOURCE}: object_missing in {hour_of_day(22)}\n")

    stack.prove(ok=False)
    assert stack.hour(hour_of_day(22))["state"] == "failed"
    assert stack.pages() == []

    [lost] = [finding["object"] for finding in stack.findings(hour_of_day(22))]
    stack.make("restore", OBJECT=lost)
    stack.make("restore", OBJECT=shortened)
    stack.prove()
    assert stack.status()["verified_through"] == hour_of_day(23)
    states = [line["state"] for line in stack.ledger() if line["arrival_hour"] == hour_of_day(22)]
    assert states == ["verified", "failed", "failed", "verified"]
    assert stack.told() == [("resolved", "object_changed"), ("resolved", "object_missing")]


@pytest.mark.full
def test_rows_that_somebody_changed_are_found_and_rebuilt_by_a_backfill_only(stack: Stack) -> None:
    before = stack.status()["dates"]
    stack.make("break", WHAT="deleted-rows", HOUR=hour_of_day(18))
    stack.make("break", WHAT="false-duplicates", HOUR=hour_of_day(16))

    stack.prove(ok=False)
    unaccounted = [f for f in stack.findings(hour_of_day(18)) if f["code"] == "records_unaccounted"]
    assert [(f["records"], len(f["samples"])) for f in unaccounted] == [(5, 5)]
    winners = [f for f in stack.findings(hour_of_day(16)) if f["code"] == "winner_missing"]
    assert [(f["records"], len(f["samples"])) for f in winners] == [(5, 5)]
    assert stack.status()["verified_through"] == hour_of_day(15)
    causes = sorted(stack.causes())
    assert {"records_unaccounted", "winner_missing"} <= {*causes}
    assert stack.told() == [("opened", cause) for cause in causes]

    stack.prove(ok=False)
    assert stack.pages() == []

    stack.make("backfill", SOURCE=SOURCE, FROM=DAY, TO=DAY)
    assert stack.status()["verified_through"] == hour_of_day(23)
    assert stack.status()["dates"] == before
    assert stack.told() == [("resolved", cause) for cause in causes]


@pytest.mark.full
def test_what_arrives_late_broken_or_twice(stack: Stack) -> None:
    s3 = stack.client("s3")
    stack.make("break", WHAT="doubled-object", HOUR=hour_of_day(14))
    doubled = stack.hour(hour_of_day(14))
    whole = stack.keys(hour_of_day(12))[0]
    body = s3.get_object(Bucket=LAKE, Key=whole)["Body"].read()
    broken = whole.removesuffix(".gz") + "-cut.gz"
    s3.put_object(Bucket=LAKE, Key=broken, Body=body[: len(body) // 2])

    stack.prove(ok=False)
    twice = stack.hour(hour_of_day(14))
    assert twice["state"] == "verified"
    assert (
        twice["fates"]["duplicate"]
        == doubled["fates"]["duplicate"] + doubled["fates"]["good"] + (doubled["fates"]["duplicate"])
    )
    [unknown] = [f for f in stack.findings(hour_of_day(12)) if f["code"] == "records_unknown"]
    assert unknown["object"] == broken
    assert stack.told() == [("opened", "records_unknown")]

    s3.put_object(Bucket=LAKE, Key=broken, Body=body)
    stack.prove()
    assert stack.hour(hour_of_day(12))["state"] == "verified"
    assert stack.told() == [("resolved", "records_unknown")]


def test_one_changed_byte_of_an_old_ledger_object_is_found(stack: Stack) -> None:
    stack.make("break", WHAT="tampered-ledger")
    said = stack.make("status", ok=False)
    assert f"ledger/{SOURCE}/000000000000.ndjson line 1" in said
    stack.prove(ok=False)
    stack.make("restore", OBJECT=f"ledger/{SOURCE}/000000000000.ndjson")
    assert stack.told() == [("opened", "ledger_broken")]
    stack.prove()
    assert stack.status()["verified_through"] == hour_of_day(23)
    assert stack.told() == [("resolved", "ledger_broken")]
