"""Where everything is: the Makefile's knobs, read from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """The knobs of one stack; several stacks run side by side when all of them differ.

    The Makefile holds the defaults, so a command started without it raises ``KeyError`` with the knob's name.
    """

    state: Path
    """Absolute folder of everything that outlives a process."""
    cloud_port: int
    """Port of the local cloud."""
    airflow_port: int
    """Port of Airflow's web pages and APIs."""
    airflow_log_port: int
    """Port from which Airflow's pages read the logs of running tasks and triggers."""
    root: Path = ROOT

    @classmethod
    def from_environment(cls) -> Settings:
        return cls(
            state=Path(os.environ["STATE"]).absolute(),
            cloud_port=int(os.environ["CLOUD_PORT"]),
            airflow_port=int(os.environ["AIRFLOW_PORT"]),
            airflow_log_port=int(os.environ["AIRFLOW_LOG_PORT"]),
        )

    @property
    def cloud_url(self) -> str:
        return f"http://127.0.0.1:{self.cloud_port}"

    @property
    def airflow_url(self) -> str:
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def airflow_bin(self) -> Path:
        """Programs of the environment that Airflow, the product and these commands run in."""
        return self.root / ".venv/airflow/bin"

    @property
    def local_bin(self) -> Path:
        """Programs of the local cloud's own environment."""
        return self.root / ".venv/local/bin"

    @property
    def logs(self) -> Path:
        return self.state / "logs"
