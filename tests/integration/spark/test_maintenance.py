"""Maintenance makes tables smaller and changes no row: nobody who may read a table sees a difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from clickstream.provisioning.iceberg_tables import RejectsTable, SilverTable
from clickstream.provisioning.resource import Cloud as Account
from clickstream.sources.loader import load_sources
from tests.integration.spark.conftest import NAMES
from tests.integration.spark.maintained_lake import LONG_AGO, ROWS, MaintainedLake, hour

HOURS, SETTLED = 5, 4
PARTITIONS = 2
"""Of an hour: its events are of two dates."""


@pytest.fixture
def lake(session: SparkSession, account: Account) -> MaintainedLake:
    """An empty Silver."""
    source = load_sources()[0]["retail_web"].model_copy(update={"name": next(NAMES)})
    for table in (SilverTable, RejectsTable):
        table(source, account).create()
    return MaintainedLake(session, account, source)


@pytest.fixture
def written(lake: MaintainedLake) -> MaintainedLake:
    """Some small hourly commits."""
    for number in range(HOURS):
        lake.commit(number)
    return lake


def now() -> str:
    return datetime.now(UTC).isoformat()


def test_the_files_of_settled_hours_become_one_a_partition_and_no_row_changes(
    written: MaintainedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maintenance_job.table.SMALL_MANIFESTS", HOURS)
    before, rows, files = written.main()[0], written.rows(), written.files()
    assert min(files.values()) > PARTITIONS
    done = written.maintain(until=hour(SETTLED), tables=("silver", "rejects"))
    assert written.rows() == rows
    assert written.files() == {
        hour(number): PARTITIONS if number < SETTLED else files[hour(number)] for number in range(HOURS)
    }
    assert [*done] == ["silver"], "nobody ever wrote to rejects"
    told = done["silver"]
    assert (told["before"], told["after"]) == (before.id, written.main()[0].id)
    assert told["rows"] == SETTLED * ROWS
    assert (told["files_before"], told["files_after"]) == (sum(files.values()), sum(written.files().values()))
    assert told["bytes_after"] < told["bytes_before"]
    assert told["manifests_after"] < told["manifests_before"]
    for snapshot in written.main()[: written.main().index(before)]:
        assert (snapshot.run_id, snapshot.replaces, snapshot.attempt) == ("m", False, None)


def test_what_was_compacted_is_left_alone_from_then_on(written: MaintainedLake) -> None:
    written.maintain(until=hour(SETTLED))
    newest = written.main()[0].id
    proven = [snapshot.id for snapshot in written.main()]
    done = written.maintain(until=hour(SETTLED), proven=proven)
    assert (done["silver"]["before"], done["silver"]["after"]) == (newest, newest)
    written.maintain(since=hour(SETTLED), until=hour(HOURS), proven=proven)
    assert set(written.files().values()) == {PARTITIONS}


def test_readers_of_what_was_main_within_the_days_to_keep_still_get_its_rows_and_others_none(
    lake: MaintainedLake,
) -> None:
    first, second = lake.commit(0), lake.commit(1)
    was = lake.rows(second)
    limit = now()
    third = lake.commit(2)
    done = lake.maintain(keep_since=limit)
    assert (done["silver"]["snapshots_expired"], [s.id for s in lake.main()[-2:]]) == (1, [third, second])
    assert lake.rows(second) == was, "it was main at the limit, however old it is"
    table = f'"clickstream"."{lake.source.table("silver")}"'
    assert lake.ask(f"SELECT count(*) AS n FROM {table} FOR VERSION AS OF {second}") == [{"n": f"{2 * ROWS}"}]
    with pytest.raises(AssertionError, match=f"{first}"):
        lake.ask(f"SELECT count(*) AS n FROM {table} FOR VERSION AS OF {first}")
    assert {s.id for s in lake.main()} >= {second, third}


def test_files_that_only_expired_snapshots_name_are_deleted(written: MaintainedLake) -> None:
    files = sum(written.files().values())
    written.maintain()
    written.commit(HOURS)
    rows = written.rows()
    done = written.maintain(until=hour(HOURS), keep_since=now(), proven=[s.id for s in written.main()])
    assert done["silver"]["files_expired"] == files
    assert written.rows() == rows
    stored = written.place.s3.list_objects_v2(Bucket=written.place.lake, Prefix=f"silver/{written.source.name}_silver/")
    assert sum("/data/" in each["Key"] for each in stored["Contents"]) == sum(written.files().values())


def test_a_branch_that_a_failed_audit_left_is_kept_with_its_rows(written: MaintainedLake) -> None:
    table = written.name()
    written.session.sql(f"alter table {table} create branch run_failed")
    written.session.table(table).where(f"arrival_hour = '{hour(0)}'").writeTo(f"{table}.branch_run_failed").append()
    of_branch = written.rows(branch=".branch_run_failed")
    assert len(of_branch) == (HOURS + 1) * ROWS
    for number in range(HOURS, HOURS + 3):
        written.commit(number)
    written.maintain()
    written.maintain(keep_since=now(), orphans_before=now(), proven=[s.id for s in written.main()])
    assert written.rows(branch=".branch_run_failed") == of_branch


def test_a_run_that_was_killed_after_it_compacted_is_checked_by_the_next(written: MaintainedLake) -> None:
    from maintenance_job.plan import TablePlan  # type: ignore[import-not-found,unused-ignore]
    from maintenance_job.table import MaintainedTable  # type: ignore[import-not-found,unused-ignore]

    rows, before = written.rows(), written.main()[0].id
    plan = TablePlan(**written.plan("killed")["tables"][0])
    MaintainedTable(written.session, plan, "killed").compact()
    assert written.main()[0].id != before
    done = written.maintain(run="next")
    assert (done["silver"]["before"], done["silver"]["rows"]) == (before, HOURS * ROWS)
    assert written.rows() == rows


@pytest.mark.parametrize("number", [SETTLED - 1, SETTLED], ids=["in what is compacted", "elsewhere"])
def test_a_row_that_is_missing_behind_the_name_of_maintenance_is_found(written: MaintainedLake, number: int) -> None:
    from maintenance_job.audit import AuditFailed  # type: ignore[import-not-found,unused-ignore]

    found = written.disturb(number, "m0")
    with pytest.raises(AuditFailed, match="silver"):
        written.maintain(until=hour(SETTLED))
    assert written.main()[0].id == found, "main is as it was found"


def test_a_file_that_no_snapshot_names_is_removed_when_it_is_old(written: MaintainedLake) -> None:
    s3, lake, rows = written.place.s3, written.place.lake, written.rows()
    folder = f"silver/{written.source.name}_silver"
    orphan, neighbour = f"{folder}/data/killed.parquet", f"{folder}_of_another/data/file.parquet"
    for key in (orphan, neighbour):
        s3.put_object(Bucket=lake, Key=key, Body=b"rows of a killed job")
    done = written.maintain(orphans_before=(datetime.now(UTC) - timedelta(minutes=5)).isoformat())
    assert done["silver"]["orphans_removed"] == 0
    done = written.maintain(orphans_before=(datetime.now(UTC) + timedelta(minutes=5)).isoformat())
    assert done["silver"]["orphans_removed"] == 1
    stored = {each["Key"] for each in s3.list_objects_v2(Bucket=lake, Prefix=folder)["Contents"]}
    assert (orphan in stored, neighbour in stored) == (False, True)
    assert written.rows() == rows
    assert written.place.s3.list_object_versions(Bucket=lake, Prefix=orphan)["Versions"], "it can be brought back"


def test_nothing_is_expired_before_the_ledger_names_a_snapshot(written: MaintainedLake) -> None:
    done = written.maintain(keep_since=now(), anchor=None)
    assert done["silver"]["snapshots_expired"] == 0


def test_columns_that_were_added_since_are_no_difference(written: MaintainedLake) -> None:
    rows: Any = written.rows()
    written.session.sql(f"alter table {written.name()} add column added string")
    written.refresh()
    written.maintain(keep_since=LONG_AGO.isoformat())
    assert [row[:-1] for row in written.rows()] == rows
