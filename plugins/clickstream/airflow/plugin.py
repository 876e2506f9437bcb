"""What Airflow has to be told of: timetables that DAGs are stored with."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from clickstream.airflow.timetables import DailyUntil, HourlyUntil


class ClickstreamPlugin(AirflowPlugin):
    """The product's plugin."""

    name = "clickstream"
    timetables = [DailyUntil, HourlyUntil]  # noqa: RUF012
