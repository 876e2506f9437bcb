"""How fast does Silver become Gold, table by table, beside what one would write without us?

Two ways from the same Silver of a day of each declared source, in turns, as Glue jobs of the local cloud:

- the product's job: branches, audit, commits, and what a date needs of the dates around it;
- `duckdb`, one process: a query a table over Silver's files, written as Parquet to its disk: the floor, without Spark,
  catalog, commit or audit. It knows what the source declares by heart.

Every row of both is compared: a floor that makes other tables would say nothing. A funnel is made of the sessions and
the history that both have made before it; their seconds are not in its own.

Expected: a table takes Spark some seconds however small it is, so the ratio says most about the largest ones. A
dimension and a history write two tables.

`work` is seconds of the product's job without the start of its session; a table's are opening its branch, writing,
auditing and publishing it. The table that is written first pays for Spark's warming up: the last one declared, of those
that are made of Silver alone. Runs replace what is there: the first, into empty tables, is not counted.

It starts a local cloud of its own and removes it. Run it anywhere, in fifteen minutes: `make bench`, or
`.venv/airflow/bin/python -m benchmarks.silver_to_gold`.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from statistics import median
from typing import Any

import commands  # noqa: F401  puts the product on the path
from benchmarks.bronze_to_silver import CONTENDERS
from benchmarks.glue_scripts import run_script
from benchmarks.made_days import event_dates, make_day
from benchmarks.made_lake import JOB, MadeLake
from benchmarks.own_cloud import own_cloud, progress
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source

EVENTS = 500_000
"""Of visitors, each source."""
ROUNDS = 3
DAY = datetime(2026, 11, 18, tzinfo=UTC)


@dataclass(frozen=True)
class Contest:
    """What both ways have taken so far for the tables of one source.

    Attributes:
        events: in Silver.
        dates: all that these are of.
        ours, floor: seconds of each round, by table.
        rows: by table.
    """

    lake: MadeLake
    events: int
    dates: list[date]
    ours: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    floor: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[str, int] = field(default_factory=dict)


def main() -> None:
    with own_cloud():
        contests = [prepare(source) for source in load_sources()[0].values()]
        for _ in range(ROUNDS):
            for contest in contests:
                run_both(contest)
    print(f"silver to gold: medians of {ROUNDS} runs in turns, every row the same in both")
    print("                                              rows      work   events/s       floor     ratio")
    for contest in contests:
        for table in contest.ours:
            show(contest, table)


def prepare(source: Source) -> Contest:
    """A day of Silver, and Gold made of it once."""
    rows = make_day(source, DAY, EVENTS)
    lake, dates = MadeLake.provisioned(source), event_dates(rows)
    lake.fill(rows, ages=[0], renamed=())
    lake.build(dates)
    progress(f"{source.name}: {len(rows):,} events in Silver")
    return Contest(lake, len(rows), dates)


def run_both(contest: Contest) -> None:
    """One round."""
    lake = contest.lake
    ours = lake.build(contest.dates)
    floor = make_floor(lake)
    if differing := {name: count for name, count in floor["differing"].items() if count}:
        sys.exit(f"silver to gold: {lake.source.name}: rows that only one of the two has: {differing}")
    contest.rows.update(floor["rows"])
    for seconds, found in ((contest.ours, ours), (contest.floor, floor["seconds"])):
        for table, took in found.items():
            seconds[table].append(took)
    progress(f"{lake.source.name}: {ours[JOB]:.1f} s, floor {sum(floor['seconds'].values()):.1f} s")


def make_floor(lake: MadeLake) -> dict[str, Any]:
    """Make all tables by plain queries; by table: `seconds`, `rows`, and rows `differing` from the product's."""
    tables = [
        {"name": name, "sql": floor_query(lake.source, name), "stored": lake.stored(name)}
        # What is made of others after these.
        for name in reversed(lake.source.declared_gold.published)
    ]
    return run_script(lake.place, lake.source, "duckdb_gold.py", {"silver": lake.stored("silver"), "tables": tables})


def floor_query(source: Source, table: str) -> str:
    return (CONTENDERS / "gold" / source.name / f"{table}.sql").read_text()


def show(contest: Contest, table: str) -> None:
    work = median(contest.ours[table])
    if table == JOB:
        floor, rows = sum(map(median, contest.floor.values())), sum(contest.rows.values())
    else:
        floor, rows = median(contest.floor[table]), contest.rows[table]
    name = f"{contest.lake.source.name} {table}"
    print(f"  {name:<38}{rows:10,}{work:8.1f} s{contest.events / work:11,.0f}{floor:10.2f} s{work / floor:10.1f}")


if __name__ == "__main__":
    main()
