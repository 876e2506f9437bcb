"""Which hours a run looks at, and from which snapshots it starts."""

import pytest

from clickstream.lake.windows import Window
from clickstream.reconciliation.ledger import Ledger, LedgerBroken
from clickstream.reconciliation.manifest import listing_digest
from clickstream.reconciliation.plan import Plan, make_plan, open_window
from tests.unit.reconciliation.makers import at, counted, entry, listed, put, source, text
from tests.unit.reconciliation.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def plan(stage: Stage, first: int, last: int, **options: object) -> Plan:
    asked: dict[str, object] = {"run": "r9", "triggered_by": "test", **options}
    return make_plan(stage.place, stage.source, Window(at(first), at(last + 1)), **asked)  # type: ignore[arg-type]


def enter(stage: Stage, *hours: int, run: str = "r0", silver: int | None = None, rejects: int | None = None) -> None:
    """Entries of hours that hold nothing."""
    ledger = Ledger(stage.s3, stage.place.evidence, stage.source.name)
    nothing = listing_digest([])
    ledger.append([entry(h, run=run, listing=nothing, silver_snapshot=silver, rejects_snapshot=rejects) for h in hours])


def test_a_first_plan_has_the_window_s_hours_and_no_snapshots(stage: Stage) -> None:
    made = plan(stage, 0, 2)
    assert made.hours == made.window_hours == (text(0), text(1), text(2))
    assert (made.silver_snapshot, made.rejects_snapshot, made.unentered) == (None, None, ())
    assert made.window == f"{text(0)}/{text(3)}"


def test_hours_before_the_source_is_proven_are_left_out(stage: Stage) -> None:
    assert plan(stage, -5, 1).hours == (text(0), text(1))
    assert plan(stage, -5, 1).first_hour == text(0)
    with pytest.raises(ValueError, match="verify_from"):
        plan(stage, -5, -1)


def test_hours_of_the_last_days_whose_listing_changed_are_looked_at(stage: Stage) -> None:
    enter(stage, 0, 1, 2, 10, 170)
    for hour in (0, 2, 10):
        put(stage.s3, hour, "late", b"late")
    # Seven days before hour 170 is hour 2.
    made = plan(stage, 170, 171)
    assert made.hours == (text(2), text(10), text(170), text(171))
    assert made.window_hours == (text(170), text(171))


def test_an_hour_without_an_entry_is_not_looked_at_before_its_time(stage: Stage) -> None:
    put(stage.s3, 5, "x", b"x")
    assert plan(stage, 10, 10).hours == (text(10),)


def test_an_entry_that_speaks_of_what_lies_there_needs_no_look(stage: Stage) -> None:
    there = counted(5, "x", b"x")
    put(stage.s3, 5, "x", b"x")
    known = entry(5, listing=listing_digest(listed(there)))
    Ledger(stage.s3, stage.place.evidence, stage.source.name).append([known])
    assert plan(stage, 10, 10).hours == (text(10),)


def test_the_snapshots_are_those_of_main_now(stage: Stage) -> None:
    stage.commit("silver", (), "r0", (text(0),))
    silver, rejects = stage.commit("silver", ()), stage.commit("rejects", ())
    made = plan(stage, 0, 0)
    assert (made.silver_snapshot, made.rejects_snapshot) == (silver, rejects)


