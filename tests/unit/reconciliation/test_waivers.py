"""Waivers, from the proposal to the last run after it: what they except, how long, and what they never cover."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clickstream.reconciliation.progress import current_entries, failing_causes, verified_through
from clickstream.reconciliation.proposal import Answer
from clickstream.reconciliation.report import source_report
from clickstream.reconciliation.steps import Verdict, propose_waiver, record_run
from clickstream.reconciliation.waiver import Loss
from tests.unit.reconciliation.makers import START, key, packed, source, text
from tests.unit.reconciliation.stage import Stage

A, B, C, D, E = b"a click", b"b click", b"c click", b"d click", b"e click"
WHY = "the bucket's lifecycle rule deleted it, no version is left"
KEPT = ("waivers", "manifest", "tiers")


@pytest.fixture
def stage() -> Stage:
    """Three verified hours; hour 1 has two objects, hour 2 a copy of a record of the second one."""
    made = Stage()
    made.put(0, "x", A)
    made.put(1, "x", B, C)
    made.put(1, "y", D, b"bad")
    made.put(2, "x", E, D)
    assert made.prove(0, 2, "r0") == Verdict([], [])
    return made


@pytest.fixture
def waived(stage: Stage) -> Stage:
    """Object y is gone, and its loss accepted."""
    stage.lose(1, "y")
    assert stage.prove(0, 2, "r1") == Verdict([text(1)], ["object_missing"])
    assert stage.prove(1, 1, "w", waive=WHY) == Verdict([], [])
    return stage


def reached(stage: Stage) -> int | None:
    hour = verified_through(START, current_entries(stage.entries))
    return None if hour is None else round((hour - START).total_seconds() / 3600)


def in_silver(stage: Stage) -> list[bytes]:
    return sorted(placed.record for placed in stage.rows("silver"))


def lost(stage: Stage, hour: int) -> tuple[Loss, ...]:
    return tuple(loss for waiver in stage.entry(hour).waivers for loss in waiver.losses)


def test_what_is_accepted_is_excepted_and_says_who_when_why_and_what(waived: Stage) -> None:
    assert waived.states == {0: "verified", 1: "excepted", 2: "verified"}
    assert reached(waived) == 2
    (waiver,) = waived.entry(1).waivers
    assert (waiver.waived_by, waiver.waived_at, waiver.reason, waiver.run) == (
        "maria", "2026-11-21T09:00:00+00:00", WHY, "w"
    )  # fmt: skip
    assert waiver.losses == (Loss(code="object_missing", object=key(1, "y"), records=2),)
    # No page of its cause stays open.
    assert waived.entry(1).causes == ()
    assert failing_causes(current_entries(waived.entries)) == set()
    assert waived.jobs == 1


def test_the_report_tells_it_for_good(waived: Stage) -> None:
    loss = {"code": "object_missing", "object": key(1, "y"), "records": 2}
    for _ in range(2):
        hour = source_report(waived.place, waived.source)["hours"][1]
        assert hour["state"] == "excepted"
        assert [(waiver["waived_by"], waiver["losses"]) for waiver in hour["waivers"]] == [("maria", [loss])]
        waived.prove(0, 2, "r2", forced=True)


def test_other_hours_are_as_they_were(waived: Stage) -> None:
    assert [waived.entry(hour).run for hour in (0, 1, 2)] == ["r0", "w", "r0"]


def test_a_later_run_finds_nothing_new(waived: Stage) -> None:
    lines = len(waived.entries)
    assert waived.prove(0, 2, "r2") == Verdict([], [])
    assert len(waived.entries) == lines


def test_a_re_check_keeps_it(waived: Stage) -> None:
    """Somebody writes to Silver and undoes it: the hour is checked again, record by record."""
    before, rows = waived.entry(1), waived.rows("silver")
    waived.commit("silver", tuple(p for p in rows if p.record != C))
    assert waived.prove(0, 2, "r2") == Verdict([text(1)], ["records_unaccounted", "tables_changed"])
    assert lost(waived, 1) == before.waivers[0].losses
    waived.commit("silver", rows)
    assert waived.prove(0, 2, "r3") == Verdict([], [])
    again = waived.entry(1)
    assert (again.run, again.state) == ("r3", "excepted")
    assert [getattr(again, field) for field in KEPT] == [getattr(before, field) for field in KEPT]


def test_a_forced_run_keeps_it_and_doubles_nothing(waived: Stage) -> None:
    assert in_silver(waived) == [A, B, C, D, E]
    for run in ("r2", "r3"):
        assert waived.prove(0, 2, run, forced=True) == Verdict([], [])
        assert waived.states == {0: "verified", 1: "excepted", 2: "verified"}
    # D was lost with its object, and lives on as the copy that hour 2 holds.
    assert in_silver(waived) == [A, B, C, D, E]
    assert [p.hour for p in waived.rows("silver") if p.record == D] == [text(2)]
    one = waived.entry(1)
    assert (one.tiers.bronze, one.tiers.silver, sum(one.fates.values())) == (4, 2, 2)
    assert lost(waived, 1) == (Loss(code="object_missing", object=key(1, "y"), records=2),)
    assert reached(waived) == 2


def test_it_joins_another_hour_s_run_without_its_lost_object(waived: Stage) -> None:
    waived.put(0, "late", B)
    assert waived.prove(0, 0, "r2") == Verdict([], [])
    assert (waived.entry(1).run, waived.states[1]) == ("r2", "excepted")


def test_rows_of_a_lost_object_are_all_there_or_none(waived: Stage) -> None:
    waived.commit("silver", tuple(p for p in waived.rows("silver") if p.record != D))
    verdict = waived.prove(1, 1, "r2")
    assert verdict is not None
    assert verdict.causes == ["records_unaccounted", "tables_changed"]
    assert waived.prove(1, 1, "r3", forced=True) == Verdict([], [])
    assert waived.states[1] == "excepted"


@pytest.mark.parametrize("forced", [False, True], ids=["plain", "forced"])
def test_a_further_loss_fails_until_it_is_accepted_as_well(waived: Stage, forced: bool) -> None:
    waived.lose(1, "x")
    assert waived.prove(1, 1, "r2", forced=forced) == Verdict([text(1)], ["object_missing"])
    (finding,) = waived.findings(1)
    assert finding["object"] == key(1, "x")
    assert [loss.object for loss in lost(waived, 1)] == [key(1, "y")]
    assert waived.prove(1, 1, "w2", waive="this one, too") == Verdict([], [])
    assert [waiver.reason for waiver in waived.entry(1).waivers] == [WHY, "this one, too"]
    assert waived.prove(1, 1, "r3", forced=True) == Verdict([], [])
    assert waived.states[1] == "excepted"
    assert in_silver(waived) == [A, D, E]


@pytest.mark.parametrize("forced", [False, True], ids=["before it is processed again", "after it"])
def test_an_object_that_comes_back_is_a_late_change_and_the_hour_is_verified_again(waived: Stage, forced: bool) -> None:
    if forced:
        waived.prove(1, 1, "r2", forced=True)
    waived.put(1, "y", D, b"bad")
    assert source_report(waived.place, waived.source)["hours"][1]["state"] == "late_change"
    waived.put(3, "x", b"f click")
    # The next day's run looks at it again.
    assert waived.prove(3, 3, "r3") == Verdict([], [])
    assert waived.states == dict.fromkeys(range(4), "verified")
    assert waived.entry(1).waivers == ()
    assert [e.state for e in waived.entries if e.arrival_hour == text(1)][-3:] == [
        "excepted",
        "late_change",
        "verified",
    ]
    assert (waived.entry(1).tiers.bronze, in_silver(waived)) == (4, [A, B, C, D, E, b"f click"])
    # Lost once more, it is another loss.
    waived.lose(1, "y")
    assert waived.prove(1, 1, "r4") == Verdict([text(1)], ["object_missing"])


def test_of_two_lost_objects_one_comes_back(waived: Stage) -> None:
    waived.lose(1, "x")
    waived.prove(1, 1, "w2", waive="this one, too")
    waived.put(1, "y", D, b"bad")
    assert waived.prove(1, 1, "r2") == Verdict([], [])
    assert waived.states[1] == "excepted"
    assert lost(waived, 1) == (Loss(code="object_missing", object=key(1, "x"), records=2),)


def test_what_lies_where_an_object_was_overwritten_is_processed_by_the_next_run(stage: Stage) -> None:
    stage.put(1, "y", b"other")
    stage.prove(1, 1, "r1")
    assert stage.prove(1, 1, "w", waive=WHY) == Verdict([], [])
    assert stage.states[1] == "late_change"
    assert stage.prove(0, 2, "r2") == Verdict([], [])
    assert stage.states == {0: "verified", 1: "excepted", 2: "verified"}
    assert in_silver(stage) == [A, B, C, D, E, b"other"]
    one = stage.entry(1)
    assert (one.tiers.bronze, one.bronze.records, one.tiers.silver) == (4, 3, 3)
    stage.prove(0, 2, "r3", forced=True)
    assert stage.states[1] == "excepted"


def test_an_hour_that_was_never_proven_is_not_excepted_before_its_rest_is() -> None:
    stage = Stage()
    stage.put(0, "x", A)
    stage.put(0, "y", B)
    stage.prove(0, 0, "h", final=False)
    stage.lose(0, "y")
    for run in ("r1", "r2"):
        assert stage.prove(0, 0, run) == Verdict([text(0)], ["object_missing"])
    assert stage.prove(0, 0, "w", waive=WHY) == Verdict([], [])
    assert (stage.states[0], reached(stage)) == ("provisional", None)
    assert stage.prove(0, 0, "r3") == Verdict([], [])
    assert (stage.states[0], reached(stage), stage.jobs) == ("excepted", 0, 1)


def test_accepting_a_loss_does_not_excuse_what_the_hour_was_failed_for_before(stage: Stage) -> None:
    stage.commit("silver", tuple(p for p in stage.rows("silver") if p.record != C))
    assert stage.prove(1, 1, "r1") == Verdict([text(1)], ["records_unaccounted", "tables_changed"])
    stage.lose(1, "y")
    assert stage.prove(1, 1, "r2") == Verdict([text(1)], ["object_missing"])
    assert stage.prove(1, 1, "w", waive=WHY) == Verdict([], [])
    assert stage.states[1] == "provisional"
    verdict = stage.prove(1, 1, "r3")
    assert verdict is not None
    assert "records_unaccounted" in verdict.causes
    assert stage.prove(1, 1, "r4", forced=True) == Verdict([], [])
    assert stage.states[1] == "excepted"


def test_late_objects_of_an_excepted_hour_are_processed(waived: Stage) -> None:
    waived.put(1, "late", b"g click")
    assert waived.prove(1, 1, "h", final=False) == Verdict([], [])
    assert waived.states[1] == "excepted"
    assert waived.prove(0, 2, "r2") == Verdict([], [])
    assert waived.entry(1).tiers.bronze == 5


def test_a_torn_object_may_be_accepted_as_it_is() -> None:
    stage = Stage()
    records = [f"{n} {n * 7919}".encode() for n in range(500)]
    stage.put(0, "torn", body=packed(*records)[:1500])
    assert stage.prove(0, 0, "r0") == Verdict([text(0)], ["records_unknown"])
    assert stage.prove(0, 0, "w", waive=WHY) == Verdict([], [])
    for run in ("r1", "r2"):
        assert stage.prove(0, 0, run, forced=True) == Verdict([], [])
        assert stage.states[0] == "excepted"
    stage.put(0, "torn", *records)
    assert stage.prove(0, 0, "r3") == Verdict([], [])
    assert (stage.states[0], stage.entry(0).waivers) == ("verified", ())


def test_a_deficit_upstream_is_accepted_to_its_number() -> None:
    stage = Stage(source(tiers=("stream", "bronze", "silver")))
    stage.streamed = {0: 5}
    stage.put(0, "x", A)
    stage.prove(0, 0, "r0")
    assert stage.prove(0, 0, "w", waive=WHY) == Verdict([], [])
    assert stage.prove(0, 0, "r1", forced=True) == Verdict([], [])
    assert (stage.states[0], lost(stage, 0)) == ("excepted", (Loss(code="upstream_deficit", records=4),))
    stage.streamed = {0: 6}
    assert stage.prove(0, 0, "r2", forced=True) == Verdict([text(0)], ["upstream_deficit"])
    assert stage.prove(0, 0, "w2", waive=WHY) == Verdict([], [])
    assert [loss.records for loss in lost(stage, 0)] == [4, 1]
    stage.streamed = {0: 7}
    assert stage.prove(0, 0, "r3", forced=True) == Verdict([text(0)], ["upstream_deficit"])
    stage.streamed = {0: 1}
    assert stage.prove(0, 0, "r4") == Verdict([], [])
    assert stage.states[0] == "verified"


class TestAsked:
    """What people are asked, and what is not done without their answer."""

    def test_the_table(self, stage: Stage) -> None:
        stage.lose(1, "y")
        stage.put(1, "x", B)
        stage.prove(1, 1, "w", waive=WHY, until="record")
        asked = propose_waiver(stage.run("w")).as_markdown()
        assert f"Reason: {WHY}" in asked
        assert f"| {text(1)} | object_missing | {key(1, 'y')} | 2 | 0 | 2 |" in asked
        assert f"| {text(1)} | object_changed | {key(1, 'x')} | 2 | 1 | up to 2 |" in asked

    def test_without_an_approval_nothing_is_excepted(self, stage: Stage) -> None:
        stage.lose(1, "y")
        stage.prove(1, 1, "w", waive=WHY, until="record")
        propose_waiver(stage.run("w"))
        assert record_run(stage.run("w")) == Verdict([text(1)], ["object_missing"])
        assert (stage.states[1], stage.entry(1).waivers) == ("failed", ())

    @pytest.mark.parametrize(
        "deed",
        [
            lambda stage: stage.lose(1, "x"),
            lambda stage: stage.put(1, "y", D, b"bad"),
            lambda stage: stage.put(1, "z", b"late"),
        ],
        ids=["another is lost", "it is back", "a new one came"],
    )
    def test_an_approval_of_anything_but_the_present_state_is_none(
        self, stage: Stage, deed: Callable[[Stage], None]
    ) -> None:
        stage.lose(1, "y")
        verdict = stage.prove(1, 1, "w", waive=WHY, before={"record": lambda: deed(stage)})
        assert verdict == Verdict([text(1)], ["object_missing"])
        assert stage.states[1] == "failed"

    def test_an_approval_of_anything_else_is_none(self, stage: Stage) -> None:
        stage.lose(1, "y")
        stage.prove(1, 1, "w", waive=WHY, until="record")
        record_run(stage.run("w"), Answer("maria", "now", "0123456789ab"))
        assert stage.states[1] == "failed"

    def test_hours_outside_the_window_are_not_offered(self, stage: Stage) -> None:
        stage.lose(0, "x")
        stage.lose(1, "y")
        assert stage.prove(1, 1, "w", waive=WHY) == Verdict([text(0)], ["object_missing"])
        assert stage.states == {0: "failed", 1: "excepted", 2: "verified"}

    def test_what_can_be_made_again_is_not_offered(self, stage: Stage) -> None:
        stage.commit("silver", tuple(p for p in stage.rows("silver") if p.record != C))
        verdict = stage.prove(1, 1, "w", waive=WHY)
        assert verdict == Verdict([text(1)], ["records_unaccounted", "tables_changed"])
        proposal = propose_waiver(stage.run("w"))
        assert proposal.hours == {}
        assert (
            f"- {text(1)} stays failed: records_unaccounted, tables_changed: run with `force`" in proposal.as_markdown()
        )

    def test_a_later_approval_in_the_same_run_is_recorded_beside_hours_that_stay_failed(self, stage: Stage) -> None:
        stage.lose(0, "x")
        stage.lose(1, "y")
        stage.prove(1, 1, "w", waive=WHY, until="record")
        assert record_run(stage.run("w")) == Verdict([text(0), text(1)], ["object_missing"])
        answer = Answer("maria", "now", propose_waiver(stage.run("w")).digest)
        for _ in range(2):
            assert record_run(stage.run("w"), answer) == Verdict([text(0)], ["object_missing"])
            assert stage.states == {0: "failed", 1: "excepted", 2: "verified"}
        assert [e.state for e in stage.entries if e.run == "w"] == ["failed", "failed", "excepted"]


class TestReceipts:
    """Records of a lost object are missing in the producer's receipts too, once its hour is processed again."""

    @pytest.fixture
    def stage(self) -> Stage:
        """Object y of hour 1 holds a record that was acknowledged in hour 2, and is lost and accepted."""
        made = Stage(source(tiers=("producer", "bronze", "silver")))
        made.put(1, "x", A)
        made.put(1, "y", B, C)
        made.put(2, "x", D)
        made.acknowledge(1, A, B)
        made.acknowledge(2, C, D)
        made.prove(0, 2, "r0")
        made.lose(1, "y")
        assert made.prove(1, 1, "w", waive=WHY) == Verdict([], [])
        return made

    def test_the_same_loss_is_accepted_once(self, stage: Stage) -> None:
        assert stage.prove(0, 2, "r1") == Verdict([], [])
        for run in ("r2", "r3"):
            assert stage.prove(0, 2, run, forced=True) == Verdict([], [])
            assert stage.states == {0: "verified", 1: "excepted", 2: "excepted"}
        (one,), (two,) = stage.entry(1).waivers, stage.entry(2).waivers
        assert (one.followed, two.followed) == (1, 1)
        assert (two.waived_by, two.losses) == ("maria", ())

    def test_hour_by_hour_as_well(self, stage: Stage) -> None:
        for hour in (1, 2):
            assert stage.prove(hour, hour, f"r{hour}", forced=True) == Verdict([], [])
        assert stage.states == {0: "verified", 1: "excepted", 2: "excepted"}

    @pytest.mark.parametrize("hour", [1, 2])
    def test_what_is_missing_beyond_it_fails(self, stage: Stage, hour: int) -> None:
        stage.prove(0, 2, "r1", forced=True)
        stage.acknowledge(hour, E)
        assert stage.prove(0, 2, "r2", forced=True) == Verdict([text(hour)], ["acknowledged_missing"])

    @pytest.mark.parametrize("hour", [1, 2])
    def test_while_its_rows_are_in_silver_nothing_is_excused(self, stage: Stage, hour: int) -> None:
        stage.acknowledge(hour, E)
        stage.put(2, "late", b"h click")
        without = [placed for placed in stage.rows("silver") if placed.record != A]
        stage.commit("silver", tuple(without))
        verdict = stage.prove(1, 2, "r1")
        assert verdict is not None
        assert "acknowledged_missing" in stage.entry(hour).causes

    def test_once_it_is_back_nothing_is_excepted(self, stage: Stage) -> None:
        stage.prove(0, 2, "r1", forced=True)
        stage.put(1, "y", B, C)
        assert stage.prove(0, 2, "r2", forced=True) == Verdict([], [])
        assert stage.states == dict.fromkeys(range(3), "verified")

    def test_a_missing_record_is_accepted_by_number(self, stage: Stage) -> None:
        stage.acknowledge(0, E)
        assert stage.prove(0, 0, "r1", forced=True) == Verdict([text(0)], ["acknowledged_missing"])
        assert stage.prove(0, 0, "w2", waive=WHY) == Verdict([], [])
        assert lost(stage, 0) == (Loss(code="acknowledged_missing", records=1),)
        for number, record in enumerate((b"h click", b"i click")):
            stage.acknowledge(0, record)
            assert stage.prove(0, 0, f"r{number}2", forced=True) == Verdict([text(0)], ["acknowledged_missing"])
            assert stage.prove(0, 0, f"w{number}2", waive=WHY) == Verdict([], [])
        assert [loss.records for loss in lost(stage, 0)] == [1, 1, 1]
