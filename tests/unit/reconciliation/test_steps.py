"""Runs from plan to verdict: what is found, that it stays found, and what repairs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from clickstream.contract.records import raw_hash
from clickstream.reconciliation.progress import current_entries, verified_through
from clickstream.reconciliation.steps import CountBronze, Verdict, inspect_run, record_run
from tests.unit.reconciliation.makers import START, at, key, packed, source, text
from tests.unit.reconciliation.stage import KINDS, AthenaFailed, Placed, Stage

A, B, C, D = b"a click", b"b click", b"c click", b"d click"


@pytest.fixture
def stage() -> Stage:
    """Four hours, verified by run r0: hour 1 has two objects, hour 2 a copy of hour 1's, hour 3 nothing."""
    made = Stage()
    made.put(0, "x", A, b"bad")
    made.put(1, "x", B, C)
    made.put(1, "y", D)
    made.put(2, "x", b"e click", B)
    assert made.prove(0, 3, "r0") == Verdict([], [])
    assert made.states == dict.fromkeys(range(4), "verified")
    return made


def reached(stage: Stage) -> int | None:
    hour = verified_through(START, current_entries(stage.entries))
    return None if hour is None else round((hour - START).total_seconds() / 3600)


def test_a_first_run_accounts_for_every_record(stage: Stage) -> None:
    assert reached(stage) == 3
    one, two = stage.entry(1), stage.entry(2)
    assert (one.tiers.bronze, one.tiers.silver, one.fates["good"], one.fates["duplicate"]) == (3, 3, 3, 0)
    assert (two.tiers.bronze, two.tiers.silver, two.reasons) == (2, 1, {"exact": 1})
    assert stage.entry(0).reasons == {"bad_json": 1}
    assert stage.entry(3).tiers.bronze == 0
    assert stage.partitions == {text(hour) for hour in range(3)}


def test_the_same_again_does_nothing(stage: Stage) -> None:
    objects = stage.s3.objects
    assert stage.prove(0, 3, "r1") == Verdict([], [])
    assert stage.jobs == 1
    assert [
        k for k in stage.s3.objects if k not in objects and "/runs/" not in k[1] and not k[1].startswith("runs/")
    ] == []


def test_a_forced_run_works_anew_and_comes_to_the_same(stage: Stage) -> None:
    before = {hour: stage.entry(hour) for hour in range(4)}
    assert stage.prove(0, 3, "r1", forced=True) == Verdict([], [])
    assert stage.jobs == 2
    for hour in range(4):
        again = stage.entry(hour)
        assert again.run == "r1"
        assert again.silver_snapshot != before[hour].silver_snapshot
        for field in ("state", "tiers", "fates", "reasons", "bronze", "silver", "rejects", "manifest", "listing"):
            assert getattr(again, field) == getattr(before[hour], field)


def lose(stage: Stage) -> None:
    stage.lose(1, "y")


def shorten(stage: Stage) -> None:
    stage.put(1, "x", B)


def truncate(stage: Stage) -> None:
    stage.put(1, "x", body=packed(B, C)[:-9])


def cut_the_trailer(stage: Stage) -> None:
    stage.put(1, "x", body=packed(B, C)[:-4])


def without_rows(stage: Stage) -> None:
    """Somebody deletes a row of Silver."""
    stage.commit("silver", tuple(p for p in stage.rows("silver") if p.record != C))


def false_duplicate(stage: Stage) -> None:
    """Somebody moves a good row into rejects, as duplicate of a winner that does not exist."""
    moved = next(p for p in stage.rows("silver") if p.record == C)
    without_rows(stage)
    lie = replace(moved, fate="duplicate", reason="exact", winner=Placed(moved.hour, moved.object, b"other"))
    stage.commit("rejects", (*stage.rows("rejects"), lie))


def false_quarantine(stage: Stage) -> None:
    """Somebody moves a good row into rejects as broken: nothing but the account of the run before tells."""
    moved = next(p for p in stage.rows("silver") if p.record == C)
    without_rows(stage)
    stage.commit("rejects", (*stage.rows("rejects"), replace(moved, fate="quarantined", reason="bad_json")))


def another_row(stage: Stage) -> None:
    """Somebody writes a row that no object holds."""
    stage.commit("silver", (*stage.rows("silver"), Placed(text(1), key(1, "x"), b"z click")))


