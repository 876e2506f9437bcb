"""Spark killed in the middle of its work, at moments that only the catalog knows.

The work is the most dangerous there is: a late object has won over copies in other hours of all three days, so these
hours join the run, in Silver and in rejects. Whatever the moment, readers of main see each table as it was before or
as it is afterwards, and what runs next ends in the very rows of a run that nobody disturbed.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from clickstream.lake.windows import hour_text
from clickstream.reconciliation import steps
from clickstream.reconciliation.steps import Run
from clickstream.sources.loader import INCLUDE
from tests.integration.stack.clouds import copy_of
from tests.integration.stack.feed import DAYS, Feed
from tests.integration.stack.proof import KINDS, JobFailed, Lake, Outcome, lake_on

CREATE_BRANCH, OVERWRITE, FAST_FORWARD, DROP_BRANCH = 1, 2, 3, 4
"""A run's commits to each of its two tables; of each pair the one to rejects comes first."""


@dataclass(frozen=True)
class Kill:
    """A moment, and the tables whose new state is published by then."""

    when: str
    table: str
    commit: int
    published: tuple[str, ...] = ()


WHILE_WRITING_REJECTS = Kill("before", "rejects", OVERWRITE)
WHILE_WRITING_SILVER = Kill("before", "silver", OVERWRITE)
DURING_THE_AUDIT = Kill("after", "silver", OVERWRITE)
BEFORE_THE_FIRST_FAST_FORWARD = Kill("before", "rejects", FAST_FORWARD)
BETWEEN_THE_FAST_FORWARDS = Kill("before", "silver", FAST_FORWARD, published=("rejects",))
AFTER_BOTH = Kill("after", "silver", FAST_FORWARD, published=("rejects", "silver"))


@dataclass(frozen=True)
class LateState:
    """Three proven days and a late object, and what Silver and rejects hold before and after it is processed."""

    state: Path
    before: dict[str, list[str]]
    after: dict[str, list[str]]


@pytest.fixture(scope="module")
def late(proven_state: Path, feed: Feed, tmp_path_factory: pytest.TempPathFactory) -> LateState:
    state = copy_of(proven_state, tmp_path_factory.mktemp("late"))
    with lake_on(state) as lake:
        lake.send_late(feed)
        before = lake.rows()
    with lake_on(copy_of(state, tmp_path_factory.mktemp("undisturbed"))) as lake:
        _assert_all_verified(lake.prove(lake.days(0, 0), forced=True))
        return LateState(state, before, lake.rows())


def _next_run(lake: Lake) -> Outcome:
    return lake.prove(lake.days(0, 0))


def _run_of_another_day(lake: Lake) -> Outcome:
    return lake.prove(lake.days(2, 2))


RETRY = None
"""The same run starts its job again, as its task's retry does."""


@pytest.mark.parametrize(
    ("kill", "following"),
    [
        pytest.param(WHILE_WRITING_SILVER, RETRY, marks=pytest.mark.full, id="writing-silver"),
        pytest.param(BETWEEN_THE_FAST_FORWARDS, _next_run, id="between"),
        pytest.param(BETWEEN_THE_FAST_FORWARDS, RETRY, marks=pytest.mark.full, id="between-retried"),
        pytest.param(BETWEEN_THE_FAST_FORWARDS, _run_of_another_day, marks=pytest.mark.full, id="between-other-day"),
        pytest.param(WHILE_WRITING_REJECTS, _next_run, marks=pytest.mark.full, id="writing-rejects"),
        pytest.param(DURING_THE_AUDIT, _next_run, marks=pytest.mark.full, id="audit"),
        pytest.param(BEFORE_THE_FIRST_FAST_FORWARD, _run_of_another_day, marks=pytest.mark.full, id="before-both"),
        pytest.param(AFTER_BOTH, RETRY, marks=pytest.mark.full, id="after-both-retried"),
        pytest.param(AFTER_BOTH, _run_of_another_day, marks=pytest.mark.full, id="after-both-other-day"),
    ],
)
def test_a_kill_leaves_whole_tables_and_the_next_run_ends_as_if_undisturbed(
    kill: Kill, following: Callable[[Lake], Outcome] | None, late: LateState, tmp_path: Path
) -> None:
    with lake_on(copy_of(late.state, tmp_path)) as lake:
        known = {kind: lake.versions(kind) for kind in KINDS}
        run, step = lake.begin(lake.days(0, 0), forced=True)
        _kill_job(lake, run, kill)
        assert lake.rows() == {kind: (late.after if kind in kill.published else late.before)[kind] for kind in KINDS}

        if following:
            outcome = following(lake)
        else:
            lake.run_job(run)
            outcome = lake.conclude(run, step)
        assert lake.rows() == late.after
        for kind in KINDS:
            for version in set(lake.versions(kind)) - set(known[kind]):
                assert lake.rows_of(kind, version) == late.after[kind]
        _assert_all_verified(outcome)
        assert lake.branches() == []


