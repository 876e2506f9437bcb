"""Gold follows Silver: what is out of date is made anew by whatever runs next, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from clickstream.reconciliation.gold.steps import CheckGold, record_gold
from clickstream.reconciliation.report import source_report
from clickstream.reconciliation.steps import Verdict
from tests.unit.reconciliation.gold_stage import KINDS, GoldStage
from tests.unit.reconciliation.makers import START

DAY = 24
A, B, C = b"a click", b"b click", b"c click"


def day(number: int) -> str:
    return f"{START + timedelta(days=number):%Y-%m-%d}"


@pytest.fixture
def stage() -> GoldStage:
    """Two days are settled."""
    made = GoldStage()
    made.put(0, "x", A, B)
    made.put(DAY, "x", C, b"old click @" + day(0).encode())
    assert made.settle(0, DAY - 1, "r0") == "build"
    assert made.settle(DAY, 2 * DAY - 1, "r1") == "build"
    assert made.gold_jobs == 2
    return made


def is_true_to_silver(stage: GoldStage) -> bool:
    return all(stage.content(kind) == stage.silver() for kind in KINDS)


def test_gold_is_made_of_the_dates_that_a_run_brought_and_each_has_its_entry(stage: GoldStage) -> None:
    assert is_true_to_silver(stage)
    assert stage.verdict == Verdict([], [])
    assert {date: (entry.run, entry.state) for date, entry in stage.dates.items()} == {
        day(0): ("r1", "verified"),
        day(1): ("r1", "verified"),
    }
    entry = stage.dates[day(0)]
    assert entry.silver.records == 3
    assert entry.gold == {"gold_daily": 3, "gold_sessions": 3}
    assert entry.code_digest == "abc"
    assert entry.gold_snapshots == {kind: stage.gold[kind][-1].id for kind in KINDS}


def test_a_date_is_told_with_what_gold_accounts_for(stage: GoldStage) -> None:
    told = {date["event_date"]: date for date in source_report(stage.place, stage.source)["dates"]}
    assert told[day(0)]["silver"] == 3
    assert told[day(0)]["gold"] == {"retail_web_gold_daily": 3, "retail_web_gold_sessions": 3}


def test_a_date_without_gold_is_open_and_one_with_new_records_is_out_of_date(stage: GoldStage) -> None:
    stage.put(DAY + 1, "x", b"late click @" + day(0).encode(), b"new click @" + day(-1).encode())
    stage.prove(DAY, 2 * DAY - 1, "hourly")
    told = {date["event_date"]: date["state"] for date in source_report(stage.place, stage.source)["dates"]}
    assert told == {day(-1): "open", day(0): "late_change", day(1): "verified"}


def test_without_a_change_nothing_is_made_or_checked(stage: GoldStage) -> None:
    assert stage.settle(DAY, 2 * DAY - 1, "r2") == "none"
    assert stage.settle(2 * DAY, 3 * DAY - 1, "r3") == "none"
    assert stage.gold_jobs == 2


def test_a_late_event_of_a_settled_date_makes_that_date_anew_and_those_around_it(stage: GoldStage) -> None:
    stage.put(2 * DAY, "x", b"late click @" + day(0).encode())
    assert stage.settle(2 * DAY, 3 * DAY - 1, "r2") == "build"
    assert is_true_to_silver(stage)
    assert stage.gold["gold_daily"][-1].dates == tuple(map(day, (-1, 0, 1, 2)))
    assert {date: entry.run for date, entry in stage.dates.items()} == {day(0): "r2", day(1): "r2"}


def test_a_date_that_loses_its_last_record_is_cleared() -> None:
    stage = GoldStage()
    moved = b"m click @" + day(2).encode()
    stage.put(5 * DAY, "x", moved)
    stage.put(5 * DAY, "y", A)
    stage.settle(5 * DAY, 6 * DAY - 1, "r0")
    stage.commit("silver", tuple(p for p in stage.rows("silver") if p.record != moved), "r1", ())
    stage.settle(5 * DAY, 6 * DAY - 1, "r2")
    assert is_true_to_silver(stage)
    assert stage.dates[day(2)].silver.records == 0


def test_force_makes_gold_anew_of_what_did_not_change(stage: GoldStage) -> None:
    assert stage.settle(DAY, 2 * DAY - 1, "r2", forced=True) == "build"
    assert (stage.gold_jobs, is_true_to_silver(stage)) == (3, True)


def test_hours_that_another_schedule_processed_are_in_the_gold_of_the_day(stage: GoldStage) -> None:
    stage.put(2 * DAY, "x", b"d click")
    stage.prove(2 * DAY, 2 * DAY, "hourly")
    assert stage.settle(2 * DAY, 3 * DAY - 1, "r2") == "build"
    assert is_true_to_silver(stage)


def test_dates_that_no_window_reaches_any_more_are_made_up_for() -> None:
    """Gold came to the source later, or a run was killed long ago: the ledger's hours tell."""
    stage = GoldStage()
    stage.put(0, "x", A)
    stage.prove(0, DAY - 1, "r0")
    assert stage.settle(40 * DAY, 41 * DAY - 1, "r1") == "build"
    assert is_true_to_silver(stage)


