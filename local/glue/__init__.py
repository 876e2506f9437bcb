"""Glue jobs: definitions, and runs on a real Spark with Iceberg. The catalog is ministack's.

Job definitions are ours too, because ministack drops ``ExecutionProperty``, and with it MaxConcurrentRuns.
Operations: https://docs.aws.amazon.com/glue/latest/webapi/API_Operations.html
"""

import asyncio
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from local import database, settings
from local.errors import AwsError
from local.glue.job_runs import JobRuns
from local.glue.jobs import Jobs
from local.glue.partitions import batch_delete_partition, get_partitions

OPERATIONS = frozenset(
    {
        "CreateJob",
        "GetJob",
        "GetJobs",
        "UpdateJob",
        "DeleteJob",
        "StartJobRun",
        "GetJobRun",
        "GetJobRuns",
        "BatchStopJobRun",
        "BatchDeletePartition",
        "GetPartitions",
    }
)
"""The ``AWSGlue.`` operations that are answered here; all others are ministack's."""


@cache
def _jobs() -> Jobs:
    return Jobs(database.connection())


@cache
def _job_runs() -> JobRuns:
    state = settings.state_dir()
    return JobRuns(database.connection(), _jobs(), state / "glue", state / "logs" / "glue")


@cache
def _model() -> Any:
    return botocore.session.Session().get_service_model("glue")


async def handle(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Answer one operation of Glue's JSON protocol.

    :param operation: one of ``OPERATIONS``.
    :param request: its parameters as AWS's API names them.
    :raises AwsError: as Glue would; InvalidInputException for parameters that Glue's API does not take.
    """
    report = ParamValidator().validate(request, _model().operation_model(operation).input_shape)
    if report.has_errors():
        raise AwsError("InvalidInputException", report.generate_report())
    jobs, runs = _jobs(), _job_runs()
    match operation:
        case "CreateJob":
            return await jobs.create(request)
        case "GetJob":
            return {"Job": jobs.get(request["JobName"])}
        case "GetJobs":
            return jobs.page(request)
        case "UpdateJob":
            return jobs.update(request["JobName"], request["JobUpdate"])
        case "DeleteJob":
            runs.forget(request["JobName"])
            return jobs.delete(request["JobName"])
        case "StartJobRun":
            return runs.start(request)
        case "GetJobRun":
            return {"JobRun": runs.get(request["JobName"], request["RunId"])}
        case "GetJobRuns":
            return runs.page(request)
        case "BatchStopJobRun":
            return runs.stop(request["JobName"], request["JobRunIds"])
        case "BatchDeletePartition":
            return await asyncio.to_thread(batch_delete_partition, request)
        case "GetPartitions":
            return await get_partitions(request)
    raise AwsError("UnknownOperationException", f"Glue's {operation} is not served here")
