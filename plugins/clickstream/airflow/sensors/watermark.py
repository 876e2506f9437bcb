"""The wait for the watermark, as a task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator

from clickstream.airflow.runs import AWS_CONNECTION, source_named
from clickstream.lake.windows import Window


class NotClosed(RuntimeError):
    """The watermark did not pass within the settle limit: the delivery stands still, or its metrics are missing."""


class WatermarkSensor(BaseOperator):
    """Wait until everything that arrived before the window's end has been delivered: deferred, unless it has been.

    Args:
        source: the source's name.
        window: `START/END` (templated).
        poll_seconds: seconds between two looks.
    """

    template_fields: Sequence[str] = ("window",)

    def __init__(self, *, source: str, window: str, poll_seconds: float = 30, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.window = window
        self.poll_seconds = poll_seconds

    def execute(self, context: Any) -> None:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

        from clickstream.airflow.triggers.watermark import WatermarkTrigger
        from clickstream.reconciliation.watermark import read_watermark, watermark_request

        source, end = source_named(self.source), Window.parse(self.window).end
        client: Any = AwsBaseHook(aws_conn_id=AWS_CONNECTION, client_type="cloudwatch").conn
        if read_watermark(source, client.get_metric_data(**watermark_request(source, end)), end).passed:
            return
        limit = timedelta(minutes=source.checks.settle_limit_minutes)
        self.defer(
            trigger=WatermarkTrigger(
                self.source,
                self.window.partition("/")[2],
                (end + limit).isoformat(),
                self.poll_seconds,
                AWS_CONNECTION,
            ),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> None:
        """Resume when the watermark has passed or cannot pass any more."""
        if not event["passed"]:
            minutes = source_named(self.source).checks.settle_limit_minutes
            raise NotClosed(
                f"{self.source}: no DataFreshness of the delivery shows within {minutes} minutes "
                f"(checks.settle_limit_minutes) that {self.window} is complete"
            )