Deed = Callable[[Stage], None]
BRONZE: dict[Deed, str] = {
    lose: "object_missing",
    shorten: "object_changed",
    truncate: "object_changed",
    cut_the_trailer: "object_changed",
}
TABLES: dict[Deed, str] = {
    without_rows: "records_unaccounted",
    false_duplicate: "winner_missing",
    false_quarantine: "tables_changed",
    another_row: "records_unaccounted",
}


@pytest.mark.parametrize("deed", BRONZE)
@pytest.mark.parametrize("forced", [False, True], ids=["plain", "forced"])
def test_a_loss_in_bronze_fails_its_hour_whatever_is_run_until_it_is_back(
    stage: Stage, deed: Deed, forced: bool
) -> None:
    deed(stage)
    verdict = stage.prove(0, 3, "r1", forced=forced)
    assert verdict == Verdict([text(1)], [BRONZE[deed]])
    assert reached(stage) == 0
    (finding,) = stage.findings(1)
    assert (finding["code"], finding["arrival_hour"]) == (BRONZE[deed], text(1))
    assert finding["object"] in (key(1, "x"), key(1, "y"))

    # The evidence says what was, and nothing was written.
    assert stage.entry(1).tiers.silver == 3
    assert stage.jobs == 1
    assert stage.prove(0, 3, "r2", forced=forced) == verdict
    assert stage.states[1] == "failed"

    stage.put(1, "x", body=packed(B) + packed(C))  # other bytes, the same records
    stage.put(1, "y", D)
    assert stage.prove(0, 3, "r3", forced=forced) == Verdict([], [])
    assert reached(stage) == 3
    assert [e.state for e in stage.entries if e.arrival_hour == text(1)] == ["verified", "failed", "failed", "verified"]


@pytest.mark.parametrize("deed", TABLES)
def test_what_is_changed_in_the_tables_fails_its_hour_until_a_person_has_it_rebuilt(stage: Stage, deed: Deed) -> None:
    deed(stage)
    verdict = stage.prove(0, 3, "r1")
    assert verdict is not None
    assert verdict.failed == [text(1)]
    assert TABLES[deed] in verdict.causes
    assert "tables_changed" in verdict.causes
    assert reached(stage) == 0

    for run in ("r2", "r3"):
        assert stage.prove(0, 3, run) == verdict
    assert stage.jobs == 1

    assert stage.prove(0, 3, "r4", forced=True) == Verdict([], [])
    assert reached(stage) == 3
    assert stage.entry(1).tiers.silver == 3


@pytest.mark.parametrize("deed", TABLES)
def test_it_is_found_again_after_the_hour_was_rebuilt_before(stage: Stage, deed: Deed) -> None:
    """Runs whose entries are no longer current are no killed runs."""
    for run in ("r1", "r2"):
        stage.prove(0, 3, run, forced=True)
    stage.put(4, "x", b"f click")
    assert stage.prove(4, 4, "r3") == Verdict([], [])
    assert stage.jobs == 4
    deed(stage)
    verdict = stage.prove(4, 4, "r4")
    assert verdict is not None
    assert verdict.failed == [text(1)]
    assert stage.jobs == 4


@pytest.mark.parametrize("deed", TABLES)
def test_a_late_object_does_not_cover_up_for_what_was_changed_in_the_tables(stage: Stage, deed: Deed) -> None:
    """The hour is processed for it, and so rebuilt; that somebody wrote there is told all the same."""
    deed(stage)
    stage.put(1, "late", b"g click")
    assert stage.prove(0, 3, "r1") == Verdict([text(1)], ["tables_changed"])
    assert stage.prove(0, 3, "r2", forced=True) == Verdict([], [])
    assert stage.entry(1).tiers.bronze == 4


def test_a_change_that_is_undone_passes_again(stage: Stage) -> None:
    rows = stage.rows("silver")
    without_rows(stage)
    stage.prove(0, 3, "r1")
    stage.commit("silver", rows)
    assert stage.prove(0, 3, "r2") == Verdict([], [])


