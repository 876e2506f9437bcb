"""Spark is killed at every table of the lakehouse sources, in each of its steps: readers never see half of it.

Expected is what the same days make when nobody disturbs them; that this is right, plain Python says elsewhere.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from commands.cloud_clock import CloudClock
from commands.dialects import DIALECTS
from tests.integration.stack.clouds import copy_of
from tests.integration.stack.proof import KINDS, JobFailed, Lake, lake_on

pytestmark = pytest.mark.full

SOURCES = {name: load_sources()[0][name] for name in ("shop_clicks", "chart_affiliates")}
TABLES = {name: ("rejects", "silver", *source.declared_gold.stored) for name, source in SOURCES.items()}
"""In the order in which they are published."""
WRITE, FAST_FORWARD = 2, 3
"""Of a run's commits to each table: 1 makes its branch, 4 drops it."""
STEPS = {"write": (WRITE, "before"), "audit": (WRITE, "after"), "publish": (FAST_FORWARD, "before")}
"""Only commits can be aimed at. All tables are written before the first is audited, so a kill after a table's write
falls into the audits where it is the last one, and into the next table's write elsewhere."""
VISITS, LATE_VISITS = 60, 15
HOUR_OF_DAY = 13


@dataclass(frozen=True)
class Settled:
    """A settled hour, to which more has come, and what the tables hold before and after that is settled."""

    state: Path
    before: dict[str, list[str]]
    after: dict[str, list[str]]


def window(source: Source) -> Window:
    start = source.verify_from + HOUR_OF_DAY * HOUR
    return Window(start, start + HOUR)


def send(lake: Lake, visits: int, seed: int, minute: int) -> None:
    """Let the events of some visits arrive in the hour, whenever they happened, and the first of them twice."""
    rng, hour = random.Random(seed), window(lake.source).start
    dialect = DIALECTS[lake.source.name]
    events: list[Any] = [m.event for _ in range(visits) for m in dialect.visit(rng, hour) if m.at < hour + HOUR]
    events.append(events[0])
    clock = CloudClock(lake.control)
    clock.set(hour + timedelta(minutes=minute))
    with Receipt(lake.place.s3, lake.place.evidence, lake.source.name, "send") as receipt:
        Producer(open_sink(lake.source)).send(map(orjson.dumps, events), receipt)
    clock.set_real()
    assert receipt.acknowledged == {hour_text(hour): len(events)}


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Settled]:
    made = {}
    for name, source in SOURCES.items():
        state = tmp_path_factory.mktemp(f"{name}-more")
        with lake_on(state, source) as lake:
            send(lake, VISITS, seed=1, minute=10)
            assert lake.settle(window(source)).verdict.failed == []
            before = lake.rows(TABLES[name])
            send(lake, LATE_VISITS, seed=2, minute=40)
        with lake_on(copy_of(state, tmp_path_factory.mktemp(f"{name}-undisturbed")), source) as lake:
            assert lake.settle(window(source)).verdict.failed == []
            made[name] = Settled(state, before, lake.rows(TABLES[name]))
    return made


@pytest.mark.parametrize("name", SOURCES)
def test_what_came_later_changes_every_table(name: str, settled: dict[str, Settled]) -> None:
    """Or a kill could not be seen in it."""
    changed = [table for table, rows in settled[name].after.items() if rows != settled[name].before[table]]
    assert changed == [*settled[name].after]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("name", "table"), [(name, table) for name, tables in TABLES.items() for table in tables])
def test_a_kill_leaves_whole_tables_and_the_next_run_ends_as_if_undisturbed(
    name: str, table: str, step: str, settled: dict[str, Settled], tmp_path: Path
) -> None:
    source, (commit, when) = SOURCES[name], STEPS[step]
    tables = TABLES[name]
    # A job writes all its tables before it publishes the first one.
    published = tables[: tables.index(table)] if step == "publish" else KINDS if table not in KINDS else ()
    with lake_on(copy_of(settled[name].state, tmp_path), source) as lake:
        run, following = lake.begin(window(source))
        lake.arm(fault="kill_spark", table=source.table(table), after_commits=commit, when=when)
        with pytest.raises(JobFailed, match="exit code 137"):
            lake.run_job(run)
            lake.conclude(run, following)
            assert lake.plan_gold(run) == "build"
            lake.build_gold(run)
        assert lake.armed() == []
        assert lake.rows(TABLES[name]) == {
            each: (settled[name].after if each in published else settled[name].before)[each] for each in tables
        }

        assert lake.settle(window(source)).verdict.failed == []

        assert lake.rows(TABLES[name]) == settled[name].after
