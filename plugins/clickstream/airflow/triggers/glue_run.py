"""Waiting for a Glue job run, and stopping it when a person kills the task."""

from __future__ import annotations

from airflow.providers.amazon.aws.triggers.glue import GlueJobCompleteTrigger


class GlueRunTrigger(GlueJobCompleteTrigger):
    """The provider's trigger, which would leave the job running after a clear or a mark."""

    async def on_kill(self) -> None:
        async with await self.hook().get_async_conn() as client:
            await client.batch_stop_job_run(JobName=self.job_name, JobRunIds=[self.run_id])
