"""The events of some dates, as Gold counts them: rows of Silver at one snapshot, with their worth in hundredths."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from branched_table import CATALOG, DATABASE
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.sources.gold import LARGEST_AMOUNT, Gold
from clickstream.sources.model import Source

DAY = timedelta(days=1)


def silver_rows(spark: SparkSession, source: Source, snapshot: int) -> DataFrame:
    """All rows of Silver at a snapshot."""
    # Iceberg's own option: `versionAsOf` is for load(), with table() Spark 3.5 passes over it without a word.
    return spark.read.option("snapshot-id", snapshot).table(f"{CATALOG}.{DATABASE}.{source.table('silver')}")


def on_dates(rows: DataFrame, dates: Collection[date]) -> DataFrame:
    """The rows of some event dates."""
    return rows.where(F.col("event_date").isin(*dates))


def dates_read(dates: Collection[date]) -> list[date]:
    """The event dates whose events decide the sessions of some dates."""
    return sorted({day + offset * DAY for day in dates for offset in (-2, -1, 0, 1)})


def cents(gold: Gold) -> Column:
    """What a row of Silver is worth, in hundredths; 0 for events that are worth nothing.

    A product of doubles and its rounding are the same in every engine; a cast of a double to a decimal is not.
    """
    if gold.revenue is None:
        return F.lit(0).cast("bigint")
    amount = F.col(gold.revenue.column).cast("double")
    counts = F.col(gold.type_column).isin(*gold.revenue.event_types) & (F.abs(amount) < LARGEST_AMOUNT)
    return F.when(counts, F.round(amount * 100).cast("bigint")).otherwise(F.lit(0).cast("bigint"))


def amount(column: Column) -> Column:
    """What a row adds to a sum of a column; 0 where there is nothing, or what can only be a fault of the client."""
    # Not by abs(): the least bigint has none.
    counts = (column > -LARGEST_AMOUNT) & (column < LARGEST_AMOUNT)
    return F.when(counts, column).otherwise(F.lit(0).cast("bigint"))


def money(cents: Column) -> Column:
    """Hundredths as an amount of money."""
    return (cents.cast("decimal(20,0)") * F.expr("0.01BD")).cast("decimal(20,2)")
