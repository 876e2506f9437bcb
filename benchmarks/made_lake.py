"""The tables of one source, filled with made days, and the product's jobs run on them with a watch."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

import commands  # noqa: F401  puts the product on the path
from benchmarks.glue_scripts import run_script
from clickstream.lake.place import Place
from clickstream.lake.snapshots import history
from clickstream.provisioning.glue_job import SilverJob
from clickstream.provisioning.iceberg_tables import GoldTable, RejectsTable, SilverTable
from clickstream.provisioning.job_code import JobCode
from clickstream.provisioning.resource import Cloud
from clickstream.reconciliation.gold.steps import job_plan
from clickstream.reconciliation.steps import Run
from clickstream.sources.model import Source

JOB = "job"
"""Stands for all tables of a run together."""


@dataclass(frozen=True)
class MadeLake:
    """A source's Silver, rejects and Gold, without a path that fills them.

    Attributes:
        source: may be a copy of a declared one under another name; it has tables and jobs of its own.
    """

    place: Place
    source: Source

    @classmethod
    def provisioned(cls, source: Source) -> Self:
        """New tables, and the job whose settings all jobs of the benchmarks have."""
        session = boto3.Session()
        cloud = Cloud.of(session)
        for resource in (SilverTable, RejectsTable, GoldTable, JobCode, SilverJob):
            for each in resource.all_of(source, cloud):
                each.create()
        return cls(Place.of(session), source)

    def fill(self, rows: pa.Table, ages: Iterable[int], renamed: Iterable[str]) -> None:
        """Put a day into Silver as if it had been on other days: a commit a day, the oldest first.

        Args:
            rows: of the day.
            ages: by how many days it is moved back, each time; 0: as it is.
            renamed: columns whose texts are others on each day before.
        """
        body = io.BytesIO()
        pq.write_table(rows, body)
        key = f"benchmark/{self.source.name}.parquet"
        self.place.s3.put_object(Bucket=self.place.lake, Key=key, Body=body.getvalue())
        plan = {
            "rows": f"s3://{self.place.lake}/{key}",
            "table": self.stored("silver"),
            "ages": sorted(ages, reverse=True),
            "renamed": sorted(renamed),
        }
        run_script(self.place, self.source, "fill_silver.py", plan)

    def build(self, dates: Collection[date]) -> dict[str, float]:
        """Make dates of Gold anew: seconds of Spark's work by declared table, and of the whole job."""
        silver = history(self.place.glue, self.place.s3, self.place.database, self.source.table("silver"))[0]
        plan = job_plan(Run(self.place, self.source, "benchmark"), silver.id, dates)
        seconds = self.timed("silver_to_gold", plan)
        tables = self.source.declared_gold.tables.items()
        of_tables = {
            name: sum(seconds[self.source.table(stored)] for stored in table.stored(name)) for name, table in tables
        }
        return {**of_tables, JOB: seconds[JOB]}

    def timed(self, module: str, plan: Mapping[str, Any]) -> dict[str, float]:
        """Run a job of the product; seconds of Spark's work by what they were spent on: `contenders/timed.py` says how.

        Args:
            module: the job's script, without its ending.
            plan: its plan file.
        """
        answer = run_script(self.place, self.source, "timed.py", plan, module=module)
        seconds: dict[str, float] = answer["seconds"]
        return seconds

    def stored(self, kind: str) -> str:
        """A table's name in the catalog."""
        return f"{self.place.database}.{self.source.table(kind)}"
