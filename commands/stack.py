"""The whole stack: bring each part to where it should be, or stop them all."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from commands import airflow_stack, cloud, database, processes
from commands.airflow_api import Airflow, AirflowSilent
from commands.processes import Part
from commands.settings import Settings
from commands.terminal import Failed, say

START_WITHIN = 180  # seconds; 15 are usual, a busy machine may need many times that


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Keep two commands from starting and stopping the same stack at once."""
    settings.state.mkdir(parents=True, exist_ok=True)
    (settings.state / ".clickstream").touch()  # `make clean` removes no folder without it
    with (settings.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"another `make up` or `make down` is at work on {settings.state}") from None
        yield


def start_cloud(settings: Settings) -> None:
    """The local cloud, until it answers."""
    code = _digest(settings.root / "local") + _installed(settings.local_bin)
    part = cloud.part(settings, code)
    _bring_up(settings, [part])
    _wait(settings, [part], lambda: cloud.answers(settings))


def start_airflow(settings: Settings) -> None:
    """Airflow with its database, until every part has given a sign of life, and a pool for each source."""
    server = database.part(settings)
    if not _runs_as_it_should(settings, server):
        processes.stop(settings.state, airflow_stack.PARTS)  # they do not outlive their database for long
        processes.stop(settings.state, [server.name])
        database.prepare(settings)
        processes.start(server, settings.state, settings.root)
    _wait(settings, [server], lambda: database.answers(settings))
    airflow_stack.migrate(settings)
    installed = _installed(settings.airflow_bin)
    parts = airflow_stack.parts(settings, _digest(settings.root / "plugins") + installed)
    _bring_up(settings, parts)
    with Airflow(settings.airflow_url, *airflow_stack.LOGIN) as airflow:
        _wait(settings, [server, *parts], lambda: _all_alive(settings, airflow))
        set_pools(settings, airflow)


def set_pools(settings: Settings, airflow: Airflow) -> None:
    """A pool of one slot for each source: it has one writer."""
    for name in source_names(settings):
        airflow.set_pool(name, 1, f"One writer for {name}: live, backfill and replay runs queue up")


def stop(settings: Settings) -> list[str]:
    """Stop everything that runs, the database last; returns the names of what ran."""
    names = [part.name for part in processes.all_running(settings.state)]
    processes.stop(settings.state, [name for name in names if name != "postgres"])
    processes.stop(settings.state, ["postgres"])
    return names


def source_names(settings: Settings) -> list[str]:
    """Every source that is declared, well or badly."""
    return sorted(path.stem for path in (settings.root / "include/sources").glob("*.yaml"))


def _bring_up(settings: Settings, parts: list[Part]) -> None:
    """Start what does not run; what runs otherwise than it should is stopped first, all of it at once."""
    amiss = [part for part in parts if not _runs_as_it_should(settings, part)]
    processes.stop(settings.state, [part.name for part in amiss])
    for part in amiss:
        processes.start(part, settings.state, settings.root)


def _runs_as_it_should(settings: Settings, part: Part) -> bool:
    found = processes.running(settings.state, part.name)
    if found and found.led and found.fingerprint == part.fingerprint:
        return True
    if found:
        say(f"{part.name}: " + ("settings or code changed" if found.led else "was killed") + ": starting it anew")
    return False


def _wait(settings: Settings, parts: list[Part], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not ready():
        for part in parts:
            if not processes.running(settings.state, part.name):
                log = processes.log_path(settings.state, part.name)
                raise Failed(f"{part.name} ended while it started", log=log)
        if time.monotonic() > deadline:
            names = ", ".join(part.name for part in parts)
            raise Failed(f"not all of these are up after {START_WITHIN} s: {names}", todo="make logs")
        time.sleep(0.2)


def _all_alive(settings: Settings, airflow: Airflow) -> bool:
    try:
        beats = airflow.heartbeats()
        httpx.get(f"http://127.0.0.1:{settings.airflow_log_port}/", trust_env=False)
    except (AirflowSilent, httpx.TransportError):
        return False
    # A killed scheduler counts as healthy for half a minute: only a sign of life of the one that runs now counts.
    return all(
        (found := processes.running(settings.state, part))
        and (beat := beats.get(part.replace("-", "_")))
        and beat.timestamp() > found.started
        for part in ("scheduler", "triggerer", "dag-processor")
    )


def _installed(programs: Path) -> str:
    return (programs.parent / "complete").read_text()


def _digest(folder: Path) -> str:
    """Of all Python below a folder: what a process that imported it would have in memory."""
    code = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        code.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return code.hexdigest()