def test_the_late_object_changes_hours_of_all_days(late: LateState, feed: Feed) -> None:
    """Or the kills would show nothing."""
    gone = set(late.before["silver"]) - set(late.after["silver"])
    days = {hour_text(feed.start)[:8] + f"{feed.start.day + day}T" for day in range(DAYS)}
    assert all(any(f'"{day}' in row for row in gone) for day in days)
    assert len(gone) == len([identity for identity in feed.late_ids if identity in feed.first_hours])


@pytest.mark.full
def test_winners_that_go_away_are_replaced_though_the_job_is_killed_between_the_fast_forwards(
    proven_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new contract refuses records of the first day, so that copies of other days become good: between the
    fast-forwards these are in neither table, and no copy leads to them."""
    contract = _stricter_contract(tmp_path / "include", monkeypatch)
    with lake_on(copy_of(proven_state, tmp_path / "undisturbed")) as lake:
        before = lake.rows()
        _assert_all_verified(_judging_by(contract, lake).prove(lake.days(0, 0), latest=True))
        after = lake.rows()
    second_day = f'"{hour_text(lake.days(1, 1).start)[:10]}T'
    assert [row for row in after["silver"] if second_day in row and row not in before["silver"]]

    with lake_on(copy_of(proven_state, tmp_path)) as lake:
        lake = _judging_by(contract, lake)
        run, step = lake.begin(lake.days(0, 0), latest=True)
        _kill_job(lake, run, BETWEEN_THE_FAST_FORWARDS)
        assert lake.rows() == {"rejects": after["rejects"], "silver": before["silver"]}
        lake.run_job(run)
        _assert_all_verified(lake.conclude(run, step))
        assert lake.rows() == after
        assert lake.branches() == []


@pytest.mark.full
def test_a_first_run_that_is_killed_between_the_fast_forwards(
    sent_state: Path, proven_state: Path, tmp_path: Path
) -> None:
    """Nothing speaks of its hours but the snapshot of rejects; the next day's run takes them up."""
    with lake_on(copy_of(proven_state, tmp_path / "proven")) as lake:
        undisturbed = lake.rows()
    with lake_on(copy_of(sent_state, tmp_path)) as lake:
        run, _ = lake.begin(lake.days(0, 0))
        _kill_job(lake, run, BETWEEN_THE_FAST_FORWARDS)
        assert lake.rows_of("silver") == []
        lake.prove(lake.days(1, 1))
        _assert_all_verified(lake.prove(lake.days(2, 2)))
        assert lake.rows() == undisturbed
        assert lake.branches() == []


def _stricter_contract(include: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Add a contract to the source's, which most pages no longer meet; its version."""
    schemas = Path(shutil.copytree(INCLUDE / "schemas", include / "schemas")) / "retail_web"
    document = json.loads((schemas / "1.0.0.json").read_text())
    document["properties"]["page_url"] = {"enum": ["/changed", "/cart"]}
    (schemas / "1.1.0.json").write_text(json.dumps(document))
    monkeypatch.setattr(steps, "INCLUDE", include)
    return "1.1.0"


def _judging_by(contract: str, lake: Lake) -> Lake:
    events = lake.source.events.model_copy(update={"contract": contract})
    return replace(lake, source=lake.source.model_copy(update={"events": events}))


def _kill_job(lake: Lake, run: Run, kill: Kill) -> None:
    table = lake.source.table(kill.table)
    lake.arm(fault="kill_spark", table=table, after_commits=kill.commit, when=kill.when)
    with pytest.raises(JobFailed, match="exit code 137"):
        lake.run_job(run)
    assert lake.armed() == []


def _assert_all_verified(outcome: Outcome) -> None:
    assert outcome.verdict.failed == []
    assert set(outcome.states.values()) == {"verified"}
    assert len(outcome.states) == DAYS * 24
