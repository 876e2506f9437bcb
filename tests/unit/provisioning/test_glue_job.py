from importlib.metadata import version
from pathlib import Path

import pytest

from clickstream.provisioning import job_code
from clickstream.provisioning.glue_job import GlueJob, GoldJob, MaintenanceJob, SilverJob
from clickstream.provisioning.job_code import JOBS, JobCode
from clickstream.provisioning.plan import plan
from clickstream.provisioning.resource import Cloud
from clickstream.sources.model import Source
from tests.unit.provisioning.fakes import Stub


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for file in JOBS:
        (tmp_path / file).write_text("print('one')\n")
    monkeypatch.setattr(job_code, "SCRIPTS", tmp_path)
    return tmp_path / "bronze_to_silver.py"


def test_the_catalog_that_iceberg_needs_on_glue(source: Source, cloud: Cloud, script: Path) -> None:
    conf = SilverJob(source, cloud).desired()["argument --conf"]
    assert isinstance(conf, str)
    settings = dict(setting.split("=", 1) for setting in conf.split(" --conf "))
    assert settings["spark.sql.session.timeZone"] == "UTC"
    assert settings["spark.sql.catalog.glue_catalog.warehouse"] == "s3://clickstream-123456789012-lake/"
    assert settings["spark.sql.catalog.glue_catalog"] == "org.apache.iceberg.spark.SparkCatalog"


def test_the_job_gets_the_libraries_that_this_process_has(source: Source, cloud: Cloud, script: Path) -> None:
    libraries = SilverJob(source, cloud).desired()["argument --additional-python-modules"]
    assert isinstance(libraries, str)
    assert f"orjson=={version('orjson')}" in libraries.split(",")


def test_new_code_is_an_update_of_the_job_and_lies_beside_the_old(source: Source, stub: Stub, script: Path) -> None:
    cloud, glue = stub("glue")
    job = SilverJob(source, cloud)
    old = JobCode(source, cloud).name
    glue.add_response("get_job", {"Job": {"Name": job.name, **job._definition()}}, {"JobName": job.name})
    glue.add_response("get_job", {"Job": {"Name": job.name, **job._definition()}}, {"JobName": job.name})
    assert plan(job).action == "none"
    script.write_text("print('two')\n")
    new = JobCode(source, cloud).name
    assert new != old
    step = plan(job)
    assert step.action == "update"
    assert list(map(str, step.differences)) == [
        f"script: '{old}bronze_to_silver.py' -> '{new}bronze_to_silver.py'",
        f"argument --extra-py-files: '{old}modules.zip' -> '{new}modules.zip'",
    ]


def test_an_argument_that_somebody_added_is_taken_away(source: Source, stub: Stub, script: Path) -> None:
    cloud, glue = stub("glue")
    job = SilverJob(source, cloud)
    definition = job._definition()
    definition["DefaultArguments"]["--job-bookmark-option"] = "job-bookmark-enable"
    glue.add_response("get_job", {"Job": {"Name": job.name, **definition}})
    assert list(map(str, plan(job).differences)) == ["argument --job-bookmark-option: 'job-bookmark-enable' -> absent"]


def test_one_run_at_a_time_and_no_retry_of_glues_own(source: Source, cloud: Cloud, script: Path) -> None:
    desired = SilverJob(source, cloud).desired()
    assert (desired["concurrent_runs"], desired["retries"], desired["timeout_minutes"]) == (1, 0, 60)


@pytest.mark.parametrize(("kind", "name"), [(GoldJob, "silver_to_gold"), (MaintenanceJob, "lake_maintenance")])
def test_the_jobs_differ_in_name_script_and_what_they_say_only(
    kind: type[GlueJob], name: str, source: Source, cloud: Cloud, script: Path
) -> None:
    silver, job = SilverJob(source, cloud), kind(source, cloud)
    assert (silver.name, job.name) == ("retail_web__bronze_to_silver", f"retail_web__{name}")
    one, other = silver.desired(), job.desired()
    assert {field for field in one if one[field] != other[field]} == {"script", "description"}
    assert str(other["script"]).endswith(f"/{name}.py")
