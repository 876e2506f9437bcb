"""In whatever order, portions and however often hours are processed, the same rows come out; and the right ones."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from clickstream.provisioning.resource import Cloud as Account
from tests.integration.spark.conftest import Lake
from tests.integration.spark.reference import Row, expected
from tests.integration.stack.feed import DAYS, HOURS_OF_A_DAY

PLACE = ("arrival_hour", "object_id", "raw_hash")
Portions = list[list[str]]


def by_day(hours: list[str]) -> Portions:
    return [hours[day * HOURS_OF_A_DAY :][:HOURS_OF_A_DAY] for day in range(DAYS)]


def shuffled(hours: list[str]) -> Portions:
    return [[hour] for hour in random.Random(7).sample(hours, len(hours))]


ORDERS: dict[str, Callable[[list[str]], Portions]] = {
    "forward": by_day,
    "in reverse": lambda hours: by_day(hours)[::-1],
    "all at once, and again": lambda hours: [hours, hours, hours[5:6], hours[6:7]],
    "hour by hour": lambda hours: [[hour] for hour in hours],
    "hours in reverse": lambda hours: [[hour] for hour in hours[::-1]],
    "hours in any order": shuffled,
    "overlapping": lambda hours: [hours[4:10], hours[:6], hours[3:]],
}
SHORT = ("in reverse", "all at once, and again")


@pytest.fixture(scope="module")
def wanted(account: Account, bronze: dict[str, list[dict[str, Any]]]) -> tuple[list[Row], list[Row]]:
    s3, bucket = account.client("s3"), account.names.lake
    bodies = {
        (hour, each["key"]): s3.get_object(Bucket=bucket, Key=each["key"])["Body"].read()
        for hour, objects in bronze.items()
        for each in objects
    }
    return expected(bodies)


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """All columns of all rows, as the first order left them."""
    return {}


@pytest.mark.parametrize(
    "order", [order if order in SHORT else pytest.param(order, marks=pytest.mark.full) for order in ORDERS]
)
def test_every_order_ends_with_the_rows_of_the_reference(
    order: str,
    lake: Lake,
    wanted: tuple[list[Row], list[Row]],
    seen: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if order.startswith("hour"):
        monkeypatch.setattr("silver_job.winners.CROWD", 500)  # so that some dates are crowded
    before = lake.by_hour()
    for portion in ORDERS[order](sorted(lake.hours)):
        again = {*portion} <= lake.processed
        result = lake.run(portion)
        after = lake.by_hour()
        changed = {hour for hour in {*before, *after} if before.get(hour) != after.get(hour)}
        assert changed <= {*result["hours"]}, "an hour was changed that the run does not own up to"
        assert not (again and changed), "what was processed before is not as it was"
        before = after
    silver, rejects = wanted
    assert sorted((*row[:4], str(row[4])) for row in lake.select("silver", *PLACE, "event_id", "event_date")) == silver
    found = lake.select("rejects", *PLACE, "fate", "reason", "winner_hour", "winner_object", "winner_hash")
    assert sorted(found, key=repr) == rejects
    assert lake.rows() == seen.setdefault("rows", lake.rows())
    assert lake.scratch() == []


def test_what_is_written_is_audited_before_anyone_sees_it_and_its_branches_are_kept_for_a_look(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bronze_to_silver  # type: ignore[import-not-found,unused-ignore]
    from silver_job.audit import AuditFailed  # type: ignore[import-not-found,unused-ignore]

    honest, hour = bronze_to_silver.write_good, min(lake.hours)
    with monkeypatch.context() as patch, pytest.raises(AuditFailed, match=r"silver\.branch_run_\w+ and .* are kept"):
        patch.setattr(bronze_to_silver, "write_good", lambda *arguments: honest(*arguments)[1:])
        lake.run([hour])
    assert lake.rows() == {"silver": [], "rejects": []}
    assert len(lake.branches()) == 2

    lake.run([hour])
    assert lake.branches() == []
    # And the rows of each file lie by session and time.
    files = defaultdict(list)
    for file, _, *place in sorted(lake.select("silver", "_file", "_pos", *lake.source.silver_order)):
        files[file].append(tuple((value is None, value or "") for value in place))
    assert files
    assert all(rows == sorted(rows) for rows in files.values())
