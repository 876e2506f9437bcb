"""What processes cost, from /proc: theirs is a session, which the first of them leads."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def named(word: str) -> set[int]:
    """The sessions in which a process was given this word as an argument."""
    return {_session(pid) for pid in _processes() if f"\0{word}\0" in _text(pid / "cmdline")} - {0}


def megabytes(sessions: Collection[int]) -> float:
    """Memory of the processes of sessions, shared pages in shares."""
    shares = [_text(pid / "smaps_rollup") for pid in _processes() if _session(pid) in sessions]
    return sum(int(share.split("\nPss:")[1].split()[0]) for share in shares if "\nPss:" in share) / 1000


def cpu_seconds(sessions: Collection[int]) -> float:
    """CPU that the living processes of sessions have used so far."""
    used = [_fields(pid) for pid in _processes() if _session(pid) in sessions]
    return sum(int(fields[11]) + int(fields[12]) for fields in used if fields) / TICKS


def _processes() -> list[Path]:
    return list(Path("/proc").glob("[0-9]*"))


def _session(pid: Path) -> int:
    fields = _fields(pid)
    return int(fields[3]) if fields else 0


def _fields(pid: Path) -> list[str]:
    """Of proc(5)'s `stat`, from the state on."""
    return _text(pid / "stat").rpartition(")")[2].split()


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # it has ended meanwhile