@pytest.mark.parametrize(
    ("deed", "step"),
    [
        *((shorten, step) for step in ("repair", "count", "job", "check", "reconcile")),
        # In between, the job stops at an object that is not there.
        *((lose, step) for step in ("repair", "check", "reconcile")),
    ],
)
def test_a_loss_while_the_run_goes_on_is_one_as_well(stage: Stage, deed: Deed, step: str) -> None:
    stage.put(1, "late", b"g click")
    verdict = stage.prove(0, 3, "r1", before={step: lambda: deed(stage)})
    assert verdict is not None
    assert verdict.failed == [text(1)]
    assert BRONZE[deed] in {finding["code"] for finding in stage.findings(1)}
    for run, forced in (("r2", False), ("r3", True)):
        assert stage.prove(0, 3, run, forced=forced) is not None
        assert stage.states[1] == "failed"


def test_an_object_that_was_doubled_before_it_was_processed_is_duplicates() -> None:
    stage = Stage()
    stage.put(0, "x", A, B)
    stage.put(0, "x-again", A, B)
    assert stage.prove(0, 0, "r0") == Verdict([], [])
    assert stage.entry(0).fates == {"good": 2, "filtered": 0, "quarantined": 0, "duplicate": 2}


def test_a_late_object_is_a_late_change_then_processed_and_verified(stage: Stage) -> None:
    stage.put(1, "late", b"g click")
    stage.put(4, "x", b"f click")
    assert stage.prove(4, 4, "r1") == Verdict([], [])
    assert [e.state for e in stage.entries if e.arrival_hour == text(1)] == ["verified", "late_change", "verified"]
    assert stage.entry(1).tiers.bronze == 4
    assert reached(stage) == 4


def test_a_late_object_changes_the_hours_of_its_copies_and_these_are_checked_in_the_same_run(stage: Stage) -> None:
    stage.put(0, "late", b"e click")
    assert stage.prove(0, 0, "r1") == Verdict([], [])
    assert [stage.entry(hour).run for hour in range(4)] == ["r1", "r0", "r1", "r0"]
    assert stage.entry(2).reasons == {"exact": 2}


def test_an_object_that_comes_while_the_run_goes_on_is_left_for_the_next(stage: Stage) -> None:
    stage.put(4, "x", b"f click")
    stage.prove(4, 4, "r1", before={"check": lambda: stage.put(4, "y", b"g click")})
    assert stage.states[4] == "late_change"
    assert stage.prove(4, 4, "r2") == Verdict([], [])
    assert stage.entry(4).tiers.bronze == 2


def test_a_torn_object_is_counted_as_far_as_it_goes_and_fails_its_hour_until_it_is_whole() -> None:
    stage = Stage()
    records = [f"{n} {n * 7919}".encode() for n in range(500)]
    stage.put(0, "x", A)
    stage.put(0, "torn", body=packed(*records)[:1500])
    stage.put(1, "x", B)
    assert stage.prove(0, 1, "r0") == Verdict([text(0)], ["records_unknown"])
    assert stage.states == {0: "failed", 1: "verified"}
    (finding,) = stage.findings(0)
    read = finding["records"]
    assert (finding["code"], finding["object"]) == ("records_unknown", key(0, "torn"))
    assert 0 < read < 500
    assert stage.entry(0).tiers.bronze == read + 1

    assert stage.prove(0, 1, "r1", forced=True) == Verdict([text(0)], ["records_unknown"])
    stage.put(0, "torn", *records)
    assert stage.prove(0, 1, "r2") == Verdict([], [])
    assert stage.entry(0).tiers.bronze == 501


def test_an_object_that_athena_names_but_that_can_be_read_is_not_left_out(stage: Stage) -> None:
    run = stage.run("r9")
    run.write("unreadable", {})
    named = f"HIVE_CURSOR_ERROR: Failed to read file at s3://{stage.place.lake}/{key(1, 'x')}"
    assert not CountBronze().recover(run, named)
    assert not CountBronze().recover(run, "EXCEEDED_MEMORY_LIMIT")
    assert run.read("unreadable") == {}


KILLS = ["survey", "inspect", "repair", "count", "job", "check", "reconcile", "record"]


