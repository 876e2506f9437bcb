"""A real stack on free ports, with one small DAG: started once for all tests of this folder."""

import socket
import textwrap
from collections.abc import Iterator

import pytest

from commands import processes, stack
from commands.settings import ROOT, Settings

DAG = """
    from datetime import datetime, timedelta, timezone

    from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
    from airflow.sdk import DAG, CronDataIntervalTimetable, task

    with DAG(
        "shop__daily",
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
        start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),
        end_date=datetime(2024, 1, 2, tzinfo=timezone.utc),
        catchup=True,
        max_active_runs=1,
        is_paused_upon_creation=True,
        default_args={"retries": 1, "retry_delay": timedelta(seconds=1), "pool": "shop"},
    ):
        @task
        def say():
            print("this is the task")

        TimeDeltaSensor(task_id="wait", delta=timedelta(seconds=1), deferrable=True) >> say()
"""


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Where a stack can be started that shares nothing but the environments with any other."""
    root = tmp_path_factory.mktemp("stack")
    for folder in ("dags", "plugins", "local", "include/sources"):
        (root / folder).mkdir(parents=True)
    (root / "dags/shop.py").write_text(textwrap.dedent(DAG))
    (root / "include/sources/shop.yaml").touch()
    (root / ".venv").symlink_to(ROOT / ".venv")
    found = Settings(root / "state", *free_ports(3), root=root)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield found
    stack.stop(found)


@pytest.fixture(scope="module")
def airflow_stack_up(settings: Settings) -> Settings:
    """A stack whose Airflow is up, after a first start that was cut short."""
    half_made = settings.state / "postgres.making"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("16\n")
    stack.start_airflow(settings)
    assert {part.name for part in processes.all_running(settings.state)} >= {"postgres", "scheduler"}
    return settings
