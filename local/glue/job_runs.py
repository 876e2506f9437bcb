"""Glue job runs: their states, their order, their end.

https://docs.aws.amazon.com/glue/latest/webapi/API_JobRun.html
STARTING → RUNNING → SUCCEEDED | FAILED | TIMEOUT, or → STOPPING → STOPPED. Two Sparks run at a time, because this
machine has one machine's memory: further runs wait as STARTING, as they do on AWS while capacity is short.
"""

import asyncio
import json
import logging
import secrets
import shutil
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

from local.errors import AwsError
from local.glue import spark
from local.glue.jobs import Jobs, capacity, page_size, timeout
from local.glue.logs import GROUP, RunLog

SCHEMA = """
CREATE TABLE IF NOT EXISTS glue_job_runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL
)
"""
_ACTIVE = "state IN ('STARTING', 'RUNNING', 'STOPPING')"
SECONDS_A_MINUTE = 60.0
"""Timeout is said in minutes, of real time: Spark does not run faster when the local cloud's clock is moved."""
MOST_RUNS = 50
"""Runs that may be active in an account (its default quota)."""
MOST_STOPS = 25
SPARKS = 2
"""At a time: alone, one leaves nearly half of two cores waiting for S3 and for its own planning."""

logger = logging.getLogger(__name__)


