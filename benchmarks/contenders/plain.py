"""The script that many would write: let Spark infer the schema, drop duplicates, overwrite the dates.

`--rejects yes` adds what a careful second version has: a hash of each raw line, and a table of what was left out,
with the reason.
"""

from __future__ import annotations

import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

options = getResolvedOptions(sys.argv, ["bronze", "silver", "rejects_table", "rejects"])
spark = SparkSession.builder.getOrCreate()

COLUMNS = """
    event_id, to_date(timestamp) AS event_date, to_timestamp(timestamp) AS event_time, event_type, customer_id,
    session_id, consent, page_url, referrer_url, device_type, browser, os, ip_address, user_agent,
    geo.country, geo.state, geo.city, properties.product_id, properties.category, properties.price,
    properties.quantity, properties.cart_value, properties.order_id, properties.total_amount,
    properties.search_query, properties.result_count, properties.element_id, properties.element_type,
    properties.duration_seconds
"""


def overwrite(rows: DataFrame, table: str) -> None:
    columns = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in rows.schema.fields)
    spark.sql(f"CREATE TABLE IF NOT EXISTS {table} ({columns}) USING iceberg PARTITIONED BY (event_date)")
    rows.writeTo(table).overwritePartitions()


def columns_of(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


events = spark.read.json(options["bronze"])
if options["rejects"] == "no":
    overwrite(events.dropDuplicates(["event_id"]).selectExpr(*columns_of(COLUMNS)), options["silver"])
else:
    # Lines that are no JSON come out of from_json as NULL.
    lines = spark.read.text(options["bronze"]).select("value", F.md5("value").alias("raw_hash"))
    parsed = lines.withColumn("event", F.from_json("value", events.schema)).select("value", "raw_hash", "event.*")
    refused = F.col("consent").cast("string") == "false"  # inferred as text where one client sent a text
    first = F.row_number().over(Window.partitionBy("event_id").orderBy("raw_hash")) == 1
    judged = parsed.withColumn(
        "reason",
        F.when(F.col("event_id").isNull(), "invalid").when(refused, "no_consent").when(~first, "duplicate"),
    ).persist()
    silver = judged.where("reason IS NULL").selectExpr(*columns_of(COLUMNS), "raw_hash")
    overwrite(silver, options["silver"])
    rejected = judged.where("reason IS NOT NULL")
    overwrite(
        rejected.selectExpr("to_date(timestamp) AS event_date", "raw_hash", "reason", "value AS payload"),
        options["rejects_table"],
    )
