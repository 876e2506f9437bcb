"""Waiting for several Athena queries at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.triggers.base import BaseTrigger, TriggerEvent

from clickstream.airflow.triggers import FIRST_LOOK_SECONDS
from clickstream.airflow.triggers.shared_client import shared_client


class AthenaQueriesTrigger(BaseTrigger):
    """Fires when all of some queries have ended, or one has failed; a kill by a person stops those still running.

    Args:
        executions: query execution ids by name.
        poll_seconds: seconds between two looks.
        aws_conn_id: the Airflow connection.

    Its event is `{"executions": ids by name, "failed": None or {"name": ..., "reason": ...}}`.
    """

    def __init__(self, executions: dict[str, str], poll_seconds: float, aws_conn_id: str) -> None:
        super().__init__()
        self.executions = executions
        self.poll_seconds = poll_seconds
        self.aws_conn_id = aws_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "executions": self.executions,
                "poll_seconds": self.poll_seconds,
                "aws_conn_id": self.aws_conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        names = {execution: name for name, execution in self.executions.items()}
        hook = AthenaHook(aws_conn_id=self.aws_conn_id)
        async with shared_client(hook, hook.get_async_conn) as client:
            await asyncio.sleep(FIRST_LOOK_SECONDS)
            while True:
                answer = await client.batch_get_query_execution(QueryExecutionIds=list(names))
                states = {e["QueryExecutionId"]: e["Status"] for e in answer["QueryExecutions"]}
                for execution, status in states.items():
                    if status["State"] in {"FAILED", "CANCELLED"}:
                        reason = status.get("StateChangeReason", status["State"])
                        failed = {"name": names[execution], "reason": reason}
                        yield TriggerEvent({"executions": self.executions, "failed": failed})
                        return
                if len(states) == len(names) and all(status["State"] == "SUCCEEDED" for status in states.values()):
                    yield TriggerEvent({"executions": self.executions, "failed": None})
                    return
                await asyncio.sleep(self.poll_seconds)

    async def on_kill(self) -> None:
        async with await AthenaHook(aws_conn_id=self.aws_conn_id).get_async_conn() as client:
            for execution in self.executions.values():
                await client.stop_query_execution(QueryExecutionId=execution)
