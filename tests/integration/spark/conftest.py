"""One Spark session and one local cloud for all tests here, and lakes of small days to run the job on."""

from __future__ import annotations

import gc
import gzip
import itertools
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from pyspark.sql import SparkSession

from clickstream.contract.schema import load_schema
from clickstream.lake.objects import write_json
from clickstream.lake.snapshots import branches
from clickstream.lake.windows import hour_text
from clickstream.provisioning.iceberg_tables import RejectsTable, SilverTable
from clickstream.provisioning.resource import Cloud as Account
from clickstream.sources.loader import INCLUDE, load_sources
from clickstream.sources.model import Source
from local.glue import jars, spark
from tests.integration.local.conftest import ROOT, Cloud
from tests.integration.stack.feed import Feed, make_feed

CODE = [str(ROOT / folder) for folder in ("plugins", "include/glue_scripts", "local/glue/awsglue_shim")]
sys.path += CODE
OBJECTS_OF_AN_HOUR = 3
NAMES = (f"order_{number}" for number in itertools.count())

Rows = Collection[tuple[Any, ...]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """py4j leaves the sockets of its answers to the garbage collector."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A local cloud with its foundation, to which AWS's own variables lead."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "state")
    variables = {
        "STATE": str(cloud.state),
        "CLOUD_PORT": str(cloud.port),
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        cloud.start()
        subprocess.run([sys.executable, "-m", "local.foundation"], cwd=ROOT, check=True, timeout=60)
        yield Account.of(boto3.Session())
        cloud.stop()


@pytest.fixture(scope="session")
def session(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session as a Glue job finds it."""
    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SPARK_DIST_CLASSPATH", os.pathsep.join(map(str, jars.class_path())))
        environment.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        environment.setenv("SPARK_LOCAL_DIRS", str(folder))
        environment.setenv("PYSPARK_PYTHON", sys.executable)
        environment.setenv("PYTHONPATH", os.pathsep.join(CODE))
        made = SparkSession.builder.config(map=spark.settings(folder, iceberg=True)).getOrCreate()
        made.sparkContext.setLogLevel("ERROR")
        yield made
        made.stop()
        gc.collect()


@pytest.fixture(scope="session")
def feed() -> Feed:
    """Three days of four hours, in which copies of events meet across hours and days."""
    return make_feed(load_sources()[0]["retail_web"].verify_from)


@dataclass
class Lake:
    """The feed in Bronze, and tables of their own for one order of runs."""

    session: SparkSession
    source: Source
    bucket: str
    hours: dict[str, list[dict[str, Any]]]
    """Objects by arrival hour, as a manifest lists them."""
    processed: set[str] = field(default_factory=set)

    def run(self, hours: Collection[str]) -> dict[str, Any]:
        """Run the job over some hours; the manifests of those processed before are known to it.

        Returns:
            Its result document.
        """
        from bronze_to_silver import run  # type: ignore[import-not-found,unused-ignore]
        from silver_job.plan import BronzeObject, Plan  # type: ignore[import-not-found,unused-ignore]

        contract = self.source.events.contract
        manifests = {}
        for hour in self.processed - {*hours}:
            manifests[hour] = f"s3://{self.bucket}/manifests/{hour}.json"
            write_json(
                boto3.client("s3"),
                manifests[hour],
                {"arrival_hour": hour, "contract": contract, "objects": self.hours[hour]},
            )
        plan = Plan(
            run_id=f"{self.source.name}.{len(self.processed)}",
            source=self.source,
            schemas={contract: load_schema(INCLUDE / "schemas", "retail_web", contract).document},
            lake=self.bucket,
            hours={
                hour: [BronzeObject(hour, o["key"], o["etag"], o["size"], contract) for o in self.hours[hour]]
                for hour in hours
            },
            manifests=manifests,
        )
        result: dict[str, Any] = run(self.session, plan)
        self.session.catalog.clearCache()
        self.processed |= {*hours}
        return result

    def rows(self) -> dict[str, Rows]:
        """What readers of main see, sorted: all columns of all rows, by table."""
        return {kind: sorted(map(tuple, self._table(kind).collect()), key=repr) for kind in ("silver", "rejects")}

    def by_hour(self) -> dict[str, list[str]]:
        """The same rows by arrival hour."""
        found = defaultdict(list)
        for kind in ("silver", "rejects"):
            for row in self._table(kind).collect():
                found[row.arrival_hour].append(repr(row))
        return {hour: sorted(rows) for hour, rows in found.items()}

    def branches(self) -> list[str]:
        """Those of both tables beside main."""
        tables = (self.source.table(kind) for kind in ("silver", "rejects"))
        glue, s3 = boto3.client("glue"), boto3.client("s3")
        return [name for table in tables for name in branches(glue, s3, "clickstream", table)]

    def scratch(self) -> list[str]:
        """What lies in the source's scratch folder, deleted versions included."""
        versions = boto3.resource("s3").Bucket(self.bucket).object_versions
        return [version.key for version in versions.filter(Prefix=f"scratch/{self.source.name}/")]

    def select(self, kind: str, *columns: str) -> Rows:
        return [tuple(row) for row in self._table(kind).select(*columns).collect()]

    def _table(self, kind: str) -> Any:
        return self.session.table(f"glue_catalog.clickstream.{self.source.table(kind)}")


@pytest.fixture(scope="session")
def bronze(account: Account, feed: Feed) -> dict[str, list[dict[str, Any]]]:
    """The feed's objects in the lake, by arrival hour."""
    s3, objects = account.client("s3"), defaultdict(list)
    for hour, records in feed.hours.items():
        for number in range(OBJECTS_OF_AN_HOUR):
            body = gzip.compress(b"\n".join(records[number::OBJECTS_OF_AN_HOUR]) + b"\n")
            key = f"landing/clickstream/{hour:year=%Y/month=%m/day=%d/hour=%H}/part-{number}.gz"
            etag = s3.put_object(Bucket=account.names.lake, Key=key, Body=body)["ETag"]
            objects[hour_text(hour)].append({"key": key, "etag": etag, "size": len(body)})
    return objects


@pytest.fixture
def lake(session: SparkSession, account: Account, bronze: dict[str, list[dict[str, Any]]]) -> Lake:
    """Empty tables beside the feed's Bronze."""
    source = load_sources()[0]["retail_web"].model_copy(update={"name": next(NAMES)})
    for table in (SilverTable, RejectsTable):
        table(source, account).create()
    return Lake(session, source, account.names.lake, bronze)
