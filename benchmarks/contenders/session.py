"""No work: what it costs to get a Spark session that has done something once."""

from pyspark.sql import SparkSession

SparkSession.builder.getOrCreate().range(1).count()