@pytest.mark.parametrize("step", KILLS)
@pytest.mark.parametrize("late", [False, True], ids=["in time", "with a late object"])
def test_a_run_that_is_killed_is_made_up_for_by_whatever_runs_next(stage: Stage, step: str, late: bool) -> None:
    stage.put(4, "x", b"f click", A)
    if late:
        stage.put(2, "late", b"h click")
    stage.prove(4, 4, "killed", until=step)
    assert stage.states.get(4) is None
    stage.put(5, "x", b"g click")
    assert stage.prove(5, 5, "r1") == Verdict([], [])
    stage.prove(4, 4, "r2")
    assert stage.states == dict.fromkeys(range(6), "verified")
    assert stage.entry(4).reasons == {"exact": 1}
    # Nobody takes the killed run for one that still has to be made up for.
    jobs = stage.jobs
    stage.prove(0, 5, "r3")
    assert stage.jobs == jobs


def test_a_job_that_was_killed_after_publishing_and_started_again_leaves_no_hour_unchecked(stage: Stage) -> None:
    """Its first try changed hour 2 as well; the second finds nothing to change there, and does not name it."""
    stage.put(0, "late", b"e click")
    stage.prove(0, 0, "r1", until="check")
    stage.job("r1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "job", lambda self, run: None)
        verdict = stage.prove(0, 0, "r1")
    assert verdict == Verdict([], [])
    assert (stage.entry(2).run, stage.entry(2).state) == ("r1", "verified")


def test_an_hour_whose_change_nobody_names_fails(stage: Stage) -> None:
    """A job that rewrites more than it says."""
    honest = stage.job

    def silent(run: str) -> None:
        honest(run)
        for kind in KINDS:
            made = stage.tables[kind].pop()
            stage.tables[kind].append(replace(made, hours=(text(0),)))
            stage.describe(kind)

    stage.job = silent  # type: ignore[method-assign]
    stage.put(0, "late", b"e click")
    assert stage.prove(0, 0, "r1") == Verdict([text(2)], ["changed_unchecked"])


def test_a_table_that_was_emptied_fails_what_it_held(stage: Stage) -> None:
    stage.commit("silver", ())
    verdict = stage.prove(0, 3, "r1")
    assert verdict is not None
    assert verdict.failed == [text(0), text(1), text(2)]


def test_a_table_that_was_dropped_and_made_anew_fails_what_it_held(stage: Stage) -> None:
    stage.tables["silver"].clear()
    stage.describe("silver")
    verdict = stage.prove(0, 3, "r1")
    assert verdict is not None
    assert verdict.failed == [text(0), text(1), text(2)]
    assert stage.prove(0, 3, "r2", forced=True) == Verdict([], [])


def test_the_verdict_names_all_that_its_hours_are_failed_for(stage: Stage) -> None:
    stage.lose(1, "y")
    assert stage.prove(0, 3, "r1") == Verdict([text(1)], ["object_missing"])
    stage.put(2, "x", b"other")
    assert stage.prove(0, 3, "r2") == Verdict([text(1), text(2)], ["object_changed", "object_missing"])
    stage.put(1, "y", D)
    stage.put(2, "x", b"e click", B)
    assert stage.prove(0, 3, "r3") == Verdict([], [])


def test_a_retry_of_the_last_step_comes_to_the_same(stage: Stage) -> None:
    stage.lose(1, "y")
    first = stage.prove(0, 3, "r1")
    lines = len(stage.entries)
    assert record_run(stage.run("r1")) == first == Verdict([text(1)], ["object_missing"])
    assert len(stage.entries) == lines


def test_what_is_accepted_is_no_cause(stage: Stage) -> None:
    stage.put(1, "late", b"a other")
    assert stage.prove(1, 1, "r1") == Verdict([], [])
    assert stage.entry(1).causes == ()
    assert [finding["code"] for finding in stage.findings(1)] == ["conflicting_copies"]
    without_rows(stage)
    verdict = stage.prove(1, 1, "r2")
    assert verdict is not None
    assert "conflicting_copies" not in verdict.causes
    assert {finding["code"] for finding in stage.findings(1)} >= {"conflicting_copies", "records_unaccounted"}


def test_a_repeated_inspection_says_late_once(stage: Stage) -> None:
    stage.put(1, "late", b"g click")
    stage.prove(1, 1, "r1", until="repair")
    assert inspect_run(stage.run("r1")) == "process"
    assert [e.state for e in stage.entries if e.arrival_hour == text(1)] == ["verified", "late_change"]


def test_a_failed_hour_long_ago_does_not_fail_the_run_but_stops_the_proof(stage: Stage) -> None:
    without_rows(stage)
    stage.prove(0, 3, "r1")
    stage.put(300, "x", b"f click")
    assert stage.prove(300, 300, "r2") == Verdict([], [])
    assert stage.states[1] == "failed"
    assert reached(stage) == 0


def test_two_runs_that_overlap_do_not_accuse_each_other(stage: Stage) -> None:
    """The second is planned before the first publishes, and inspects after the first has recorded."""
    stage.put(1, "late", b"g click")
    stage.put(4, "x", b"f click")

    def first() -> None:
        assert stage.prove(1, 1, "first") == Verdict([], [])

    assert stage.prove(4, 4, "second", before={"inspect": first}) == Verdict([], [])
    assert stage.states == dict.fromkeys(range(5), "verified")


def test_an_older_check_does_not_speak_last(stage: Stage) -> None:
    """The first run has checked; before it records, a second one processes what came later."""
    stage.put(1, "late", b"g click")

    def second() -> None:
        stage.put(1, "later", b"h click")
        assert stage.prove(1, 1, "second") == Verdict([], [])

    stage.prove(1, 1, "first", before={"record": second})
    assert (stage.entry(1).run, stage.entry(1).tiers.bronze, stage.states[1]) == ("second", 5, "verified")


def test_a_change_between_survey_and_check_is_not_taken_for_what_was_there(stage: Stage) -> None:
    stage.lose(1, "y")
    stage.prove(0, 3, "r1")
    stage.put(1, "y", D)
    stage.prove(0, 3, "r2", before={"check": lambda: false_quarantine(stage)})
    stage.prove(0, 3, "r3")
    assert stage.states[1] == "failed"


def test_a_run_under_a_name_that_was_used_before_takes_nothing_from_then(stage: Stage) -> None:
    """A DAG run that was deleted and made anew has the name of the old one."""
    without_rows(stage)
    verdict = stage.prove(0, 3, "r0")
    assert verdict is not None
    assert verdict.failed == [text(1)]


class TestProducer:
    """A source whose producer keeps receipts. An object is keyed by its oldest record: hour 1's first record may lie in
    hour 0's last object."""

    @pytest.fixture
    def stage(self) -> Stage:
        made = Stage(source(tiers=("producer", "bronze", "silver")))
        made.put(0, "x", A, B)
        made.put(1, "x", C)
        made.acknowledge(0, A)
        made.acknowledge(1, B, C)
        return made

    @pytest.mark.parametrize(
        "runs", [[(0, 1)], [(0, 0), (1, 1)], [(1, 1), (0, 0)]], ids=["at once", "on", "in reverse"]
    )
    def test_what_was_acknowledged_is_found_in_whatever_order_hours_are_run(
        self, stage: Stage, runs: list[tuple[int, int]]
    ) -> None:
        for number, (first, last) in enumerate(runs):
            assert stage.prove(first, last, f"r{number}") == Verdict([], [])
        assert stage.states == {0: "verified", 1: "verified"}
        assert [stage.entry(hour).tiers.producer for hour in (0, 1)] == [1, 2]

    @pytest.mark.parametrize("runs", [[(0, 1)], [(1, 1), (0, 0)]], ids=["at once", "in reverse"])
    def test_what_was_acknowledged_and_is_not_there_fails_its_hour(
        self, stage: Stage, runs: list[tuple[int, int]]
    ) -> None:
        stage.acknowledge(1, D)
        stage.acknowledge(1, D)
        stage.put(1, "y", D)
        verdicts = [stage.prove(first, last, f"r{first}") for first, last in runs]
        assert verdicts[0] == Verdict([text(1)], ["acknowledged_missing"])
        assert stage.states == {0: "verified", 1: "failed"}
        (finding,) = stage.findings(1)
        assert (finding["records"], finding["samples"]) == (1, [raw_hash(D)])

    def test_a_receipt_of_another_hour_does_not_count(self, stage: Stage) -> None:
        stage.acknowledge(2, D)
        assert stage.prove(0, 1, "r0") == Verdict([], [])

    def test_a_torn_object_of_an_hour_that_nobody_has_processed_does_not_stop_the_next_one(self, stage: Stage) -> None:
        stage.put(0, "torn", body=packed(D)[:-3])
        assert stage.prove(1, 1, "r1") == Verdict([], [])


def test_a_source_without_a_producer_is_asked_for_no_receipts(stage: Stage) -> None:
    assert "receipts" not in stage.statements
    assert stage.source.table("receipts") not in stage.registered
    assert stage.entry(1).tiers.producer is None


def test_a_deficit_upstream_fails_its_hour() -> None:
    stage = Stage(source(tiers=("stream", "bronze", "silver")))
    stage.streamed = {0: 1, 1: 5}
    stage.put(0, "x", A)
    stage.put(1, "x", B, C)
    assert stage.prove(0, 1, "r0") == Verdict([text(1)], ["upstream_deficit"])
    assert stage.entry(1).tiers.model_dump() == {
        "producer": None, "stream": 5, "delivery": None, "bronze": 2, "silver": 2
    }  # fmt: skip
    (finding,) = stage.findings(1)
    assert finding["records"] == 3


def test_a_torn_object_that_comes_while_the_run_goes_on_is_left_for_the_next(stage: Stage) -> None:
    stage.put(4, "x", b"f click")
    stage.prove(4, 4, "r1", before={"check": lambda: stage.put(4, "torn", body=packed(A)[:-3])})
    assert stage.states[4] == "late_change"
    assert stage.prove(4, 4, "r2") == Verdict([text(4)], ["records_unknown"])


def test_athena_s_other_failures_are_not_swallowed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(self: Stage, name: str, sql: str) -> None:
        raise AthenaFailed("EXCEEDED_MEMORY_LIMIT: 10 GB")

    stage.put(4, "x", b"f click")
    for step in ("survey", "count", "check"):
        with monkeypatch.context() as patch, pytest.raises(AthenaFailed):
            stage.prove(4, 4, f"r-{step}", before={step: lambda: patch.setattr(Stage, "_answer", exhausted)})
    assert at(4) not in current_entries(stage.entries)


class TestProvisional:
    """Runs that only count: what they leave, and what a final run makes of it."""

    @pytest.fixture
    def counted(self) -> Stage:
        """Three hours, counted by run h0."""
        made = Stage()
        made.put(0, "x", A, b"bad")
        made.put(1, "x", B, C)
        made.put(2, "x", D, B)
        assert made.prove(0, 2, "h0", final=False) == Verdict([], [])
        return made

    def test_its_hours_are_counted_and_not_verified(self, counted: Stage) -> None:
        assert counted.states == dict.fromkeys(range(3), "provisional")
        assert reached(counted) is None
        assert {"identity", "witnesses", "receipts"}.isdisjoint(counted.statements)
        assert counted.entry(2).reasons == {"exact": 1}

    def test_a_final_run_proves_them_without_the_job(self, counted: Stage) -> None:
        assert counted.prove(0, 2, "r1") == Verdict([], [])
        assert (counted.jobs, counted.states) == (1, dict.fromkeys(range(3), "verified"))
        assert {"identity", "witnesses"} <= set(counted.statements)

    def test_what_came_meanwhile_is_processed_by_the_final_run(self, counted: Stage) -> None:
        counted.put(1, "late", b"f click")
        assert counted.prove(0, 2, "r1") == Verdict([], [])
        assert (counted.jobs, counted.states) == (2, dict.fromkeys(range(3), "verified"))
        assert counted.entry(1).tiers.bronze == 3

    def test_what_was_lost_meanwhile_fails(self, counted: Stage) -> None:
        counted.lose(1, "x")
        verdict = counted.prove(0, 2, "r1")
        assert verdict is not None
        assert verdict.failed == [text(1)]

    def test_counting_again_does_nothing(self, counted: Stage) -> None:
        assert counted.prove(2, 2, "h1", final=False) == Verdict([], [])
        assert counted.jobs == 1
        assert counted.states == dict.fromkeys(range(3), "provisional")

    def test_a_verified_hour_that_it_touches_is_proven_again(self, counted: Stage) -> None:
        counted.prove(0, 2, "r1")
        counted.put(3, "x", b"g click")
        counted.put(0, "late", D)  # an earlier copy of what hour 2 holds
        assert counted.prove(3, 3, "h1", final=False) == Verdict([], [])
        assert counted.states == {0: "provisional", 1: "verified", 2: "verified", 3: "provisional"}
        assert counted.entry(2).run == "h1"
        assert counted.prove(0, 3, "r2") == Verdict([], [])
        assert counted.states == dict.fromkeys(range(4), "verified")
