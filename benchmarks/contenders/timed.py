"""A job of the product as it is, with a watch: its result also says how many seconds it worked, and on what.

`job` is all of it, without the start of the session. Of Silver to Gold each stored table has its own seconds: opening
its branch, writing, auditing, publishing.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

import silver_to_gold
from awsglue.utils import getResolvedOptions
from branched_table import BranchedTable
from gold_job.table import TableMaker
from plan_file import follow
from pyspark.sql import SparkSession

seconds: defaultdict[str, float] = defaultdict(float)
Method = Callable[..., Any]


def timed(method: Method, table_of: Callable[[Any], str]) -> Method:
    """The method, that adds what it takes to the seconds of a table."""

    @wraps(method)
    def call(self: Any, *arguments: Any) -> Any:
        began = time.perf_counter()
        answer = method(self, *arguments)
        seconds[table_of(self)] += time.perf_counter() - began
        return answer

    return call


def of_maker(maker: TableMaker[Any]) -> str:
    return maker.job.source.table(maker.name)


def of_branch(branch: BranchedTable) -> str:
    return branch.name.partition(".")[2]


def run(spark: SparkSession, plan: dict[str, Any]) -> dict[str, Any]:
    spark.range(1).count()
    began = time.perf_counter()
    result: dict[str, Any] = job.run(spark, job.Plan.of(plan))
    return {**result, "seconds": {"job": time.perf_counter() - began, **seconds}}


job = importlib.import_module(getResolvedOptions(sys.argv, ["module"])["module"])
for maker in silver_to_gold.MAKERS.values():
    for name in ("write", "audit"):
        setattr(maker, name, timed(getattr(maker, name), of_maker))
for name in ("open_branch", "publish", "drop_branch"):
    setattr(BranchedTable, name, timed(getattr(BranchedTable, name), of_branch))
follow(run)
