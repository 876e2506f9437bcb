"""Glue job definitions, with the defaults that Glue fills in.

https://docs.aws.amazon.com/glue/latest/webapi/API_Job.html
"""

import asyncio
import json
import sqlite3
import time
from typing import Any

from local.errors import AwsError
from local.settings import ACCOUNT, REGION, client

SCHEMA = "CREATE TABLE IF NOT EXISTS glue_jobs (name TEXT PRIMARY KEY, body TEXT NOT NULL)"
DEFAULT_GLUE_VERSION = "5.1"
LONGEST_TIMEOUT = 10080
UNITS = {"G.025X": 0.25, **{f"{kind}.{n}X": n for kind in "GR" for n in (1, 2, 4, 8)}, "G.12X": 12, "G.16X": 16}
"""Data processing units of a worker."""


class Jobs:
    """All job definitions; used from the event loop only."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(SCHEMA)

    async def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateJob."""
        name = request["Name"]
        if self._find(name):
            raise AwsError("AlreadyExistsException", f"Job with name: {name} already exists.")
        definition = {key: value for key, value in request.items() if key != "Tags"}
        self._save(_complete(definition, created=time.time()))
        if tags := request.get("Tags"):
            arn = f"arn:aws:glue:{REGION}:{ACCOUNT}:job/{name}"
            await asyncio.to_thread(client("glue").tag_resource, ResourceArn=arn, TagsToAdd=tags)
        return {"Name": name}

    def get(self, name: str) -> dict[str, Any]:
        """The definition of a job.

        :raises AwsError: EntityNotFoundException.
        """
        job = self._find(name)
        if job is None:
            raise AwsError("EntityNotFoundException", f"Job {name} not found.")
        return job

    def page(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetJobs: by name, up to 1000 a page."""
        limit = page_size(request, 1000)
        rows = self._database.execute(
            "SELECT name, body FROM glue_jobs WHERE name > ? ORDER BY name LIMIT ?",
            (request.get("NextToken", ""), limit + 1),
        ).fetchall()
        answer: dict[str, Any] = {"Jobs": [json.loads(body) for _, body in rows[:limit]]}
        if len(rows) > limit:
            answer["NextToken"] = rows[limit - 1][0]
        return answer

    def update(self, name: str, update: dict[str, Any]) -> dict[str, Any]:
        """UpdateJob: the definition is replaced, what is not said returns to its default."""
        created = self.get(name)["CreatedOn"]
        self._save(_complete({**update, "Name": name}, created=created))
        return {"JobName": name}

    def delete(self, name: str) -> dict[str, Any]:
        """DeleteJob: no error when there is none."""
        self._database.execute("DELETE FROM glue_jobs WHERE name = ?", (name,))
        return {"JobName": name}

    def _find(self, name: str) -> dict[str, Any] | None:
        row = self._database.execute("SELECT body FROM glue_jobs WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def _save(self, job: dict[str, Any]) -> None:
        self._database.execute("INSERT OR REPLACE INTO glue_jobs VALUES (?, ?)", (job["Name"], json.dumps(job)))


def capacity(said: dict[str, Any]) -> dict[str, Any]:
    """Workers and data processing units of a job or a run, as Glue reports them.

    :param said: what the caller said of WorkerType, NumberOfWorkers and MaxCapacity.
    :raises AwsError: InvalidInputException for MaxCapacity beside workers, or one of the two others alone.
    """
    workers: dict[str, Any] = {key: said[key] for key in ("WorkerType", "NumberOfWorkers") if key in said}
    if not workers:
        units = float(said.get("MaxCapacity", 10))
        return {"MaxCapacity": units, "AllocatedCapacity": int(units)}
    if "MaxCapacity" in said:
        raise AwsError(
            "InvalidInputException", "Please do not set Max Capacity if using Worker Type and Number of Workers."
        )
    if len(workers) < 2 or workers["WorkerType"] not in UNITS:
        raise AwsError("InvalidInputException", "Please set a valid Worker Type together with Number of Workers.")
    units = float(UNITS[workers["WorkerType"]] * workers["NumberOfWorkers"])
    return {**workers, "MaxCapacity": units, "AllocatedCapacity": int(units)}


def timeout(said: dict[str, Any], default: int) -> int:
    """The time-out of a job or a run in minutes.

    :raises AwsError: InvalidInputException beyond seven days.
    """
    minutes = int(said.get("Timeout", default))
    if not 1 <= minutes <= LONGEST_TIMEOUT:
        raise AwsError("InvalidInputException", f"Timeout must be between 1 and {LONGEST_TIMEOUT} minutes.")
    return minutes


def page_size(request: dict[str, Any], largest: int) -> int:
    """MaxResults of a request that lists.

    :raises AwsError: InvalidInputException beyond what Glue allows.
    """
    size = int(request.get("MaxResults", largest))
    if size > largest:
        raise AwsError("InvalidInputException", f"MaxResults must be at most {largest}.")
    return size


def _complete(definition: dict[str, Any], created: float) -> dict[str, Any]:
    command = definition.get("Command", {})
    if "Role" not in definition or not {"Name", "ScriptLocation"} <= command.keys():
        raise AwsError("InvalidInputException", "Role, Command Name and ScriptLocation must not be null or empty.")
    version = definition.get("GlueVersion", DEFAULT_GLUE_VERSION)
    return {
        "JobMode": "SCRIPT",
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "MaxRetries": 0,
        "ExecutionClass": "STANDARD",
        "GlueVersion": version,
        **definition,
        **capacity(definition),
        "Timeout": timeout(definition, 480 if float(version) >= 5 else 2880),
        "CreatedOn": created,
        "LastModifiedOn": time.time(),
    }
