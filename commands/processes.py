"""The stack's parts as detached processes that survive the command which started them.

A part keeps a lock on its record file (`STATE/run/<part>.json`) for as long as it or a child of it lives: the
descriptor is inherited. A free lock therefore means that nothing of it runs, whatever the recorded process id
says, so neither a reboot nor a process id used again can fool a later command into killing a stranger.
Standard library of Python 3.7 only: `commands/doctor.py` reads records before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

LOG_KEPT = 10_000_000  # bytes; a larger log is set aside as `<part>.log.1` when its part starts


@dataclass(frozen=True)
class Part:
    """A process of the stack, as it should run."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    """Added to the environment of the command that starts it."""
    port: int | None = None
    """What it listens on, for `make doctor`."""
    code: str = ""
    """Digest of the code that the process keeps in memory: when it differs, the part is started anew."""
    stop_signal: int = signal.SIGTERM

    @property
    def fingerprint(self) -> str:
        known = [self.argv, sorted(self.environment.items()), self.port, self.code]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()


@dataclass(frozen=True)
class Running:
    """A part of which at least one process lives."""

    name: str
    pid: int
    port: int | None
    fingerprint: str
    stop_signal: int
    started: float
    """Seconds since the epoch."""

    @property
    def led(self) -> bool:
        """Whether its first process lives; without it the others are orphans. (The kernel gives nobody else a
        process id that is still the session id of an orphan; a container may keep the dead as zombies.)"""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
            return state != "Z" and os.getsid(self.pid) == self.pid
        except (FileNotFoundError, ProcessLookupError):
            return False


def log_path(state: Path, name: str) -> Path:
    """Where a part writes what it has to say."""
    return state / "logs" / f"{name}.log"


def running(state: Path, name: str) -> Running | None:
    """What is known of a part that runs; None when nothing of it does."""
    while True:
        try:
            record = _record_path(state, name).open()
        except FileNotFoundError:
            return None
        with record:
            try:
                fcntl.flock(record, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                known = record.read().splitlines()
        if len(known) == 2:
            return Running(name=name, pid=int(known[1]), **json.loads(known[0]))
        time.sleep(0.01)  # it is just being started


def all_running(state: Path) -> list[Running]:
    """Every part that runs, also such as this version of the project no longer knows."""
    names = sorted(path.stem for path in (state / "run").glob("*.json"))
    return list(filter(None, (running(state, name) for name in names)))


def start(part: Part, state: Path, root: Path) -> None:
    """Start a part that does not run, in a session of its own.

    :param root: its working folder.
    """
    log = log_path(state, part.name)
    record_path = _record_path(state, part.name)
    for folder in (log.parent, record_path.parent):
        folder.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_KEPT:
        log.replace(log.with_suffix(".log.1"))
    about = {
        "port": part.port,
        "fingerprint": part.fingerprint,
        "stop_signal": part.stop_signal,
        "started": time.time(),
    }
    with record_path.open("a") as record, log.open("ab") as output:
        fcntl.flock(record, fcntl.LOCK_EX)
        record.truncate(0)
        record.write(json.dumps(about) + "\n")
        record.flush()
        # The shell writes the process id before it becomes the part: a record is never locked without one,
        # even when this command is killed here.
        argv = ["/bin/sh", "-c", 'echo $$ >> "$0"; exec "$@"', str(record_path), *part.argv]
        child = subprocess.Popen(
            argv,
            cwd=root,
            env={**os.environ, **part.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[record.fileno()],
        )
        child.returncode = 0  # it outlives this command, which never waits for it; Python would warn


def stop(state: Path, names: Iterable[str], within: float = 20) -> None:
    """Ask parts to end, all at once; kill what is left of them after ``within`` seconds.

    :raises TimeoutError: when a killed part still holds its record 10 seconds later.
    """
    parts = list(filter(None, (running(state, name) for name in names)))
    for part in parts:
        if part.led:
            os.kill(part.pid, part.stop_signal)
    deadline = time.monotonic() + within
    for part in parts:
        while part.led and running(state, part.name) and time.monotonic() < deadline:
            time.sleep(0.05)
    deadline = time.monotonic() + 10
    for part in parts:
        while running(state, part.name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{part.name} (process {part.pid}) cannot be killed")
            for pid in _session(part.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)


def _record_path(state: Path, name: str) -> Path:
    return state / "run" / f"{name}.json"


def _session(leader: int) -> Iterator[int]:
    """The processes of a session. (Not of a process group: Airflow gives each task a group of its own.)"""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(int(entry.name)) == leader:
                    yield int(entry.name)
