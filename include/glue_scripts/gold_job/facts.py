"""A table of facts: one row an event, as it was first told or as it was last corrected.

A correction is an event of its own, often of a later date: what a job's dates say touches facts of dates before them.
Those dates are replaced whole as well, from Silver, so a correction that went away leaves nothing behind.
"""

from __future__ import annotations

from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from clickstream.sources import gold
from gold_job.corrections import Corrector
from gold_job.events import on_dates
from gold_job.table import TableMaker, compare, figures


class FactsMaker(TableMaker[gold.Facts]):
    """The rows of Silver, under the table's own names."""

    def write(self) -> None:
        if self._corrector:
            self.dates = sorted({*self.job.dates, *self._corrector.dates_touched(self.branch.published())})
            self.overwrite(self.branch, self._corrector.corrected(self._first_told, self.dates))
        else:
            self.overwrite(self.branch, self._first_told)

    def audit(self) -> None:
        written, key = on_dates(self.branch.written(), self.dates), self.table.key
        counts = ("count(*)", f"count(distinct {key})")
        compare(self.branch, figures(self._first_told, *counts), figures(written, *counts))
        if self._corrector:
            named = self._corrector.named(self._first_told, self.dates)
            corrected = written.where("corrected_by is not null")
            compare(self.branch, figures(named, *counts), figures(corrected, *counts))

    @property
    def _first_told(self) -> DataFrame:
        """The facts of the table's dates, uncorrected."""
        events = self.job.events(self.dates)
        if self.table.event_types:
            events = events.where(F.col(self.job.source.declared_gold.type_column).isin(*self.table.event_types))
        columns = (F.col(of_silver).alias(name) for name, of_silver in self.table.columns.items())
        return events.select("event_date", F.col("event_id").alias(self.table.key), *columns)

    @cached_property
    def _corrector(self) -> Corrector | None:
        declared = self.table.corrections
        return Corrector(self.job, self.table, declared) if declared else None
