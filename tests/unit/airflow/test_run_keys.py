"""From a DAG run's context to what it is asked for, and to the name of a run."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_letters, digits
from types import SimpleNamespace
from typing import Any

import pytest

from clickstream.airflow import runs
from clickstream.airflow.incidents import Refused, Unpaged
from clickstream.airflow.proof import requested
from clickstream.airflow.runs import run_key, source_named
from clickstream.sources.loader import INCLUDE, InvalidSources
from tests.unit.reconciliation.makers import source

DAY = "2026-11-18T00:00:00Z/2026-11-19T00:00:00Z"
HOURS = "2026-11-17T13:00:00Z/2026-11-17T15:00:00Z"


def context(run_type: str = "scheduled", clear_number: int = 0, run_id: str = "r", **params: Any) -> dict[str, Any]:
    dag_run = SimpleNamespace(
        dag_id="retail_web__daily",
        run_id=run_id,
        run_type=run_type,
        clear_number=clear_number,
        data_interval_start=datetime(2026, 11, 18, tzinfo=UTC),
        data_interval_end=datetime(2026, 11, 19, tzinfo=UTC),
    )
    return {
        "dag_run": dag_run,
        "params": {"window": None, "force": False, "contract": "pinned", "waive": None, **params},
    }


@pytest.mark.parametrize(
    ("run_type", "cleared", "forced"), [("scheduled", 0, False), ("scheduled", 1, True), ("backfill", 0, True)]
)
def test_a_run_has_the_day_that_it_was_made_for(run_type: str, cleared: int, forced: bool) -> None:
    request = requested(context(run_type, cleared), source())
    assert (str(request.window), request.forced, request.contract, request.waive) == (DAY, forced, "pinned", "")


def test_a_run_by_hand_does_what_its_params_say() -> None:
    request = requested(context("manual", window=HOURS, waive="no version is left"), source())
    assert (str(request.window), request.forced, request.waive) == (HOURS, False, "no version is left")


def test_params_that_cannot_be_meant_fail_the_task_for_good_and_page_nobody() -> None:
    with pytest.raises(Refused, match=r"params\.window = None.*needs START/END"):
        requested(context("manual"), source())
    with pytest.raises(Refused, match="has not ended"):
        requested(context("manual", window="2999-01-01T00:00:00Z/2999-01-02T00:00:00Z"), source())
    assert issubclass(Refused, Unpaged)


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
