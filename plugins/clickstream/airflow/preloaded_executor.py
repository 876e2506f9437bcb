"""An executor whose tasks begin with their imports done.

A task runs in a process that is forked from the executor's. Airflow's task runner, the Amazon provider and this
product take two to three seconds of CPU to import, more than most tasks work: the executor imports them once.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from airflow.executors.local_executor import LocalExecutor

PACKAGES = ("clickstream",)
MODULES = ("airflow.sdk.execution_time.task_runner", "boto3", "great_expectations")
NEVER = ("clickstream.airflow.plugin",)
"""Belongs to the API server."""


class PreloadedExecutor(LocalExecutor):
    """Airflow's LocalExecutor; its workers are forked after the imports, and share their memory."""

    def start(self) -> None:
        for name in MODULES:
            import_module(name)
        for package in PACKAGES:
            for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
                if module.name not in NEVER:
                    import_module(module.name)
        super().start()
