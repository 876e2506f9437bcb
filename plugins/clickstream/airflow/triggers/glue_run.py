"""Waiting for a Glue job run, and stopping it when a person kills the task."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.hooks.glue import GlueJobHook
from airflow.providers.amazon.aws.triggers.glue import GlueJobCompleteTrigger

from clickstream.airflow.triggers.shared_client import shared_client


class SharedGlueHook(GlueJobHook):
    """The provider's hook, whose asynchronous client is shared."""

    async def get_async_conn(self) -> Any:
        return shared_client(self, super().get_async_conn)


class GlueRunTrigger(GlueJobCompleteTrigger):
    """The provider's trigger, which would leave the job running after a clear or a mark."""

    aws_hook_class = SharedGlueHook

    async def on_kill(self) -> None:
        async with await self.hook().get_async_conn() as client:
            await client.batch_stop_job_run(JobName=self.job_name, JobRunIds=[self.run_id])
