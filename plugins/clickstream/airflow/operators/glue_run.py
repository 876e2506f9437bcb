"""One Glue job run for one attempt at a task: a retry finds its run again, a cleared task starts a new one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from botocore.exceptions import ClientError

from clickstream.airflow.runs import AWS_CONNECTION

KEY = "--airflow_run_key"
UNDER_WAY = {"STARTING", "RUNNING", "WAITING", "STOPPING"}
GOOD = {*UNDER_WAY, "SUCCEEDED"}
BUSY_SECONDS = 10
POLLS = 1440
"""Looks of one deferral; a run that is still under way then is waited for anew. Its end is the job's own time-out."""


class JobRunFailed(RuntimeError):
    """A job run ended in another state than SUCCEEDED; the text holds its id, state and error."""


class GlueRunOperator(AwsBaseOperator[AwsBaseHook]):
    """Run a Glue job and wait for it deferred.

    The job run carries a key of run, task, map index and clear number. A retry has the same key: it goes on waiting
    for its run, or takes its success, also when it succeeded while nobody looked. A clear or a backfill has a new key:
    it stops the run of the attempt before, and starts a new one when that has ended.

    Args:
        run: the run's key (templated).
        job_name: the job (templated).
        arguments: its arguments (templated).
        poll_seconds: seconds between two looks at the run.
    """

    aws_hook_class = AwsBaseHook
    template_fields: Sequence[str] = aws_template_fields("run", "job_name", "arguments")

    def __init__(
        self,
        *,
        run: str,
        job_name: str,
        arguments: dict[str, str],
        poll_seconds: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(aws_conn_id=AWS_CONNECTION, **kwargs)
        self.run = run
        self.job_name = job_name
        self.arguments = arguments
        self.poll_seconds = poll_seconds

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        return {**super()._hook_parameters, "client_type": "glue"}

    @property
    def client(self) -> Any:
        """The boto3 client of Glue."""
        return self.hook.conn

    def execute(self, context: Any, event: dict[str, Any] | None = None) -> str:
        ti = context["ti"]
        task = f"{self.run}/{ti.task_id}/{ti.map_index}/"
        key = f"{task}{context['dag_run'].clear_number}"
        runs = self._runs_of(task)
        own = next((run for run in runs if run["Arguments"][KEY] == key and run["JobRunState"] in GOOD), None)
        if own:
            self.log.info("found job run %s of an earlier try, %s", own["Id"], own["JobRunState"])
            return self._conclude(own["Id"])
        # Its trigger has done so, unless the clear came before the triggerer had taken the wait.
        if cleared := [run["Id"] for run in runs if run["JobRunState"] in UNDER_WAY - {"STOPPING"}]:
            self.client.batch_stop_job_run(JobName=self.job_name, JobRunIds=cleared)
        return self._conclude(self._start(key))

    def execute_complete(self, context: Any, event: dict[str, Any]) -> str:
        """Resume when the run has ended, well or not."""
        return self._conclude(event["run_id"])

    def _runs_of(self, task: str) -> list[dict[str, Any]]:
        """The job's runs for all tries and clears of this task, newest first."""
        pages = self.client.get_paginator("get_job_runs").paginate(JobName=self.job_name)
        runs = [run for page in pages for run in page["JobRuns"]]
        return [run for run in runs if run.get("Arguments", {}).get(KEY, "").startswith(task)]

    def _start(self, key: str) -> str:
        try:
            answer = self.client.start_job_run(JobName=self.job_name, Arguments={**self.arguments, KEY: key})
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConcurrentRunsExceededException":
                raise
            from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

            self.log.info("another run of %s is under way; waiting for it", self.job_name)
            self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=BUSY_SECONDS)), method_name="execute")
        run_id: str = answer["JobRunId"]
        self.log.info("started job run %s of %s", run_id, self.job_name)
        return run_id

    def _conclude(self, run_id: str) -> str:
        run = self.client.get_job_run(JobName=self.job_name, RunId=run_id)["JobRun"]
        state = run["JobRunState"]
        if state in UNDER_WAY:
            from clickstream.airflow.triggers.glue_run import GlueRunTrigger

            self.defer(
                trigger=GlueRunTrigger(
                    job_name=self.job_name,
                    run_id=run_id,
                    waiter_delay=self.poll_seconds,
                    waiter_max_attempts=POLLS,
                    aws_conn_id=AWS_CONNECTION,
                ),
                method_name="execute_complete",
            )
        if state != "SUCCEEDED":
            raise JobRunFailed(f"{self.job_name} {run_id}: {state}: {run.get('ErrorMessage', 'no reason given')}")
        return run_id
