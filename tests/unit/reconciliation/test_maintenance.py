"""A compaction changes no row, and is believed when that was shown, whatever its snapshot says of itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clickstream.paging.maintenance_pages import maintenance_pages
from clickstream.reconciliation.maintenance.evidence import current_tables, proven_snapshots
from clickstream.reconciliation.maintenance.tables import lake_tables
from clickstream.reconciliation.plan import Plan
from clickstream.reconciliation.steps import Verdict
from tests.unit.reconciliation.gold_stage import KINDS as GOLD
from tests.unit.reconciliation.maintenance_stage import LATER, MaintenanceStage
from tests.unit.reconciliation.makers import at, place, source, text
from tests.unit.reconciliation.stage import KINDS

DAY = 24
A, B, C = b"a click", b"b click", b"c click"
TABLES = (*KINDS, *GOLD)


@pytest.fixture
def stage() -> MaintenanceStage:
    """Two days are settled."""
    made = MaintenanceStage()
    made.put(0, "x", A, B)
    made.put(DAY, "x", C)
    made.settle(0, DAY - 1, "r0")
    made.settle(DAY, 2 * DAY - 1, "r1")
    return made


def newest(stage: MaintenanceStage) -> dict[str, int]:
    return {kind: stage.lineage(kind)[0].id for kind in TABLES}


def counted(stage: MaintenanceStage, run: str) -> tuple[str, str]:
    """The hours that a run's survey counted."""
    return Plan.model_validate(stage.run(run).read("plan")).counted


def take_a_row(stage: MaintenanceStage, run: str | None) -> None:
    """Somebody takes a row out of Silver, in whosever name."""
    stage.commit("silver", tuple(placed for placed in stage.rows("silver") if placed.record != A), run)


class TestPlan:
    def test_all_iceberg_tables_of_the_source_are_maintained(self, stage: MaintenanceStage) -> None:
        assert {table.kind for table in lake_tables(stage.place, stage.source)} == {*TABLES}
        bare = lake_tables(place(), source())
        assert {table.kind: (table.name, table.settles_by) for table in bare} == {
            "silver": ("retail_web_silver", "arrival_hour"),
            "rejects": ("retail_web_rejects", "arrival_hour"),
        }

    def test_partitions_are_settled_when_no_run_looks_at_them_any_more(self, stage: MaintenanceStage) -> None:
        stage.maintain("m1", now=at(LATER) + timedelta(minutes=17))
        work = stage.work("m1")
        recheck, late = stage.source.checks.recheck_days, stage.source.events.max_late_days
        assert (work["silver"].since, work["silver"].until) == (text(0), text(LATER - recheck * DAY))
        assert work["rejects"].until == work["silver"].until
        assert work["gold_daily"].since == text(-(late + 1) * DAY)[:10]
        assert work["gold_daily"].until == text(LATER - (recheck + late + 1) * DAY)[:10]

    def test_of_a_young_source_nothing_is_settled(self, stage: MaintenanceStage) -> None:
        stage.maintain("m1", now=at(2 * DAY))
        assert all(table.since == table.until for table in stage.work("m1").values())

    def test_the_next_one_begins_where_the_last_proven_one_ended(self, stage: MaintenanceStage) -> None:
        stage.maintain("m1")
        stage.maintain("m2", now=at(LATER + 7 * DAY))
        for kind, before in stage.work("m1").items():
            assert stage.work("m2")[kind].since == before.until
            assert stage.work("m2")[kind].until > before.until
        stage.maintain("m3", now=at(LATER + 7 * DAY), whole=True)
        assert stage.work("m3")["silver"].since == text(0)

    def test_what_the_declaration_keeps_is_counted_back_from_the_run(self, stage: MaintenanceStage) -> None:
        stage.maintain("m1")
        planned = stage.planned("m1")
        assert planned["keep_since"] == (at(LATER) - timedelta(days=7)).isoformat()
        assert planned["orphans_before"] == (at(LATER) - timedelta(days=3)).isoformat()
        assert planned["keep_snapshots"] == 10

    def test_walks_through_history_end_at_what_the_ledger_names(self, stage: MaintenanceStage) -> None:
        entered = newest(stage)
        stage.put(2 * DAY, "x", b"d click")
        stage.prove(2 * DAY, 2 * DAY, "killed", until="check")
        stage.maintain("m1")
        assert {kind: table.anchor for kind, table in stage.work("m1").items()} == entered
        assert newest(stage)["silver"] != entered["silver"]

    def test_a_table_of_which_the_ledger_names_nothing_has_no_anchor(self) -> None:
        stage = MaintenanceStage()
        stage.put(0, "x", A)
        stage.prove(0, 0, "r0", until="check")
        stage.maintain("m1")
        assert {kind: table.anchor for kind, table in stage.work("m1").items()} == dict.fromkeys(TABLES)


