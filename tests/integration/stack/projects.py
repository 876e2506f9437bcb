"""A copy of the project with one of its DAG files, with a local cloud and an Airflow of its own."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands import airflow_stack, cloud, stack
from commands.airflow_api import Airflow
from commands.settings import ROOT, Settings
from tests.integration.stack.conftest import free_ports


@contextmanager
def project_with(dag_file: str, root: Path, state: Path | None = None) -> Iterator[Settings]:
    """The copy, whose files a test may change, and its cloud, to which AWS's variables lead meanwhile.

    Args:
        dag_file: the only file in its folder `dags`.
        root: a new folder.
        state: of an ended cloud, with which this one begins.
    """
    for part in ("plugins", "include", "local"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "dags").mkdir()
    shutil.copy(ROOT / "dags" / dag_file, root / "dags")
    (root / ".venv").symlink_to(ROOT / ".venv")
    settings = Settings(root / "state", *free_ports(3), root=root)
    variables = {
        "STATE": str(settings.state),
        "CLOUD_PORT": str(settings.cloud_port),
        "AWS_ENDPOINT_URL": settings.cloud_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        try:
            if state:
                shutil.copytree(state, settings.state)
            else:
                settings.state.mkdir()
            stack.start_cloud(settings)
            cloud.lay_foundation(settings)
            yield settings
        finally:
            stack.stop(settings)


@contextmanager
def airflow_of(settings: Settings, dag: str) -> Iterator[Airflow]:
    """The copy's Airflow, once it knows its DAG; it ends with the copy."""
    stack.start_airflow(settings)
    with Airflow(settings.airflow_url, *airflow_stack.LOGIN) as airflow:
        while airflow.is_paused(dag) is None:
            time.sleep(1)
        yield airflow
