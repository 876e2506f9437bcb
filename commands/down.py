"""`make down`: stop everything; what it has made stays in STATE."""

from __future__ import annotations

from commands import stack
from commands.settings import Settings
from commands.terminal import command, say


def main() -> None:
    settings = Settings.from_environment()
    with stack.alone(settings):
        stopped = stack.stop(settings)
    say(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


if __name__ == "__main__":
    command(main)
