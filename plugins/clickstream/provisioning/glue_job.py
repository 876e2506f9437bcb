"""The Glue jobs of a source: Silver and rejects of its Bronze, Gold of its Silver, and the maintenance of all these.

Arguments: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import PurePath
from typing import Any, ClassVar

from clickstream.provisioning.job_code import BRONZE_TO_SILVER, LAKE_MAINTENANCE, SILVER_TO_GOLD, JobCode
from clickstream.provisioning.resource import Difference, Resource, Settings
from clickstream.provisioning.waiting import once_role_is_known
from clickstream.sources.model import Source

ROLE = "clickstream-glue"
GLUE_VERSION = "5.1"
WORKER_TYPE = "G.1X"
WORKERS = 2
TIMEOUT_MINUTES = 60
LIBRARIES = ("orjson", "jsonschema-rs", "pydantic", "pyyaml")
"""What the code imports beside what Glue has; the job gets the versions that this process has."""
CATALOG = "spark.sql.catalog.glue_catalog"


class GlueJob(Resource):
    """A Spark job. One run at a time, because two would write the same tables; Glue never retries it."""

    script: ClassVar[str]
    purpose: ClassVar[str]
    """What it makes of what, as the beginning of a sentence that ends in "of <source>"."""

    @property
    def name(self) -> str:
        return f"{self.source.name}__{PurePath(self.script).stem}"

    def desired(self) -> Settings:
        return _settings(self._definition())

    def live(self) -> Settings | None:
        glue = self.cloud.client("glue")
        try:
            return _settings(glue.get_job(JobName=self.name)["Job"])
        except glue.exceptions.EntityNotFoundException:
            return None

    def create(self) -> None:
        once_role_is_known(self.cloud.client("glue").create_job, Name=self.name, **self._definition())

    def update(self, differences: Sequence[Difference]) -> None:
        once_role_is_known(self.cloud.client("glue").update_job, JobName=self.name, JobUpdate=self._definition())

    def delete(self) -> None:
        self.cloud.client("glue").delete_job(JobName=self.name)

    def is_dearer(self, difference: Difference) -> bool:
        return difference.field == "workers" and difference.grows

    def _definition(self) -> dict[str, Any]:
        names, code = self.cloud.names, JobCode(self.source, self.cloud)
        spark = {
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.session.timeZone": "UTC",
            CATALOG: "org.apache.iceberg.spark.SparkCatalog",
            f"{CATALOG}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            f"{CATALOG}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            f"{CATALOG}.warehouse": f"s3://{names.lake}/",
        }
        return {
            "Description": f"{self.purpose} of {self.source.name}",
            "Role": names.role_arn(ROLE),
            "Command": {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": code.script(self.script)},
            "GlueVersion": GLUE_VERSION,
            "WorkerType": WORKER_TYPE,
            "NumberOfWorkers": WORKERS,
            "Timeout": TIMEOUT_MINUTES,
            "MaxRetries": 0,
            "ExecutionProperty": {"MaxConcurrentRuns": 1},
            "DefaultArguments": {
                # Glue takes --conf once; further ones stand in its value.
                "--conf": " --conf ".join(f"{key}={value}" for key, value in spark.items()),
                "--datalake-formats": "iceberg",
                "--extra-py-files": code.modules,
                "--additional-python-modules": ",".join(f"{library}=={version(library)}" for library in LIBRARIES),
                "--enable-metrics": "true",
            },
        }


class SilverJob(GlueJob):
    """Gives every raw record its fate."""

    kind = "job"
    script = BRONZE_TO_SILVER
    purpose = "Bronze to Silver and rejects"


class GoldJob(GlueJob):
    """Makes event dates of Gold anew."""

    kind = "gold_job"
    script = SILVER_TO_GOLD
    purpose = "Silver to Gold"

    @classmethod
    def is_part_of(cls, source: Source) -> bool:
        return source.gold is not None


class MaintenanceJob(GlueJob):
    """Compacts the tables, and removes what nobody needs any more."""

    kind = "maintenance_job"
    script = LAKE_MAINTENANCE
    purpose = "Maintenance of the Iceberg tables"


def _settings(job: dict[str, Any]) -> Settings:
    """A job as Glue describes it; its definition has the same form."""
    command = job["Command"]
    return {
        "description": job.get("Description"),
        "role": job.get("Role"),
        "command": command.get("Name"),
        "python_version": command.get("PythonVersion"),
        "script": command.get("ScriptLocation"),
        "glue_version": job.get("GlueVersion"),
        "worker_type": job.get("WorkerType"),
        "workers": job.get("NumberOfWorkers"),
        "timeout_minutes": job.get("Timeout"),
        "retries": job.get("MaxRetries"),
        "concurrent_runs": job.get("ExecutionProperty", {}).get("MaxConcurrentRuns"),
        **{f"argument {key}": value for key, value in job.get("DefaultArguments", {}).items()},
    }
