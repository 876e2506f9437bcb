"""Bronze's count as manifests, and the plan file that the job reads."""

from __future__ import annotations

import orjson
import pytest

from clickstream.contract.schema import Schema
from clickstream.reconciliation.count import contract_versions, job_plan, make_manifests, manifest_query, named_object
from clickstream.sources.model import Source
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.reconciliation.makers import (
    at,
    counted,
    entry,
    key,
    listed,
    manifest,
    place,
    plan,
    row,
    source,
    sums,
    text,
)

LAKE = "s3://clickstream-000000000000-lake"


@pytest.mark.parametrize(
    ("failure", "named"),
    [
        (f"HIVE_CURSOR_ERROR: Failed to read file at {LAKE}/{key(1, 'x')}", key(1, "x")),
        (
            f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {LAKE}/{key(1, 'x')} (offset=0, length=9): bad",
            key(1, "x"),
        ),
        (f"HIVE_BAD_DATA: Error reading file '{LAKE}/{key(1, 'x')}'", key(1, "x")),
        (f"HIVE_BAD_DATA: Malformed Parquet file. No index [{LAKE}/{key(1, 'x')}]", key(1, "x")),
        (f"GENERIC: see s3://another/a.gz, then {LAKE}/{key(1, 'x')}, and more", key(1, "x")),
        ("GENERIC: see s3://another/a.gz", None),
        ("EXCEEDED_MEMORY_LIMIT: 10 GB", None),
        ("", None),
    ],
)
def test_the_object_that_a_failure_names_is_read_out_of_it(failure: str, named: str | None) -> None:
    assert named_object(place(), failure) == named


def test_the_count_leaves_out_what_cannot_be_read() -> None:
    sql = manifest_query(place(), source(), [text(1), text(2)], [key(1, "torn")])
    assert f"IN ('{text(1)}', '{text(2)}')" in sql
    assert f"NOT IN ('{LAKE}/{key(1, 'torn')}')" in sql
    assert '"clickstream"."retail_web_bronze_text"' in sql
    assert "NOT IN ('')" in manifest_query(place(), source(), [text(1)], [])


def test_a_manifest_has_each_listed_object_with_what_was_counted_in_it() -> None:
    x, y, empty = counted(1, "x", b"a", b"b"), counted(1, "y", b"c"), counted(1, "z")
    torn = counted(2, "torn", b"d", unreadable=True)
    rows = [
        row(path=f"{LAKE}/{x.key}", **sums(b"a", b"b")),
        row(path=f"{LAKE}/{y.key}", **sums(b"c")),
        row(path=f"{LAKE}/{key(1, 'came later')}", **sums(b"e")),
    ]
    listings = {text(2): listed(torn), text(1): listed(x, y, empty), text(3): []}
    made = make_manifests(place(), source(), listings, rows, {torn.key: torn}, {text(n): "1.0.0" for n in (1, 2, 3)})
    assert made == [manifest(1, x, y, empty), manifest(2, torn), manifest(3)]


def test_a_manifest_s_digest_and_place_are_those_of_its_content() -> None:
    one, same, other = manifest(1, counted(1, "x", b"a")), manifest(1, counted(1, "x", b"a")), manifest(1)
    assert one.digest == same.digest != other.digest
    s3 = MemoryS3()
    assert one.store(s3, "evidence") == same.store(s3, "evidence") != other.store(s3, "evidence")
    assert one.content.plus(one.content).records == 2


class TestContracts:
    """Which version judges an hour."""

    newer = source(events=source().events.model_copy(update={"contract": "2.0.0"}))

    def versions(self, contract: str) -> dict[str, str]:
        current = {at(hour): entry(hour, contract="1.0.0") for hour in (0, 1)}
        return contract_versions(self.newer, plan(1, 2, contract=contract), current, [text(0), text(1), text(2)])

    def test_an_hour_keeps_the_version_that_it_was_first_judged_by(self) -> None:
        assert self.versions("pinned") == {text(0): "1.0.0", text(1): "1.0.0", text(2): "2.0.0"}

    def test_a_run_may_ask_for_the_latest_for_its_window_and_for_no_other_hour(self) -> None:
        assert self.versions("latest") == {text(0): "1.0.0", text(1): "2.0.0", text(2): "2.0.0"}

    def test_only_an_hour_judged_by_another_version_has_anything_to_ask_for(self) -> None:
        one, two = (entry(1, contract=version) for version in ("1.0.0", "2.0.0"))
        assert plan(1, 2, contract="latest").asks_for_other_contract(one, self.newer)
        assert not plan(1, 2, contract="latest").asks_for_other_contract(two, self.newer)
        assert not plan(1, 2, contract="pinned").asks_for_other_contract(one, self.newer)


def test_the_job_s_plan_is_complete_and_json() -> None:
    schemas = {"1.0.0": Schema("1.0.0", {"type": "object"})}
    known = {text(0): "s3://evidence/0.json", text(1): "s3://evidence/1.json"}
    made = job_plan(place(), source(), plan(1, 2), [manifest(1, counted(1, "x", b"a"))], known, schemas)
    document = orjson.loads(orjson.dumps(made))
    assert document["run_id"] == "r1"
    assert [hour["arrival_hour"] for hour in document["hours"]] == [text(1)]
    assert set(document["hours"][0]["objects"][0]) == {"key", "etag", "size"}
    assert document["manifests"] == {text(0): "s3://evidence/0.json"}
    assert document["schemas"] == {"1.0.0": {"type": "object"}}
    assert Source.model_validate(document["source"]) == source()
    assert document["result"] == f"{LAKE}/runs/retail_web/r1/result.json"
