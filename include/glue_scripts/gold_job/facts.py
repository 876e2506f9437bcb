"""A table of facts: one row an event."""

from __future__ import annotations

from pyspark.sql import functions as F

from clickstream.sources import gold
from gold_job.events import on_dates
from gold_job.table import TableMaker, compare, figures


class FactsMaker(TableMaker[gold.Facts]):
    """The rows of Silver, under the table's own names."""

    def write(self) -> None:
        columns = (F.col(of_silver).alias(name) for name, of_silver in self.table.columns.items())
        rows = self.job.of_dates.select("event_date", F.col("event_id").alias(self.table.key), *columns)
        self.overwrite(self.branch, rows)

    def audit(self) -> None:
        written = on_dates(self.branch.written(), self.job.dates)
        compare(
            self.branch,
            figures(self.job.of_dates, "count(*)", "count(distinct event_id)"),
            figures(written, "count(*)", f"count(distinct {self.table.key})"),
        )
