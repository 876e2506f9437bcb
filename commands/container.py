"""What a service of docker-compose.yaml runs, in the foreground: a part that `make up` starts, or a step of `make up`.

    python -m commands.container run NAME        a part or a step
    python -m commands.container healthy PART    exit code 0 when the part works

The steps are `prepare`, which Airflow needs before it starts, and `sample`, once all parts are up.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

import httpx

from commands import airflow_stack, cloud, database, stack, up
from commands.airflow_api import Airflow, AirflowSilent
from commands.processes import Part
from commands.settings import Settings
from commands.terminal import command


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m commands.container")
    parser.add_argument("action", choices=("run", "healthy"))
    parser.add_argument("name")
    asked = parser.parse_args()
    settings = Settings.from_environment()
    if asked.action == "healthy":
        sys.exit(0 if is_healthy(settings, asked.name) else 1)
    if step := STEPS.get(asked.name):
        step(settings)
    else:
        become(settings, asked.name)


def prepare(settings: Settings) -> None:
    """Airflow's database and the foundation of the local cloud."""
    airflow_stack.migrate(settings)
    cloud.lay_foundation(settings)


def sample(settings: Settings) -> None:
    """Pools, paths, the sample day and its proof."""
    with Airflow(settings.airflow_url, *airflow_stack.LOGIN) as airflow:
        stack.set_pools(settings, airflow)
    up.send_sample(settings)
    up.conclude(settings, up.prove_sample(settings))


PARTS = ("postgres", "cloud", *airflow_stack.PARTS)
STEPS: dict[str, Callable[[Settings], None]] = {"prepare": prepare, "sample": sample}


def become(settings: Settings, name: str) -> None:
    """Replace this process by a part.

    :raises KeyError: there is no part of that name.
    """
    if name == "postgres":
        database.prepare(settings)
    part = _part(settings, name)
    os.chdir(settings.root)
    os.execvpe(part.argv[0], part.argv, os.environ | part.environment)


def is_healthy(settings: Settings, name: str) -> bool:
    """Whether a part works.

    :raises KeyError: there is no part of that name.
    """
    if name == "postgres":
        return database.answers(settings)
    if name == "cloud":
        return cloud.answers(settings)
    try:
        if port := _part(settings, name).port:
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
            return True
        with Airflow(settings.airflow_url, *airflow_stack.LOGIN) as airflow:
            return name.replace("-", "_") in airflow.heartbeats()
    except (AirflowSilent, httpx.TransportError):
        return False


def _part(settings: Settings, name: str) -> Part:
    match name:
        case "postgres":
            return database.part(settings)
        case "cloud":
            return cloud.part(settings, code="")
    return {part.name: part for part in airflow_stack.parts(settings, code="")}[name]


if __name__ == "__main__":
    command(main)
