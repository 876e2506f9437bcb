"""What tasks import is there before the workers are forked."""

import subprocess
import sys

SCRIPT = """
import sys
from airflow.executors.local_executor import LocalExecutor
from clickstream.airflow.preloaded_executor import PreloadedExecutor

def start(self):
    wanted = {"airflow.sdk.execution_time.task_runner", "clickstream.airflow.proof", "great_expectations"}
    print("missing:", sorted(wanted - sys.modules.keys()), "clickstream.airflow.plugin" in sys.modules)

LocalExecutor.start = start
PreloadedExecutor(parallelism=1).start()
"""


def test_imports_are_done_before_workers_are_forked() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "missing: [] False"
