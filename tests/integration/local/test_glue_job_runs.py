"""Glue job runs: what a script is given, how runs end, and what their caller is told. No Spark is started here."""

import asyncio
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import settings
from local.glue import job_runs
from local.glue.job_runs import JobRuns
from local.glue.jobs import Jobs
from tests.integration.local.glue_runs import BUCKET, WAITS, GlueRuns, alive, shared_cloud


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GlueRuns]:
    with shared_cloud(tmp_path_factory.mktemp("state")) as cloud:
        yield GlueRuns(cloud)


def test_script_gets_its_arguments_modules_and_clients(runs: GlueRuns) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("shipped/__init__.py", "NAME = 'from a zip'")
    runs.s3.put_object(Bucket=BUCKET, Key="lib/shipped.zip", Body=archive.getvalue())
    runs.s3.put_object(Bucket=BUCKET, Key="lib/single.py", Body=b"NAME = 'from a file'")
    job = runs.job(
        "import os, sys, boto3, shipped, single\n"
        "from awsglue.utils import getResolvedOptions\n"
        "args = getResolvedOptions(sys.argv, ['JOB_NAME', 'day', 'colour', 'fixed'])\n"
        "print(__name__, args['JOB_NAME'], args['JOB_RUN_ID'], args['day'], args['colour'], args['fixed'])\n"
        "print(shipped.NAME, single.NAME, os.path.basename(sys.argv[0]))\n"
        f"print(boto3.client('s3').get_object(Bucket='{BUCKET}', Key='lib/single.py')['ContentLength'])\n"
        "print('to stderr', file=sys.stderr)\n",
        DefaultArguments={
            "--day": "default",
            "--colour": "default",
            "--extra-py-files": f"s3://{BUCKET}/lib/shipped.zip,s3://{BUCKET}/lib/single.py",
            "--additional-python-modules": "orjson>=3,jsonschema-rs",
        },
        NonOverridableArguments={"--fixed": "job"},
        WorkerType="G.1X",
        NumberOfWorkers=2,
    )
    run_id = runs.start(job, Arguments={"--day": "run", "--fixed": "run"}, NumberOfWorkers=4, Timeout=7)
    run = runs.ends(job, run_id)
    assert run["JobRunState"] == "SUCCEEDED"
    assert runs.printed(run) == [
        f"__main__ {job} {run_id} run default job",
        f"from a zip from a file {job}.py",
        "20",
    ]
    assert runs.printed(run, "error") == ["to stderr"]
    log = (runs.cloud.state / "logs" / "glue" / f"{run_id}.log").read_text()
    assert f"from a zip from a file {job}.py" in log and "to stderr" in log
    assert run["Arguments"]["--day"] == "run" and run["Arguments"]["--fixed"] == "job"
    assert (run["JobName"], run["Attempt"], run["GlueVersion"], run["Timeout"]) == (job, 0, "5.1", 7)
    assert (run["WorkerType"], run["NumberOfWorkers"], run["MaxCapacity"]) == ("G.1X", 4, 4.0)
    assert run["StartedOn"] <= run["CompletedOn"]
    assert "ErrorMessage" not in run


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("raise ValueError('no such\\nday')", {}, "ValueError: no such day"),
        ("import sys; sys.exit(3)", {}, "SystemExit: 3"),
        ("def broken(:", {}, "SyntaxError: "),
        ("import nothing_like_it", {}, "ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("import os; os.kill(os.getpid(), 9)", {}, "Command failed with exit code 137"),
        ("import os; os._exit(7)", {}, "Command failed with exit code 7"),
        (
            "",
            {"--additional-python-modules": "orjson<1"},
            "LAUNCH ERROR | ERROR: Could not find a version that satisfies the requirement orjson<1",
        ),
        ("", {"--conf": "spark.a=1 --conf spark.b"}, "LAUNCH ERROR | Spark config without '=': spark.b"),
        (
            "",
            {"--extra-py-files": f"s3://{BUCKET}/gone.zip"},
            f"LAUNCH ERROR | Error downloading from S3 for bucket: {BUCKET}, key: gone.zip.",
        ),
    ],
)
def test_failure_is_told_as_glue_tells_it(runs: GlueRuns, script: str, arguments: dict[str, str], message: str) -> None:
    job = runs.job(script)
    run = runs.ends(job, runs.start(job, Arguments=arguments))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith(message)


def test_exit_with_zero_succeeds(runs: GlueRuns) -> None:
    job = runs.job("import sys; sys.exit(0)")
    assert runs.ends(job, runs.start(job))["JobRunState"] == "SUCCEEDED"


