"""Airflow as these tests import it: an empty home of its own, this project's DAGs, no examples and no user's settings.

Airflow reads its settings once, when it is first imported: whichever test of a session comes first, they are the same.
"""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def settle() -> None:
    """Settle where Airflow lives; to be called before anything imports it."""
    if "airflow" in sys.modules:
        return
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ |= {
        "AIRFLOW_HOME": tempfile.mkdtemp(prefix="airflow-home-"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
