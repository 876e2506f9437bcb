"""Following runs to their end, and what is said of days that are not proven."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from commands import runs
from commands.airflow_api import Airflow, Run, Task
from commands.terminal import Failed

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
DAG = "shop__daily"


class Scripted:
    """An Airflow whose runs change with each look, as told; the last look stays."""

    def __init__(self, *looks: list[Run], tasks: list[Task] | None = None) -> None:
        self._looks = list(looks)
        self._tasks = tasks or []

    def runs(self, dag: str, first: date, last: date) -> list[Run]:
        assert dag == DAG
        return self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]

    def tasks(self, dag: str, run: str) -> list[Task]:
        return self._tasks


def scripted(*looks: list[Run], tasks: list[Task] | None = None) -> Airflow:
    return cast(Airflow, Scripted(*looks, tasks=tasks))


def run(day: date, state: str) -> Run:
    return Run(f"scheduled__{day}", day, state, "scheduled", None)


def task(name: str, state: str, map_index: int = -1) -> Task:
    return Task(name, map_index, state, f"task_id={name}/attempt=2.log")


def report(gold: str = "verified", **states: str) -> dict[str, Any]:
    """A status report: the state of each hour of a day, by the day's name, and of Monday in Gold."""
    days = {"monday": MONDAY, "tuesday": TUESDAY}
    hours = [
        {"arrival_hour": f"{days[name]}T{hour:02}:00:00Z", "state": state}
        for name, told in states.items()
        for hour, state in enumerate(told.split())
    ]
    return {"sources": {"shop": {"hours": hours, "dates": [{"event_date": str(MONDAY), "state": gold}]}}}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Time passes only by sleeping."""
    now = [0.0]
    monkeypatch.setattr(runs.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(runs.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    yield


def test_follow_ends_when_every_day_has_ended_well_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    airflow = scripted(
        [],
        [run(MONDAY, "running")],
        [run(MONDAY, "failed"), run(TUESDAY, "queued")],
        [run(MONDAY, "failed"), run(TUESDAY, "success")],
        tasks=[task("plan", "success"), task("count", "deferred")],
    )
    runs.follow(airflow, DAG, [MONDAY, TUESDAY])
    said = capsys.readouterr().out
    assert "2026-11-16: 1 tasks done, at count" in said
    assert said.index("2026-11-16: failed") < said.index("2026-11-17: success")
    assert said.count("2026-11-16: failed") == 1


def test_follow_does_not_wait_for_days_that_were_not_asked_for() -> None:
    runs.follow(scripted([run(MONDAY, "success"), run(TUESDAY, "running")]), DAG, [MONDAY])


def test_follow_gives_up_on_a_run_that_airflow_does_not_make() -> None:
    with pytest.raises(Failed, match="no run of shop__daily for 2026-11-17"):
        runs.follow(scripted([run(MONDAY, "success")]), DAG, [MONDAY, TUESDAY])


def test_follow_gives_up_on_a_run_that_hangs() -> None:
    with pytest.raises(Failed, match="nothing has changed"):
        runs.follow(scripted([run(MONDAY, "running")]), DAG, [MONDAY])


def test_a_day_is_proven_when_each_of_its_hours_is() -> None:
    days = [MONDAY, TUESDAY]
    assert runs.unproven(report(monday="verified excepted", tuesday="verified"), "shop", days) == []
    assert runs.unproven(report(monday="verified failed", tuesday="verified"), "shop", days) == [MONDAY]
    assert runs.unproven(report(monday="verified late_change", tuesday="open"), "shop", days) == days
    assert runs.unproven(report(monday="verified"), "shop", days) == [TUESDAY]  # of which nothing is known


def test_a_day_is_not_proven_without_its_gold() -> None:
    for state, missing in (("verified", []), ("late_change", []), ("open", [MONDAY]), ("failed", [MONDAY])):
        assert runs.unproven(report(monday="verified", gold=state), "shop", [MONDAY]) == missing
    told = runs.why_unproven(scripted([]), Path(), report(monday="verified", gold="open"), "shop", [MONDAY])
    assert str(told) == "shop 2026-11-16 is not verified: hours: 1 verified, Gold open; run: none"


def test_a_day_is_judged_when_some_hour_has_a_verdict() -> None:
    assert not runs.judged(report(monday="open provisional"), "shop", MONDAY)
    assert runs.judged(report(monday="open failed"), "shop", MONDAY)
    assert runs.judged(report(monday="verified provisional"), "shop", MONDAY)


def test_what_is_said_of_an_unproven_day(tmp_path: Path) -> None:
    airflow = scripted([run(MONDAY, "failed")], tasks=[task("plan", "success"), task("reconcile", "failed", 3)])
    told = runs.why_unproven(airflow, tmp_path, report(monday="verified failed failed"), "shop", [MONDAY, TUESDAY])
    monday, tuesday = str(told).splitlines()
    assert monday == (
        "shop 2026-11-16 is not verified: hours: 2 failed, 1 verified; run: failed; failed tasks: reconcile[3]"
    )
    assert tuesday == "shop 2026-11-17 is not verified: hours: none known; run: none"
    assert told.log == tmp_path / "task_id=reconcile/attempt=2.log"
    assert told.todo
    assert "make backfill SOURCE=shop FROM=2026-11-16 TO=2026-11-17" in told.todo
