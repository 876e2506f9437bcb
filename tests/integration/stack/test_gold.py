"""Gold on a real stack: every date is accounted for, late events make theirs anew, and no kill leaves half of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.stack.clouds import copy_of
from tests.integration.stack.feed import DAYS, Feed
from tests.integration.stack.proof import JobFailed, Lake, Outcome, lake_on

pytestmark = pytest.mark.full

KINDS = ("gold_daily", "gold_sessions")
OVERWRITE, FAST_FORWARD = 2, 3
"""Of a run's commits to each table: 1 makes its branch, 4 drops it. Of each pair the daily table's comes first."""


@dataclass(frozen=True)
class Settled:
    """Three settled days and a late object, and what Gold holds before and after it."""

    state: Path
    before: dict[str, list[str]]
    after: dict[str, list[str]]


def assert_settled(outcome: Outcome, lake: Lake) -> None:
    """Each event date is verified, and each table accounts for all of its events."""
    assert outcome.verdict.failed == []
    rows = lake.select(
        f"SELECT event_date, count(*) AS events, count_if(coalesce(session_id, '') = '') AS without_session "
        f"FROM {lake.table('silver')} GROUP BY event_date"
    )
    held = {row["event_date"]: (int(row["events"] or 0), int(row["without_session"] or 0)) for row in rows}
    assert {date["event_date"]: date["state"] for date in outcome.report["dates"]} == dict.fromkeys(held, "verified")
    for date in outcome.report["dates"]:
        events, without = held[date["event_date"]]
        assert (date["silver"], date["without_session"]) == (events, without)
        assert date["gold"] == {"retail_web_gold_daily": events, "retail_web_gold_sessions": events - without}


@pytest.fixture(scope="module")
def settled(proven_state: Path, feed: Feed, tmp_path_factory: pytest.TempPathFactory) -> Settled:
    """Every day was proven before it had Gold; then all is settled at once."""
    state = copy_of(proven_state, tmp_path_factory.mktemp("settled"))
    with lake_on(state) as lake:
        assert_settled(lake.settle(lake.days(DAYS - 1, DAYS - 1)), lake)
        before = lake.rows(KINDS)
        lake.send_late(feed)
    with lake_on(copy_of(state, tmp_path_factory.mktemp("undisturbed"))) as lake:
        assert_settled(lake.settle(lake.days(0, 0)), lake)
        return Settled(state, before, lake.rows(KINDS))


def test_a_late_object_changes_gold_and_whatever_is_run_then_changes_nothing(settled: Settled, tmp_path: Path) -> None:
    assert settled.before != settled.after
    with lake_on(copy_of(settled.state, tmp_path)) as lake:
        assert_settled(lake.settle(lake.days(1, 1)), lake)
        assert lake.rows(KINDS) == settled.after
        run, following = lake.begin(lake.days(1, 1))
        assert following == "record"
        lake.conclude(run, following)
        assert lake.plan_gold(run) == "none"
        versions = {kind: lake.versions(kind) for kind in KINDS}
        assert_settled(lake.settle(lake.days(), forced=True), lake)
        assert lake.rows(KINDS) == settled.after
        assert all(lake.versions(kind) != versions[kind] for kind in KINDS)


@pytest.mark.parametrize(
    ("kind", "commit", "when", "published"),
    [
        pytest.param("gold_sessions", OVERWRITE, "before", (), id="writing"),
        pytest.param("gold_sessions", FAST_FORWARD, "before", ("gold_daily",), id="between"),
        pytest.param("gold_sessions", FAST_FORWARD, "after", KINDS, id="after-both"),
    ],
)
@pytest.mark.parametrize("again", [True, False], ids=["retried", "next-run"])
def test_a_kill_leaves_whole_tables_and_what_runs_next_ends_as_if_undisturbed(
    kind: str, commit: int, when: str, published: tuple[str, ...], again: bool, settled: Settled, tmp_path: Path
) -> None:
    with lake_on(copy_of(settled.state, tmp_path)) as lake:
        run, following = lake.begin(lake.days(0, 0))
        lake.run_job(run)
        lake.conclude(run, following)
        assert lake.plan_gold(run) == "build"
        lake.arm(fault="kill_spark", table=lake.source.table(kind), after_commits=commit, when=when)
        with pytest.raises(JobFailed, match="exit code 137"):
            lake.build_gold(run)
        assert lake.armed() == []
        wanted = {each: (settled.after if each in published else settled.before)[each] for each in KINDS}
        assert lake.rows(KINDS) == wanted
        if again:
            lake.build_gold(run)
            outcome = lake.conclude_gold(run)
        else:
            outcome = lake.settle(lake.days(1, 1))
        assert_settled(outcome, lake)
        assert lake.rows(KINDS) == settled.after