class TestUnentered:
    """Hours that a killed run of ours rewrote, told by the snapshots that no entry names."""

    def test_a_run_that_was_killed_after_publishing(self, stage: Stage) -> None:
        enter(stage, 0, silver=stage.commit("silver", (), "r0", (text(0),)))
        stage.commit("silver", (), "killed", (text(3), text(4)))
        made = plan(stage, 10, 10)
        assert made.unentered == (text(3), text(4))
        assert made.hours == (text(3), text(4), text(10))
        assert made.window_hours == (text(10),)

    def test_they_are_no_part_of_the_window_that_they_lie_beside(self, stage: Stage) -> None:
        stage.commit("silver", (), "killed", (text(3), text(6)))
        made = plan(stage, 4, 5)
        assert made.hours == (text(3), text(4), text(5), text(6))
        assert made.window_hours == (text(4), text(5))

    def test_a_run_that_was_killed_between_the_two_tables(self, stage: Stage) -> None:
        enter(stage, 0, silver=stage.commit("silver", (), "r0", (text(0),)), rejects=stage.commit("rejects", ()))
        stage.commit("rejects", (), "killed", (text(3),))
        assert plan(stage, 10, 10).unentered == (text(3),)

    def test_the_first_run_ever(self, stage: Stage) -> None:
        stage.commit("rejects", (), "killed", (text(0),))
        assert plan(stage, 0, 0).unentered == (text(0),)

    def test_several_runs_one_after_the_other(self, stage: Stage) -> None:
        enter(stage, 0, silver=stage.commit("silver", (), "r0", (text(0),)))
        stage.commit("silver", (), "killed", (text(3),))
        stage.commit("silver", (), "killed too", (text(2), text(3)))
        assert plan(stage, 10, 10).unentered == (text(2), text(3))

    def test_a_run_whose_hours_all_have_newer_entries_was_not_killed(self, stage: Stage) -> None:
        for run in ("r0", "r1", "r2"):
            snapshots = {kind: stage.commit(kind, (), run, (text(0), text(1))) for kind in ("silver", "rejects")}
            enter(stage, 0, 1, run=run, **snapshots)
        assert plan(stage, 10, 10).unentered == ()

    def test_a_line_that_a_killed_run_left_before_its_job_is_not_its_account(self, stage: Stage) -> None:
        first = stage.commit("silver", (), "r0", (text(0),))
        enter(stage, 0, silver=first)
        late = entry(0, "late_change", run="killed", listing=listing_digest([]), silver_snapshot=first)
        Ledger(stage.s3, stage.place.evidence, stage.source.name).append([late])
        stage.commit("silver", (), "killed", (text(0), text(3)))
        assert plan(stage, 10, 10).unentered == (text(0), text(3))

    def test_somebody_else_s_snapshot_names_no_hours_and_hides_none(self, stage: Stage) -> None:
        enter(stage, 0, silver=stage.commit("silver", (), "r0", (text(0),)))
        stage.commit("silver", (), "killed", (text(3),))
        stage.commit("silver", ())
        assert plan(stage, 10, 10).unentered == (text(3),)


@pytest.mark.parametrize(("max_late_days", "max_skew_minutes"), [(7, 60), (0, 0), (30, 1440)])
def test_the_span_holds_every_hour_whose_fates_a_run_can_change(max_late_days: int, max_skew_minutes: int) -> None:
    events = source().events.model_copy(update={"max_late_days": max_late_days, "max_skew_minutes": max_skew_minutes})
    made = plan(Stage(source(events=events)), 1000, 1000)
    skew = -(-max_skew_minutes // 60)
    # An event may be dated to the skew after its hour's end; copies of it share the date and may come late.
    last_date_ends = ((1000 + 1 + skew) // 24 + 1) * 24
    assert made.last_hour >= text(last_date_ends + max_late_days * 24 - 1)
    assert made.first_hour <= text(1000 - max_late_days * 24)


def test_nothing_is_planned_on_broken_evidence(stage: Stage) -> None:
    enter(stage, 0)
    stage.s3.put_object(Bucket=stage.place.evidence, Key="ledger/retail_web/000000000000.ndjson", Body=b"{}\n")
    with pytest.raises(LedgerBroken):
        plan(stage, 0, 0)


@pytest.mark.parametrize(
    ("entered", "end", "first"),
    [
        ((), 3, 0),
        ((0, 1), 3, 2),
        ((0, 2), 3, 1),
        ((0, 1, 2), 3, 2),
        ((), 200, 200 - 7 * 24),
    ],
)
def test_the_open_window_begins_with_the_first_hour_without_an_entry(
    stage: Stage, entered: tuple[int, ...], end: int, first: int
) -> None:
    assert open_window(stage.source, {at(hour) for hour in entered}, at(end)) == Window(at(first), at(end))
