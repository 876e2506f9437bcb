"""From a DAG run's context to the window, the force and the name of a run."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_letters, digits
from types import SimpleNamespace
from typing import Any

import pytest

from clickstream.airflow import runs
from clickstream.airflow.proof import is_forced, requested_window
from clickstream.airflow.runs import run_key, source_named
from clickstream.sources.loader import INCLUDE, InvalidSources

DAY = "2026-11-18T00:00:00Z/2026-11-19T00:00:00Z"


def context(run_type: str = "scheduled", clear_number: int = 0, run_id: str = "r", **params: Any) -> dict[str, Any]:
    dag_run = SimpleNamespace(
        dag_id="retail_web__daily",
        run_id=run_id,
        run_type=run_type,
        clear_number=clear_number,
        data_interval_start=datetime(2026, 11, 18, tzinfo=UTC),
        data_interval_end=datetime(2026, 11, 19, tzinfo=UTC),
    )
    return {"dag_run": dag_run, "params": {"window": None, "force": False, "contract": "pinned", **params}}


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_a_run_has_the_day_that_it_was_made_for(run_type: str) -> None:
    assert str(requested_window(context(run_type))) == DAY


@pytest.mark.parametrize("run_type", ["manual", "scheduled", "backfill"])
def test_a_window_that_is_asked_for_is_the_one_that_is_taken(run_type: str) -> None:
    asked = "2026-11-17T13:00:00Z/2026-11-17T15:00:00Z"
    assert str(requested_window(context(run_type, window=asked))) == asked


@pytest.mark.parametrize("window", [None, ""])
def test_a_run_by_hand_must_ask_for_one(window: str | None) -> None:
    """The interval of a run by hand is the one that ended before it: nobody means that."""
    with pytest.raises(ValueError, match=r"params\.window.*needs START/END"):
        requested_window(context("manual", window=window))


def test_a_window_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a whole hour"):
        requested_window(context(window="2026-11-18T00:30:00Z/2026-11-19T00:00:00Z"))


@pytest.mark.parametrize(
    ("asked", "forced"),
    [
        (context(), False),
        (context("manual"), False),
        (context(force=True), True),
        (context("manual", force=True), True),
        (context("backfill"), True),
        (context(clear_number=1), True),
    ],
    ids=["schedule", "by hand", "forced", "forced by hand", "backfill", "cleared"],
)
def test_who_asks_for_a_backfill_or_clears_a_run_wants_it_done_anew(asked: dict[str, Any], forced: bool) -> None:
    assert is_forced(asked) is forced


def test_a_run_s_name_can_be_part_of_a_key_and_tells_its_dag_run() -> None:
    made = run_key(context(run_id="scheduled__2026-11-18T00:00:00+00:00"))
    assert {*made} <= {*ascii_letters, *digits, *"._-"}
    assert "retail_web__daily" in made
    assert "scheduled__2026-11-18T00_00_00" in made


def test_a_dag_run_that_comes_back_under_its_name_is_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was deleted, or Airflow's database was: nothing that the old one left may be taken for its own."""
    names = set()
    for day in (19, 20):
        frozen = type(
            "Frozen", (datetime,), {"now": classmethod(lambda cls, zone, day=day: datetime(2026, 11, day, tzinfo=zone))}
        )
        monkeypatch.setattr(runs, "datetime", frozen)
        names.add(run_key(context()))
    assert len(names) == 2


def test_a_source_is_read_as_it_is_declared_now_and_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    include = tmp_path / "include"
    shutil.copytree(INCLUDE, include)
    monkeypatch.setattr(runs, "INCLUDE", include)
    (include / "sources/market.yaml").write_text("name: market\n")
    assert source_named("retail_web").name == "retail_web"
    with pytest.raises(InvalidSources, match=r"sources/market\.yaml: description = absent"):
        source_named("market")
    (include / "sources/market.yaml").unlink()
    with pytest.raises(KeyError, match=r"include/sources/market\.yaml is gone"):
        source_named("market")