class TestEvidence:
    def test_a_line_a_table_says_what_was_done_and_that_the_rows_are_the_same(self, stage: MaintenanceStage) -> None:
        before = newest(stage)
        assert stage.maintain("m1") == Verdict([], [])
        lines = {line.table: line for line in stage.lines}
        assert {*lines} == {*TABLES}
        line = lines["silver"]
        assert (line.state, line.run, line.code_digest) == ("verified", "m1", "abc")
        assert (line.before, line.after, line.snapshots) == (before["silver"], newest(stage)["silver"], (line.after,))
        assert (line.rows, line.lost, line.made_up) == (3, 0, 0)
        assert (line.files, line.bytes, line.snapshots_expired, line.orphans_removed) == ((3, 1), (30, 20), 1, 2)
        assert proven_snapshots(stage.place, stage.source) == {*newest(stage).values()}

    def test_a_repeated_record_appends_nothing(self, stage: MaintenanceStage) -> None:
        from clickstream.reconciliation.maintenance.steps import record_maintenance

        stage.maintain("m1")
        lines = stage.lines
        assert record_maintenance(stage.run("m1")) == Verdict([], [])
        assert stage.lines == lines

    def test_a_compaction_that_lost_a_row_is_no_evidence_and_is_paged(self, stage: MaintenanceStage) -> None:
        verdict = stage.maintain("m1", damage=lambda: take_a_row(stage, "m1"))
        assert verdict == Verdict(["silver"], ["maintenance_differs"])
        assert not proven_snapshots(stage.place, stage.source) & {s.id for s in stage.lineage("silver")}
        pages = maintenance_pages(stage.source, current_tables(stage.lines), "link")
        (page,) = pages.values()
        assert (page.cause, page.where) == ("maintenance_differs", "retail_web_silver")
        assert "1 rows less" in page.evidence[0]

    def test_a_later_maintenance_that_finds_the_rows_again_resolves_it(self, stage: MaintenanceStage) -> None:
        rows = stage.rows("silver")
        stage.maintain("m1", damage=lambda: take_a_row(stage, "m1"))
        stage.commit("silver", rows, "m1")
        assert stage.maintain("m2") == Verdict([], [])
        assert maintenance_pages(stage.source, current_tables(stage.lines), "link") == {}

    @pytest.mark.parametrize("until", ["result", "check"])
    def test_a_killed_one_is_checked_with_the_next(self, stage: MaintenanceStage, until: str) -> None:
        before = newest(stage)
        stage.maintain("m1")
        stage.maintain("killed", now=at(LATER + 7 * DAY), until=until)
        stage.maintain("m3", now=at(LATER + 14 * DAY))
        line = current_tables(stage.lines)["silver"]
        assert (line.since, len(line.snapshots)) == (text(0), 2)
        assert {*newest(stage).values()} <= proven_snapshots(stage.place, stage.source)
        assert before["silver"] not in line.snapshots

    def test_what_a_run_publishes_before_the_check_does_not_matter(self, stage: MaintenanceStage) -> None:
        stage.put(2 * DAY, "x", b"d click")

        def publish() -> None:
            assert stage.settle(2 * DAY, 3 * DAY - 1, "r2") == "build"

        assert stage.maintain("m1", before_check=publish) == Verdict([], [])
        assert stage.lines[0].after != newest(stage)["silver"]

    def test_what_somebody_else_writes_meanwhile_is_not_taken_for_checked(self, stage: MaintenanceStage) -> None:
        with pytest.raises(ValueError, match="by maintenance alone"):
            stage.maintain("m1", damage=lambda: take_a_row(stage, None))
        assert stage.lines == []

    def test_a_main_that_was_rolled_back_meanwhile_is_not_taken_for_checked(self, stage: MaintenanceStage) -> None:
        def roll_back() -> None:
            stage.tables["silver"].pop()
            stage.describe("silver")

        with pytest.raises(ValueError, match="by maintenance alone"):
            stage.maintain("m1", before_check=roll_back)
        assert stage.lines == []


