"""The same Bronze, proven in any order and as often as anyone likes, gives the same Silver and rejects, row for row."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clickstream.lake.windows import Window, hour_text
from tests.integration.stack.clouds import copy_of
from tests.integration.stack.feed import DAYS, Feed
from tests.integration.stack.proof import Lake, lake_on


@pytest.mark.full
def test_forward_and_then_all_at_once_again(proven_state: Path, feed: Feed, tmp_path: Path) -> None:
    with lake_on(copy_of(proven_state, tmp_path)) as lake:
        forward, versions = lake.rows(), lake.versions("silver")
        in_silver = lake.select(f"SELECT event_id, arrival_hour FROM {lake.table('silver')}")
        assert len(in_silver) == len(feed.first_hours)
        assert {row["event_id"]: row["arrival_hour"] for row in in_silver} == feed.first_hours
        assert sum(map(len, forward.values())) == sum(map(len, feed.hours.values()))

        _prove_all(lake, [lake.days()], forced=True)
        assert lake.versions("silver") != versions
        assert lake.rows() == forward


@pytest.mark.full
@pytest.mark.parametrize(
    "order",
    [
        pytest.param(lambda lake: [lake.days(day, day) for day in reversed(range(DAYS))], id="backward"),
        pytest.param(lambda lake: lake.hours(), id="hour-by-hour"),
        pytest.param(lambda lake: [*lake.hours()[::2], *lake.hours()[1::2]], id="every-other-hour-first"),
        pytest.param(lambda lake: [lake.days()], id="all-at-once"),
    ],
)
def test_any_order(order: Callable[[Lake], list[Window]], sent_state: Path, proven_state: Path, tmp_path: Path) -> None:
    with lake_on(copy_of(proven_state, tmp_path)) as lake:
        forward = lake.rows()
    with lake_on(copy_of(sent_state, tmp_path / "again")) as lake:
        _prove_all(lake, order(lake))
        assert lake.rows() == forward
        _prove_all(lake, [lake.days()], forced=True)
        assert lake.rows() == forward


def _prove_all(lake: Lake, windows: list[Window], *, forced: bool = False) -> None:
    """Prove windows one after the other; in the end each of their hours is verified."""
    for window in windows:
        outcome = lake.prove(window, forced=forced)
    wanted = {hour_text(hour) for window in windows for hour in window}
    assert {hour: outcome.states[hour] for hour in wanted} == dict.fromkeys(wanted, "verified")