def test_stop_ends_all_processes_and_frees_the_job(runs: GlueRuns) -> None:
    job, another, other = runs.job(WAITS), runs.job(WAITS), runs.job("")
    run_id = runs.start(job)
    run = runs.reaches(job, run_id, "RUNNING")
    pids = runs.pids(run)
    with pytest.raises(runs.glue.exceptions.ConcurrentRunsExceededException):
        runs.start(job)
    # Both Sparks are taken: a third job's run waits, and can be stopped before it has begun.
    beside = runs.start(another)
    runs.reaches(another, beside, "RUNNING")
    waiting = runs.start(other)
    assert runs.get(other, waiting)["JobRunState"] == "STARTING"
    runs.glue.batch_stop_job_run(JobName=other, JobRunIds=[waiting])
    assert runs.reaches(other, waiting, "STOPPED")["ExecutionTime"] == 0
    runs.glue.batch_stop_job_run(JobName=another, JobRunIds=[beside])

    answer = runs.glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id, "jr_unknown"])
    assert answer["SuccessfulSubmissions"] == [{"JobName": job, "JobRunId": run_id}]
    (error,) = answer["Errors"]
    assert (error["JobRunId"], error["ErrorDetail"]["ErrorCode"]) == ("jr_unknown", "EntityNotFoundException")
    stopped = runs.ends(job, run_id)
    assert stopped["JobRunState"] == "STOPPED"
    assert "CompletedOn" in stopped and "ErrorMessage" not in stopped
    assert not any(alive(pid) for pid in pids)

    (error,) = runs.glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])["Errors"]
    assert error["ErrorDetail"]["ErrorCode"] == "InvalidInputException"
    runs.glue.batch_stop_job_run(JobName=job, JobRunIds=[runs.start(job)])


def test_runs_are_listed_newest_first_by_pages(runs: GlueRuns) -> None:
    job = runs.job("", ExecutionProperty={"MaxConcurrentRuns": 3})
    started = [runs.start(job) for _ in range(3)]
    pages = runs.glue.get_paginator("get_job_runs").paginate(JobName=job, PaginationConfig={"PageSize": 2})
    found = [[run["Id"] for run in page["JobRuns"]] for page in pages]
    assert found == [[started[2], started[1]], [started[0]]]
    for run in started:
        runs.ends(job, run)


def test_unknown_job_and_run(runs: GlueRuns) -> None:
    unknown = runs.glue.exceptions.EntityNotFoundException
    with pytest.raises(unknown):
        runs.start("no-such-job")
    with pytest.raises(unknown):
        runs.glue.get_job_runs(JobName="no-such-job")
    with pytest.raises(unknown):
        runs.get(runs.job(""), "jr_unknown")


@pytest.mark.parametrize(
    ("definition", "request_"),
    [({"MaxRetries": 1}, {}), ({}, {"JobRunQueuingEnabled": True}), ({}, {"MaxCapacity": 2.0, "WorkerType": "G.1X"})],
)
def test_what_is_not_served_is_refused(runs: GlueRuns, definition: dict[str, Any], request_: dict[str, Any]) -> None:
    job = runs.job("", **definition)
    with pytest.raises(runs.glue.exceptions.InvalidInputException):
        runs.start(job, **request_)


@pytest.fixture
def job_runs_in_process(runs: GlueRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Jobs, Any]]:
    """Jobs of this process instead of the server's, with S3 and logs of the server."""
    monkeypatch.setenv("CLOUD_PORT", str(runs.cloud.port))
    settings.client.cache_clear()
    database = sqlite3.connect(":memory:", isolation_level=None)
    yield Jobs(database), lambda jobs: JobRuns(database, jobs, tmp_path / "work", tmp_path / "logs")
    database.close()
    settings.client.cache_clear()


def test_timeout_ends_the_run(
    runs: GlueRuns, job_runs_in_process: tuple[Jobs, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, open_runs = job_runs_in_process
    monkeypatch.setattr(job_runs, "SECONDS_A_MINUTE", 0.5)
    definition = runs.glue.get_job(JobName=runs.job(WAITS))["Job"]

    async def scenario() -> dict[str, Any]:
        job = {key: definition[key] for key in ("Name", "Role", "Command")}
        await jobs.create(job)
        own = open_runs(jobs)
        run_id = own.start({"JobName": job["Name"], "Timeout": 3})["JobRunId"]
        async with asyncio.timeout(60):
            while (run := own.get(job["Name"], run_id))["JobRunState"] in ("STARTING", "RUNNING"):
                await asyncio.sleep(0.05)
        return dict(run)

    run = asyncio.run(scenario())
    assert run["JobRunState"] == "TIMEOUT"
    assert run["ErrorMessage"] == "The run exceeded its timeout of 3 minutes."
    assert 1 <= run["ExecutionTime"] <= 30
