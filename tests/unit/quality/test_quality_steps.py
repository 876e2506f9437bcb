"""What a run looks at, at which snapshots, and what it leaves: the entry first, the result and its page beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from clickstream.lake.objects import read_json
from clickstream.quality import steps
from clickstream.quality.entry import EXPECTATION_FAILED, QualityEntry
from clickstream.quality.report import quality_of, quality_report
from clickstream.quality.steps import Measure, validate_run
from clickstream.quality.suites import SEVERITIES, Suite, load_suites
from clickstream.reconciliation.steps import Verdict
from tests.unit.quality.answers import cell
from tests.unit.reconciliation.makers import source, text
from tests.unit.reconciliation.stage import Stage

FEW = ("columns_as_declared", "most_records_are_good", "sessions_are_known", "nearly_all_sessions_are_known")


def few(suite: Suite) -> Suite:
    """A suite with a few of its expectations: all of them together have their own tests."""
    expectations = [each for each in suite.document["expectations"] if each["meta"]["name"] in FEW]
    severities = {each["meta"]["name"]: each["severity"] for each in expectations}
    return replace(suite, document={**suite.document, "expectations": expectations}, severities=severities)


SUITES = {tier: few(suite) for tier, suite in load_suites(source()).items()}


class QualityStage(Stage):
    """A platform on which data quality is looked at as well."""

    asked: str = ""
    without_session = 0.0
    """Share of Silver's records whose session id is gone."""

    def judge(self, run: str) -> Verdict:
        self.asked = ""
        self.ask(run, Measure())
        return validate_run(self.run(run))

    def _answer(self, name: str, sql: str) -> list[dict[str, str | None]]:
        if name != "silver":
            return super()._answer(name, sql)
        self.asked = sql
        hours = set(re.findall(r"'(\d{4}-\d\d-\d\dT\d\d:00:00Z)'", sql))
        found = re.search(r"FOR VERSION AS OF (\d+)", sql)
        assert found
        records = sum(placed.hour in hours for placed in self.rows("silver", int(found[1])))
        filled = {"session_id": round(records * (1 - self.without_session))}
        columns = [*SUITES["silver"].measures.columns, "arrival.lateness"]
        return [
            cell("column", name, records, arrival_hour=hour, filled=filled.get(name, records), different=8)
            for hour in (None, *sorted(hours))
            for name in columns
            if name not in ("extra", "customer_id")
        ]

    @property
    def lines(self) -> list[QualityEntry]:
        return quality_of(self.place, self.source)


