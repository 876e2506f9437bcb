"""How the jobs are called: `--plan` is the address of a document that says what to do, and where the result is put."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

from clickstream.lake.objects import read_json, write_json


def follow(job: Callable[[SparkSession, dict[str, Any]], dict[str, Any]]) -> None:
    """Do what the plan file says that the command line names, and leave the result.

    Args:
        job: is given the session, whose catalog `glue_catalog` holds the tables, and the plan's document; its answer
            is the result's document.
    """
    s3 = boto3.client("s3")
    plan = read_json(s3, getResolvedOptions(sys.argv, ["JOB_NAME", "plan"])["plan"])
    result = job(SparkSession.builder.getOrCreate(), plan)
    write_json(s3, plan["result"], result)
    print(json.dumps(result))
