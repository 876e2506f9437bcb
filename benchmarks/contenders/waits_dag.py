"""Waits that the triggerer holds from their beginning, so that no worker has to defer each of them first."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator
from airflow.triggers.base import StartTriggerArgs


class Wait(BaseOperator):
    """One wait; it never ends by itself."""

    start_from_trigger = True

    def __init__(self, *, trigger: str, arguments: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_trigger_args = StartTriggerArgs(trigger, next_method="go_on", trigger_kwargs=arguments)
        self.start_from_trigger = True

    def go_on(self, context: Any, event: Any) -> None:
        raise AssertionError(f"the wait has ended: {event}")


WAITS = json.loads(Path(__file__).with_suffix(".json").read_text())

with DAG("waits", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), max_active_tasks=len(WAITS)):
    for number, wait in enumerate(WAITS):
        Wait(task_id=f"wait_{number}", **wait)
