"""Real processes: what is running, what is ours, and that stopping stops all of it and nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commands import processes
from commands.processes import Part

SLEEP = (sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('awake', flush=True); time.sleep(600)",
)
# A child in a process group of its own, as Airflow's tasks are.
FORK = """
import os, time
pid = os.fork()
if not pid: os.setpgid(0, 0)
print("parent" if pid else "child", os.getpid(), flush=True)
time.sleep(600)
"""
PARENT = (sys.executable, "-c", FORK)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    processes.stop(tmp_path / "state", [part.name for part in processes.all_running(tmp_path / "state")], within=0)


def start(state: Path, argv: tuple[str, ...], *says: str) -> None:
    """Start it and wait until its log says so."""
    processes.start(Part("part", argv), state, state.parent)
    log = processes.log_path(state, "part")
    until(lambda: all(word in log.read_text() for word in says))


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_part_is_known_as_long_as_it_runs(state: Path) -> None:
    part = Part("part", SLEEP, {"WORD": "x"}, port=1234)
    assert processes.running(state, "part") is None
    processes.start(part, state, state.parent)

    found = processes.running(state, "part")
    assert found
    assert found.led
    assert lives(found.pid)
    assert (found.port, found.fingerprint) == (1234, part.fingerprint)
    assert abs(found.started - time.time()) < 10
    assert [each.name for each in processes.all_running(state)] == ["part"]

    processes.stop(state, ["part"])
    assert processes.running(state, "part") is None
    assert not lives(found.pid)


def test_a_part_outlives_the_command_that_started_it(state: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from commands import processes\n"
        f"processes.start(processes.Part('part', {SLEEP!r}), Path({str(state)!r}), Path('/'))"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=root, check=True, start_new_session=True)
    found = processes.running(state, "part")
    assert found
    assert found.led


def test_a_process_id_that_was_given_to_another_is_not_ours(state: Path) -> None:
    stranger = subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        record = state / "run/part.json"
        record.parent.mkdir(parents=True)
        about = {"port": None, "fingerprint": "", "stop_signal": signal.SIGTERM, "started": 0.0}
        record.write_text(json.dumps(about) + f"\n{stranger.pid}\n")

        assert processes.running(state, "part") is None
        processes.stop(state, ["part"])
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_orphans_of_a_killed_part_are_found_and_stopped(state: Path) -> None:
    start(state, PARENT, "child", "parent")
    pids = {word: int(pid) for word, pid in map(str.split, processes.log_path(state, "part").read_text().splitlines())}
    found = processes.running(state, "part")
    assert found
    assert found.pid == pids["parent"]
    os.kill(found.pid, signal.SIGKILL)  # it stays as a zombie, because this test does not wait for its child
    until(lambda: not lives(pids["parent"]))

    orphaned = processes.running(state, "part")
    assert orphaned
    assert not orphaned.led
    processes.stop(state, ["part"])
    assert processes.running(state, "part") is None
    assert not lives(pids["child"])


def test_a_part_that_does_not_end_is_killed(state: Path) -> None:
    start(state, STUBBORN, "awake")
    found = processes.running(state, "part")
    assert found
    processes.stop(state, ["part"], within=0.2)
    assert processes.running(state, "part") is None
    assert not lives(found.pid)


def test_a_part_gets_its_own_stop_signal(state: Path) -> None:
    program = "import signal, time; signal.signal(signal.SIGINT, lambda *_: print('asked', flush=True) or exit())"
    argv = (sys.executable, "-c", program + "; print('awake', flush=True); time.sleep(600)")
    processes.start(Part("part", argv, stop_signal=signal.SIGINT), state, state.parent)
    until(lambda: "awake" in processes.log_path(state, "part").read_text())
    processes.stop(state, ["part"])
    assert "asked" in processes.log_path(state, "part").read_text()


def test_the_fingerprint_tells_every_change_that_needs_a_new_start() -> None:
    part = Part("part", ("a",), {"X": "1"}, port=1, code="c")
    others = [
        Part("part", ("b",), {"X": "1"}, port=1, code="c"),
        Part("part", ("a",), {"X": "2"}, port=1, code="c"),
        Part("part", ("a",), {"X": "1"}, port=2, code="c"),
        Part("part", ("a",), {"X": "1"}, port=1, code="d"),
    ]
    assert len({part.fingerprint, *(other.fingerprint for other in others)}) == 5
    assert Part("part", ("a",), {"X": "1"}, port=1, code="c").fingerprint == part.fingerprint


def test_a_large_log_is_set_aside_at_the_next_start(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_KEPT", 3)
    start(state, SLEEP, "awake")
    processes.stop(state, ["part"])
    start(state, SLEEP, "awake")
    assert (state / "logs/part.log.1").read_text() == "awake\n"
    assert (state / "logs/part.log").read_text() == "awake\n"
