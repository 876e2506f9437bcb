"""What the tests of this folder share: a real stack with one small DAG, and lakes to prove."""

import shutil
import socket
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from clickstream.sources.loader import load_sources
from commands import processes, stack
from commands.settings import ROOT, Settings
from tests.integration.stack.clouds import copy_of
from tests.integration.stack.feed import DAYS, Feed, make_feed
from tests.integration.stack.proof import lake_on

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
    for folder in ("dags", "local", "include/sources"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "plugins", root / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
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


@pytest.fixture(scope="session")
def feed() -> Feed:
    """What the lakes below hold."""
    return make_feed(load_sources()[0]["retail_web"].verify_from)


@pytest.fixture(scope="session")
def sent_state(feed: Feed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of an ended cloud: the feed lies in Bronze, nothing is proven. To be copied, not used."""
    state = tmp_path_factory.mktemp("sent")
    with lake_on(state) as lake:
        lake.send(feed)
    return state


@pytest.fixture(scope="session")
def proven_state(sent_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `sent_state`; every day is proven, one after the other."""
    state = copy_of(sent_state, tmp_path_factory.mktemp("proven"))
    with lake_on(state) as lake:
        for day in range(DAYS):
            outcome = lake.prove(lake.days(day, day))
            assert outcome.verdict.failed == []
    return state