@pytest.mark.parametrize("step", ["plan", "job", "check", "record"])
def test_a_run_that_is_killed_is_made_up_for_by_the_next(stage: GoldStage, step: str) -> None:
    stage.put(2 * DAY, "x", b"d click", b"late click @" + day(0).encode())
    stage.settle(2 * DAY, 3 * DAY - 1, "killed", until=step)
    assert stage.dates[day(0)].run == "r1"
    assert stage.settle(3 * DAY, 4 * DAY - 1, "r3") == "build"
    assert is_true_to_silver(stage)
    assert stage.dates[day(0)].run == stage.dates[day(2)].run == "r3"
    jobs = stage.gold_jobs
    assert stage.settle(4 * DAY, 5 * DAY - 1, "r4") == "none"
    assert stage.gold_jobs == jobs


def test_gold_that_was_made_of_an_older_silver_by_a_killed_run_is_not_believed(stage: GoldStage) -> None:
    """Silver went back to what it was: the fingerprint alone would call the date sound."""
    stage.put(2 * DAY, "x", b"late click @" + day(0).encode())
    before = stage.rows("silver")
    stage.settle(2 * DAY, 3 * DAY - 1, "killed", until="check")
    stage.commit("silver", before, "repair", ())
    stage.settle(3 * DAY, 4 * DAY - 1, "r3")
    assert stage.content("gold_daily")[day(0)] == stage.silver()[day(0)]


def damage(stage: GoldStage) -> None:
    """Somebody deletes a record of the first date."""
    content = {**stage.content("gold_sessions"), day(0): stage.content("gold_sessions")[day(0)][1:]}
    stage.write_gold("gold_sessions", content)


def test_what_somebody_else_did_to_gold_fails_its_date_until_a_forced_run_makes_it_anew(stage: GoldStage) -> None:
    damage(stage)
    stage.put(30 * DAY, "x", b"z click")
    assert stage.settle(30 * DAY, 31 * DAY - 1, "r2") == "build"
    assert stage.verdict == Verdict([day(0)], ["sessions_differ"])
    assert stage.dates[day(0)].findings
    assert stage.dates[day(1)].state == "verified"
    assert stage.settle(0, DAY - 1, "r3") == "check"
    assert stage.verdict == Verdict([day(0)], ["sessions_differ"])
    assert stage.settle(0, DAY - 1, "r4", forced=True) == "build"
    assert stage.verdict == Verdict([], [])
    assert stage.dates[day(0)].state == "verified"


def test_a_failed_date_is_told_as_failed(stage: GoldStage) -> None:
    damage(stage)
    stage.settle(0, DAY - 1, "r2")
    told = {date["event_date"]: date["state"] for date in source_report(stage.place, stage.source)["dates"]}
    assert told[day(0)] == "failed"