class TestRunsAfterIt:
    def test_an_unchanged_run_does_nothing_and_counts_no_more_than_ever(self, stage: MaintenanceStage) -> None:
        stage.put(LATER, "x", b"d click")
        stage.settle(LATER, LATER, "first")
        stage.prove(LATER, LATER, "ever")
        stage.maintain("m1")
        jobs, gold_jobs, entries = stage.jobs, stage.gold_jobs, stage.entries
        assert stage.settle(LATER, LATER, "r2") == "none"
        assert (stage.jobs, stage.gold_jobs, stage.entries) == (jobs, gold_jobs, entries)
        assert counted(stage, "r2") == counted(stage, "ever")

    def test_what_is_not_proven_yet_costs_a_count_and_nothing_else(self, stage: MaintenanceStage) -> None:
        stage.maintain("m1", until="check")
        stage.put(LATER, "x", b"d click")
        assert stage.settle(LATER, LATER, "r2") == "build"
        assert counted(stage, "r2")[0] == text(0)
        assert stage.verdict == Verdict([], [])
        assert {hour: state for hour, state in stage.states.items() if state != "verified"} == {}
        assert stage.settle(LATER, LATER, "r3") == "none"
        assert counted(stage, "r3")[0] > text(0)

    @pytest.mark.parametrize("signed", [None, "m1"])
    @pytest.mark.parametrize("then", ["nothing", "maintenance"])
    def test_a_row_that_was_taken_long_ago_from_silver_is_found(
        self, stage: MaintenanceStage, signed: str | None, then: str
    ) -> None:
        """In the name of a maintenance that was proven, and below one that will be."""
        stage.maintain("m1")
        take_a_row(stage, signed)
        if then == "maintenance":
            stage.compact("silver", "m2")
        verdict = stage.prove(LATER, LATER, "r2")
        assert verdict == Verdict([text(0)], ["records_unaccounted", "tables_changed"])
        stage.put(LATER + 1, "x", b"e click")
        assert stage.prove(LATER + 1, LATER + 1, "r3") == Verdict([], []), "people know"
        assert stage.states[0] == "failed"

    @pytest.mark.parametrize("signed", [None, "m1"])
    def test_a_record_that_was_taken_long_ago_from_gold_is_found(
        self, stage: MaintenanceStage, signed: str | None
    ) -> None:
        stage.maintain("m1")
        content: dict[str, Any] = {**stage.content("gold_daily"), text(0)[:10]: (A,)}
        stage.write_gold("gold_daily", content, signed)
        if signed is None:
            assert stage.maintain("m2") == Verdict([], [])
        stage.put(LATER, "x", b"d click")
        stage.settle(LATER, LATER, "r2")
        assert stage.verdict == Verdict([text(0)[:10]], ["gold_differs"])
