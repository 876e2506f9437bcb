"""The ancestry of a table's main branch, read from a metadata document as Iceberg writes it."""

from typing import Any

import orjson

from clickstream.lake.snapshots import Snapshot, columns_at, history, strangers
from tests.unit.lake.memory_s3 import MemoryS3

LOCATION = "s3://lake/silver/shop_silver/metadata/00004-x.metadata.json"


class Glue:
    def get_table(self, *, DatabaseName: str, Name: str) -> Any:  # noqa: N803
        assert (DatabaseName, Name) == ("clickstream", "shop_silver")
        return {"Table": {"Parameters": {"table_type": "ICEBERG", "metadata_location": LOCATION}}}


def snapshot(number: int, parent: int | None = None, **summary: Any) -> dict[str, Any]:
    parents = {} if parent is None else {"parent-snapshot-id": parent}
    return {"snapshot-id": number, **parents, "summary": {"operation": "overwrite", **summary}}


def read(**metadata: Any) -> list[Snapshot]:
    s3 = MemoryS3()
    s3.put_object(
        Bucket="lake",
        Key=LOCATION.removeprefix("s3://lake/"),
        Body=orjson.dumps({"format-version": 2, **metadata}),
    )
    return history(Glue(), s3, "clickstream", "shop_silver")


def ours(run: str, hours: str) -> dict[str, Any]:
    return {"clickstream.run-id": run, "clickstream.hours": hours}


def test_a_table_that_nobody_wrote_to_has_no_history() -> None:
    assert read() == []
    assert read(**{"current-snapshot-id": None}, snapshots=[], refs={}) == []
    assert read(**{"current-snapshot-id": -1}, snapshots=[]) == []


def test_what_lies_on_a_branch_only_is_not_main_s_history() -> None:
    branch = {"run_1": {"snapshot-id": 1, "type": "branch"}}
    assert read(snapshots=[snapshot(1, **ours("r1", ""))], refs=branch) == []
    assert [s.id for s in read(snapshots=[snapshot(1), snapshot(2, 1)], refs=branch | main(1))] == [1]


def main(number: int) -> dict[str, Any]:
    return {"main": {"snapshot-id": number, "type": "branch"}}


def test_the_newest_comes_first_and_the_order_in_the_file_does_not_matter() -> None:
    written = [snapshot(30, 10), snapshot(20, 30), snapshot(10)]
    assert [s.id for s in read(snapshots=written, refs=main(20))] == [20, 30, 10]


def test_a_snapshot_says_whose_it_is_and_which_hours_it_wrote() -> None:
    hours = ("2026-11-18T13:00:00Z", "2026-11-18T14:00:00Z")
    written = [snapshot(1), snapshot(2, 1, **ours("r1", ",".join(hours))), snapshot(3, 2, **ours("r2", ""))]
    assert read(snapshots=written, refs=main(3)) == [
        Snapshot(3, "r2", ()),
        Snapshot(2, "r1", hours),
        Snapshot(1, None, ()),
    ]


def test_a_snapshot_of_gold_says_which_dates_it_wrote() -> None:
    dates = {"clickstream.run-id": "r1", "clickstream.dates": "2026-11-17,2026-11-18", "clickstream.attempt": "a"}
    (made,) = read(snapshots=[snapshot(1, **dates)], refs=main(1))
    assert made == Snapshot(1, "r1", (), "a", ("2026-11-17", "2026-11-18"))


def test_history_ends_where_snapshots_were_expired() -> None:
    assert [s.id for s in read(snapshots=[snapshot(3, 2), snapshot(4, 3)], refs=main(4))] == [4, 3]


def test_metadata_without_refs_means_the_current_snapshot() -> None:
    """https://iceberg.apache.org/spec/#table-metadata-fields: refs are optional; main is then current-snapshot-id."""
    written = {"current-snapshot-id": 2, "snapshots": [snapshot(1), snapshot(2, 1)]}
    assert [s.id for s in read(**written)] == [2, 1]


def test_a_stranger_is_newer_than_any_entry_and_says_nothing_of_what_it_replaced() -> None:
    lineage = [
        Snapshot(9, "r3", ()),
        Snapshot(8, "r2", ("2026-11-18T13:00:00Z",)),
        Snapshot(7, None, ("2026-11-18T13:00:00Z",)),
        Snapshot(6, "r1", (), "a", ("2026-11-18",)),
        Snapshot(5, None, ()),
    ]
    assert strangers([lineage, []], {5}) == {9, 7}
    assert strangers([lineage], {6, None}) == {9, 7}
    assert strangers([lineage], {9}) == set()
    assert strangers([lineage], set()) == {9, 7, 5}


def test_a_snapshot_has_the_columns_of_its_own_time() -> None:
    schemas = [{"schema-id": n, "fields": [{"name": name} for name in "abc"[: n + 1]]} for n in range(3)]
    metadata = {
        "schemas": schemas,
        "snapshots": [{"snapshot-id": 7, "schema-id": 1}, {"snapshot-id": 8, "schema-id": 2}],
    }
    assert columns_at(metadata, 7) == ["a", "b"]
    assert columns_at(metadata, 8) == ["a", "b", "c"]
