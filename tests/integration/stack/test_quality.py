"""Data quality on a real stack: what is measured is so, a proven day passes, and what no proof sees is found."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from clickstream.lake.objects import read_json, split_uri
from clickstream.lake.windows import parse_hour
from clickstream.quality.entry import EXPECTATION_FAILED, QualityEntry
from clickstream.quality.ledger import failed_now
from clickstream.quality.report import quality_of
from clickstream.quality.suites import Tier, load_suites
from clickstream.reconciliation.steps import Rows, Run, Verdict
from tests.integration.stack.clouds import copy_of
from tests.integration.stack.proof import Lake, lake_on


@pytest.fixture(scope="module")
def lake(proven_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with lake_on(copy_of(proven_state, tmp_path_factory.mktemp("quality"))) as lake:
        yield lake


@pytest.fixture(scope="module")
def judged(lake: Lake) -> tuple[Run, Verdict]:
    """The three days, looked at once more: their hours are proven and unchanged."""
    return recorded(lake)


def recorded(lake: Lake) -> tuple[Run, Verdict]:
    run, following = lake.begin(lake.days())
    assert lake.conclude(run, following).verdict == Verdict([], [])
    return run, lake.judge(run)


def entries_of(lake: Lake, run: Run) -> dict[Tier, QualityEntry]:
    return {entry.tier: entry for entry in quality_of(lake.place, lake.source) if entry.run == run.run}


def test_proven_days_are_as_expected(lake: Lake, judged: tuple[Run, Verdict]) -> None:
    run, verdict = judged
    assert verdict == Verdict([], [])
    entries = entries_of(lake, run)
    assert {tier: entry.state for tier, entry in entries.items()} == {"bronze": "passed", "silver": "passed"}
    suites = load_suites(lake.source)
    for tier, entry in entries.items():
        assert (entry.suite, entry.hours) == (suites[tier].digest, run.plan.hours)
        assert (entry.silver_snapshot, entry.rejects_snapshot) == (run.plan.silver_snapshot, run.plan.rejects_snapshot)
    # 3,600 events are too few for what is rare, and three days too young for a usual volume.
    assert {tier: len(entry.unjudged) for tier, entry in entries.items()} == {"bronze": 6, "silver": 1}
    assert {*entries["silver"].unjudged}.isdisjoint({"sessions_are_known", "carts_are_filled", "devices_are_known"})


def test_each_tier_leaves_its_result_and_a_page_that_loads_nothing(lake: Lake, judged: tuple[Run, Verdict]) -> None:
    for tier, entry in entries_of(lake, judged[0]).items():
        assert entry.findings
        assert read_json(lake.place.s3, entry.findings)["success"] is True
        bucket, key = split_uri(entry.data_docs)
        answer = lake.place.s3.get_object(Bucket=bucket, Key=key)
        page = answer["Body"].read().decode()
        assert (bucket, key.split("/")[0]) == (lake.place.lake, "findings")
        assert answer["ContentType"].startswith("text/html")
        assert f"<h1>retail_web {tier}: passed</h1>" in page
        for loaded in ("src=", "<link", "<script", "@import", "url("):
            assert loaded not in page


def test_what_is_measured_of_silver_is_what_its_rows_say(lake: Lake, judged: tuple[Run, Verdict]) -> None:
    run, _ = judged
    measured: Rows = run.read("quality_answers")["silver"]
    table = lake.select(f"SELECT * FROM {lake.table('silver')}")
    rows = [row for row in table if row["arrival_hour"] in run.plan.hours]
    whole = [row for row in measured if row["about"] == "column" and row["arrival_hour"] is None]
    columns = load_suites(lake.source)["silver"].measures.columns
    assert {row["name"] for row in whole} == {*columns, "arrival.lateness"}
    for row in whole:
        if row["name"] in columns:
            values = [value for each in rows if (value := each[row["name"] or ""]) is not None]
            assert (row["records"], row["filled"]) == (str(len(rows)), str(len(values))), row["name"]
            assert abs(int(row["different"] or 0) - len({*values})) <= 0.1 * len({*values}), row["name"]
            if row["name"] in ("price", "quantity", "cart_value", "total_amount"):
                numbers = [float(value) for value in values]
                told = tuple(float(row[name] or "nan") for name in ("lowest", "highest", "mean"))
                assert told == pytest.approx((min(numbers), max(numbers), sum(numbers) / len(numbers)))
    kinds = Counter(each["event_type"] for each in rows)
    told_kinds = {row["kind"]: int(row["records"] or 0) for row in measured if row["about"] == "kind"}
    assert told_kinds == kinds
    devices = Counter((each["arrival_hour"], each["device_type"]) for each in rows)
    told_devices = {
        (row["arrival_hour"], row["value"]): int(row["records"] or 0)
        for row in measured
        if row["about"] == "value" and row["name"] == "device_type" and row["arrival_hour"]
    }
    assert told_devices == devices


def test_lateness_is_counted_from_the_arrival_hour(lake: Lake, judged: tuple[Run, Verdict]) -> None:
    run, _ = judged
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for row in lake.select(f"SELECT arrival_hour, event_time FROM {lake.table('silver')}"):
        hour, time = row["arrival_hour"] or "", datetime.fromisoformat(f"{row['event_time']}+00:00")
        before = (parse_hour(hour) - time).total_seconds()
        limits = {"ahead": -3600, "none": 0, "an hour": 3600, "a day": 86400, "longer": float("inf")}
        expected[hour][next(name for name, limit in limits.items() if int(before) <= limit)] += 1
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for row in run.read("quality_answers")["silver"]:
        if (row["about"], row["name"]) == ("value", "arrival.lateness") and row["arrival_hour"]:
            told[row["arrival_hour"]][row["value"]] = int(row["records"])
    assert told == {hour: expected[hour] for hour in run.plan.hours if hour in told}
    assert len(told) == 12


@pytest.mark.full
def test_what_no_proof_sees_fails_the_quality_alone_until_it_is_mended(lake: Lake, judged: tuple[Run, Verdict]) -> None:
    """Somebody takes the session ids out of Silver: each record is still accounted for."""
    (start, end), silver = (judged[0].plan.hours[0], judged[0].plan.hours[-1]), lake.table("silver")
    lake.change(f"UPDATE {silver} SET session_id = NULL WHERE arrival_hour BETWEEN '{start}' AND '{end}'")
    run, verdict = recorded(lake)
    assert verdict.causes == [EXPECTATION_FAILED]
    assert [line.split(":")[0] for line in verdict.failed] == ["silver"]
    assert "sessions_are_known" in verdict.failed[0]
    failed = failed_now(quality_of(lake.place, lake.source), lake.source.checks.recheck_days)
    assert [(entry.run, entry.tier) for entry in failed] == [(run.run, "silver")]
    assert lake.prove(lake.days(), forced=True).verdict == Verdict([], [])
    assert recorded(lake)[1] == Verdict([], [])
    assert failed_now(quality_of(lake.place, lake.source), lake.source.checks.recheck_days) == []
