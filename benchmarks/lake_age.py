"""Does a run cost more on an old lake?

The same new hour (Bronze to Silver) and the same date (Silver to Gold, each table) are processed on lakes that hold
1, 7 and 90 days of the same traffic, in turns. The days before are the newest one moved back: Silver has a commit a
day, and Gold is made of it by the product's job.

Expected: a run costs more on 7 days than on 1, because an hour is deduplicated against the hours in whose reach it is,
and the sessions of a date need the dates around it; on 90 days it costs hardly more than on 7. Where it does: corrected
facts are looked for as far back as corrections may lie, which is 45 days; a dimension and a history are written whole,
so they grow with their members. Therefore a fourth lake has other members on each of its 90 days: what it costs more
than the third is their price.

Figures are seconds of Spark's work, without the start of its session. The newest date and an hour after it are
processed; corrections are of facts of their own date.

It starts local clouds of its own and removes them. Run it anywhere, in half an hour: `make bench`, or
`.venv/airflow/bin/python -m benchmarks.lake_age`.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

import pyarrow as pa

import commands  # noqa: F401  puts the product on the path
from benchmarks.bronze_hour import SOURCE, put_hour, visits
from benchmarks.made_days import event_dates, make_day, names_of_events, names_of_members
from benchmarks.made_lake import JOB, MadeLake
from benchmarks.own_cloud import own_cloud, progress
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source

EVENTS = 10_000
"""Of visitors, each day of each source."""
VISITS = 150
"""In the new hour; it has some 900 events."""
AGES = (1, 7, 90)
"""Days."""
ROUNDS = 3
DAY = datetime(2026, 11, 18, tzinfo=UTC)
HOUR = "an hour of Silver"


@dataclass(frozen=True)
class AgedLake:
    """A lake of some days.

    Attributes:
        days: how many.
        newcomers: whether the members of each day are others.
        members: how many there are.
        seconds: of each round, by what was processed.
    """

    lake: MadeLake
    days: int
    newcomers: bool
    members: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def main() -> None:
    print(
        f"the newest hour and date on lakes of {EVENTS:,} events a day, seconds of Spark: medians of {ROUNDS}, in turns"
    )
    for source in load_sources()[0].values():
        with own_cloud():
            lakes = list(age_lakes(source))
            for _ in range(ROUNDS):
                for lake in lakes:
                    process(lake, with_hour=source.name == SOURCE)
        show(source, lakes)


def age_lakes(source: Source) -> Iterator[AgedLake]:
    """A lake of each age, and one more of the greatest when the source has members."""
    rows, members = make_day(source, DAY, EVENTS), names_of_members(source)
    for days in AGES:
        yield age_lake(source, rows, days, newcomers=False)
    if members:
        yield age_lake(source, rows, max(AGES), newcomers=True)


def age_lake(source: Source, rows: pa.Table, days: int, newcomers: bool) -> AgedLake:
    """Silver of some days, and Gold made of it."""
    members = names_of_members(source)
    renamed = names_of_events(source) | (members if newcomers else set())
    lake = MadeLake.provisioned(source.model_copy(update={"name": f"{source.name}_{days}{'_new' * newcomers}"}))
    lake.fill(rows, range(days), renamed)
    first, *_, last = event_dates(rows)
    dates = [first + timedelta(days=n) for n in range(1 - days, (last - first).days + 1)]
    took = lake.build(dates)[JOB]
    progress(f"{lake.source.name}: {len(rows) * days:,} events in Silver, Gold of {len(dates)} dates in {took:.0f} s")
    of_day = sum(len(rows[name].unique().drop_null()) for name in members)
    return AgedLake(lake, days, newcomers, of_day * (days if newcomers else 1))


def process(aged: AgedLake, *, with_hour: bool) -> None:
    """The newest date, and an hour after it."""
    lake = aged.lake
    seconds = lake.build([DAY.date()])
    if with_hour:
        hour = DAY + timedelta(days=1)
        plan = put_hour(lake.place, lake.source, hour, visits(random.Random(1), hour, VISITS), "benchmark.hour")
        seconds[HOUR] = lake.timed("bronze_to_silver", plan)[JOB]
    for what, took in seconds.items():
        aged.seconds[what].append(took)
    progress(f"{lake.source.name}: " + ", ".join(f"{what} {took:.1f} s" for what, took in seconds.items()))


def show(source: Source, lakes: list[AgedLake]) -> None:
    """A line for each table: seconds by lake, and how many times the seconds of the youngest lake each took."""
    titles = (f"of {each.days} d{', new' * each.newcomers}" for each in lakes)
    print(f"\n  {source.name:<24}" + "".join(f"{title:>18}" for title in titles))
    if any(each.newcomers for each in lakes):
        print(f"  {'members':<24}" + "".join(f"{each.members:18,}" for each in lakes))
    for what in lakes[0].seconds:
        medians = [median(each.seconds[what]) for each in lakes]
        print(f"  {what:<24}" + "".join(f"{value:9.2f} s{value / medians[0]:5.1f} x" for value in medians))


if __name__ == "__main__":
    main()
