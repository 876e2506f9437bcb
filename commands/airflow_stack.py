"""Airflow's parts as they run on one machine, and their settings.

All listen on 127.0.0.1 only. Airflow's own log servers bind every interface and take no host, so scheduler and
triggerer are told to start none; `airflow-logs` serves the same files with the same application in their place.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
from importlib.metadata import version
from pathlib import Path

from commands import database
from commands.processes import Part, log_path
from commands.settings import Settings
from commands.terminal import Failed

PARTS = ("api-server", "scheduler", "dag-processor", "triggerer", "airflow-logs")
LOGIN = ("admin", "admin")
"""User and password of the pages; they listen on this machine only."""


def parts(settings: Settings, code: str) -> list[Part]:
    """Airflow's processes, without their database.

    :param code: digest of the product's code: Airflow keeps its timetable, triggers and plugin in memory, so its
        parts are started anew when it changed.
    """
    environment = _environment(settings)
    airflow = str(settings.airflow_bin / "airflow")
    uvicorn = str(settings.airflow_bin / "uvicorn")
    log_app = "airflow.utils.serve_logs.log_server:get_app"
    return [
        Part("api-server", (airflow, "api-server"), environment, port=settings.airflow_port, code=code),
        Part("scheduler", (airflow, "scheduler", "--skip-serve-logs"), environment, code=code),
        Part("dag-processor", (airflow, "dag-processor"), environment, code=code),
        Part("triggerer", (airflow, "triggerer", "--skip-serve-logs"), environment, code=code),
        Part(
            "airflow-logs",
            (uvicorn, "--factory", log_app, "--host=127.0.0.1", f"--port={settings.airflow_log_port}"),
            environment,
            port=settings.airflow_log_port,
        ),
    ]


def migrate(settings: Settings) -> None:
    """Bring the metadata database to this Airflow's version; quick when it is there already.

    :raises Failed: when the migration fails.
    """
    stamp = settings.state / "airflow/migrated"
    installed = version("apache-airflow")
    migrated = stamp.read_text() if stamp.exists() else None
    if migrated == installed:
        return
    if migrated is None:  # there is none, or its making was cut short
        database.recreate(settings)
    path = log_path(settings.state, "migrate")
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as log:
        done = subprocess.run(
            [str(settings.airflow_bin / "airflow"), "db", "migrate"],
            env={**os.environ, **_environment(settings)},
            cwd=settings.root,
            stdout=log,
            stderr=log,
            check=False,
        )
    if done.returncode:
        raise Failed("Airflow's database could not be migrated", log=path)
    stamp.write_text(installed)


def _environment(settings: Settings) -> dict[str, str]:
    """Airflow's settings; the other AWS variables come with the environment, from the Makefile."""
    home = settings.state / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    user, password = LOGIN
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({user: password}))
    kept = _secrets(home / "secrets.json")
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": settings.root / "dags",
            "plugins_folder": settings.root / "plugins",
            "load_examples": False,
            "executor": "clickstream.airflow.preloaded_executor.PreloadedExecutor",
            "parallelism": 4,
            "dags_are_paused_at_creation": False,
            "fernet_key": kept["fernet_key"],
            "simple_auth_manager_users": f"{user}:admin",
            "simple_auth_manager_passwords_file": passwords,
            "execution_api_server_url": f"{settings.airflow_url}/execution/",
            # Where the pages fetch a running task's log: the one name of this machine that is sure to be it.
            "hostname_callable": "urllib.request.localhost",
        },
        "database": {"sql_alchemy_conn": database.url(settings)},
        "api": {
            "host": "127.0.0.1",
            "port": settings.airflow_port,
            "base_url": settings.airflow_url,
            "workers": 1,
            "secret_key": kept["secret_key"],
            # 100 by default: the runs of a longer backfill would come without their end.
            "maximum_page_limit": 1000,
        },
        "api_auth": {"jwt_secret": kept["jwt_secret"]},
        "logging": {
            "base_log_folder": settings.logs / "tasks",
            "dag_processor_child_process_log_directory": settings.logs / "dags",
            "worker_log_server_port": settings.airflow_log_port,
            "trigger_log_server_port": settings.airflow_log_port,
        },
        # 1 s by default, and half of a short task's time is waiting for the scheduler's next look; each look costs CPU.
        "scheduler": {"scheduler_idle_sleep_time": 0.3, "enable_health_check": False},
        # 5 s by default, for which a slot stays taken after its task's end whenever the task's process takes longer to
        # go than to close its sockets: long enough for a trigger to overtake it.
        "workers": {"min_heartbeat_interval": 1},
        # A DAG file that was changed is read at once; every two minutes, not every half, those whose source was.
        "dag_processor": {"refresh_interval": 30, "min_file_process_interval": 120},
        "usage_data_collection": {"enabled": False},
    }
    return {
        "AIRFLOW_HOME": str(home),
        "AWS_ENDPOINT_URL": settings.cloud_url,
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(
            {"conn_type": "aws", "extra": {"region_name": os.environ["AWS_DEFAULT_REGION"]}}
        ),
        **{
            f"AIRFLOW__{section}__{name}".upper(): str(value)
            for section, options in sections.items()
            for name, value in options.items()
        },
    }


def _secrets(path: Path) -> dict[str, str]:
    """Keys that the parts share, made once."""
    if not path.exists():
        made = {
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "secret_key": secrets.token_urlsafe(64),
            "jwt_secret": secrets.token_urlsafe(64),
        }
        draft = path.with_suffix(".making")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made))
        draft.rename(path)
    keys: dict[str, str] = json.loads(path.read_text())
    return keys
