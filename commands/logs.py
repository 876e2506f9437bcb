"""`make logs [PART=…]`: the end of each part's log, or more of one part's."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from commands import processes
from commands.settings import Settings
from commands.terminal import Failed, command


def main() -> None:
    settings = Settings.from_environment()
    wanted = os.environ.get("PART")
    logs = {path.stem: path for path in sorted(settings.logs.glob("*.log"))}
    if wanted:
        if wanted not in logs:
            raise Failed(f"no part {wanted!r} has written a log; these have: {', '.join(logs) or 'none'}")
        _print_end(logs[wanted], 200)
        print(f"all of it: {logs[wanted]}")
        return
    running = {part.name for part in processes.all_running(settings.state)}
    for name, path in logs.items():
        print(f"== {name}{' (runs)' if name in running else ''}: {path}")
        _print_end(path, 10)
    print(f"tasks' own logs: {settings.logs / 'tasks'}")


def _print_end(path: Path, lines: int) -> None:
    with path.open(errors="replace") as log:
        print(*deque(log, lines), sep="", end="")


if __name__ == "__main__":
    command(main)
