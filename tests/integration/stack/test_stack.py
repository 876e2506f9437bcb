"""Airflow's parts for real: who listens where, what a second start changes, and what survives kill -9."""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from commands import airflow_stack, backfill, database, processes, stack
from commands.airflow_api import Airflow, AirflowRefused
from commands.runs import follow
from commands.settings import Settings
from commands.terminal import Failed

DAG = "shop__daily"
FIRST, LAST = date(2024, 1, 1), date(2024, 1, 2)


def connect(settings: Settings) -> Airflow:
    return Airflow(settings.airflow_url, *airflow_stack.LOGIN)


def pids(settings: Settings) -> dict[str, int]:
    return {part.name: part.pid for part in processes.all_running(settings.state)}


def sessions(leaders: list[int]) -> list[int]:
    """Every process of the sessions that these processes lead."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(ProcessLookupError):
            if entry.name.isdigit() and os.getsid(int(entry.name)) in leaders:
                found.append(int(entry.name))
    return found


def listeners(leaders: list[int]) -> set[tuple[str, int]]:
    """Address and port of every TCP socket on which the sessions of these processes listen: /proc/net/tcp{,6}."""
    inodes = set()
    for fd in (fd for pid in sessions(leaders) for fd in Path(f"/proc/{pid}/fd").iterdir()):
        with suppress(FileNotFoundError):  # closed meanwhile
            inodes.add(str(fd.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                address, port = words[1].split(":")
                found.add((address, int(port, 16)))
    return found


def kill(settings: Settings, name: str) -> None:
    """Kill the first process of a part."""
    found = processes.running(settings.state, name)
    assert found
    os.kill(found.pid, signal.SIGKILL)
    while found.led:  # a signal takes a moment to arrive
        time.sleep(0.01)


def reboot(settings: Settings) -> None:
    """Kill everything at once, as a power cut does."""
    for pid in sessions(list(pids(settings).values())):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while processes.all_running(settings.state):
        time.sleep(0.01)


def test_everything_listens_on_this_machine_only(airflow_stack_up: Settings) -> None:
    loopback = socket.inet_aton("127.0.0.1")[::-1].hex().upper()
    assert listeners(list(pids(airflow_stack_up).values())) == {
        (loopback, airflow_stack_up.airflow_port),
        (loopback, airflow_stack_up.airflow_log_port),
    }


def test_a_second_start_changes_nothing(airflow_stack_up: Settings) -> None:
    before = pids(airflow_stack_up)
    stack.start_airflow(airflow_stack_up)
    assert pids(airflow_stack_up) == before


def test_the_pages_want_the_login(airflow_stack_up: Settings) -> None:
    with Airflow(airflow_stack_up.airflow_url, "admin", "wrong") as stranger, pytest.raises(AirflowRefused) as error:
        stranger.import_errors()
    assert error.value.status == 401


def test_secrets_are_for_the_owner_only(airflow_stack_up: Settings) -> None:
    assert (airflow_stack_up.state / "airflow/secrets.json").stat().st_mode & 0o077 == 0


def test_scheduled_runs_end_and_their_logs_can_be_read(airflow_stack_up: Settings) -> None:
    with connect(airflow_stack_up) as airflow:
        assert airflow.is_paused("unknown") is None
        airflow.unpause(DAG)
        follow(airflow, DAG, [FIRST, LAST])
        runs = airflow.runs(DAG, FIRST, LAST)
        assert [(run.date, run.state) for run in runs] == [(FIRST, "success"), (LAST, "success")]
        (say,) = (task for task in airflow.tasks(DAG, runs[0].id) if task.id == "say")
    assert "this is the task" in (airflow_stack_up.logs / "tasks" / say.log).read_text()


@pytest.fixture
def asked(airflow_stack_up: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[date, date], None]:
    """`make backfill` for the dates given, on a source whose every hour is verified."""
    hours = [{"arrival_hour": f"{day}T00:00:00Z", "state": "verified"} for day in (FIRST, LAST)]
    report = {"sources": {"shop": {"hours": hours, "dates": []}}}
    monkeypatch.setattr(backfill.Settings, "from_environment", lambda: airflow_stack_up)
    monkeypatch.setattr(backfill.status, "report", lambda source: report)
    monkeypatch.setattr(backfill.status, "show", lambda told: print("hours:", len(told["sources"]["shop"]["hours"])))
    monkeypatch.setenv("SOURCE", "shop")

    def ask(first: date, last: date) -> None:
        monkeypatch.setenv("FROM", str(first))
        monkeypatch.setenv("TO", str(last))
        backfill.main()

    return ask


def test_a_backfill_runs_every_date_again_even_of_a_paused_dag(
    airflow_stack_up: Settings, asked: Callable[[date, date], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(airflow_stack_up) as airflow:
        airflow.pause(DAG)
        asked(FIRST, LAST)
        assert [(run.state, run.kind) for run in airflow.runs(DAG, FIRST, LAST)] == [("success", "backfill")] * 2
        assert airflow.is_paused(DAG) is False
    said = capsys.readouterr().out
    assert "dry run: 2024-01-01, 2024-01-02" in said
    assert "was paused" in said
    assert "hours: 2" in said
    assert "2024-01-01 to 2024-01-02 proven" in said


def test_a_backfill_that_cannot_run_every_date_fails_and_says_which(
    airflow_stack_up: Settings, asked: Callable[[date, date], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(airflow_stack_up) as airflow:
        airflow.pause(DAG)
        backfill.start(airflow, DAG, [FIRST])  # and there it waits
        with pytest.raises(Failed, match="not every date ran"):
            asked(FIRST, FIRST)
        assert "2024-01-01 was skipped: its run" in capsys.readouterr().out
        with pytest.raises(Failed, match="from 2024-01-01 to 2024-01-01 is still at work"):
            asked(FIRST, LAST)
        airflow.unpause(DAG)
        follow(airflow, DAG, [FIRST])


@pytest.mark.parametrize(
    ("source", "first", "last", "fault"),
    [
        ("shops", "2024-01-01", "2024-01-02", "it may be shop"),
        ("shop", "2024-01-02", "2024-01-01", "later than"),
        ("shop", "2024-01-02", "", "must be dates"),
        ("shop", "2024-13-02", "2024-01-02", "must be dates"),
    ],
)
def test_a_backfill_refuses_what_it_does_not_understand(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, source: str, first: str, last: str, fault: str
) -> None:
    monkeypatch.setattr(backfill.Settings, "from_environment", lambda: settings)
    for knob, value in {"SOURCE": source, "FROM": first, "TO": last}.items():
        monkeypatch.setenv(knob, value)
    with pytest.raises(Failed, match=fault):
        backfill.main()


def test_a_killed_part_is_started_anew_and_the_others_are_left_alone(airflow_stack_up: Settings) -> None:
    before = pids(airflow_stack_up)
    kill(airflow_stack_up, "scheduler")
    stack.start_airflow(airflow_stack_up)
    after = pids(airflow_stack_up)
    assert after.pop("scheduler") != before.pop("scheduler")
    assert after == before


def test_after_a_reboot_everything_comes_back_with_what_it_knew(airflow_stack_up: Settings) -> None:
    with connect(airflow_stack_up) as airflow:
        airflow.unpause(DAG)
        follow(airflow, DAG, [FIRST, LAST])
    before = pids(airflow_stack_up)
    reboot(airflow_stack_up)
    # The machine gives old process ids to others: here, the database server's to this very test.
    lock = database.data_folder(airflow_stack_up) / "postmaster.pid"
    lock.write_text("\n".join([str(os.getpid()), *lock.read_text().splitlines()[1:]]) + "\n")
    stack.start_airflow(airflow_stack_up)
    assert not set(pids(airflow_stack_up).values()) & set(before.values())
    with connect(airflow_stack_up) as airflow:
        assert [run.state for run in airflow.runs(DAG, FIRST, LAST)] == ["success"] * 2


def test_a_stop_leaves_nothing_and_a_start_cut_short_is_made_good(airflow_stack_up: Settings) -> None:
    assert set(stack.stop(airflow_stack_up)) == {"postgres", *airflow_stack.PARTS}
    assert pids(airflow_stack_up) == {}
    (airflow_stack_up.state / "airflow/migrated").unlink()  # as when its first migration was cut short
    stack.start_airflow(airflow_stack_up)
    with connect(airflow_stack_up) as airflow:
        assert airflow.runs(DAG, FIRST, LAST) == []


def test_a_part_that_cannot_start_is_named_with_its_log(settings: Settings, tmp_path: Path) -> None:
    with socket.socket() as taken, pytest.raises(Failed, match="api-server ended while it started") as failure:
        taken.bind(("127.0.0.1", 0))
        unlucky = replace(settings, state=tmp_path, airflow_port=taken.getsockname()[1], airflow_log_port=0)
        try:
            stack.start_airflow(unlucky)
        finally:
            stack.stop(unlucky)
    assert failure.value.log == tmp_path / "logs/api-server.log"


def test_two_commands_do_not_work_on_one_stack_at_once(settings: Settings) -> None:
    with stack.alone(settings), pytest.raises(Failed, match="another"), stack.alone(settings):
        pass
