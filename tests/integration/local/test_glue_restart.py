"""Job runs and the end of the local cloud: no process of a run outlives it, and the run is told as failed."""

import signal

import pytest

from tests.integration.local.conftest import Cloud, wait_until
from tests.integration.local.glue_runs import WAITS, GlueRuns, alive


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_run_ends_with_the_cloud_and_is_told_as_failed(cloud: Cloud, how: signal.Signals) -> None:
    runs = GlueRuns(cloud)
    done, job, waits = runs.job("print('done')"), runs.job(WAITS), runs.job("")
    another = runs.job(WAITS)
    ended = runs.ends(done, runs.start(done))
    run_id, beside, waiting = runs.start(job), runs.start(another), runs.start(waits)
    pids = [
        pid for each, run in ((job, run_id), (another, beside)) for pid in runs.pids(runs.reaches(each, run, "RUNNING"))
    ]

    cloud.stop(how)
    wait_until(lambda: not any(alive(pid) for pid in pids))

    cloud.start()
    assert runs.get(done, ended["Id"]) == ended
    for name, run, state in ((job, run_id, "RUNNING"), (another, beside, "RUNNING"), (waits, waiting, "STARTING")):
        found = runs.get(name, run)
        assert found["JobRunState"] == "FAILED"
        assert found["ErrorMessage"] == f"The local cloud ended while the run was {state}."
        assert found["CompletedOn"] >= found["StartedOn"]
    assert runs.ends(done, runs.start(done))["JobRunState"] == "SUCCEEDED"
    assert not list((cloud.state / "glue").iterdir())
