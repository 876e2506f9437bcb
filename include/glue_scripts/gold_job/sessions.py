"""The sessions: events of one visitor without a long gap between them, and how far they went in the funnel.

A session belongs to the event date of its first event. It may cross one midnight: events that fill a date from its
beginning to its end without a gap are cut off at the end of that date, or a robot's session would never end and no
date could be made without all dates before it. So a date's sessions follow from the events of two dates before it,
its own, and those of the date after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as F

from clickstream.sources.gold import Gold, Sessions, Step
from gold_job.events import DAY, amount, cents, dates_read, money, on_dates
from gold_job.table import TableMaker, compare, figures


class SessionsMaker(TableMaker[Sessions]):
    """The events of Silver, put together to sessions."""

    def write(self) -> None:
        dates, gold = self.job.dates, self.job.source.declared_gold
        made = sessions(self.job.events(dates_read(dates)), gold, self.table)
        self.overwrite(self.branch, on_dates(made, dates))

    def audit(self) -> None:
        # What a session of the date before has after midnight is known where that date was written as well.
        whole = [day for day in self.job.dates if day - DAY in self.job.dates]
        in_session = self.job.events(whole).where(F.col(self.table.key) != "")
        written = on_dates(self.branch.written(), self.job.dates)
        tails = written.withColumn("event_date", F.date_add("event_date", 1))
        conserved = written.selectExpr("event_date", "event_count - events_after_midnight as events").union(
            tails.selectExpr("event_date", "events_after_midnight")
        )
        compare(
            self.branch,
            figures(in_session, "count(*)"),
            figures(on_dates(conserved.where("events > 0"), whole), "sum(events)"),
        )


def sessions(silver: DataFrame, gold: Gold, declared: Sessions) -> DataFrame:
    """The sessions of some events.

    They are whole, and cut where they should be, on the dates whose `dates_read` the events cover.

    Args:
        silver: rows of Silver.
        gold: what the source declares.
        declared: what of it the sessions are.
    """
    events = silver.select(
        F.col(declared.key).alias("session_id"),
        "event_date",
        "event_time",
        F.col(gold.type_column).alias("event_type"),
        cents(gold).alias("cents"),
        *(F.col(name).alias(_silver(name)) for name in _columns_read(declared)),
    ).where("session_id <> ''")
    session = (
        _begun(events, declared.gap_minutes)
        .groupBy("session_id", "started_at")
        .agg(
            F.max("event_time").alias("ended_at"),
            F.count("*").alias("event_count"),
            F.count_if(F.expr("event_date > cast(started_at as date)")).alias("events_after_midnight"),
            money(F.sum("cents")).alias("revenue"),
            *map(_times, declared.funnel),
            *_further(declared),
        )
    )
    reached = _reached(declared.funnel)
    return session.select(
        F.col("started_at").cast("date").alias("event_date"),
        "session_id",
        "started_at",
        "ended_at",
        "event_count",
        "events_after_midnight",
        "revenue",
        sum((at.isNotNull().cast("int") for at in reached.values()), F.lit(0)).alias("steps_reached"),
        *(
            column
            for step, at in reached.items()
            for column in (at.alias(f"{step}_at"), F.size(f"_{step}").cast("bigint").alias(f"{step}_count"))
        ),
        *declared.counts,
        *declared.first,
        *declared.last,
        *declared.sums,
    )


def _columns_read(declared: Sessions) -> list[str]:
    """The columns of Silver that only some declarations look at."""
    held = {name for step in declared.funnel for name in step.holding}
    return sorted(held.union(declared.first.values(), declared.last.values(), declared.sums.values()))


def _silver(column: str) -> str:
    """What a column of Silver is called among the events: none of a session is called so."""
    return f"_{column}"


def _further(declared: Sessions) -> Iterable[Column]:
    """The columns that only some declarations have."""
    for name, event_types in declared.counts.items():
        yield F.count_if(F.col("event_type").isin(*event_types)).alias(name)
    for name, column in declared.first.items():
        yield F.min(_known(column))["value"].alias(name)
    for name, column in declared.last.items():
        yield F.max(_known(column))["value"].alias(name)
    for name, column in declared.sums.items():
        yield F.sum(amount(F.col(_silver(column)))).alias(name)


def _known(column: str) -> Column:
    """A value that is not null with its time, so that no order of rows matters."""
    value = F.col(_silver(column))
    return F.when(value.isNotNull(), F.struct("event_time", value.alias("value")))


def _begun(events: DataFrame, gap_minutes: int) -> DataFrame:
    """The events, each with the time at which its session started."""
    of_visitor = Over.partitionBy("session_id").orderBy("event_time")
    of_date = Over.partitionBy("session_id", "event_date")
    before = F.lag("event_time").over(of_visitor)
    gap = before.isNull() | (F.col("event_time") > before + F.expr(f"interval {gap_minutes} minutes"))
    # Without a gap on a date, even before its first event, that date was filled from one midnight to the next.
    filled = ~F.max("after_gap").over(of_date)
    cut = (F.lag("event_date").over(of_visitor) < F.col("event_date")) & F.lag("filled").over(of_visitor)
    begins = F.col("after_gap") | cut
    # By range, not by rows: of events at the same time any may be the one that begins a session.
    so_far = of_visitor.rangeBetween(Over.unboundedPreceding, Over.currentRow)
    return (
        events.withColumn("after_gap", gap)
        .withColumn("filled", filled)
        .withColumn("begins", begins)
        .withColumn("started_at", F.max(F.when(F.col("begins"), F.col("event_time"))).over(so_far))
    )


def _times(step: Step) -> Column:
    """The times of a step's events."""
    is_of_step = F.col("event_type").isin(*step.event_types)
    for column, text in step.holding.items():
        is_of_step &= F.col(_silver(column)).contains(text)
    return F.collect_list(F.when(is_of_step, F.col("event_time"))).alias(f"_{step.name}")


def _reached(steps: Iterable[Step]) -> dict[str, Column]:
    """When each step was reached, by name: at its first event that is not before the step before was reached."""
    reached: dict[str, Column] = {}
    earlier = F.col("started_at")
    for step in steps:
        earlier = reached[step.name] = F.array_min(F.filter(f"_{step.name}", _not_before(earlier)))
    return reached


def _not_before(earlier: Column) -> Callable[[Column], Column]:
    return lambda time: time >= earlier