def clicks(hour: int, count: int = 1100) -> list[bytes]:
    return [f"{hour}-{number} click".encode() for number in range(count)]


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A few expectations, and tables with the columns that are declared; what is returned is in the catalog."""
    live: dict[str, Any] = {"column a": "string"}
    table = SimpleNamespace(desired=lambda: {"column a": "string"}, live=lambda: live)
    monkeypatch.setattr(steps, "load_suites", lambda source: SUITES)
    kind = SimpleNamespace(all_of=lambda source, cloud: [table])
    monkeypatch.setattr(steps, "TABLES", dict.fromkeys(("bronze", "silver"), (kind,)))
    return live


@pytest.fixture
def stage() -> QualityStage:
    """Two proven hours."""
    made = QualityStage()
    made.put(0, "x", *clicks(0))
    made.put(1, "x", *clicks(1), b"bad one")
    made.prove(0, 1, "r0")
    return made


def test_a_run_is_held_against_both_suites_and_leaves_a_line_for_each_tier(stage: QualityStage) -> None:
    assert stage.judge("r0") == Verdict([], [])
    assert [(line.tier, line.state, line.suite) for line in stage.lines] == [
        (tier, "passed", suite.digest) for tier, suite in SUITES.items()
    ]
    for line in stage.lines:
        assert line.hours == (text(0), text(1))
        assert line.silver_snapshot == stage.entry(0).silver_snapshot
        assert line.rejects_snapshot == stage.entry(0).rejects_snapshot
        assert (line.run, line.triggered_by, line.causes) == ("r0", "test", ())


def test_only_silver_is_asked_and_only_once(stage: QualityStage) -> None:
    stage.statements.clear()
    stage.judge("r0")
    assert list(stage.statements) == ["silver"]
    assert f"FOR VERSION AS OF {stage.entry(0).silver_snapshot}" in stage.asked


def test_the_result_and_its_page_lie_with_the_findings(stage: QualityStage) -> None:
    stage.judge("r0")
    for line in stage.lines:
        folder = f"s3://{stage.place.lake}/findings/retail_web/quality/r0/{line.tier}"
        assert (line.findings, line.data_docs) == (f"{folder}.json", f"{folder}.html")
        assert read_json(stage.s3, f"{folder}.json")["suite_name"] == f"retail_web.{line.tier}"
        page = stage.s3.objects[stage.place.lake, f"findings/retail_web/quality/r0/{line.tier}.html"].decode()
        assert f"{text(0)}" in page
        assert line.suite in page


def test_a_critical_expectation_fails_its_tier_and_is_named(stage: QualityStage) -> None:
    stage.without_session = 0.5
    assert stage.judge("r0") == Verdict(["silver: sessions_are_known"], [EXPECTATION_FAILED])
    bronze, silver = stage.lines
    assert (bronze.state, silver.state, silver.causes) == ("passed", "failed", (EXPECTATION_FAILED,))
    assert silver.failed == {"critical": ("sessions_are_known",), "warning": ("nearly_all_sessions_are_known",)}
    metrics = {(told["Tier"], told["Severity"]): count for told, count in stage.place.cloudwatch.put}
    assert metrics == {
        **{("bronze", severity): 0 for severity in SEVERITIES},
        ("silver", "critical"): 1,
        ("silver", "warning"): 1,
        ("silver", "info"): 0,
    }
    assert stage.states == {0: "verified", 1: "verified"}


def test_a_warning_is_recorded_and_fails_nothing(stage: QualityStage) -> None:
    stage.without_session = 0.05
    assert stage.judge("r0") == Verdict([], [])
    assert [(line.state, line.causes) for line in stage.lines] == [("passed", ()), ("warned", ())]
    assert stage.lines[1].failed == {"warning": ("nearly_all_sessions_are_known",)}


def test_no_value_of_the_data_stands_in_the_ledger(stage: QualityStage) -> None:
    stage.without_session = 0.5
    stage.judge("r0")
    assert b"0-1 click" not in b"".join(line.line() for line in stage.lines)


def test_a_table_that_somebody_altered_fails(stage: QualityStage, tables: dict[str, Any]) -> None:
    tables["column b"] = "string"
    assert stage.judge("r0").failed == ["bronze: columns_as_declared", "silver: columns_as_declared"]


def test_a_repeated_step_says_the_same_and_appends_nothing(stage: QualityStage) -> None:
    stage.without_session = 0.5
    told, lines = stage.judge("r0"), stage.lines
    assert stage.judge("r0") == told
    assert stage.lines == lines


def test_hours_that_are_unchanged_are_looked_at_again_as_they_are_now(stage: QualityStage) -> None:
    stage.prove(0, 1, "r1")
    assert stage.run("r1").read("pinned") is None
    assert stage.judge("r1") == Verdict([], [])
    for line in stage.lines[-2:]:
        assert (line.run, line.hours, line.unjudged) == ("r1", (text(0), text(1)), ())


def test_hours_that_nobody_has_checked_are_left(stage: QualityStage) -> None:
    stage.put(2, "x", *clicks(2))
    stage.lose(0, "x")
    stage.prove(0, 2, "lost")
    stage.judge("lost")
    assert text(2) not in stage.lines[-1].hours


def test_before_anything_is_proven_there_is_nothing_to_do() -> None:
    stage = QualityStage()
    stage.put(0, "x", *clicks(0))
    stage.prove(0, 0, "r0", until="job")
    assert stage.judge("r0") == Verdict([], [])
    assert (stage.lines, stage.asked) == ([], "")


def test_the_report_has_the_newest_of_each_tier_and_what_is_failed(stage: QualityStage) -> None:
    stage.without_session = 0.5
    stage.judge("r0")
    told = quality_report(stage.place, stage.source)
    assert [(tier["tier"], tier["state"]) for tier in told["tiers"]] == [("bronze", "passed"), ("silver", "failed")]
    assert told["failed"] == [told["tiers"][1]]
    assert told["failed"][0]["evidence"] == "ledger/retail_web.quality/000000000000.ndjson"
    stage.without_session = 0
    stage.prove(0, 1, "r1")
    stage.judge("r1")
    assert quality_report(stage.place, stage.source)["failed"] == []
