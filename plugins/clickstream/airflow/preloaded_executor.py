"""An executor whose tasks begin with their imports done.

A task runs in a process that is forked from the executor's. What it imports, Airflow's task runner, the Amazon provider
and this product, takes seconds of CPU, more than most tasks work: the executor imports it once, for all of them.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from airflow.executors.local_executor import LocalExecutor

MODULES = ("airflow.sdk.execution_time.task_runner", "boto3", "great_expectations")
PACKAGE = "clickstream"
OF_ANOTHER_PROCESS = "clickstream.airflow.plugin"
"""The pages' part of the product, which the API server loads."""


class PreloadedExecutor(LocalExecutor):
    """Airflow's LocalExecutor; its workers are forked after the imports, and share their memory."""

    def start(self) -> None:
        for name in MODULES:
            import_module(name)
        for found in pkgutil.walk_packages(import_module(PACKAGE).__path__, f"{PACKAGE}."):
            if found.name != OF_ANOTHER_PROCESS:
                import_module(found.name)
        super().start()
