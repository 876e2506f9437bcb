"""What the commands say: progress with the seconds that have passed, and failures with what to do next."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_started = float(os.environ.get("STARTED", time.time()))  # set by the Makefile: checks and installs count, too


class Failed(Exception):
    """A command cannot go on: why, where more is written, and what to do."""

    def __init__(self, reason: str, *, log: Path | None = None, todo: str | None = None) -> None:
        super().__init__(reason)
        self.log = log
        self.todo = todo


def say(message: str) -> None:
    """One line of progress."""
    print(f"[{time.time() - _started:5.0f} s] {message}", flush=True)


def command(main: Callable[[], None]) -> None:
    """Run a command to its end: exit code 1 and the reason on stderr when it failed, 130 on Ctrl-C."""
    try:
        main()
    except Failed as failure:
        print(f"\nFAILED: {failure}", file=sys.stderr)
        if failure.log:
            print(_end_of(failure.log), f"log: {failure.log}", sep="\n", file=sys.stderr)
        if failure.todo:
            print(f"next: {failure.todo}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nInterrupted. What was started goes on; `make down` stops it.", file=sys.stderr)
        sys.exit(130)


def _end_of(log: Path) -> str:
    """What a log ends with; of a task's structured log only the errors, in words."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    if lines and lines[0].startswith("{"):
        entries = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        lines = [error for entry in entries for error in _errors(entry)]
    return "\n".join(f"  | {line[:300]}" for line in lines[-12:])


def _errors(entry: dict[str, Any]) -> Iterator[str]:
    if entry.get("level") in ("error", "critical"):
        yield entry["event"]
        for cause in entry.get("error_detail", ()):
            yield f"{cause['exc_type']}: {cause['exc_value']}"
