"""Waiting until a delivery's watermark has passed the end of a window."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.triggers.base import BaseTrigger, TriggerEvent

from clickstream.airflow.runs import source_named
from clickstream.airflow.triggers import FIRST_LOOK_SECONDS
from clickstream.airflow.triggers.shared_client import shared_client
from clickstream.lake.windows import hour_text, parse_hour
from clickstream.reconciliation.watermark import read_watermark, watermark_request


class WatermarkTrigger(BaseTrigger):
    """Fires when the watermark has passed, or when it can no longer pass within the settle limit.

    Args:
        source: the source's name.
        end: end of the window, as an arrival hour's text.
        deadline: end of the settle limit, ISO 8601.
        poll_seconds: seconds between two looks.
        aws_conn_id: the Airflow connection.

    Its event is `{"passed": bool}`.
    """

    def __init__(self, source: str, end: str, deadline: str, poll_seconds: float, aws_conn_id: str) -> None:
        super().__init__()
        self.source = source
        self.end = end
        self.deadline = deadline
        self.poll_seconds = poll_seconds
        self.aws_conn_id = aws_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "source": self.source,
                "end": hour_text(parse_hour(self.end)),
                "deadline": self.deadline,
                "poll_seconds": self.poll_seconds,
                "aws_conn_id": self.aws_conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        source, end = source_named(self.source), parse_hour(self.end)
        hook = AwsBaseHook(aws_conn_id=self.aws_conn_id, client_type="cloudwatch")
        async with shared_client(hook, hook.get_async_conn) as client:
            await asyncio.sleep(FIRST_LOOK_SECONDS)
            while True:
                late = datetime.now(UTC) > datetime.fromisoformat(self.deadline)
                answer = await client.get_metric_data(**watermark_request(source, end))
                passed = read_watermark(source, answer, end).passed
                if passed or late:
                    yield TriggerEvent({"passed": passed})
                    return
                await asyncio.sleep(self.poll_seconds)
