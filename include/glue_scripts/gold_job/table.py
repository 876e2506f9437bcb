"""One table of Gold in one run of the job: written on branches, audited there, published."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Generic, TypeVar

from branched_table import BranchedTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.lake.snapshots import DATES
from clickstream.sources import gold
from clickstream.sources.model import Source
from gold_job.events import dates_read, on_dates

Declared = TypeVar("Declared", bound=gold.Table)
Figures = dict[date, tuple[int, ...]]
"""Sums by event date; dates without events are left out."""


class AuditFailed(RuntimeError):
    """A branch does not hold what Silver does; main is as it was."""


@dataclass(frozen=True)
class Job:
    """What all tables of a run are made of.

    Attributes:
        spark: the session; its catalog `glue_catalog` holds the source's tables.
        source: the event feed.
        silver: all rows of Silver at the run's snapshot.
        dates: event dates to replace in all tables; one without events is cleared.
        branch: of this run.
        summary: properties of the snapshots that are made.
    """

    spark: SparkSession
    source: Source
    silver: DataFrame
    dates: Collection[date]
    branch: str
    summary: Mapping[str, str]

    @cached_property
    def _near(self) -> DataFrame:
        # Every table is made and audited by these rows: to read them anew each time takes longer than all the rest.
        return on_dates(self.silver, dates_read(self.dates)).persist()

    def events(self, dates: Collection[date]) -> DataFrame:
        """Silver's rows of some event dates; those that decide the sessions of the job's dates are read once."""
        return on_dates(self._near if {*dates} <= {*dates_read(self.dates)} else self.silver, dates)

    @property
    def of_dates(self) -> DataFrame:
        """Silver's rows of the dates."""
        return self.events(self.dates)


class TableMaker(ABC, Generic[Declared]):
    """Makes the event dates of a job anew in one declared table; its subclasses are the kinds, a module each.

    Args:
        name: of the table in the declaration.
        table: what is declared of it.
        job: the run.
    """

    def __init__(self, name: str, table: Declared, job: Job) -> None:
        self.name, self.table, self.job = name, table, job
        self.branches = {stored: self.stored(stored) for stored in table.stored(name)}
        """The Iceberg tables, in the order in which they are published."""
        self.dates: Collection[date] = job.dates
        """Event dates that are replaced in this table. The job's are among them; a kind whose rows on other dates
        follow from the job's adds those in `write`. Whoever checks the run learns of them from the snapshots."""

    def stored(self, name: str) -> BranchedTable:
        """One of the tables of Gold, by its name; also another's that this one is made of."""
        return BranchedTable(self.job.spark, self.job.source.table(name), self.job.branch)

    @property
    def branch(self) -> BranchedTable:
        """The table of this name."""
        return self.branches[self.name]

    @abstractmethod
    def write(self) -> None:
        """Replace the dates on the branches."""

    @abstractmethod
    def audit(self) -> None:
        """Check the branches against Silver, before anyone can read them.

        Raises:
            AuditFailed: naming the branch, and the dates that differ.
        """

    def overwrite(self, branch: BranchedTable, rows: DataFrame) -> None:
        """Replace the table's dates in one that is partitioned by them."""
        named = ",".join(map(str, sorted(self.dates)))
        branch.overwrite(rows, "event_date", self.dates, {**self.job.summary, DATES: named})


def touched(days: BranchedTable, key: str, dates: Collection[date]) -> DataFrame:
    """The members that some dates have, or had before they were replaced.

    Args:
        days: a table partitioned by event date, with its dates replaced on the branch.
        key: the column that names the member.
        dates: the event dates.
    """
    before, now = (on_dates(rows, dates).select(key) for rows in (days.published(), days.written()))
    return before.union(now).distinct()


def figures(rows: DataFrame, *sums: str) -> Figures:
    """Some sums by event date."""
    found = rows.groupBy("event_date").agg(*(F.expr(each).alias(f"_{n}") for n, each in enumerate(sums)))
    return {row[0]: tuple(row[1:]) for row in found.collect()}


def compare(branch: BranchedTable, expected: Figures, found: Figures) -> None:
    """Raise AuditFailed with the dates that differ."""
    if differing := sorted(day for day in {*expected, *found} if expected.get(day) != found.get(day)):
        told = "; ".join(f"{day}: Silver has {expected.get(day)}, the branch {found.get(day)}" for day in differing)
        raise AuditFailed(f"{branch} is kept: {told}")