def test_all_dates_are_made_anew_by_another_declaration(stage: GoldStage) -> None:
    gold = stage.source.declared_gold
    sessions = gold.tables["gold_sessions"].model_copy(update={"gap_minutes": 20})
    changed = gold.model_copy(update={"tables": gold.tables | {"gold_sessions": sessions}})
    stage.source = stage.source.model_copy(update={"gold": changed})
    assert stage.settle(30 * DAY, 31 * DAY - 1, "r2") == "build"
    assert {entry.run for entry in stage.dates.values()} == {"r2"}
    assert stage.settle(30 * DAY, 31 * DAY - 1, "r3") == "none"


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_that_was_made_anew_is_filled_again(stage: GoldStage, kind: str) -> None:
    stage.gold[kind].clear()
    stage.describe_gold(kind)
    assert stage.settle(30 * DAY, 31 * DAY - 1, "r2") == "build"
    assert is_true_to_silver(stage)


def test_an_older_check_does_not_speak_of_dates_that_another_run_has_made_since(stage: GoldStage) -> None:
    stage.put(2 * DAY, "x", b"d click")
    stage.settle(2 * DAY, 3 * DAY - 1, "first", until="record")
    stage.put(3 * DAY, "x", b"late click @" + day(2).encode())
    stage.settle(3 * DAY, 4 * DAY - 1, "second")
    assert stage.dates[day(2)].run == "second"
    entries = stage.dates
    record_gold(stage.run("first"))
    assert stage.dates == entries


@pytest.fixture
def beside(stage: GoldStage) -> GoldStage:
    """The job of the next run, of the dates around the thirtieth day, replaces the first in one table as well."""
    stage.put(30 * DAY, "x", b"z click")
    stage.beside = (day(0),)
    return stage


def test_a_date_that_the_job_replaced_beside_the_plans_is_checked_and_has_its_entry(beside: GoldStage) -> None:
    silver = beside.dates[day(0)].silver
    assert beside.settle(30 * DAY, 31 * DAY - 1, "r2") == "build"
    assert beside.verdict == Verdict([], [])
    entry = beside.dates[day(0)]
    assert (entry.run, entry.state, entry.silver) == ("r2", "verified", silver)
    assert entry.gold_snapshots == beside.dates[day(30)].gold_snapshots
    assert beside.dates[day(1)].run == "r1"
    assert beside.settle(31 * DAY, 32 * DAY - 1, "r3") == "none"


def test_a_date_beside_the_plans_that_differs_fails_also_when_the_check_is_repeated(beside: GoldStage) -> None:
    beside.settle(30 * DAY, 31 * DAY - 1, "r2", until="check")
    content = {**beside.content("gold_sessions"), day(0): ()}
    beside.gold["gold_sessions"][-1] = replace(beside.gold["gold_sessions"][-1], content=content)
    for _ in range(2):
        beside.ask("r2", CheckGold())
        assert record_gold(beside.run("r2")).failed == [day(0)]


def test_what_a_job_touched_before_it_was_killed_and_run_again_is_checked(beside: GoldStage) -> None:
    beside.settle(30 * DAY, 31 * DAY - 1, "r2", until="check")
    beside.beside = ()
    beside.gold_job("r2")
    beside.ask("r2", CheckGold())
    record_gold(beside.run("r2"))
    assert beside.dates[day(0)].run == "r2"


def test_dates_beside_the_plans_of_a_run_that_is_killed_are_made_up_for_by_the_next(beside: GoldStage) -> None:
    beside.settle(30 * DAY, 31 * DAY - 1, "killed", until="check")
    beside.beside = ()
    assert beside.settle(31 * DAY, 32 * DAY - 1, "r3") == "build"
    assert beside.dates[day(0)].run == "r3"


def test_a_repeated_record_tells_the_same_and_appends_nothing(stage: GoldStage) -> None:
    damage(stage)
    stage.settle(0, DAY - 1, "r2")
    told, entries = stage.verdict, stage.dates
    stage.settle_gold("r2", until="record")
    assert stage.verdict == told
    assert stage.dates == entries


def test_before_anything_is_in_silver_there_is_nothing_to_do() -> None:
    stage = GoldStage()
    stage.put(0, "x", A)
    stage.prove(0, 0, "r0", until="job")
    assert stage.settle_gold("r0") == "none"
    assert stage.dates == {}
