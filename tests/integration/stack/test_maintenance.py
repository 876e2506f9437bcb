"""Maintenance of real tables: whatever it deletes, the next runs find all as they left it, and fakes are found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from clickstream.reconciliation.maintenance.evidence import current_tables, maintenance_ledger
from clickstream.reconciliation.steps import Verdict
from tests.integration.stack.clouds import copy_of
from tests.integration.stack.feed import DAYS
from tests.integration.stack.proof import KINDS, JobFailed, Lake, lake_on

WELL = Verdict([], [])
TABLES = (*KINDS, "gold_daily", "gold_sessions")


@pytest.fixture
def lake(proven_state: Path, tmp_path: Path) -> Iterator[Lake]:
    """Three proven days."""
    with lake_on(copy_of(proven_state, tmp_path)) as made:
        yield made


def long_after(lake: Lake) -> datetime:
    """When everything has settled, and nothing but what must be is kept."""
    return lake.source.verify_from + timedelta(days=60)


def held(lake: Lake) -> dict[str, list[str]]:
    """All rows that readers see, sorted."""
    return {kind: lake.rows_of(kind) for kind in TABLES}


def assert_nothing_to_do(lake: Lake) -> None:
    """A daily run starts no job, for Silver or for Gold."""
    run, following = lake.begin(lake.days(DAYS - 1, DAYS - 1))
    assert following == "record"
    assert lake.conclude(run, following).verdict == WELL
    assert lake.plan_gold(run) == "none"


@pytest.mark.full
def test_after_a_maintenance_an_unchanged_day_starts_no_job_and_a_forced_one_ends_the_same(lake: Lake) -> None:
    assert lake.settle(lake.days(DAYS - 1, DAYS - 1)).verdict == WELL
    rows, versions = held(lake), {kind: lake.versions(kind) for kind in TABLES}
    assert lake.conclude_maintenance(lake.plan_maintenance(long_after(lake))) == WELL
    assert held(lake) == rows
    lines = current_tables(maintenance_ledger(lake.place, lake.source).read())
    assert {*lines} == {*TABLES}
    silver = lines["silver"]
    assert (silver.rows, silver.snapshots) == (len(rows["silver"]), tuple(lake.versions("silver")[:1]))
    assert silver.files[1] < silver.files[0]
    assert silver.snapshots_expired == len({*versions["silver"]} - {*lake.versions("silver")})
    assert_nothing_to_do(lake)
    assert lake.settle(lake.days(0, 0), forced=True).verdict == WELL
    assert held(lake) == rows


@pytest.mark.full
def test_a_maintenance_that_is_killed_once_it_has_compacted_is_made_up_for_by_the_next(lake: Lake) -> None:
    rows = lake.rows()
    lake.arm(fault="kill_spark", table=lake.source.table("silver"), after_commits=1, when="after")
    with pytest.raises(JobFailed, match="exit code 137"):
        lake.conclude_maintenance(lake.plan_maintenance(long_after(lake)))
    assert lake.armed() == []
    assert lake.rows() == rows
    assert lake.begin(lake.days(DAYS - 1, DAYS - 1))[1] == "record"
    assert lake.conclude_maintenance(lake.plan_maintenance(long_after(lake))) == WELL
    assert lake.rows() == rows


@pytest.mark.full
def test_rows_that_are_deleted_once_a_maintenance_has_ended_are_found_however_old_they_are(lake: Lake) -> None:
    assert lake.conclude_maintenance(lake.plan_maintenance(long_after(lake))) == WELL
    first = lake.days(0, 0).start
    lake.select(f"DELETE FROM {lake.table('silver')} WHERE arrival_hour LIKE '{first:%Y-%m-%d}T%'")
    outcome = lake.prove(lake.days(DAYS - 1, DAYS - 1))
    assert "tables_changed" in outcome.verdict.causes