class JobRuns:
    """All job runs; used from the event loop only."""

    def __init__(self, database: sqlite3.Connection, jobs: Jobs, work: Path, logs: Path) -> None:
        """Take up the runs of an earlier process: those that were active then have died with it."""
        self._database = database
        self._jobs = jobs
        self._work = work
        self._logs = logs
        self._spark = asyncio.Semaphore(SPARKS)
        self._tasks: dict[str, asyncio.Task[tuple[str, str | None]]] = {}
        self._begun: dict[str, float] = {}
        database.execute(SCHEMA)
        for run in self._select(_ACTIVE):
            self._end(run, "FAILED", f"The local cloud ended while the run was {run['JobRunState']}.")
        shutil.rmtree(work, ignore_errors=True)

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """StartJobRun.

        :raises AwsError: ConcurrentRunsExceededException, ResourceNumberLimitExceededException,
            EntityNotFoundException, InvalidInputException.
        """
        name = request["JobName"]
        job = self._jobs.get(name)
        _refuse_unserved({**job, **request})
        active = self._select(_ACTIVE)
        if sum(run["JobName"] == name for run in active) >= job["ExecutionProperty"]["MaxConcurrentRuns"]:
            raise AwsError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
        if len(active) >= MOST_RUNS:
            raise AwsError("ResourceNumberLimitExceededException", "Max concurrent job runs per account exceeded")
        now = time.time()
        run = {
            "Id": f"jr_{secrets.token_hex(32)}",
            "Attempt": 0,
            "JobName": name,
            "JobMode": job["JobMode"],
            "StartedOn": now,
            "LastModifiedOn": now,
            "JobRunState": "STARTING",
            "Arguments": _merged(job, request.get("Arguments", {})),
            "PredecessorRuns": [],
            "ExecutionTime": 0,
            "Timeout": timeout(request, job["Timeout"]),
            **_run_capacity(job, request),
            "LogGroupName": GROUP,
            "GlueVersion": job["GlueVersion"],
            "ExecutionClass": request.get("ExecutionClass", job["ExecutionClass"]),
        }
        self._database.execute(
            "INSERT INTO glue_job_runs (id, job, state, body) VALUES (?, ?, ?, ?)",
            (run["Id"], name, run["JobRunState"], json.dumps(run)),
        )
        task = asyncio.create_task(self._carry_out(run, job["Command"]["ScriptLocation"]))
        task.add_done_callback(partial(self._finish, run))
        self._tasks[run["Id"]] = task
        return {"JobRunId": run["Id"]}

    def get(self, name: str, run_id: str) -> dict[str, Any]:
        """GetJobRun.

        :raises AwsError: EntityNotFoundException.
        """
        self._jobs.get(name)
        for run in self._select("job = ? AND id = ?", name, run_id):
            return run
        raise AwsError("EntityNotFoundException", f"Job run {run_id} not found.")

    def page(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetJobRuns: the newest first, up to 200 a page.

        :raises AwsError: EntityNotFoundException, InvalidInputException.
        """
        name = request["JobName"]
        self._jobs.get(name)
        limit = page_size(request, 200)
        runs = self._select("job = ?", name)
        ids = [run["Id"] for run in runs]
        token = request.get("NextToken", ids[0] if ids else None)
        if token not in {None, *ids}:
            raise AwsError("InvalidInputException", f"NextToken {token} is not valid.")
        first = ids.index(token) if ids else 0
        answer: dict[str, Any] = {"JobRuns": runs[first : first + limit]}
        if len(ids) > first + limit:
            answer["NextToken"] = ids[first + limit]
        return answer

    def stop(self, name: str, run_ids: list[str]) -> dict[str, Any]:
        """BatchStopJobRun: each run that is going on becomes STOPPING, then STOPPED; the others are Errors.

        :raises AwsError: EntityNotFoundException, InvalidInputException.
        """
        if len(run_ids) > MOST_STOPS:
            raise AwsError("InvalidInputException", f"JobRunIds must be at most {MOST_STOPS}.")
        self._jobs.get(name)
        found = {run["Id"]: run for run in self._select("job = ?", name)}
        answer: dict[str, Any] = {"SuccessfulSubmissions": [], "Errors": []}
        for run_id in run_ids:
            item = {"JobName": name, "JobRunId": run_id}
            run = found.get(run_id)
            if run is None:
                error = ("EntityNotFoundException", f"Job run {run_id} not found.")
            elif run["JobRunState"] not in ("STARTING", "RUNNING"):
                error = ("InvalidInputException", f"Job run {run_id} is {run['JobRunState']}.")
            else:
                self._record(run, JobRunState="STOPPING")
                self._tasks[run_id].cancel()
                answer["SuccessfulSubmissions"].append(item)
                continue
            detail = dict(zip(("ErrorCode", "ErrorMessage"), error, strict=True))
            answer["Errors"].append({**item, "ErrorDetail": detail})
        return answer

    def forget(self, name: str) -> None:
        """Drop the ended runs of a job that is deleted."""
        self._database.execute(f"DELETE FROM glue_job_runs WHERE job = ? AND NOT {_ACTIVE}", (name,))

    async def _carry_out(self, run: dict[str, Any], script: str) -> tuple[str, str | None]:
        """The state that the run ends in, and its ErrorMessage."""
        async with self._spark:
            folder = self._work / run["Id"]
            folder.mkdir(parents=True)
            self._logs.mkdir(parents=True, exist_ok=True)
            arguments = {"--JOB_NAME": run["JobName"], "--JOB_RUN_ID": run["Id"], **run["Arguments"]}
            try:
                launch = await asyncio.to_thread(spark.prepare, folder, script, arguments)
                self._begun[run["Id"]] = time.monotonic()
                self._record(run, JobRunState="RUNNING")
                async with asyncio.timeout(run["Timeout"] * SECONDS_A_MINUTE):
                    log = RunLog(run["Id"], self._logs / f"{run['Id']}.log")
                    error = await spark.run(folder, *launch, log)
            except spark.LaunchError as failure:
                return "FAILED", str(failure)
            except TimeoutError:
                return "TIMEOUT", f"The run exceeded its timeout of {run['Timeout']} minutes."
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        return ("SUCCEEDED", None) if error is None else ("FAILED", error)

    def _finish(self, run: dict[str, Any], task: asyncio.Task[tuple[str, str | None]]) -> None:
        del self._tasks[run["Id"]]
        (run,) = self._select("id = ?", run["Id"])
        if not task.cancelled() and (error := task.exception()):
            logger.error("run %s", run["Id"], exc_info=error)
            self._end(run, "ERROR", f"{type(error).__name__}: {error}")
        elif not task.cancelled():
            self._end(run, *task.result())
        elif run["JobRunState"] == "STOPPING":
            self._end(run, "STOPPED", None)
        # Else the local cloud itself ends; its next start reports the run.

    def _end(self, run: dict[str, Any], state: str, error: str | None) -> None:
        ended = {"JobRunState": state, "CompletedOn": time.time(), "ExecutionTime": self._execution_time(run)}
        self._begun.pop(run["Id"], None)
        self._record(run, **ended, **({"ErrorMessage": error} if error else {}))

    def _execution_time(self, run: dict[str, Any]) -> int:
        begun = self._begun.get(run["Id"])
        return int(run["ExecutionTime"]) if begun is None else round(time.monotonic() - begun)

    def _record(self, run: dict[str, Any], **changes: Any) -> None:
        run.update(changes, LastModifiedOn=time.time())
        self._database.execute(
            "UPDATE glue_job_runs SET state = ?, body = ? WHERE id = ?",
            (run["JobRunState"], json.dumps(run), run["Id"]),
        )

    def _select(self, where: str, *values: str) -> list[dict[str, Any]]:
        """The runs, newest first."""
        rows = self._database.execute(f"SELECT body FROM glue_job_runs WHERE {where} ORDER BY number DESC", values)
        runs = [json.loads(body) for (body,) in rows]
        return [{**run, "ExecutionTime": self._execution_time(run)} for run in runs]


def _merged(job: dict[str, Any], arguments: dict[str, str]) -> dict[str, str]:
    return {**job.get("DefaultArguments", {}), **arguments, **job.get("NonOverridableArguments", {})}


def _run_capacity(job: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    keys = ("WorkerType", "NumberOfWorkers", "MaxCapacity")
    said: dict[str, Any] = {key: request[key] for key in keys if key in request}
    workers: dict[str, Any] = {key: job[key] for key in ("WorkerType", "NumberOfWorkers") if key in job}
    if "MaxCapacity" not in said:
        said = {**workers, **said} or {"MaxCapacity": job["MaxCapacity"]}
    return capacity(said)


def _refuse_unserved(said: dict[str, Any]) -> None:
    """Say so rather than run differently from AWS."""
    for fault, text in (
        (said["Command"]["Name"] != "glueetl", "runs glueetl jobs only"),
        (said["MaxRetries"] > 0, "does not retry runs: set MaxRetries to 0"),
        (said.get("JobRunQueuingEnabled"), "does not queue job runs"),
        (said.get("JobRunId"), "does not retry a run under its id"),
    ):
        if fault:
            raise AwsError("InvalidInputException", f"The local cloud {text}.")
