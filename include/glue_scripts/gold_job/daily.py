"""The daily table: how many events a date has by its dimensions, and what they are worth."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from clickstream.sources.model import Gold
from gold_job.events import cents, money


def daily(silver: DataFrame, gold: Gold) -> DataFrame:
    """The rows of the daily table.

    Args:
        silver: rows of Silver, of whole event dates.
        gold: what the source declares.
    """
    return (
        silver.withColumn("_cents", cents(gold))
        .groupBy("event_date", *gold.dimensions)
        .agg(F.count("*").alias("event_count"), money(F.sum("_cents")).alias("revenue"))
    )
