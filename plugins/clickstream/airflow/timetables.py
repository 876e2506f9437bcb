"""When a source's hours are counted and its days proven."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from pendulum import DateTime, instance


class _Until(CronDataIntervalTimetable):
    """Intervals in UTC, scheduled up to an end; a backfill may go beyond it.

    A DAG's own `end_date` would also keep the tasks of a backfill from running.

    Args:
        until: no interval is scheduled that ends later; None: they are scheduled for ever.
    """

    cron: ClassVar[str]
    length: ClassVar[timedelta]

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__(self.cron, "UTC")
        self.until = until

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The next interval; only the scheduler asks without a latest date of its own."""
        if self.until is not None and restriction.latest is None:
            latest: DateTime = instance(self.until - self.length)
            restriction = restriction._replace(latest=latest)
        return super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )

    def serialize(self) -> dict[str, Any]:
        return {"until": self.until.isoformat() if self.until else None}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Self:
        return cls(datetime.fromisoformat(data["until"]) if data["until"] else None)


class HourlyUntil(_Until):
    """Hours."""

    cron = "0 * * * *"
    length = timedelta(hours=1)


class DailyUntil(_Until):
    """Days."""

    cron = "0 0 * * *"
    length = timedelta(days=1)
