"""The clock: held by one sender, and real again whatever becomes of the sender."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import orjson
import pytest

from commands import cloud_clock
from commands.cloud_clock import ClockIsHeld, CloudClock, held_clock

ROOT = Path(__file__).resolve().parents[3]
DAY = datetime(2026, 11, 18, tzinfo=UTC)
DEADLINE_SECONDS = 20


class Control(ThreadingHTTPServer):
    """The control API's clock; remembers where it was set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moves: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Control

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/_local/clock"
        self.server.moves.append(orjson.loads(body)["now"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def control() -> Iterator[Control]:
    with Control() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_clock_is_real_again_after_an_error(control: Control, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held_clock(tmp_path, control.url) as clock:
        clock.set(DAY)
        raise ZeroDivisionError
    assert control.moves == [DAY.isoformat(), None]


def test_the_clock_is_real_again_after_sigterm(control: Control, tmp_path: Path) -> None:
    program = f"""
import time
from datetime import datetime
from pathlib import Path
from commands.cloud_clock import held_clock
with held_clock(Path({str(tmp_path)!r}), {control.url!r}) as clock:
    clock.set(datetime.fromisoformat({DAY.isoformat()!r}))
    time.sleep(600)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as sender:
        try:
            _wait_for(lambda: bool(control.moves))
            sender.send_signal(signal.SIGTERM)
            assert sender.wait(DEADLINE_SECONDS) == 128 + signal.SIGTERM
        finally:
            sender.kill()
    assert control.moves == [DAY.isoformat(), None]


def test_a_second_sender_waits_for_the_first(control: Control, tmp_path: Path) -> None:
    def second() -> None:
        # The lock is that of the open file, so a thread contends like another process.
        with (tmp_path / "clock.lock").open("w") as lock:
            cloud_clock._lock(lock)
            order.append("second")

    order: list[str] = []
    waiting = threading.Thread(target=second)
    with held_clock(tmp_path, control.url):
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        order.append("first")
    waiting.join(DEADLINE_SECONDS)
    assert order == ["first", "second"]


def test_waiting_has_an_end(control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_clock, "LOCK_WAIT_SECONDS", 0)
    with held_clock(tmp_path, control.url), pytest.raises(ClockIsHeld), held_clock(tmp_path, control.url):
        pass
    assert control.moves == [None]


def test_within_a_send_the_clock_is_only_moved_forward(control: Control) -> None:
    with httpx.Client(base_url=control.url) as http:
        clock = CloudClock(http)
        clock.set(DAY)
        clock.advance(DAY - timedelta(seconds=1))
        clock.advance(DAY)  # it has ticked since it was set there
        clock.advance(DAY + timedelta(minutes=1))
    assert control.moves == [DAY.isoformat(), (DAY + timedelta(minutes=1)).isoformat()]


def _wait_for(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
